import Kernels
import Synchronization
public import Tensors

/// What is known of one layer's input: its second moments on calibration and on held-out activations.
///
/// `H = XᵀX/n`, uncentred, `[inputs, inputs]`. Layers that read the same input (query, key and value
/// of one attention) can share one object. Matrices are computed when first asked for, once, from any
/// thread.
public final class CalibrationStatistics: Sendable {
  /// Widest input whose full second moment is formed: `[8192, 8192]` takes 268 MB, its inverse as
  /// much again. Wanda needs only the diagonal and has no limit.
  public static let widestGram = 8192

  /// Largest magnitudes whose squares, summed over a million rows and multiplied by weights and by
  /// themselves, stay within F32.
  private static let usable: ClosedRange<Float> = 1e-12...1e12

  /// Identifies the activations in results files.
  public let identity: String
  public let inputs: Int
  /// Calibration rows; 0 where only moments were given without a count.
  public let rows: Int
  public let evaluationRows: Int
  /// `diag H`: mean square of each input over the calibration rows.
  public let inputEnergy: [Float]

  let calibration: Matrix?
  let evaluation: Matrix?

  private struct Lazies {
    var gram: Matrix?
    var evaluationGram: Matrix?
    var inverse: Matrix?
  }
  private let lazies: Mutex<Lazies>

  /// - Parameters:
  ///   - calibration: Activations `[rows, inputs]` that choose masks and refit weights.
  ///   - evaluation: Other activations of the same layer, for errors only; may have no rows.
  /// - Throws: `activationsEmpty`, `activationsDead`, `activationNotFinite`, `activationWidth`.
  public init(
    calibration: Matrix, evaluation: Matrix, identity: String
  ) throws(PruningError) {
    guard calibration.rows > 0, calibration.columns > 0 else {
      throw .activationsEmpty(source: identity)
    }
    guard evaluation.rows == 0 || evaluation.columns == calibration.columns else {
      throw .activationWidth(
        tensor: identity, expected: calibration.columns, found: evaluation.columns)
    }
    for matrix in [calibration, evaluation] {
      if let bad = matrix.values.firstIndex(where: { !$0.isFinite }) {
        throw .activationNotFinite(
          source: identity, row: bad / matrix.columns, column: bad % matrix.columns)
      }
    }
    for matrix in [calibration, evaluation] {
      let largest = matrix.values.reduce(Float(0)) { max($0, $1.magnitude) }
      guard largest == 0 || Self.usable.contains(largest) else {
        throw .activationRange(source: identity, largest: largest)
      }
    }
    let energy = Self.meanSquares(calibration)
    guard energy.contains(where: { $0 > 0 }) else { throw .activationsDead(source: identity) }
    self.identity = identity
    inputs = calibration.columns
    rows = calibration.rows
    evaluationRows = evaluation.rows
    inputEnergy = energy
    self.calibration = calibration
    self.evaluation = evaluation.rows > 0 ? evaluation : nil
    lazies = Mutex(Lazies())
  }

  /// Statistics from second moments alone.
  ///
  /// - Parameters:
  ///   - gram: `H` of the calibration half, `[inputs, inputs]`, symmetric.
  ///   - rows: How many activations it averages; decides the damping.
  ///   - evaluationGram: The same of the held-out half, if there is one.
  public init(
    gram: Matrix, rows: Int, evaluationGram: Matrix?, evaluationRows: Int, identity: String
  ) throws(PruningError) {
    guard gram.rows > 0, gram.rows == gram.columns else {
      throw .shape(
        tensor: identity, expected: "a square second moment",
        found: "\(gram.rows)x\(gram.columns)")
    }
    if let evaluationGram,
      evaluationGram.rows != gram.rows || evaluationGram.columns != gram.columns
    {
      throw .activationWidth(
        tensor: identity, expected: gram.columns, found: evaluationGram.columns)
    }
    for matrix in [gram, evaluationGram].compactMap(\.self) {
      if let bad = matrix.values.firstIndex(where: { !$0.isFinite }) {
        throw .activationNotFinite(
          source: identity, row: bad / matrix.columns, column: bad % matrix.columns)
      }
    }
    let energy = (0..<gram.rows).map { max(0, gram[$0, $0]) }
    guard energy.contains(where: { $0 > 0 }) else { throw .activationsDead(source: identity) }
    self.identity = identity
    inputs = gram.columns
    self.rows = rows
    self.evaluationRows = evaluationRows
    inputEnergy = energy
    calibration = nil
    evaluation = nil
    lazies = Mutex(Lazies(gram: gram, evaluationGram: evaluationGram))
  }

  /// Damping as a fraction of the mean of `diag H`: 0.1, and 0.5 below 400 activation rows, where a
  /// refit overfits its calibration badly (held-out error .71 against .41 with 0.01 on 1575 rows).
  public var damping: Double { rows < 400 ? 0.5 : 0.1 }

  /// Whether held-out activations exist.
  public var canEvaluate: Bool { evaluationRows > 0 }

  /// `H`, or nil for inputs wider than `widestGram`. Complexity: `2·rows·inputs²` FLOP, once.
  public var gram: Matrix? {
    lazies.withLock { lazies in
      if let known = lazies.gram { return known }
      guard let calibration, inputs <= Self.widestGram else { return nil }
      let fresh = Self.secondMoment(calibration)
      lazies.gram = fresh
      return fresh
    }
  }

  /// `H` of the held-out half; nil without one or for inputs wider than `widestGram`.
  public var evaluationGram: Matrix? {
    lazies.withLock { lazies in
      if let known = lazies.evaluationGram { return known }
      guard let evaluation, inputs <= Self.widestGram else { return nil }
      let fresh = Self.secondMoment(evaluation)
      lazies.evaluationGram = fresh
      return fresh
    }
  }

  /// `H' = H + damping·mean(diag H)·I`; never singular, whatever the activations.
  public var dampedGram: Matrix? {
    gram?.lifted(by: ridge)
  }

  /// What damping adds to the diagonal.
  var ridge: Float {
    let mean = inputEnergy.reduce(0.0) { $0 + Double($1) } / Double(inputs)
    return max(Float(damping * mean), .leastNormalMagnitude)
  }

  /// `H'⁻¹`; nil for inputs wider than `widestGram`. Complexity: about `4·inputs³` FLOP, once.
  public var dampedInverse: Matrix? {
    if let known = lazies.withLock({ $0.inverse }) { return known }
    guard let damped = dampedGram else { return nil }
    let fresh = inverseOfPositiveDefinite(damped)
    return lazies.withLock { lazies in
      if let known = lazies.inverse { return known }
      lazies.inverse = fresh
      return fresh
    }
  }

  private static func secondMoment(_ activations: Matrix) -> Matrix {
    var gram = Product.multiply(activations, transposeA: true, activations)
    let share = 1 / Float(activations.rows)
    for index in gram.values.indices { gram.values[index] *= share }
    return gram
  }

  private static func meanSquares(_ activations: Matrix) -> [Float] {
    var sums = [Double](repeating: 0, count: activations.columns)
    activations.values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for row in 0..<activations.rows {
          let base = row &* activations.columns
          for column in 0..<activations.columns {
            let value = Double(values[base &+ column])
            sums[column] += value * value
          }
        }
      }
    }
    return sums.map { Float($0 / Double(activations.rows)) }
  }
}

extension Matrix {
  /// A square matrix with a number added to its diagonal.
  func lifted(by ridge: Float) -> Matrix {
    var result = self
    for index in 0..<rows { result[index, index] += ridge }
    return result
  }
}
