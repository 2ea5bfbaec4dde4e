import Experiments
import Tensors
import Testing

@testable import Kernels

/// Single rows that are computed together because they share inputs.
@Suite struct SharedInputsTests {
  private func plan(_ mask: Mask, inChunks: Bool = false) -> RowPlan {
    RowPlan(
      rows: Array(0..<mask.rows), words: mask.words, wordsPerRow: mask.wordsPerRow,
      wordsPerRange: 2, ranges: (mask.wordsPerRow + 1) / 2, keepsEmpty: true, inChunks: inChunks)
  }

  private func layer(
    _ word: String, rows: Int = 203, columns: Int = 391, tokens: Int = 128, sparsity: Double = 0.8
  ) throws -> LayerCase {
    LayerCase(
      pattern: try Pattern(parsing: word), rows: rows, columns: columns, tokens: tokens,
      sparsity: sparsity, seed: 29)
  }

  @Test func equalRowsShareAllButTheLastThreeInputs() throws {
    let mask = try layer("4x1", rows: 64, columns: 128, sparsity: 0.5).mask
    let plan = plan(mask)
    #expect(plan.groups.rowNumbers.count == 64 && plan.singles.rowNumbers.isEmpty)
    for group in 0..<16 {
      let kept = mask.count(row: Int(plan.groups.rowNumbers[group * 4]))
      let numbers = plan.groups.counts[group * 8..<group * 8 + 8].map(Int.init)
      let rows = plan.groups.rowNumbers[group * 4..<group * 4 + 4].map { $0 / 4 }
      guard Set(rows).count == 1 else { continue }
      #expect(numbers[0] == kept / 4 && numbers[1] == kept % 4 / 2 && numbers[2] == kept % 2)
      #expect(numbers[3...].allSatisfy { $0 == 0 })
    }
    // Blocks that keep equally many inputs as another may be mixed, but few are.
    let whole = (0..<16).count { group in
      Set(plan.groups.rowNumbers[group * 4..<group * 4 + 4].map { $0 / 4 }).count == 1
    }
    #expect(whole >= 12)
  }

  @Test(arguments: [false, true])
  func everyRowStandsOnceInEachRangeThatItHasWeightsIn(inChunks: Bool) throws {
    let mask = try layer("1x1", sparsity: 0.9).mask
    let plan = plan(mask, inChunks: inChunks)
    for range in 0..<4 {
      var rows: [UInt32] = []
      for list in [plan.groups, plan.singles] {
        let slots = range * plan.chunks..<(range + 1) * plan.chunks
        let groups = list.first[slots.lowerBound]..<list.first[slots.upperBound]
        rows += list.rowNumbers[groups.lowerBound * list.height..<groups.upperBound * list.height]
      }
      let columns = range * 128..<min(391, range * 128 + 128)
      let expected = (0..<203).filter { row in
        range == 0 || columns.contains { mask[row, $0] }
      }
      #expect(rows.sorted() == expected.map(UInt32.init))
    }
  }

  @Test(arguments: ["1x1", "2x1", "1x8", "2:4", "tvw16", "tew16+5%"], [32, 96, 128])
  func eachKeptWeightIsStoredOnce(word: String, tokens: Int) throws {
    let mask = try layer(word).mask
    let stored = try RewritableLayer(
      mask: mask, pattern: try Pattern(parsing: word), tokens: tokens)
    var places: [Int] = []
    for part in stored.parts { places += part.places.map(Int.init) }
    let expected = (0..<203 * 391).filter { mask[$0 / 391, $0 % 391] }
    #expect(places.sorted() == expected)
  }

  @Test func sharedInputsAreListedOnce() throws {
    let alike = try layer("2x1", rows: 64, columns: 512)
    let kernel = try packSparse(
      weights: alike.weights, mask: alike.mask, pattern: .block(2, 1), tokens: 128)
    let report = kernel.storage(tokens: 128, threads: 1)
    #expect(kernel.name.contains("rows"))
    #expect(report.valueBytes == alike.mask.count * 4)
    // Two bytes for nearly every two weights, and 40 bytes for the numbers of each group and range.
    #expect(report.indexBytes < alike.mask.count * 5 / 4 + 64 / 4 * 4 * 40)
  }

  /// An overlay beside slabs, on threads that share out each range (128 tokens) or keep to chunks (48).
  @Test(arguments: [48, 128], WeightType.allCases)
  func overlayBesideSlabsAgreesOnAnyThreads(tokens: Int, dtype: WeightType) throws {
    var layer = try layer("8x1", rows: 208, columns: 600, tokens: tokens)
    for row in 0..<208 {
      for column in stride(from: row * 13 % 97, to: 600, by: 97) where !layer.mask[row, column] {
        layer.mask[row, column] = true
        layer.weights[row, column] = Float(row - column) / 300
      }
    }
    let kernel = try packSparse(
      weights: layer.weights, mask: layer.mask, pattern: .block(8, 1), bias: layer.bias,
      tokens: tokens, dtype: dtype)
    #expect(kernel.name.contains("slab8") && kernel.name.contains("overlay"))
    if dtype == .bf16 { layer.weights = layer.weights.roundedToBF16 }
    let reference = referenceProduct(
      weights: layer.weights, mask: layer.mask, bias: layer.bias, x: layer.x)
    let bounds = tolerance(
      weights: layer.weights, mask: layer.mask, bias: layer.bias, x: layer.x)
    for threads in [1, 2, 3, 5] {
      let result = try #require(guardedProduct(kernel, layer.x, threads: threads))
      let agreement = Agreement(of: result, with: reference, within: bounds)
      #expect(agreement.firstWrong == nil, "\(kernel.name) threads=\(threads): \(agreement)")
    }
  }
}
