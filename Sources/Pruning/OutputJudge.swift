import Kernels
public import Tensors

/// Errors of one layer's outputs on held-out activations, with what all weights have in common worked
/// out once.
public struct OutputJudge: Sendable {
  private let original: Matrix
  private let statistics: CalibrationStatistics
  private let energy: Double

  /// - Parameter original: the unpruned weights, `[outputs, inputs]`.
  /// - Returns: nil without held-out activations, and where the unpruned outputs are all zero on them.
  public init?(_ original: Matrix, statistics: CalibrationStatistics?) {
    guard let statistics, statistics.canEvaluate,
      let image = statistics.outputImage(original)
    else { return nil }
    energy = image.square(of: original)
    guard energy > 0 else { return nil }
    self.original = original
    self.statistics = statistics
  }

  /// `√(tr(ΔHΔᵀ)/tr(WHWᵀ))`, `Δ = W - V`. Complexity: `2·outputs·inputs²` FLOP.
  public func error(of weights: Matrix) -> Double {
    var difference = original
    difference.subtract(weights)
    guard let lost = statistics.outputImage(difference) else { return .nan }
    return (lost.square(of: difference) / energy).squareRoot()
  }
}
