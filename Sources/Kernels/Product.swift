public import Tensors

/// The one general matrix product of the engine.
public enum Product {
  /// `a · b` in F32, either operand transposed first.
  ///
  /// Shapes after transposition: `a` `[m, k]`, `b` `[k, n]`, result `[m, n]`. Sums run in ascending
  /// `k` with fused rounding where the machine has it: the result does not depend on `threads`.
  /// - Complexity: `2·m·n·k` FLOP at some 85 to 92 % of the peak for sizes of hundreds; both operands are
  ///   copied once into the kernels' layouts.
  public static func multiply(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false, threads: Int = 1
  ) -> Matrix {
    var result = Matrix(
      rows: transposeA ? a.columns : a.rows, columns: transposeB ? b.rows : b.columns)
    multiply(
      a, transposeA: transposeA, b, transposeB: transposeB, into: &result, threads: threads)
    return result
  }

  /// `a · b` into a matrix that is already there: `result` is overwritten.
  public static func multiply(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false,
    into result: inout Matrix, threads: Int = 1
  ) {
    let (m, k) = transposeA ? (a.columns, a.rows) : (a.rows, a.columns)
    let (inner, n) = transposeB ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(k == inner, "[\(m), \(k)] does not meet [\(inner), \(n)]")
    precondition(
      result.rows == m && result.columns == n,
      "[\(m), \(n)] does not fit [\(result.rows), \(result.columns)]")
    guard m > 0, n > 0 else { return }
    guard k > 0 else {
      result = Matrix(rows: m, columns: n)
      return
    }
    a.values.withUnsafeBufferPointer { left in
      b.values.withUnsafeBufferPointer { right in
        result.values.withUnsafeMutableBufferPointer { target in
          PanelProduct(
            left: Operand(pointer: left.baseAddress!, stride: a.columns, transposed: transposeA),
            right: Operand(pointer: right.baseAddress!, stride: b.columns, transposed: transposeB),
            m: m, n: n, k: k, upperOnly: false
          ).run(into: target.baseAddress!, threads: threads)
        }
      }
    }
  }

  /// `xᵀ · x` `[features, features]` of `x` `[n, features]`, exactly symmetric.
  ///
  /// - Complexity: half the FLOP of the general product: one triangle is computed and mirrored.
  public static func gram(_ x: Matrix, threads: Int = 1) -> Matrix {
    var result = Matrix(rows: x.columns, columns: x.columns)
    guard x.count > 0 else { return result }
    x.values.withUnsafeBufferPointer { values in
      result.values.withUnsafeMutableBufferPointer { target in
        let pointer = values.baseAddress!
        PanelProduct(
          left: Operand(pointer: pointer, stride: x.columns, transposed: true),
          right: Operand(pointer: pointer, stride: x.columns, transposed: false),
          m: x.columns, n: x.columns, k: x.rows, upperOnly: true
        ).run(into: target.baseAddress!, threads: threads)
        mirror(target.baseAddress!, x.columns)
      }
    }
    return result
  }

  /// Copies the triangle above the diagonal below it, in tiles so that both sides stay in cache.
  private static func mirror(_ values: UnsafeMutablePointer<Float>, _ size: Int) {
    let tile = 32
    for top in stride(from: 0, to: size, by: tile) {
      for left in stride(from: top, to: size, by: tile) {
        for row in top..<min(size, top + tile) {
          for column in max(left, row + 1)..<max(row + 1, min(size, left + tile)) {
            values[column * size + row] = values[row * size + column]
          }
        }
      }
    }
  }
}
