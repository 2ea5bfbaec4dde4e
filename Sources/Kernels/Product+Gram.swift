public import Tensors

extension Product {
  /// `xᵀ · x` `[features, features]` of `x` `[n, features]`, exactly symmetric.
  public static func gram(_ x: Matrix, threads: Int = 1) -> Matrix {
    multiply(x, transposeA: true, x, threads: threads)
  }

  /// `a · b` into a matrix that is already there: `result` is overwritten.
  public static func multiply(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false,
    into result: inout Matrix, threads: Int = 1
  ) {
    result = multiply(a, transposeA: transposeA, b, transposeB: transposeB, threads: threads)
  }
}
