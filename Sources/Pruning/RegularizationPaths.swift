public import Experiments
public import Tensors

extension LayerPruner {
  /// The regularization path: what each λ leaves, from the strongest down, warm from one to the next.
  ///
  /// The fractions fall geometrically from 1 to 0.01. Errors are relative output errors on held-out
  /// activations, after refit where the knobs have it on, beside that of a random mask of the same pattern
  /// and sparsity; unknown without activations.
  /// - Parameters:
  ///   - knobs: Pattern, regularizer, solver and refit; the amount is replaced.
  ///   - progress: The path so far after each point; false cancels.
  ///   - iterate: The masks on the way, between the points and at them; false cancels.
  public func path(
    _ knobs: Knobs, points: Int = 20, progress: (RegularizationPath) -> Bool,
    iterate watch: IterateWatch = { _ in true }
  ) throws(PruningError) -> RegularizationPath {
    var path = RegularizationPath(
      tensor: tensor, pattern: knobs.pattern, points: [], isFinal: false)
    let judge = OutputJudge(weights, statistics: statistics)
    var iterations = 0
    for index in 0..<points {
      let fraction = power(0.01, Double(index) / Double(max(1, points - 1)))
      var turned = knobs
      turned.amount = .lambda(fraction)
      let layer = try prune(watching: watch, turned)
      if !watch({ PruningIterate(layer) }) { throw .cancelled(tensor: tensor) }
      var (error, floor): (Double?, Double?)
      if let judge {
        let solved =
          knobs.refit ? try refit(layer, original: weights, statistics: statistics) : layer
        error = judge.error(of: solved.weights)
        var random = Knobs()
        random.pattern = knobs.pattern.withoutReorder
        random.criterion = .random
        random.seed = knobs.seed
        random.amount = .sparsity(min(1, max(0, layer.summary.achievedSparsity)))
        floor = judge.error(
          of: try Pruning.prune(weights, named: tensor, knobs: random, statistics: nil).weights)
      }
      let total = layer.summary.solver?.iterations ?? 0
      path.points.append(
        RegularizationPath.Point(
          lambda: fraction, sparsity: layer.summary.achievedSparsity,
          units: layer.summary.unitsKept, outputError: error, outputErrorRandom: floor,
          iterations: max(0, total - iterations)))
      iterations = total
      path.isFinal = index == points - 1
      if !progress(path) { throw .cancelled(tensor: tensor) }
    }
    return path
  }
}

/// The regularization path of one tensor, for one-off use; see `LayerPruner.path`.
public func regularizationPath(
  _ weights: Matrix, named tensor: String, knobs: Knobs, statistics: CalibrationStatistics?,
  points: Int = 20, progress: (RegularizationPath) -> Bool = { _ in true },
  iterate watch: IterateWatch = { _ in true }
) throws(PruningError) -> RegularizationPath {
  try LayerPruner(weights, named: tensor, statistics: statistics)
    .path(knobs, points: points, progress: progress, iterate: watch)
}
