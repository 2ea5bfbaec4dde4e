import Experiments
import Kernels
import Tensors
import Testing

@Suite struct PackingTests {
  let layer = LayerCase(
    pattern: .block(8, 1), rows: 64, columns: 96, tokens: 32, sparsity: 0.5, seed: 1)

  @Test func wrongShapesAreNamed() throws {
    let pattern = Pattern.block(8, 1)
    #expect(
      throws: KernelError.maskShape(
        weightRows: 64, weightColumns: 96, maskRows: 64, maskColumns: 95)
    ) {
      try packSparse(
        weights: layer.weights, mask: Mask(rows: 64, columns: 95), pattern: pattern, tokens: 32)
    }
    #expect(throws: KernelError.biasLength(expected: 64, found: 3)) {
      try packSparse(
        weights: layer.weights, mask: layer.mask, pattern: pattern, bias: [1, 2, 3], tokens: 32)
    }
    #expect(throws: KernelError.noTokens(0)) {
      try packSparse(weights: layer.weights, mask: layer.mask, pattern: pattern, tokens: 0)
    }
    #expect(throws: KernelError.orderLength(axis: "rows", expected: 64, found: 2)) {
      try packSparse(
        weights: layer.weights, mask: layer.mask, pattern: pattern,
        order: LayerOrder(rows: .identity(2)), tokens: 32)
    }
  }

  @Test func storageCountsKeptWeightsOnce() throws {
    let kept = layer.mask.count
    let kernel = try packSparse(
      weights: layer.weights, mask: layer.mask, pattern: .block(8, 1), tokens: 40)
    let report = kernel.storage(tokens: 40, threads: 1)
    #expect(report.valueBytes == kept * 4)
    #expect(report.paddingBytes == 0)
    #expect(report.usefulFlops == Double(2 * kept * 40))
    #expect(report.executedFlops == Double(2 * kept * 64))
    #expect(report.imbalance == 1)
    #expect(report.activationBytes == (64 + 96) * 64 * 4)
    let halved = try packSparse(
      weights: layer.weights, mask: layer.mask, pattern: .block(8, 1), tokens: 40, dtype: .bf16)
    #expect(halved.storage(tokens: 40, threads: 1).valueBytes == kept * 2)
  }

  @Test func slabsOfOneBlockShareTheirLists() throws {
    let tall = LayerCase(
      pattern: .block(32, 1), rows: 64, columns: 512, tokens: 32, sparsity: 0.5, seed: 1)
    let kernel = try packSparse(
      weights: tall.weights, mask: tall.mask, pattern: .block(32, 1), tokens: 32)
    // One list for 32 rows: 2 bytes an input, and at most 64 bytes of bookkeeping a slab.
    let report = kernel.storage(tokens: 32, threads: 1)
    #expect(report.indexBytes <= tall.mask.count / 32 * 2 + 8 * 64)
  }

  @Test func fullyPrunedLayerGivesTheBias() throws {
    for tokens in [1, 8, 16, 128] {
      let empty = Mask(rows: 64, columns: 96)
      let kernel = try packSparse(
        weights: layer.weights, mask: empty, pattern: .block(8, 1), bias: layer.bias,
        tokens: tokens)
      let x = Matrix(rows: tokens, columns: 96, repeating: .infinity)
      let result = try #require(guardedProduct(kernel, x))
      for token in 0..<tokens {
        for row in 0..<64 { #expect(result[token, row] == layer.bias[row]) }
      }
    }
  }

  @Test func activationsComeBackAsTheyWent() {
    var generator = SeededGenerator(seed: 4)
    for tokens in [1, 2, 8, 9, 15, 16, 17, 31, 33, 50, 128] {
      for features in [1, 3, 16, 17, 50, 96] {
        let matrix = LayerCase.gaussian(tokens, features, &generator)
        for layout in ActivationLayout.allCases {
          let guarded = PoisonedActivations(features: features, tokens: tokens, layout: layout)
          guarded.activations.load(matrix)
          #expect(guarded.activations.matrix() == matrix)
          #expect(guarded.guardsAreWhole)
          let width = guarded.activations.width
          let place = (tokens - 1) / width * features * width + (features - 1) * width
          #expect(
            guarded.activations.pointer[place + (tokens - 1) % width]
              == matrix[tokens - 1, features - 1])
        }
      }
    }
  }
}
