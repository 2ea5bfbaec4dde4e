public import Tensors

/// `Y = X · (W ∘ M)ᵀ + b`, slow and obvious, summed in Double in ascending order of inputs.
///
/// Pruned weights take no part: a NaN or infinity behind the mask, or in an activation that only
/// pruned weights would meet, does not reach the output.
/// Shapes: weights `[rows, columns]`, `x` `[tokens, columns]`, result `[tokens, rows]`.
/// - Complexity: `2 · kept · tokens` FLOP.
public func referenceProduct(
  weights: Matrix, mask: Mask?, bias: [Float]?, x: Matrix
) -> Matrix {
  sums(weights: weights, mask: mask, bias: bias, x: x) { weight, activation in
    Double(weight) * Double(activation)
  }
}

/// How far each output of a correct kernel may lie from `referenceProduct`, element by element.
///
/// A sum of `k` products in any order, rounded at each step, is off by at most `γ_(k+1) · Σ|w·x|`
/// with `γ_n = n·u / (1 - n·u)`, `u = 2⁻²⁴` (Higham 2002, section 3.1); `k` is the number of kept weights
/// of the row, and the bias is one more term. The smallest normal number is added for results that
/// underflow.
/// - Returns: bounds `[tokens, rows]`; infinite or NaN where the reference is not finite.
public func tolerance(weights: Matrix, mask: Mask?, bias: [Float]?, x: Matrix) -> Matrix {
  var bounds = sums(weights: weights, mask: mask, bias: bias?.map(abs), x: x) {
    weight, activation in
    abs(Double(weight) * Double(activation))
  }
  for row in 0..<weights.rows {
    let terms = Double((mask?.count(row: row) ?? weights.columns) + 2)
    let unit = 0x1p-24
    let factor = terms * unit / (1 - terms * unit)
    for token in 0..<x.rows {
      bounds[token, row] =
        Float(Double(bounds[token, row]) * factor) * 1.0001 + Float.leastNormalMagnitude
    }
  }
  return bounds
}

/// The largest absolute difference from the reference, and the first place that is out of tolerance.
public struct Agreement: Hashable, Sendable {
  public var maxAbsError: Double
  /// Token and output of the first element that is wrong; nil when all agree.
  public var firstWrong: (token: Int, output: Int)? { wrong.map { ($0.token, $0.output) } }
  var wrong: Place?

  struct Place: Hashable, Sendable {
    var token: Int
    var output: Int
  }

  /// Compares `[tokens, rows]` with the reference. NaN agrees with NaN and an infinity with the same
  /// infinity; where the reference is finite the difference must be within the bound.
  public init(of result: Matrix, with reference: Matrix, within bounds: Matrix) {
    precondition(result.rows == reference.rows && result.columns == reference.columns)
    maxAbsError = 0
    for token in 0..<result.rows {
      for output in 0..<result.columns {
        let (found, expected) = (result[token, output], reference[token, output])
        let agrees: Bool
        if expected.isFinite {
          let error = abs(Double(found) - Double(expected))
          agrees = error <= Double(bounds[token, output])
          if error > maxAbsError || error.isNaN { maxAbsError = error }
        } else {
          agrees = expected.isNaN ? found.isNaN : found == expected
        }
        if !agrees, wrong == nil { wrong = Place(token: token, output: output) }
      }
    }
  }
}

/// Rows of `x` stand side by side while one output is summed, so that the loop over tokens runs along
/// memory; the order of summation is the obvious one.
private func sums(
  weights: Matrix, mask: Mask?, bias: [Float]?, x: Matrix, term: (Float, Float) -> Double
) -> Matrix {
  precondition(x.columns == weights.columns, "\(x.columns) features do not meet \(weights.columns)")
  let tokens = x.rows
  let features = x.transposed()
  var result = Matrix(rows: tokens, columns: weights.rows)
  var sums = [Double](repeating: 0, count: tokens)
  for row in 0..<weights.rows {
    for token in 0..<tokens { sums[token] = Double(bias?[row] ?? 0) }
    for column in 0..<weights.columns where mask?[row, column] ?? true {
      let weight = weights[row, column]
      for token in 0..<tokens { sums[token] += term(weight, features[column, token]) }
    }
    for token in 0..<tokens { result[token, row] = Float(sums[token]) }
  }
  return result
}

extension Matrix {
  /// Each value rounded to BF16 (to nearest, ties to even) and widened again; NaN stays NaN.
  public var roundedToBF16: Matrix {
    Matrix(
      rows: rows, columns: columns, values: values.map { Float(bitPattern: UInt32(bf16($0)) << 16) }
    )
  }
}

/// The upper half of a float, rounded to nearest, ties to even.
func bf16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  if value.isNaN { return UInt16(bits >> 16) | 0x40 }
  return UInt16((bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
}
