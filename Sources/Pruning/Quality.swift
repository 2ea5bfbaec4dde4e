public import Experiments
import Kernels
public import Tensors

extension CalibrationStatistics {
  /// `tr(A H Bᵀ)` on the held-out half (or on the calibration half), each matrix `[outputs, inputs]`.
  ///
  /// Through `H` where it is the cheaper way or the only one, else through the activations.
  /// - Returns: nil without held-out activations.
  func outputProduct(_ a: Matrix, _ b: Matrix, heldOut: Bool = true) -> Double? {
    guard let image = outputImage(a, heldOut: heldOut) else { return nil }
    return image.product(with: b)
  }

  /// `A·H` or `X·Aᵀ/√n`, whichever costs less; what `outputProduct` multiplies by.
  func outputImage(_ a: Matrix, heldOut: Bool = true) -> OutputImage? {
    let activations = heldOut ? evaluation : calibration
    let known = heldOut ? canEvaluate : true
    guard known else { return nil }
    if let activations, activations.rows < inputs / 2 || inputs > Self.widestGram {
      return OutputImage(
        outputs: Product.multiply(activations, a, transposeB: true), activations: activations)
    }
    guard let moment = heldOut ? evaluationGram : gram else { return nil }
    return OutputImage(moment: Product.multiply(a, moment))
  }
}

/// A matrix carried through the activations, ready for inner products in output space.
struct OutputImage {
  private var throughMoment: Matrix?
  private var outputs: Matrix?
  private var activations: Matrix?

  init(moment: Matrix) { throughMoment = moment }

  init(outputs: Matrix, activations: Matrix) {
    self.outputs = outputs
    self.activations = activations
  }

  /// `tr(A H Bᵀ)`, `A` the matrix this is the image of.
  func product(with other: Matrix) -> Double {
    if let throughMoment { return throughMoment.rowProducts(other).reduce(0, +) }
    let right = Product.multiply(activations!, other, transposeB: true)
    return outputs!.rowProducts(right).reduce(0, +) / Double(activations!.rows)
  }

  /// `tr(A H Aᵀ)`; `matrix` must be `A`.
  func square(of matrix: Matrix) -> Double {
    if throughMoment != nil { return max(0, product(with: matrix)) }
    return outputs!.rowProducts(outputs!).reduce(0, +) / Double(activations!.rows)
  }
}

extension QualityReport {
  /// What is known of a layer's outputs without activations.
  public static let withoutActivations = QualityReport(
    unavailable:
      "no calibration activations: output error needs them, so only weight proxies are known")
}

/// The proxies that need matrix products: errors of the layer's outputs on held-out activations.
///
/// With `Δ = W - V`: relative output error `√(tr(ΔHΔᵀ)/tr(WHWᵀ))` and output cosine
/// `tr(WHVᵀ)/√(tr(WHWᵀ)·tr(VHVᵀ))`, both over all outputs and held-out rows together, after refit where
/// the knobs have it on; the error before refit; and, as the floor, the error of a random mask of the
/// same pattern and sparsity, not refitted.
/// - Parameters:
///   - layer: As `prune` gave it (not refitted).
///   - withReferences: False leaves out what the error is held against: before refit, and the random mask.
///   - isCancelled: Asked between the products; a cancelled report holds what was ready.
/// - Complexity: `2·outputs·inputs²` FLOP for each of up to four products, and the refit.
public func quality(
  of layer: PrunedLayer, original: Matrix, knobs: Knobs, statistics: CalibrationStatistics?,
  withReferences: Bool = true, isCancelled: () -> Bool = { false }
) -> QualityReport {
  let start = nanoseconds()
  var report = QualityReport()
  defer { report.elapsedNs = nanoseconds() - start }
  guard let statistics else { return .withoutActivations }
  guard statistics.canEvaluate, let image = statistics.outputImage(original) else {
    report.unavailable = "no held-out activations: an error on the ones that chose the mask is none"
    report.elapsedNs = nanoseconds() - start
    return report
  }
  let energy = image.square(of: original)
  guard energy > 0 else {
    report.unavailable = "the unpruned layer's outputs are all zero on the held-out activations"
    report.elapsedNs = nanoseconds() - start
    return report
  }
  func error(_ weights: Matrix) -> (error: Double, cosine: Double)? {
    var difference = original
    difference.subtract(weights)
    guard let lost = statistics.outputImage(difference) else { return nil }
    let square = lost.square(of: difference)
    // tr(VHVᵀ) = tr(WHWᵀ) - 2·tr(WHΔᵀ) + tr(ΔHΔᵀ)
    let cross = image.product(with: difference)
    let kept = max(0, energy - 2 * cross + square)
    let cosine = kept > 0 ? (energy - cross) / (energy * kept).squareRoot() : 0
    return ((square / energy).squareRoot(), min(1, max(0, cosine)))
  }
  if withReferences || !knobs.refit {
    let plain = error(layer.weights)
    report.outputErrorUnrefitted = plain?.error
    report.outputError = knobs.refit ? nil : plain?.error
    report.outputCosine = knobs.refit ? nil : plain?.cosine
  }
  if knobs.refit, !isCancelled() {
    do {
      let solved = try refit(layer, original: original, statistics: statistics)
      let after = error(solved.weights)
      report.outputError = after?.error
      report.outputCosine = after?.cosine
    } catch { report.unavailable = error.description }
  }
  if withReferences, !isCancelled() {
    report.outputErrorRandom = randomFloor(layer, original: original, knobs: knobs, error: error)
  }
  report.elapsedNs = nanoseconds() - start
  return report
}

/// The error of a random mask of the pattern, at the sparsity the layer achieved.
private func randomFloor(
  _ layer: PrunedLayer, original: Matrix, knobs: Knobs,
  error: (Matrix) -> (error: Double, cosine: Double)?
) -> Double? {
  var random = Knobs()
  random.pattern = knobs.pattern.withoutReorder
  let range = random.pattern.sparsityRange
  random.amount = .sparsity(
    random.pattern.fixedSparsity
      ?? min(max(layer.summary.achievedSparsity, range.lowerBound), range.upperBound))
  random.criterion = .random
  random.seed = knobs.seed
  guard
    let floor = try? prune(
      original, named: layer.summary.tensor, knobs: random, statistics: nil)
  else { return nil }
  return error(floor.weights)?.error
}
