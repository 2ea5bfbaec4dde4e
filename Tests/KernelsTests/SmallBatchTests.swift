import Experiments
import Tensors
import Testing

@testable import Kernels

@Suite struct SmallBatchTests {
  static let tokenCounts = [1, 2, 3, 7, 8, 9, 15]
  static let shapes = [(1, 1), (3, 5), (17, 31), (33, 70), (48, 64), (50, 131)]
  static let patterns = [
    "1x1", "1x2", "1x4", "1x8", "1x16", "1x32", "2x1", "2x2", "3x5", "4x1", "4x2", "4x4", "8x1",
    "8x8",
    "12x1", "16x1", "16x16", "32x1", "32x32", "64x1", "1:4", "2:4", "3:4", "4:8", "1:16", "row",
    "column", "tw16", "tw24", "tew16+5%", "tew32+10%", "tvw16",
  ]

  @Test(arguments: patterns, tokenCounts)
  func everyPatternAgreesWithTheReference(pattern: String, tokens: Int) throws {
    for (rows, columns) in Self.shapes {
      for sparsity in [0, 0.5, 0.9, 1] {
        let test = SmallBatchCase(
          rows: rows, columns: columns, tokens: tokens, pattern: try Pattern(parsing: pattern),
          sparsity: sparsity)
        let (weights, mask, x, bias) = (test.weights, test.mask, test.activations, test.bias)
        for set in InstructionSet.available {
          let layer = try smallBatchLayer(
            test, weights: weights, mask: mask, bias: bias, instructionSet: set)
          test.expectCorrect(layer, weights: weights, mask: mask, x: x, bias: bias)
        }
      }
    }
  }

  @Test(arguments: SingleTokenForm.allCases, [0, 0.5, 0.9, 1])
  func everyFormForOneTokenHoldsEveryMask(form: SingleTokenForm, sparsity: Double) throws {
    for (rows, columns) in Self.shapes {
      let test = SmallBatchCase(
        rows: rows, columns: columns, tokens: 1, pattern: .unstructured, sparsity: sparsity)
      for set in InstructionSet.available {
        for dtype in WeightType.allCases {
          let layer = try SingleTokenLayer(
            weights: test.weights, mask: test.mask, pattern: test.pattern, rows: nil, columns: nil,
            bias: test.bias, dtype: dtype, instructionSet: set, form: form)
          let weights = dtype == .bf16 ? test.weights.roundedToBF16 : test.weights
          test.expectCorrect(
            layer, weights: weights, mask: test.mask, x: test.activations, bias: test.bias)
        }
      }
    }
  }

  @Test(arguments: EightTokensForm.allCases, [0, 0.5, 0.9, 1])
  func everyFormForEightTokensHoldsEveryMask(form: EightTokensForm, sparsity: Double) throws {
    for (rows, columns) in Self.shapes where columns > 1 {
      for tokens in [3, 9] {
        let test = SmallBatchCase(
          rows: rows, columns: columns, tokens: tokens, pattern: .unstructured, sparsity: sparsity)
        for set in InstructionSet.available {
          for dtype in WeightType.allCases {
            let layer = try EightTokensLayer(
              weights: test.weights, mask: test.mask, pattern: test.pattern, rows: nil,
              columns: nil, bias: test.bias, dtype: dtype, instructionSet: set, form: form)
            let weights = dtype == .bf16 ? test.weights.roundedToBF16 : test.weights
            test.expectCorrect(
              layer, weights: weights, mask: test.mask, x: test.activations, bias: test.bias)
          }
        }
      }
    }
  }

  @Test(arguments: [1, 3, 8, 9], [0, 0.5, 0.9, 1])
  func tableLookupHoldsEveryMask(tokens: Int, sparsity: Double) throws {
    for (rows, columns) in Self.shapes + [(160, 163)] {
      let test = SmallBatchCase(
        rows: rows, columns: columns, tokens: tokens, pattern: .unstructured, sparsity: sparsity)
      for set in InstructionSet.available {
        for dtype in WeightType.allCases {
          let layer: any LinearKernel =
            tokens == 1
            ? try SingleTokenLayer(
              weights: test.weights, mask: test.mask, pattern: test.pattern, rows: nil,
              columns: nil, bias: test.bias, dtype: dtype, instructionSet: set, form: nil,
              lookup: true)
            : try EightTokensLayer(
              weights: test.weights, mask: test.mask, pattern: test.pattern, rows: nil,
              columns: nil, bias: test.bias, dtype: dtype, instructionSet: set, form: nil,
              lookup: true)
          let weights = dtype == .bf16 ? test.weights.roundedToBF16 : test.weights
          test.expectCorrect(
            layer, weights: weights, mask: test.mask, x: test.activations, bias: test.bias)
        }
      }
    }
  }

  /// Nearly every weight takes a pair of steps of its own: packing has to ask for more room.
  @Test(arguments: [1, 8])
  func tableLookupGrowsWithSparseWideRows(tokens: Int) throws {
    let test = SmallBatchCase(
      rows: 3, columns: 6_400, tokens: tokens, pattern: .unstructured, sparsity: 0.98)
    for set in InstructionSet.available {
      let layer: any LinearKernel =
        tokens == 1
        ? try SingleTokenLayer(
          weights: test.weights, mask: test.mask, pattern: test.pattern, rows: nil, columns: nil,
          bias: test.bias, dtype: .f32, instructionSet: set, form: nil, lookup: true)
        : try EightTokensLayer(
          weights: test.weights, mask: test.mask, pattern: test.pattern, rows: nil, columns: nil,
          bias: test.bias, dtype: .f32, instructionSet: set, form: nil, lookup: true)
      test.expectCorrect(
        layer, weights: test.weights, mask: test.mask, x: test.activations, bias: test.bias)
    }
  }

  @Test(
    arguments: ["8x4/tetris", "1x16/tetris", "4x4/tetris", "32x1/tetris", "2:4/permute"], [1, 8])
  func reorderedLayoutsKeepOriginalOrder(pattern: String, tokens: Int) throws {
    for (rows, columns) in Self.shapes {
      let test = SmallBatchCase(
        rows: rows, columns: columns, tokens: tokens, pattern: try Pattern(parsing: pattern),
        sparsity: 0.6)
      var generator = SeededGenerator(seed: 9)
      let rowOrder = Permutation(Array(0..<rows).shuffled(using: &generator))
      let columnOrder = Permutation(Array(0..<columns).shuffled(using: &generator))
      // The mask is regular in the layout; the layer takes it in original order.
      let mask = test.mask.reordered(rows: rowOrder.inverse, columns: columnOrder.inverse)
      for set in InstructionSet.available {
        let layer = try smallBatchLayer(
          test, weights: test.weights, mask: mask, rows: rowOrder, columns: columnOrder,
          bias: test.bias, instructionSet: set)
        test.expectCorrect(
          layer, weights: test.weights, mask: mask, x: test.activations, bias: test.bias)
      }
    }
  }

  @Test(arguments: patterns, [1, 3, 8])
  func prunedWeightsNeverMeetActivationsThatAreNotFinite(pattern: String, tokens: Int) throws {
    let test = SmallBatchCase(
      rows: 37, columns: 75, tokens: tokens, pattern: try Pattern(parsing: pattern), sparsity: 0.7)
    let mask = test.mask
    var weights = test.weights
    var x = test.activations
    x[0, 3] = .nan
    x[0, 40] = .infinity
    x[tokens - 1, 74] = -.infinity
    weights[5, 20] = .nan
    weights[30, 41] = .infinity
    for set in InstructionSet.available {
      let layer = try smallBatchLayer(
        test, weights: weights, mask: mask, bias: test.bias, instructionSet: set)
      test.expectCorrect(layer, weights: weights, mask: mask, x: x, bias: test.bias)
      test.expectCorrect(
        layer, weights: weights, mask: mask, x: test.activations, bias: test.bias)
    }
  }

  @Test(arguments: tokenCounts)
  func denseAgreesWithTheReference(tokens: Int) throws {
    for (rows, columns) in Self.shapes {
      let test = SmallBatchCase(
        rows: rows, columns: columns, tokens: tokens, pattern: .unstructured, sparsity: 0)
      for set in InstructionSet.available {
        for dtype in WeightType.allCases {
          let weights = dtype == .bf16 ? test.weights.roundedToBF16 : test.weights
          let layer: any LinearKernel =
            tokens == 1
            ? try SingleTokenDense(
              weights: test.weights, bias: test.bias, dtype: dtype, instructionSet: set)
            : try EightTokensDense(
              weights: test.weights, bias: test.bias, dtype: dtype, instructionSet: set)
          test.expectCorrect(
            layer, weights: weights, mask: nil, x: test.activations, bias: test.bias)
        }
      }
    }
  }

  @Test(arguments: ["1x1", "4x1", "8x1", "32x1", "1x16", "2:4", "tew32+5%"], [1, 8, 11])
  func threadsGiveTheSameBits(pattern: String, tokens: Int) throws {
    let test = SmallBatchCase(
      rows: 513, columns: 520, tokens: tokens, pattern: try Pattern(parsing: pattern),
      sparsity: 0.5)
    let layer = try smallBatchLayer(
      test, weights: test.weights, mask: test.mask, bias: test.bias, instructionSet: .best)
    let x = Activations(features: 520, tokens: tokens)
    x.load(test.activations)
    let alone = Activations(features: 513, tokens: tokens)
    layer.multiply(x, into: alone, threads: 1)
    for threads in [2, 3, 7] {
      let together = Activations(features: 513, tokens: tokens)
      layer.multiply(x, into: together, threads: threads)
      #expect(together.matrix() == alone.matrix(), "\(layer.name) on \(threads) threads")
    }
    test.expectCorrect(
      layer, weights: test.weights, mask: test.mask, x: test.activations, bias: test.bias,
      threads: 2)
  }

  @Test(arguments: [1, 8])
  func layersWiderThanSixteenBitListsAreWhole(tokens: Int) throws {
    let test = SmallBatchCase(
      rows: 5, columns: 65_601, tokens: tokens, pattern: .block(4, 1), sparsity: 0.9)
    let layer = try smallBatchLayer(
      test, weights: test.weights, mask: test.mask, bias: test.bias, instructionSet: .best)
    test.expectCorrect(
      layer, weights: test.weights, mask: test.mask, x: test.activations, bias: test.bias)
  }

  @Test(arguments: patterns, [1, 8])
  func storageAddsUp(pattern: String, tokens: Int) throws {
    let test = SmallBatchCase(
      rows: 64, columns: 96, tokens: tokens, pattern: try Pattern(parsing: pattern), sparsity: 0.8)
    let layer = try smallBatchLayer(
      test, weights: test.weights, mask: test.mask, instructionSet: .best)
    let report = layer.storage(tokens: tokens, threads: 2)
    #expect(report.valueBytes == test.mask.count * 4)
    #expect(report.usefulFlops == 2 * Double(test.mask.count) * Double(tokens))
    #expect(
      report.executedFlops == 2 * Double((report.valueBytes + report.paddingBytes) / 4 * tokens))
    #expect(report.imbalance >= 1 && report.imbalance <= 2)
  }
}
