public import Experiments
public import Tensors

extension LayerPruner {
  /// The regularization path: what each λ leaves, from the strongest down, warm from one to the next.
  ///
  /// The fractions fall geometrically from 1 to 0.01. Errors are relative output errors on held-out
  /// activations, after refit where the knobs have it on; unknown without activations.
  /// - Parameters:
  ///   - knobs: Pattern, regularizer, solver and refit; the amount is replaced.
  ///   - progress: The path so far after each point; false cancels.
  public func path(
    _ knobs: Knobs, points: Int = 20, progress: (RegularizationPath) -> Bool
  ) throws(PruningError) -> RegularizationPath {
    var path = RegularizationPath(tensor: tensor, points: [], isFinal: false)
    let image = statistics?.canEvaluate == true ? statistics?.outputImage(weights) : nil
    let energy = image?.square(of: weights) ?? 0
    var iterations = 0
    for index in 0..<points {
      let fraction = power(0.01, Double(index) / Double(max(1, points - 1)))
      var turned = knobs
      turned.amount = .lambda(fraction)
      let layer = try prune(turned) { _ in true }
      var error: Double?
      if energy > 0, let statistics {
        let solved =
          knobs.refit ? try refit(layer, original: weights, statistics: statistics) : layer
        var difference = weights
        difference.subtract(solved.weights)
        error = statistics.outputProduct(difference, difference)
          .map { (max(0, $0) / energy).squareRoot() }
      }
      let total = layer.summary.solver?.iterations ?? 0
      path.points.append(
        RegularizationPath.Point(
          lambda: fraction, sparsity: layer.summary.achievedSparsity,
          units: layer.summary.unitsKept, outputError: error,
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
  points: Int = 20, progress: (RegularizationPath) -> Bool = { _ in true }
) throws(PruningError) -> RegularizationPath {
  try LayerPruner(weights, named: tensor, statistics: statistics)
    .path(knobs, points: points, progress: progress)
}
