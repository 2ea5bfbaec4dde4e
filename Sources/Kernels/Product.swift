public import Tensors

/// The one general matrix product of the engine.
public enum Product {
  /// `a · b` in F32, either operand transposed first.
  ///
  /// Shapes after transposition: `a` `[m, k]`, `b` `[k, n]`, result `[m, n]`.
  /// - Complexity: `2·m·n·k` FLOP.
  public static func multiply(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false, threads: Int = 1
  ) -> Matrix {
    let left = transposeA ? a.transposed() : a
    let right = transposeB ? b.transposed() : b
    precondition(left.columns == right.rows)
    var result = Matrix(rows: left.rows, columns: right.columns)
    for i in 0..<left.rows {
      for k in 0..<left.columns {
        let factor = left[i, k]
        for j in 0..<right.columns { result[i, j] += factor * right[k, j] }
      }
    }
    return result
  }
}
