import Experiments
import Tensors

/// The score of every weight of a matrix, computed row by row as it is needed.
///
/// Never stored: a row of scores stays in cache, so scoring a large tensor moves its weights once.
struct ElementScores: Sendable {
  enum Rule: Sendable {
    /// `w²·factor[column]`; without factors `w²`.
    case squared(factors: [Float]?)
    /// `|w|`.
    case absolute
    /// A hash of the seed and the position: uniform in [0, 1).
    case random(seed: UInt64)
  }

  let weights: Matrix
  let rule: Rule
  /// A power of two that brings the largest weight near 1 where squares would leave F32's range.
  /// One factor for all weights, so no order depends on it.
  let scale: Float

  init(weights: Matrix, rule: Rule, largest: Float) {
    self.weights = weights
    self.rule = rule
    let fits: ClosedRange<Float> = 0x1p-40...0x1p40
    scale =
      largest == 0 || fits.contains(largest)
      // Beyond 126 the factor itself would be infinite; subnormal weights come near enough to 1.
      ? 1 : Float(sign: .plus, exponent: min(126, -largest.exponent), significand: 1)
  }

  /// Writes the scores of one row to `target`, which has room for `weights.columns`.
  func fill(row: Int, _ target: UnsafeMutablePointer<Float>) {
    let count = weights.columns
    weights.values.withUnsafeBufferPointer { values in
      let source = values.baseAddress! + row &* count
      switch rule {
      case .squared(let factors?):
        factors.withUnsafeBufferPointer {
          ScoreKernels.best.squares(source, $0.baseAddress!, scale, target, count)
        }
      case .squared(nil): ScoreKernels.best.squares(source, nil, scale, target, count)
      case .absolute:
        for column in 0..<count { target[column] = (source[column] * scale).magnitude }
      case .random(let seed):
        let first = UInt64(truncatingIfNeeded: row &* count)
        for column in 0..<count {
          target[column] = Self.uniform(seed: seed, index: first &+ UInt64(column))
        }
      }
    }
  }

  /// The score of one weight, the same that `fill` gives it.
  @inline(__always)
  func score(row: Int, column: Int) -> Float {
    let index = row &* weights.columns &+ column
    switch rule {
    case .squared(let factors):
      let value = weights.values[index] * scale
      guard let factors else { return value * value }
      return value * value * factors[column]
    case .absolute: return (weights.values[index] * scale).magnitude
    case .random(let seed):
      return Self.uniform(seed: seed, index: UInt64(truncatingIfNeeded: index))
    }
  }

  /// What a stored score has to be multiplied by to be in the weights' own units.
  var unit: Double {
    switch rule {
    case .squared: 1 / (Double(scale) * Double(scale))
    case .absolute: 1 / Double(scale)
    case .random: 1
    }
  }

  /// 24 uniform bits from the position, so that a random mask needs no table and no order of drawing.
  private static func uniform(seed: UInt64, index: UInt64) -> Float {
    var z = (index &+ 1) &* 0x9E37_79B9_7F4A_7C15 ^ seed &* 0xD1B5_4A32_D192_ED03
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return Float(z >> 40) * 0x1p-24
  }
}

extension ElementScores {
  /// The mean score of every unit of a grid.
  ///
  /// Rows are added in F32 in groups of at most 64 and the groups in double precision, so a column of
  /// thousands of rows loses nothing.
  /// - Complexity: one pass over the weights.
  func means(of grid: UnitGrid) -> [Float] {
    let columns = grid.columns
    if grid.blockRows == 1, grid.blockColumns == 1 { return table() }
    var result = [Float](repeating: 0, count: grid.count)
    var scores = [Float](repeating: 0, count: columns)
    var group = [Float](repeating: 0, count: columns)
    var totals = [Double](repeating: 0, count: columns)
    for unitRow in 0..<grid.unitRows {
      let rows = grid.rowRange(unitRow)
      for column in 0..<columns { totals[column] = 0 }
      for top in stride(from: rows.lowerBound, to: rows.upperBound, by: 64) {
        group.withUnsafeMutableBufferPointer { group in
          scores.withUnsafeMutableBufferPointer { scores in
            let (sum, one) = (group.baseAddress!, scores.baseAddress!)
            fill(row: top, sum)
            for row in top &+ 1..<max(top &+ 1, min(top &+ 64, rows.upperBound)) {
              fill(row: row, one)
              for column in 0..<columns { sum[column] += one[column] }
            }
            totals.withUnsafeMutableBufferPointer { totals in
              for column in 0..<columns { totals[column] += Double(sum[column]) }
            }
          }
        }
      }
      result.withUnsafeMutableBufferPointer { result in
        totals.withUnsafeBufferPointer { totals in
          for unitColumn in 0..<grid.unitColumns {
            let range = grid.columnRange(unitColumn)
            var sum = 0.0
            for column in range { sum += totals[column] }
            result[unitRow &* grid.unitColumns &+ unitColumn] = Float(
              sum / Double(rows.count * range.count))
          }
        }
      }
    }
    return result
  }

  /// All scores, row-major.
  func table() -> [Float] {
    let columns = weights.columns
    return [Float](unsafeUninitializedCapacity: weights.count) { target, initialized in
      for row in 0..<weights.rows { fill(row: row, target.baseAddress! + row * columns) }
      initialized = weights.count
    }
  }
}
