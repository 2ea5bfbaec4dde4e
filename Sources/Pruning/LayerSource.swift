import Experiments
import Tensors

/// A tensor that has been looked over once, with what is known of its input.
struct LayerSource: Sendable {
  let tensor: String
  let weights: Matrix
  let statistics: CalibrationStatistics?
  /// Largest magnitude.
  let largest: Float
  /// Sums over all weights, of `sumScale·w`.
  let totals: WeightSums
  let sumScale: Float

  /// - Throws: `empty`, `weightNotFinite`, `activationWidth`.
  init(
    _ weights: Matrix, named tensor: String, statistics: CalibrationStatistics?
  ) throws(PruningError) {
    guard weights.rows > 0, weights.columns > 0 else {
      throw .empty(tensor: tensor, rows: weights.rows, columns: weights.columns)
    }
    if let statistics, statistics.inputs != weights.columns {
      throw .activationWidth(tensor: tensor, expected: weights.columns, found: statistics.inputs)
    }
    // The largest bit pattern without sign is the largest magnitude, and shows NaN and infinity.
    var bits: UInt32 = 0
    weights.values.withUnsafeBufferPointer { values in
      for index in 0..<values.count {
        bits = max(bits, values[index].bitPattern & 0x7FFF_FFFF)
      }
    }
    largest = Float(bitPattern: bits)
    guard largest.isFinite else {
      let first = weights.values.firstIndex { !$0.isFinite }!
      throw .weightNotFinite(
        tensor: tensor, row: first / weights.columns, column: first % weights.columns,
        count: weights.values.reduce(0) { $0 + ($1.isFinite ? 0 : 1) })
    }
    self.tensor = tensor
    self.weights = weights
    self.statistics = statistics
    sumScale = ElementScores(weights: weights, rule: .absolute, largest: largest).scale
    totals = WeightSums(
      weights, mask: nil, inputEnergy: statistics?.inputEnergy, scale: sumScale)
  }

  /// The default: wanda where there are activations, magnitude where there are none.
  func criterion(_ knobs: Knobs) throws(PruningError) -> Criterion {
    let chosen = knobs.criterion ?? (statistics == nil ? .magnitude : .wanda)
    if chosen.needsActivations, statistics == nil {
      throw .needsActivations(tensor: tensor, what: "criterion \(chosen.rawValue)")
    }
    return chosen
  }

  func inverse(for what: String) throws(PruningError) -> Matrix {
    guard let statistics else { throw .needsActivations(tensor: tensor, what: what) }
    guard let inverse = statistics.dampedInverse else {
      throw .tooWide(
        tensor: tensor, inputs: statistics.inputs, limit: CalibrationStatistics.widestGram,
        what: what)
    }
    return inverse
  }

  /// How single weights are scored, in a layout.
  func rule(
    _ criterion: Criterion, order: MatrixOrder, seed: UInt64
  ) throws(PruningError) -> ElementScores.Rule {
    switch criterion {
    case .magnitude: return .squared(factors: nil)
    case .l1: return .absolute
    case .wanda:
      guard let statistics else {
        throw .needsActivations(tensor: tensor, what: "criterion wanda")
      }
      return .squared(factors: order.apply(columnValues: statistics.inputEnergy))
    case .obs:
      let inverse = try inverse(for: "criterion obs")
      let factors = (0..<inverse.rows).map { 1 / max(inverse[$0, $0], .leastNormalMagnitude) }
      return .squared(factors: order.apply(columnValues: factors))
    case .random: return .random(seed: seed)
    }
  }
}
