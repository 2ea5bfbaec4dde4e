public import Experiments
internal import Synchronization

/// What somebody wants changed in a training that runs: put in by any thread, taken out between steps.
public final class TrainingSteering: Sendable {
  private let waiting = Mutex<[TrainingSteer]>([])

  public init() {}

  public func steer(_ change: TrainingSteer) { waiting.withLock { $0.append(change) } }

  func take() -> [TrainingSteer] {
    waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }
}

/// Where a training keeps things, and how long it measures.
public struct TrainingSurroundings: Sendable {
  /// Where the teacher's embeddings are kept between runs; nil keeps none.
  public var cacheDirectory: String?
  /// Whether to go on from the checkpoint beside the output.
  public var resumes = false
  /// Whether an output that exists is replaced.
  public var replaces = false
  /// Longest time that the whole model's speed is measured at the end.
  public var timingSeconds = 3.0
  /// Least seconds from one checkpoint to the next; none without an output.
  public var checkpointSeconds = 20.0
  public var steering = TrainingSteering()

  public init(cacheDirectory: String? = nil) { self.cacheDirectory = cacheDirectory }
}

extension TrainingPlan {
  /// - Throws: `request` for a plan that no model can follow, naming what to change.
  public func check() throws(LaboratoryError) {
    func require(_ holds: Bool, _ sentence: String) throws(LaboratoryError) {
      if !holds { throw .request(sentence) }
    }
    try require(
      (steps == nil) != (minutes == nil), "give either steps or minutes: one bounds the run")
    try require(
      (1...10_000_000).contains(steps ?? 1), "steps \(steps ?? 0): expected 1 to 10000000")
    let length = minutes ?? 1
    try require(
      length > 0 && length <= 100_000,
      "minutes \(NumberText.shortest(length)): expected more than 0 and at most 100000")
    try require((1...65_536).contains(tokensPerStep), "tokens a step \(tokensPerStep): 1 to 65536")
    for (name, share) in [
      ("warm-up", warmUp), ("ramp", rampShare), ("cap of dying units", capOfDying),
    ] {
      try require(
        (0...1).contains(share), "\(name) \(NumberText.shortest(share)): a share from 0 to 1")
    }
    try require(clip > 0, "clip \(NumberText.shortest(clip)): a gradient's length, more than 0")
    try require(
      hiddenLoss >= 0 && hiddenLoss <= 1e6,
      "hidden loss \(NumberText.shortest(hiddenLoss)): a weight from 0 to 1e6")
    let rate = effectiveLearningRate
    try require(
      rate > 0 && rate <= 1, "learning rate \(NumberText.shortest(rate)): above 0 and at most 1")
    try require((1...1024).contains(threads), "threads \(threads): expected 1 to 1024")
    try require(evaluateEvery >= 0, "evaluate every \(evaluateEvery): a number of steps from 0")
    if method != .fixed, pattern.reorder != nil {
      throw .request(
        "\(pattern) reorders a layer once, before training: method fixed takes it, "
          + "\(method.rawValue) takes \(pattern.withoutReorder)")
    }
    if method == .prox {
      switch pattern.base {
      case .nm, .tileElement, .tileVector:
        throw .request(
          "\(pattern) has no units of its own that a penalty could act on: use gradual")
      default: break
      }
    }
    if lambda != nil {
      try require(
        method == .prox, "lambda belongs to method prox; \(method.rawValue) takes a sparsity")
    } else {
      try require(requestedSparsity != nil, "give a sparsity, or a lambda with method prox")
    }
    if let sparsity, pattern.fixedSparsity == nil {
      try require(
        pattern.sparsityRange.contains(sparsity),
        "sparsity \(NumberText.shortest(sparsity)): \(pattern) takes "
          + "\(NumberText.shortest(pattern.sparsityRange.lowerBound)) to "
          + "\(NumberText.shortest(pattern.sparsityRange.upperBound))")
    }
  }

  /// The same setting as knobs of a one-shot pruning.
  var knobs: Knobs {
    var knobs = Knobs()
    knobs.pattern = pattern
    knobs.amount = lambda.map { .lambda($0) } ?? .sparsity(requestedSparsity ?? 0)
    knobs.criterion = criterion
    if method == .prox { knobs.regularizer = effectiveRegularizer }
    knobs.seed = seed
    knobs.threads = threads
    return knobs
  }

  /// The one-shot pruning that training is compared with: λ has none, its start is the middle of what
  /// blocks stand.
  var startKnobs: Knobs {
    var knobs = knobs
    knobs.regularizer = .none
    knobs.amount = .sparsity(requestedSparsity ?? 0.8)
    return knobs
  }
}
