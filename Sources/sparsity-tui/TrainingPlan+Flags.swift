import Experiments

extension TrainingPlan {
  /// The flags of the subcommand that train by this plan; what is left to its default is left out.
  var flags: [String] {
    let usual = TrainingPlan()
    return terms.flatMap { term -> [String] in
      let isNamed = [.layers, .pattern, .sparsity, .lambda, .method].contains(term.knob)
      guard isNamed || term.value != usual.text(of: term.knob) else { return [] }
      switch term.knob {
      case .dense: return trainsDense ? ["--dense"] : []
      case .hidden: return ["--hidden-loss", term.value]
      case .tokens: return ["--tokens-per-step", term.value]
      case .every: return ["--evaluate-every", String(evaluateEvery)]
      case .out: return ["-o", term.value]
      default: return ["--\(term.knob.rawValue)", term.value]
      }
    }
  }
}
