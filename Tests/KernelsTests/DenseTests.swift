import Experiments
import Kernels
import Tensors
import Testing

@Suite struct DenseTests {
  @Test(arguments: [1, 3, 8, 16, 33, 128], [ActivationLayout.panels, .tokenMajor])
  func everyDenseKernelMatchesTheReference(tokens: Int, layout: ActivationLayout) throws {
    for (rows, columns) in [(5, 3), (70, 131), (64, 2100)] {
      let layer = LayerCase(
        pattern: .unstructured, rows: rows, columns: columns, tokens: tokens, sparsity: 0, seed: 2)
      let reference = referenceProduct(
        weights: layer.weights, mask: nil, bias: layer.bias, x: layer.x)
      let bounds = tolerance(weights: layer.weights, mask: nil, bias: layer.bias, x: layer.x)
      let kernels = denseCandidates(
        weights: layer.weights, bias: layer.bias, tokens: tokens, layout: layout)
      #expect(!kernels.isEmpty)
      for kernel in kernels {
        let result = try #require(guardedProduct(kernel, layer.x, layout: layout))
        let agreement = Agreement(of: result, with: reference, within: bounds)
        #expect(agreement.firstWrong == nil, "\(kernel.name): \(agreement)")
      }
    }
  }

  @Test func aMissingLibraryIsNamedOrThereIsAKernelOfIt() {
    let kernels = denseCandidates(
      weights: Matrix(rows: 16, columns: 16, repeating: 1), tokens: 32)
    #expect(refusedDense().isEmpty == kernels.contains { $0.name.hasPrefix("onednn") })
  }

  @Test func theWinnerOfARaceIsKept() {
    let weights = Matrix(rows: 96, columns: 96, repeating: 1)
    let first = fastestDense(weights: weights, tokens: 32)
    #expect(fastestDense(weights: weights, tokens: 32).name == first.name)
  }
}
