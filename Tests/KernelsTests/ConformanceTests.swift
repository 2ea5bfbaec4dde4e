import Experiments
import Kernels
import Tensors
import Testing

/// Every pattern, on every instruction set of this machine, against the slow reference.
@Suite struct ConformanceTests {
  static let tokens = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 128]
  static let shapes = [(1, 1), (7, 5), (33, 70), (70, 131), (97, 300)]

  @Test(arguments: LayerCase.patterns, InstructionSet.available)
  func everyPatternMatchesTheReference(word: String, set: InstructionSet) throws {
    let pattern = try Pattern(parsing: word)
    for (shape, (rows, columns)) in Self.shapes.enumerated() {
      for sparsity in pattern.fixedSparsity.map({ [$0] }) ?? [0, 0.5, 0.9, 1] {
        let layer = LayerCase(
          pattern: pattern, rows: rows, columns: columns, tokens: 128, sparsity: sparsity,
          seed: UInt64(shape + 1))
        let reference = referenceProduct(
          weights: layer.weights, mask: layer.mask, bias: layer.bias, x: layer.x)
        let bounds = tolerance(
          weights: layer.weights, mask: layer.mask, bias: layer.bias, x: layer.x)
        for tokens in Self.tokens {
          let kernel = try packSparse(
            weights: layer.weights, mask: layer.mask, pattern: pattern, order: layer.order,
            bias: layer.bias, tokens: tokens, instructionSet: set)
          let result = try #require(
            guardedProduct(kernel, layer.x.firstRows(tokens)), "guard touched: \(kernel.name)")
          let agreement = Agreement(
            of: result, with: reference.firstRows(tokens), within: bounds.firstRows(tokens))
          #expect(
            agreement.firstWrong == nil,
            "\(kernel.name) \(rows)x\(columns) s=\(sparsity) tokens=\(tokens): \(agreement)")
        }
      }
    }
  }

  /// Activations of more than a mebibyte: the kernels then ask for the next panels while they compute.
  @Test(arguments: LayerCase.patterns, InstructionSet.available)
  func activationsBeyondTheCacheMatchTheReference(word: String, set: InstructionSet) throws {
    let pattern = try Pattern(parsing: word)
    for (rows, columns) in [(43, 1900), (1900, 37)] {
      let layer = LayerCase(
        pattern: pattern, rows: rows, columns: columns, tokens: 165, sparsity: 0.8, seed: 3)
      let kernel = try packSparse(
        weights: layer.weights, mask: layer.mask, pattern: pattern, order: layer.order,
        bias: layer.bias, tokens: 165, instructionSet: set)
      let alone = try #require(guardedProduct(kernel, layer.x), "guard touched: \(kernel.name)")
      expectAgreement(alone, layer, "\(kernel.name) \(rows)x\(columns)")
      for threads in [2, 3] {
        let together = try #require(guardedProduct(kernel, layer.x, threads: threads))
        #expect(alone == together, "\(kernel.name) threads=\(threads)")
      }
    }
  }

  /// Any mask is right under any pattern: here a mask of single weights, packed as each.
  @Test(arguments: LayerCase.patterns, InstructionSet.available)
  func aMaskThatBreaksItsPatternIsStillRight(word: String, set: InstructionSet) throws {
    let pattern = try Pattern(parsing: word)
    for sparsity in [0.05, 0.5, 0.95] {
      let layer = LayerCase(
        pattern: .unstructured, rows: 67, columns: 143, tokens: 40, sparsity: sparsity, seed: 7)
      let kernel = try packSparse(
        weights: layer.weights, mask: layer.mask, pattern: pattern, bias: layer.bias, tokens: 40,
        instructionSet: set)
      let result = try #require(guardedProduct(kernel, layer.x))
      expectAgreement(result, layer, kernel.name)
    }
  }

  @Test(arguments: LayerCase.patterns, [16, 33, 70])
  func nonFiniteValuesBehaveAsInTheReference(word: String, tokens: Int) throws {
    let pattern = try Pattern(parsing: word)
    var layer = LayerCase(
      pattern: pattern, rows: 67, columns: 143, tokens: tokens, sparsity: 0.8, seed: 11)
    for (i, column) in [0, 17, 64, 142].enumerated() {
      layer.x[(i * 7) % tokens, column] = [.infinity, -.infinity, .nan, .infinity][i]
    }
    for row in stride(from: 0, to: 67, by: 9) {
      if let column = (0..<143).first(where: { layer.mask[row, $0] }) {
        layer.weights[row, column] = [.infinity, .nan, -.infinity][row % 3]
      }
    }
    let kernel = try packSparse(
      weights: layer.weights, mask: layer.mask, pattern: pattern, order: layer.order,
      bias: layer.bias, tokens: tokens)
    let result = try #require(guardedProduct(kernel, layer.x))
    expectAgreement(result, layer, kernel.name)
  }

  @Test(arguments: LayerCase.patterns, [16, 33, 64, 128])
  func threadsDoNotChangeTheResult(word: String, tokens: Int) throws {
    let pattern = try Pattern(parsing: word)
    let layer = LayerCase(
      pattern: pattern, rows: 150, columns: 290, tokens: tokens, sparsity: 0.8, seed: 5)
    let kernel = try packSparse(
      weights: layer.weights, mask: layer.mask, pattern: pattern, order: layer.order,
      bias: layer.bias, tokens: tokens)
    let alone = try #require(guardedProduct(kernel, layer.x))
    for threads in [2, 3, 5] {
      let together = try #require(guardedProduct(kernel, layer.x, threads: threads))
      #expect(alone == together, "\(kernel.name) threads=\(threads)")
      #expect(kernel.storage(tokens: tokens, threads: threads).imbalance >= 1)
    }
  }

  @Test(arguments: ["1x1", "8x1", "32x1", "4x4", "tew16+5%", "2:4"], InstructionSet.available)
  func bf16WeightsAreRoundedAndSummedInF32(word: String, set: InstructionSet) throws {
    let pattern = try Pattern(parsing: word)
    for tokens in [1, 8, 16, 33, 128] {
      var layer = LayerCase(
        pattern: pattern, rows: 70, columns: 400, tokens: tokens, sparsity: 0.5, seed: 3)
      let kernel = try packSparse(
        weights: layer.weights, mask: layer.mask, pattern: pattern, bias: layer.bias,
        tokens: tokens, dtype: .bf16, instructionSet: set)
      layer.weights = layer.weights.roundedToBF16
      let result = try #require(guardedProduct(kernel, layer.x))
      expectAgreement(result, layer, kernel.name)
    }
  }

  @Test(arguments: ["1x1", "8x1", "2:4", "tew16+5%"], [1, 2, 9, 16, 33, 128])
  func tokenMajorActivationsGiveTheSame(word: String, tokens: Int) throws {
    let pattern = try Pattern(parsing: word)
    let layer = LayerCase(
      pattern: pattern, rows: 70, columns: 150, tokens: tokens, sparsity: 0.8, seed: 13)
    let kernel = try packSparse(
      weights: layer.weights, mask: layer.mask, pattern: pattern, bias: layer.bias, tokens: tokens,
      layout: .tokenMajor)
    for threads in [1, 2] {
      let result = try #require(
        guardedProduct(kernel, layer.x, threads: threads, layout: .tokenMajor))
      expectAgreement(result, layer, kernel.name)
    }
  }

  @Test(arguments: [(40, 2500), (9, 4200), (2, 70000)])
  func manyInputsAreCutIntoRanges(rows: Int, columns: Int) throws {
    for word in ["1x1", "2x1", "8x1", "4x4", "8x64", "tew8+5%"] {
      let pattern = try Pattern(parsing: word)
      let layer = LayerCase(
        pattern: pattern, rows: rows, columns: columns, tokens: 33, sparsity: 0.7, seed: 17)
      let kernel = try packSparse(
        weights: layer.weights, mask: layer.mask, pattern: pattern, bias: layer.bias, tokens: 33)
      let result = try #require(guardedProduct(kernel, layer.x))
      expectAgreement(result, layer, kernel.name)
    }
  }

  private func expectAgreement(_ result: Matrix, _ layer: LayerCase, _ name: String) {
    let reference = referenceProduct(
      weights: layer.weights, mask: layer.mask, bias: layer.bias, x: layer.x)
    let bounds = tolerance(
      weights: layer.weights, mask: layer.mask, bias: layer.bias, x: layer.x)
    let agreement = Agreement(of: result, with: reference, within: bounds)
    #expect(agreement.firstWrong == nil, "\(name): \(agreement)")
  }
}
