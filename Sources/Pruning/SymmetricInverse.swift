import Kernels
import Tensors

/// The inverse of a symmetric positive definite matrix `[n, n]`.
///
/// Recursive block elimination: with `M = [A B; Bᵀ C]`, `T = A⁻¹B` and the Schur complement
/// `S = C - BᵀT`, the inverse is `[A⁻¹ + T S⁻¹ Tᵀ, -T S⁻¹; ·, S⁻¹]`. All the work is matrix products,
/// which the engine's product runs near the machine's peak; blocks of 64 and fewer go through a
/// Cholesky factorisation in double precision. One Newton step `X(2I - MX)` then removes what F32
/// rounding left. Stable for the damped moments of this module, whose condition is at most
/// `inputs / damping`.
/// - Complexity: about `4·n³` FLOP in all, Newton step included.
func inverseOfPositiveDefinite(_ matrix: Matrix) -> Matrix {
  let size = matrix.rows
  let first = eliminated(matrix)
  guard size > 64 else { return first }
  var correction = Product.multiply(matrix, first)
  for index in correction.values.indices { correction.values[index] = -correction.values[index] }
  for index in 0..<size { correction[index, index] += 2 }
  return symmetrized(Product.multiply(first, correction))
}

private func eliminated(_ matrix: Matrix) -> Matrix {
  let size = matrix.rows
  if size <= 64 { return smallInverse(matrix) }
  // A split at a multiple of 64 keeps the base blocks full.
  let half = (size / 2 + 63) / 64 * 64
  let upper = eliminated(matrix.block(rows: 0..<half, columns: 0..<half))
  let cross = matrix.block(rows: 0..<half, columns: half..<size)
  let solved = Product.multiply(upper, cross)
  var schur = matrix.block(rows: half..<size, columns: half..<size)
  schur.subtract(Product.multiply(cross, transposeA: true, solved))
  let lower = eliminated(symmetrized(schur))
  let corner = Product.multiply(solved, lower)
  let raised = Product.multiply(corner, solved, transposeB: true)

  var result = Matrix(rows: size, columns: size)
  for row in 0..<half {
    for column in 0..<half { result[row, column] = upper[row, column] + raised[row, column] }
    for column in half..<size {
      result[row, column] = -corner[row, column - half]
      result[column, row] = -corner[row, column - half]
    }
  }
  for row in half..<size {
    for column in half..<size { result[row, column] = lower[row - half, column - half] }
  }
  return result
}

/// Cholesky and two triangular solves per column, in double precision.
func smallInverse(_ matrix: Matrix) -> Matrix {
  let size = matrix.rows
  var factor = matrix.values.map(Double.init)
  choleskyInPlace(&factor, size: size)
  var result = Matrix(rows: size, columns: size)
  var column = [Double](repeating: 0, count: size)
  for index in 0..<size {
    for row in 0..<size { column[row] = row == index ? 1 : 0 }
    solveCholesky(factor, size: size, &column)
    for row in 0..<size { result[row, index] = Float(column[row]) }
  }
  return symmetrized(result)
}

/// Replaces the lower triangle of a row-major `[size, size]` matrix by its Cholesky factor.
///
/// A pivot that rounding made non-positive is lifted to a tiny fraction of the largest diagonal, so
/// that a matrix on the edge of singularity gives a large but finite solution.
func choleskyInPlace(_ values: inout [Double], size: Int) {
  var largest = 0.0
  for index in 0..<size { largest = max(largest, values[index * size + index]) }
  let least = max(largest * 1e-14, Double.leastNormalMagnitude)
  values.withUnsafeMutableBufferPointer { a in
    for column in 0..<size {
      let own = column &* size
      var pivot = a[own &+ column]
      for k in 0..<column { pivot -= a[own &+ k] * a[own &+ k] }
      let root = max(pivot, least).squareRoot()
      a[own &+ column] = root
      let scale = 1 / root
      for row in column &+ 1..<max(size, column &+ 1) {
        let other = row &* size
        var sum = a[other &+ column]
        for k in 0..<column { sum -= a[other &+ k] * a[own &+ k] }
        a[other &+ column] = sum * scale
      }
    }
  }
}

/// Solves `L Lᵀ x = b` in place, `L` the lower triangle of `factor`.
func solveCholesky(_ factor: [Double], size: Int, _ vector: inout [Double]) {
  for row in 0..<size {
    var sum = vector[row]
    for k in 0..<row { sum -= factor[row * size + k] * vector[k] }
    vector[row] = sum / factor[row * size + row]
  }
  for row in stride(from: size - 1, through: 0, by: -1) {
    var sum = vector[row]
    for k in row + 1..<max(size, row + 1) { sum -= factor[k * size + row] * vector[k] }
    vector[row] = sum / factor[row * size + row]
  }
}

func symmetrized(_ matrix: Matrix) -> Matrix {
  var result = matrix
  let size = matrix.rows
  result.values.withUnsafeMutableBufferPointer { values in
    for row in 0..<size {
      for column in 0..<row {
        let mean = 0.5 * (values[row &* size &+ column] + values[column &* size &+ row])
        values[row &* size &+ column] = mean
        values[column &* size &+ row] = mean
      }
    }
  }
  return result
}

extension Matrix {
  /// A copy of a rectangle.
  func block(rows: Range<Int>, columns: Range<Int>) -> Matrix {
    var result = Matrix(rows: rows.count, columns: columns.count)
    let (width, stride) = (columns.count, self.columns)
    values.withUnsafeBufferPointer { source in
      result.values.withUnsafeMutableBufferPointer { target in
        guard width > 0 else { return }
        for row in 0..<rows.count {
          let first = (rows.lowerBound &+ row) &* stride &+ columns.lowerBound
          let line = target.baseAddress! + row &* width
          line.update(from: source.baseAddress! + first, count: width)
        }
      }
    }
    return result
  }

  mutating func subtract(_ other: Matrix) {
    let count = values.count
    values.withUnsafeMutableBufferPointer { a in
      other.values.withUnsafeBufferPointer { b in
        for index in 0..<count { a[index] -= b[index] }
      }
    }
  }
}
