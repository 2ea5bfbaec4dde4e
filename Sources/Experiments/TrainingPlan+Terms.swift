extension TrainingPlan {
  /// The current value as text that `set` reads back; nil for the sparsity or λ that does not own the
  /// mask, and for the one of steps and minutes that does not bound the run.
  public func text(of knob: TrainingKnob) -> String? {
    switch knob {
    case .layers: layers.rawValue
    case .pattern: pattern.description
    case .sparsity: requestedSparsity.map(NumberText.shortest)
    case .lambda: lambda.map(NumberText.shortest)
    case .method: method.rawValue
    case .minutes: minutes.map(NumberText.shortest)
    case .steps: steps.map { String($0) }
    case .rate: learningRate.map(NumberText.shortest) ?? "auto"
    case .dense: trainsDense ? "on" : "off"
    case .hidden: NumberText.shortest(hiddenLoss)
    case .tokens: String(tokensPerStep)
    case .criterion: criterion.rawValue
    case .regularizer: regularizer.rawValue
    case .ramp: NumberText.shortest(rampShare)
    case .cap: NumberText.shortest(capOfDying)
    case .warmUp: NumberText.shortest(warmUp)
    case .clip: NumberText.shortest(clip)
    case .every: evaluateEvery == 0 ? "auto" : String(evaluateEvery)
    case .seed: String(seed)
    case .threads: String(threads)
    case .text: text ?? "none"
    case .out: output ?? "none"
    }
  }

  /// The plan in words that give the same plan again, whatever they are laid over: every knob that its
  /// method looks at.
  public var terms: [TrainingTerm] {
    TrainingKnob.allCases.compactMap { knob in
      guard knob.matters(to: method), let value = text(of: knob) else { return nil }
      return TrainingTerm(knob, value)
    }
  }

  /// Sets one knob from text. The sparsity and λ take the mask from each other, steps and minutes the
  /// end of the run.
  /// - Throws: `KnobError` saying what the knob takes.
  public mutating func set(_ knob: TrainingKnob, to text: String) throws(KnobError) {
    switch knob {
    case .layers: layers = try choice(text, of: knob)
    case .pattern, .sparsity, .lambda, .criterion, .regularizer, .seed, .threads:
      try setShared(knob.shared!, to: text)
    case .method: method = try choice(text, of: knob)
    case .minutes:
      minutes = try number(text, of: knob, above: 0, most: 10_080)
      steps = nil
    case .steps:
      steps = try integer(text, of: knob, in: 1...10_000_000)
      minutes = nil
    case .rate:
      learningRate = text == "auto" ? nil : try number(text, of: knob, above: 0, most: 1)
    case .dense:
      switch text {
      case "on", "true", "yes": trainsDense = true
      case "off", "false", "no": trainsDense = false
      default: throw KnobError("\(knob.rawValue) \(text): expected on or off")
      }
    case .hidden: hiddenLoss = try number(text, of: knob, from: 0, most: 1000)
    case .tokens: tokensPerStep = try integer(text, of: knob, in: 16...65_536)
    case .ramp: rampShare = try number(text, of: knob, from: 0, most: 1)
    case .cap: capOfDying = try number(text, of: knob, above: 0, most: 1)
    case .warmUp: warmUp = try number(text, of: knob, from: 0, most: 1)
    case .clip: clip = try number(text, of: knob, above: 0, most: 1e6)
    case .every:
      evaluateEvery = text == "auto" ? 0 : try integer(text, of: knob, in: 0...10_000_000)
    case .text: self.text = text == "none" ? nil : text
    case .out: output = text == "none" ? nil : text
    }
  }

  /// Knobs of single layers mean the same here and take the same words.
  private mutating func setShared(_ knob: Knob, to text: String) throws(KnobError) {
    var knobs = Knobs()
    knobs.pattern = pattern
    knobs.amount = lambda.map(Amount.lambda) ?? .sparsity(sparsity ?? pattern.fixedSparsity ?? 0.8)
    try knobs.set(knob, to: text)
    switch knob {
    case .pattern, .sparsity, .lambda:
      pattern = knobs.pattern
      lambda = knobs.amount.lambda
      sparsity = lambda == nil ? knobs.requestedSparsity : nil
    case .criterion: criterion = knobs.criterion ?? .wanda
    case .regularizer: regularizer = knobs.regularizer
    case .seed: seed = knobs.seed
    default: threads = knobs.threads
    }
  }

  /// Why the plan cannot be carried out whatever the model, in a sentence; nil if it can.
  public var problem: String? {
    if steps == nil, minutes == nil { return "it has no end: give minutes=1 or steps=300" }
    if method == .prox, pattern.fixedSparsity != nil {
      return
        "\(pattern) has no units that a penalty could empty: choose method=fixed or gradual, or a "
        + "block pattern such as 8x1"
    }
    if method != .prox, let lambda {
      return
        "lambda \(NumberText.shortest(lambda)) acts only with method=prox: choose it, or give "
        + "sparsity=0.8 instead"
    }
    if method != .prox, requestedSparsity == nil { return "it has no sparsity: give sparsity=0.8" }
    return nil
  }

  private func choice<Value: RawRepresentable & CaseIterable>(
    _ text: String, of knob: TrainingKnob
  ) throws(KnobError) -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: text) else {
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw KnobError("\(knob.rawValue) \(text): expected one of \(known)")
    }
    return value
  }

  private func number(
    _ text: String, of knob: TrainingKnob, above: Double? = nil, from: Double = 0, most: Double
  ) throws(KnobError) -> Double {
    guard let value = Double(text), value.isFinite, value >= from, value <= most,
      above.map({ value > $0 }) ?? true
    else {
      let low = (above == nil ? "from " : "above ") + NumberText.shortest(above ?? from)
      throw KnobError(
        "\(knob.rawValue) \(text): expected a number \(low) to \(NumberText.shortest(most))")
    }
    return value
  }

  private func integer(
    _ text: String, of knob: TrainingKnob, in range: ClosedRange<Int>
  ) throws(KnobError) -> Int {
    guard let value = Int(text), range.contains(value) else {
      throw KnobError(
        "\(knob.rawValue) \(text): expected a whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
    }
    return value
  }
}

extension TrainingSteer: CustomStringConvertible {
  /// As it is typed: `steer lambda 0.3`, `pause`.
  public var description: String {
    switch self {
    case .lambda(let value): "steer lambda \(NumberText.shortest(value))"
    case .learningRate(let value): "steer rate \(NumberText.shortest(value))"
    case .sparsity(let value): "steer sparsity \(NumberText.shortest(value))"
    case .pause: "pause"
    case .resume: "steer resume"
    case .stop: "steer stop"
    }
  }

  /// What a run by `plan` cannot be steered to, in a sentence; nil if it can.
  public func problem(for plan: TrainingPlan) -> String? {
    switch self {
    case .lambda where plan.method != .prox:
      "a training by method=\(plan.method.rawValue) has no lambda; method=prox has"
    case .sparsity where plan.method == .fixed:
      "the mask of method=fixed does not change; gradual and prox take another sparsity"
    case .sparsity where plan.lambda != nil:
      "lambda owns the mask of this run: steer lambda changes it"
    default: nil
    }
  }
}
