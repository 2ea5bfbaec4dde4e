import Experiments
import Pruning
import Tensors
import Testing

private let patterns = [
  "1x1", "32x1", "8x1", "5x1", "1x8", "1x5", "4x4", "7x3", "16x16", "64x64", "row", "column",
  "2:4", "1:4", "3:7", "5:64", "tw8", "tw7", "tw64", "tew8+5%", "tew5+1.5%", "tvw8", "tvw5",
]
private let shapes = [(40, 48), (33, 65), (1, 17), (17, 1), (3, 3), (64, 130), (70, 127)]

@Suite struct MaskTests {
  /// Subnormal and huge weights give the masks and shares of the same weights near 1.
  @Test(arguments: [-140, -127, -100, 100])
  func weightsOfAnySizeAreRankedAlike(exponent: Int) throws {
    var plain = gaussian(24, 40, seed: 61)
    // Few leading bits, so that nothing is lost below the least normal number.
    for index in plain.values.indices {
      plain.values[index] = (plain.values[index] * 16).rounded()
    }
    var scaled = plain
    for index in plain.values.indices {
      scaled.values[index] = Float(
        sign: .plus, exponent: exponent, significand: plain.values[index])
    }
    for pattern in ["1x1", "8x1", "2:4", "tw8"] {
      let expected = try prune(plain, named: "w", knobs: knobs(pattern), statistics: nil)
      let found = try prune(scaled, named: "w", knobs: knobs(pattern), statistics: nil)
      #expect(found.mask == expected.mask, "\(pattern)")
      #expect(abs(found.summary.keptEnergy - expected.summary.keptEnergy) < 1e-6)
      #expect(abs(found.summary.keptL1 - expected.summary.keptL1) < 1e-6)
    }
  }

  @Test(arguments: patterns)
  func masksEqualTheNaiveOnes(pattern text: String) throws {
    let pattern = try Pattern(parsing: text)
    for (rows, columns) in shapes {
      let weights = gaussian(rows, columns, seed: UInt64(rows * 1000 + columns))
      let known = try statistics(columns, rows: 80, evaluationRows: 20)
      for criterion in [Criterion.magnitude, .l1, .wanda] {
        let naive = NaivePruning(weights, criterion: criterion, factors: known.inputEnergy)
        for sparsity in [0, 0.1, 0.37, 0.5, 0.75, 0.8, 0.9, 0.95, 1] {
          let amount = pattern.fixedSparsity ?? sparsity
          guard pattern.sparsityRange.contains(amount) else { continue }
          let layer = try prune(
            weights, named: "w", knobs: knobs(text, .sparsity(amount), criterion: criterion),
            statistics: known)
          #expect(
            layer.mask == naive.mask(pattern, sparsity: amount),
            "\(text) \(rows)x\(columns) \(criterion) \(amount)")
        }
      }
    }
  }

  @Test(arguments: ["tw8", "tw5", "tew8+5%", "tvw8"], [0.25, 0.5, 1])
  func droppedRowsAndTilesEqualTheNaiveOnes(pattern: String, share: Double) throws {
    let weights = gaussian(50, 60, seed: 3)
    let naive = NaivePruning(weights, criterion: .magnitude)
    for sparsity in [0.5, 0.6, 0.8, 0.9] {
      let layer = try prune(
        weights, named: "w", knobs: knobs(pattern, .sparsity(sparsity), rowsShare: share),
        statistics: nil)
      let expected = naive.mask(
        try Pattern(parsing: pattern), sparsity: sparsity, rowsShare: share)
      #expect(layer.mask == expected, "\(pattern) \(sparsity) \(share)")
    }
  }

  @Test func tilesWithoutOverlayAreStripsOfTheSameHeight() throws {
    let weights = gaussian(96, 80, seed: 4)
    let known = try statistics(80)
    for (tile, strip) in [("tw32", "32x1"), ("tw16", "16x1"), ("tw1", "1x1")] {
      for sparsity in [0, 0.3, 0.5, 0.8, 0.93, 1] {
        for criterion in [Criterion.magnitude, .l1, .wanda, .obs, .random] {
          let a = try prune(
            weights, named: "w", knobs: knobs(tile, .sparsity(sparsity), criterion: criterion),
            statistics: known)
          let b = try prune(
            weights, named: "w", knobs: knobs(strip, .sparsity(sparsity), criterion: criterion),
            statistics: known)
          #expect(a.mask == b.mask, "\(tile) \(sparsity) \(criterion)")
        }
      }
    }
  }

  @Test func equalScoresGoToTheLowerIndex() throws {
    let weights = Matrix(rows: 6, columns: 10, repeating: -0.25)
    for (pattern, kept) in [("1x1", 60), ("2x5", 6), ("3x1", 20), ("tw2", 30)] {
      let grid = try Pattern(parsing: pattern)
      let layer = try prune(
        weights, named: "w", knobs: knobs(pattern, .sparsity(0.55)), statistics: nil)
      let expected = NaivePruning(weights, criterion: .magnitude).mask(grid, sparsity: 0.55)
      #expect(layer.mask == expected)
      #expect(layer.summary.units == kept)
    }
    let pairs = try prune(weights, named: "w", knobs: knobs("2:4"), statistics: nil)
    #expect((0..<10).map { pairs.mask[0, $0] } == [1, 1, 0, 0, 1, 1, 0, 0, 1, 1].map { $0 == 1 })
  }

  @Test func exactlyTheRequestedUnitsGo() throws {
    let weights = gaussian(100, 100, seed: 9)
    for sparsity in stride(from: 0.0, through: 1, by: 0.01) {
      let layer = try prune(
        weights, named: "w", knobs: knobs("1x1", .sparsity(sparsity)), statistics: nil)
      // Decimal sparsities are not exact in binary; the counts must be those of the decimals.
      let hundredths = Int((sparsity * 100).rounded())
      #expect(layer.summary.nonzeros == 10000 - hundredths * 100)
      #expect(layer.mask.count == layer.summary.nonzeros)
      #expect(layer.weights.values.filter { $0 != 0 }.count == layer.summary.nonzeros)
    }
  }

  @Test func tinyAndHugeWeightsKeepTheirOrder() throws {
    for scale in [Float(1e-30), 1e30] {
      var weights = gaussian(20, 20, seed: 5)
      let plain = try prune(weights, named: "w", knobs: knobs("4x4"), statistics: nil)
      for index in weights.values.indices { weights.values[index] *= scale }
      let layer = try prune(weights, named: "w", knobs: knobs("4x4"), statistics: nil)
      #expect(layer.mask == plain.mask)
      #expect(abs(layer.summary.keptEnergy - plain.summary.keptEnergy) < 1e-5)
    }
  }

  @Test func randomMasksFollowTheirSeed() throws {
    let weights = gaussian(64, 64, seed: 6)
    var first = try knobs("4x4", .sparsity(0.5), criterion: .random)
    let a = try prune(weights, named: "w", knobs: first, statistics: nil)
    let again = try prune(weights, named: "w", knobs: first, statistics: nil)
    first.seed = 2
    let b = try prune(weights, named: "w", knobs: first, statistics: nil)
    #expect(a.mask == again.mask)
    #expect(a.mask != b.mask)
    #expect(a.summary.nonzeros == 2048 && b.summary.nonzeros == 2048)
  }

  @Test func obsOfSingleInputsDividesByTheInverseDiagonal() throws {
    let weights = gaussian(24, 40, seed: 8)
    let known = try statistics(40)
    let inverse = try #require(known.dampedInverse)
    let factors = (0..<40).map { 1 / inverse[$0, $0] }
    let naive = NaivePruning(weights, criterion: .obs, factors: factors)
    for pattern in ["1x1", "8x1", "2:4", "tw8", "column"] {
      let word = try Pattern(parsing: pattern)
      let layer = try prune(
        weights, named: "w", knobs: knobs(pattern, .sparsity(0.5), criterion: .obs),
        statistics: known)
      #expect(layer.mask == naive.mask(word, sparsity: 0.5), "\(pattern)")
    }
  }

  /// The exact block score is the least damped output error that removing the block costs; here by
  /// solving that least-squares problem for each block.
  @Test func obsOfWideBlocksIsTheCostOfRemovingThem() throws {
    let weights = gaussian(4, 13, seed: 10)
    let known = try statistics(13)
    let damped = try #require(known.dampedGram)
    let pruner = try LayerPruner(weights, named: "w", statistics: known)
    for column in stride(from: 0, to: 13, by: 4) {
      let block = column..<min(13, column + 4)
      for row in [0, 2] {
        var mask = Mask(rows: 2, columns: 13, keepingAll: true)
        for index in block {
          mask[0, index] = false
          mask[1, index] = false
        }
        let part = Matrix(
          rows: 2, columns: 13, values: Array(weights.values[row * 13..<(row + 2) * 13]))
        let template = try prune(part, named: "w", knobs: knobs("1x1"), statistics: known)
        var removed = template
        removed.mask = mask
        let solved = try refit(removed, original: part, statistics: known)
        var cost = 0.0
        for r in 0..<2 {
          for i in 0..<13 {
            for j in 0..<13 {
              let left = Double(part[r, i] - solved.weights[r, i])
              let right = Double(part[r, j] - solved.weights[r, j])
              cost += left * Double(damped[i, j]) * right
            }
          }
        }
        let report = try pruner.report(
          row: row, column: column, knobs: knobs("2x4", .sparsity(0.5), criterion: .obs))
        let size = Double(2 * block.count)
        #expect(abs(report.score * size - cost) < 1e-3 * cost, "\(column) \(row)")
      }
    }
  }
}
