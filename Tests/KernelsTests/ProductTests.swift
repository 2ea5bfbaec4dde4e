import Kernels
import Tensors
import Testing

@Suite struct ProductTests {
  static let sizes = [
    (1, 1, 1), (3, 5, 7), (8, 32, 16), (9, 33, 17), (31, 65, 130), (100, 70, 1030), (2, 300, 40),
  ]

  @Test(arguments: sizes, [(false, false), (false, true), (true, false), (true, true)])
  func everyTranspositionMatchesTheReference(size: (Int, Int, Int), transposed: (Bool, Bool)) {
    let (m, n, k) = size
    var generator = SeededGenerator(seed: 9)
    let a = LayerCase.gaussian(m, k, &generator)
    let b = LayerCase.gaussian(n, k, &generator)
    // The reference computes x · wᵀ: here x is a and w is b.
    let expected = referenceProduct(weights: b, mask: nil, bias: nil, x: a)
    let bounds = tolerance(weights: b, mask: nil, bias: nil, x: a)
    for threads in [1, 2, 3] {
      var result = Matrix(rows: m, columns: n, repeating: .nan)
      Product.multiply(
        transposed.0 ? a.transposed() : a, transposeA: transposed.0,
        transposed.1 ? b : b.transposed(), transposeB: transposed.1, into: &result,
        threads: threads)
      #expect(Agreement(of: result, with: expected, within: bounds).firstWrong == nil)
    }
  }

  @Test(arguments: [(1, 1), (7, 3), (40, 33), (1100, 70), (50, 129)])
  func gramIsSymmetricAndMatchesTheReference(rows: Int, features: Int) {
    var generator = SeededGenerator(seed: 10)
    let x = LayerCase.gaussian(rows, features, &generator)
    let columns = x.transposed()
    let expected = referenceProduct(weights: columns, mask: nil, bias: nil, x: columns)
    let bounds = tolerance(weights: columns, mask: nil, bias: nil, x: columns)
    for threads in [1, 2] {
      let gram = Product.gram(x, threads: threads)
      #expect(gram == gram.transposed())
      #expect(Agreement(of: gram, with: expected, within: bounds).firstWrong == nil)
    }
  }

  @Test func noInnerSizeGivesZeros() {
    let product = Product.multiply(Matrix(rows: 2, columns: 0), Matrix(rows: 0, columns: 3))
    #expect(product == Matrix(rows: 2, columns: 3))
  }
}
