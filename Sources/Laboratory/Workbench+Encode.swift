internal import Experiments
internal import FoundationEssentials
internal import Synchronization
internal import Tensors

extension Workbench {
  /// Runs the open encoder as a whole, with a choice for each layer or along the front.
  func encode(
    _ choices: [LayerChoice], _ knobs: Knobs, models: Int?, isCancelled: () -> Bool,
    between: () -> Void, progress: (Answer) -> Void
  ) throws(LaboratoryError) -> Answer {
    let (experiment, texts) = try experiment()
    guard let models else {
      return .encoded(
        try experiment.run(choices, knobs, texts: texts, seconds: 2, isCancelled: isCancelled))
    }
    try experiment.front(
      .all, Self.candidates(knobs), count: models, texts: texts, seconds: 2,
      isCancelled: isCancelled,
      each: { (report) throws(LaboratoryError) in
        progress(.encoded(report))
        between()
      })
    return .finished
  }

  /// What a layer may become on the way along the front: the pattern of the knobs at sparsities from 0.3 to
  /// 0.9, beside staying as it is.
  private static func candidates(_ knobs: Knobs) -> [Knobs] {
    var plan = SweepPlan(tensors: ["*"], base: knobs)
    plan.base.scope = .layer
    plan.patterns = [knobs.pattern]
    plan.amounts = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map(Amount.sparsity)
    return plan.cells.map(\.knobs)
  }

  /// The encoder of the open model, read when it is first asked for, and the batch that is timed.
  private func experiment() throws(LaboratoryError) -> (ModelExperiment, [String]) {
    let open = try current()
    guard let path = open.info.path == "demo" ? nil : open.info.path, open.info.isEncoder else {
      throw .request(
        "\(open.info.name) is no whole encoder: open a directory with config.json, a vocabulary and all "
          + "weights, such as the one that make model fetches")
    }
    let evaluation = try sentences(configuration.evaluationText)
    let texts = Array(evaluation.prefix(32))
    if let known = experiments.withLock({ $0 }), known.path == path {
      return (known.experiment, texts)
    }
    let directory = path.hasSuffix(".safetensors") ? open.model.directory ?? path : path
    let fresh = try ModelExperiment(
      directory: directory, calibration: try sentences(configuration.calibrationText),
      evaluation: evaluation)
    experiments.withLock { $0 = (path, fresh) }
    return (fresh, texts)
  }

  private func sentences(_ path: String?) throws(LaboratoryError) -> [String] {
    guard let path, let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable("the sentences that calibrate and judge were not found beside the program")
    }
    return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
  }
}
