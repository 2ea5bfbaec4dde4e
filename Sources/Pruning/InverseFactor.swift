import Kernels
import Tensors

/// The upper triangular `U [n, n]` with `UᵀU = M⁻¹`, of a symmetric positive definite `M`.
///
/// Row `j` of `U`, from its diagonal on, is what eliminating column `j` does to the columns that follow
/// once all before it are decided: `U[j, j]²` is the leading element of the inverse of `M`'s trailing
/// block at `j`, and `U[j, j...]·U[j, j]` its first row (Frantar & Alistarh 2023, 3.3).
///
/// With rows and columns of `M` reversed and `M_reversed = L·Lᵀ`, `U` is `L⁻¹` reversed, so nothing is
/// inverted twice. `L⁻¹` comes from a recursion by halves: `L₂₁ = B·L₁₁⁻ᵀ`, the Schur complement
/// `C - L₂₁·L₂₁ᵀ`, and `-L₂₂⁻¹·L₂₁·L₁₁⁻¹` in the corner. All of it but blocks of 64, which are factored
/// in double precision, is matrix products.
/// - Complexity: about `5/3·n³` FLOP.
func inverseFactor(_ matrix: Matrix) -> Matrix {
  let size = matrix.rows
  var reversed = Matrix(rows: size, columns: size)
  for index in 0..<size * size { reversed.values[index] = matrix.values[size * size - 1 - index] }
  let lower = inverseOfLowerFactor(reversed)
  for index in 0..<size * size { reversed.values[index] = lower.values[size * size - 1 - index] }
  return reversed
}

/// `L⁻¹` of `matrix = L·Lᵀ`, zeros above the diagonal.
private func inverseOfLowerFactor(_ matrix: Matrix) -> Matrix {
  let size = matrix.rows
  if size <= 64 { return smallInverseFactor(matrix) }
  let half = (size / 2 + 63) / 64 * 64
  let upper = inverseOfLowerFactor(matrix.block(rows: 0..<half, columns: 0..<half))
  let cross = matrix.block(rows: half..<size, columns: 0..<half)
  let corner = Product.multiply(cross, upper, transposeB: true)
  var schur = matrix.block(rows: half..<size, columns: half..<size)
  schur.subtract(Product.multiply(corner, corner, transposeB: true))
  let lower = inverseOfLowerFactor(schur)
  let below = Product.multiply(lower, Product.multiply(corner, upper))

  var result = Matrix(rows: size, columns: size)
  for row in 0..<half {
    for column in 0...row { result[row, column] = upper[row, column] }
  }
  for row in half..<size {
    for column in 0..<half { result[row, column] = -below[row - half, column] }
    for column in half...row { result[row, column] = lower[row - half, column - half] }
  }
  return result
}

/// In double precision, for blocks of at most 64.
private func smallInverseFactor(_ matrix: Matrix) -> Matrix {
  let size = matrix.rows
  var factor = matrix.values.map(Double.init)
  choleskyInPlace(&factor, size: size)
  var result = Matrix(rows: size, columns: size)
  var column = [Double](repeating: 0, count: size)
  for index in 0..<size {
    // L·x = e_index; what stands before `index` is zero.
    for row in index..<size {
      var sum = row == index ? 1.0 : 0
      for k in index..<row { sum -= factor[row * size + k] * column[k] }
      column[row] = sum / factor[row * size + row]
      result[row, index] = Float(column[row])
    }
  }
  return result
}
