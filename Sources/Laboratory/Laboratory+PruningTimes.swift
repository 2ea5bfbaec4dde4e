internal import Benchmarking
internal import Experiments
internal import Pruning
internal import Tensors

/// How long one step of pruning takes on a shape.
public struct PruningTime: Codable, Hashable, Sendable {
  public var step: String
  public var pattern: String
  /// Median of the repetitions.
  public var nanoseconds: Double
  public var repetitions: Int
}

extension Laboratory {
  /// Times what a person waits for while turning knobs: Gaussian weights `[rows, columns]` with synthetic
  /// activations, on this thread, after the tensor is loaded.
  ///
  /// Steps that need the full second moment are left out above 2048 inputs. Memory is the weights, and for
  /// narrower inputs a few matrices more.
  /// - Parameter each: gets every time as it is known.
  public static func pruningTimes(
    rows: Int, columns: Int, isCancelled: () -> Bool = { false }, each: (PruningTime) -> Void
  ) throws(LaboratoryError) {
    do {
      let bench = try PruningBench(rows: rows, columns: columns)
      try bench.run(isCancelled: isCancelled, each: each)
    } catch { throw .pruning(error) }
  }
}

/// The steps and their repetitions.
private struct PruningBench {
  let weights: Matrix
  let statistics: CalibrationStatistics
  let clock = MonotonicClock()
  static let patterns = ["1x1", "4x1", "32x1", "16x16", "tw64", "tew64+5%", "tvw64"]
  static let widest = 2048

  init(rows: Int, columns: Int) throws(PruningError) {
    var generator = SeededGenerator(seed: 1)
    weights = generator.nearlyNormalMatrix(rows: rows, columns: columns)
    let halves = SyntheticActivations(seed: 1).activations(features: columns)
    statistics = try CalibrationStatistics(
      calibration: halves.calibration, evaluation: halves.evaluation, identity: "synthetic")
  }

  func knobs(
    _ pattern: String, _ amount: Amount, _ criterion: Criterion? = nil, solve: Solve = .prox
  ) -> Knobs {
    var knobs = Knobs()
    knobs.pattern = (try? Pattern(parsing: pattern)) ?? .unstructured
    knobs.amount = knobs.pattern.fixedSparsity.map { .sparsity($0) } ?? amount
    knobs.criterion = criterion
    knobs.solve = solve
    return knobs
  }

  func fresh() throws(PruningError) -> LayerPruner {
    try LayerPruner(weights, named: "weight", statistics: statistics)
  }

  /// Times `body` on what `prepare` makes, which is not timed.
  func time<Value>(
    _ step: String, _ pattern: String, _ repetitions: Int, _ each: (PruningTime) -> Void,
    prepare: () throws(PruningError) -> Value,
    _ body: (Value, Int) throws(PruningError) -> Void
  ) throws(PruningError) {
    var times: [Double] = []
    for repetition in 0..<repetitions {
      let value = try prepare()
      let start = clock.now()
      try body(value, repetition)
      times.append(Double(clock.now() - start))
    }
    each(
      PruningTime(
        step: step, pattern: pattern, nanoseconds: Statistics.median(times),
        repetitions: repetitions))
  }

  func run(
    isCancelled: () -> Bool, each: (PruningTime) -> Void
  ) throws(PruningError) {
    let isLarge = weights.count > 4 << 20
    func goOn() throws(PruningError) {
      if isCancelled() { throw .cancelled(tensor: "weight") }
    }
    for pattern in Self.patterns {
      try goOn()
      let pruner = try fresh()
      _ = try pruner.masked(knobs(pattern, .sparsity(0.79)))
      try time("new sparsity", pattern, isLarge ? 7 : 21, each, prepare: { () in pruner }) {
        (pruner, repetition) throws(PruningError) in
        _ = try pruner.masked(knobs(pattern, .sparsity(0.6 + 0.01 * Double(repetition))))
      }
    }
    for criterion in [Criterion.magnitude, .wanda] {
      for pattern in Self.patterns + ["2:4"] {
        try goOn()
        try time(
          "new pattern, \(criterion.rawValue)", pattern, isLarge ? 2 : 7, each, prepare: fresh
        ) { (pruner, _) throws(PruningError) in
          _ = try pruner.masked(knobs(pattern, .sparsity(0.8), criterion))
        }
      }
    }
    guard weights.columns <= Self.widest else { return }
    try secondMoments(goOn, each)
    for pattern in ["16x16/tetris", "32x1/tetris", "2:4/permute"] {
      try goOn()
      try time("reorder and prune", pattern, 3, each, prepare: fresh) {
        (pruner, _) throws(PruningError) in
        _ = try pruner.masked(knobs(pattern, .sparsity(0.8)))
      }
    }
  }

  private func secondMoments(
    _ goOn: () throws(PruningError) -> Void, _ each: (PruningTime) -> Void
  ) throws(PruningError) {
    _ = statistics.gram
    _ = statistics.dampedInverse
    guard let judge = OutputJudge(weights, statistics: statistics) else { return }
    for pattern in ["1x1", "32x1"] {
      try goOn()
      let layer = try fresh().prune(knobs(pattern, .sparsity(0.8)))
      try time("output error", pattern, 7, each, prepare: { () in layer }) {
        (layer, _) throws(PruningError) in _ = judge.error(of: layer.weights)
      }
      try goOn()
      try time("refit", pattern, 3, each, prepare: { () in layer }) {
        (layer, _) throws(PruningError) in
        _ = try refit(layer, original: weights, statistics: statistics)
      }
    }
    for pattern in ["32x1", "16x16"] {
      try goOn()
      let pruner = try fresh()
      var warm = knobs(pattern, .lambda(0.2), solve: .reconstruct)
      warm.regularizer = .groupLasso
      _ = try pruner.prune(warm)
      try time("one λ of the path, warm", pattern, 5, each, prepare: { () in pruner }) {
        (pruner, repetition) throws(PruningError) in
        var turned = warm
        turned.amount = .lambda(0.17 - 0.02 * Double(repetition))
        _ = try pruner.prune(turned)
      }
    }
    for (solve, pattern) in [
      (Solve.sweep, "1x1"), (.sweep, "16x16"), (.obc, "16x16"), (.obc, "32x1"),
    ] {
      try goOn()
      try time("solve \(solve.rawValue)", pattern, 1, each, prepare: fresh) {
        (pruner, _) throws(PruningError) in
        _ = try pruner.prune(knobs(pattern, .sparsity(0.8), solve: solve))
      }
    }
  }
}
