import Experiments
import Tensors
import Testing

@testable import Pruning

@Suite struct GlobalTests {
  static func layers(_ known: Bool = true) throws -> [LayerPruner] {
    try [(24, 40), (40, 24), (64, 40)].enumerated().map { index, shape in
      var weights = gaussian(shape.0, shape.1, seed: UInt64(100 + index))
      for place in weights.values.indices { weights.values[place] *= Float(index + 1) }
      return try LayerPruner(
        weights, named: "layer \(index)", statistics: known ? statistics(shape.1) : nil)
    }
  }

  /// All units of all layers in one list, sorted, counted by hand.
  @Test(arguments: ["1x1", "8x1", "4x4"], [Criterion.magnitude, .l1, .wanda])
  func oneThresholdRanksAllLayersByTheirShareOfEnergy(
    pattern: String, criterion: Criterion
  ) throws {
    let layers = try Self.layers()
    let turned = try knobs(pattern, .sparsity(0.6), criterion: criterion)
    let pruned = try pruneGlobally(layers, knobs: turned)
    var ranking: [(score: Double, layer: Int)] = []
    for (index, layer) in layers.enumerated() {
      let naive = NaivePruning(
        layer.weights, criterion: criterion, factors: layer.statistics?.inputEnergy)
      guard case .block(let rows, let columns) = turned.pattern.base else { continue }
      var energy = layer.weights.values.reduce(0.0) { $0 + Double($1 * $1) }
      if criterion == .wanda {
        let gram = try #require(layer.statistics?.gram)
        let image = exactProduct(layer.weights, transposed: gram)
        energy = 0
        for row in 0..<layer.weights.rows {
          for column in 0..<layer.weights.columns {
            energy += image[row][column] * Double(layer.weights[row, column])
          }
        }
      }
      if criterion == .l1 { energy = energy.squareRoot() }
      ranking += naive.units(rows, columns).map { ($0.score / energy, index) }
    }
    ranking.sort { $0.score > $1.score }
    let kept = ranking.count - Int(0.6 * Double(ranking.count) + 1e-6)
    for index in layers.indices {
      let expected = ranking.prefix(kept).filter { $0.layer == index }.count
      #expect(pruned[index].summary.unitsKept == expected)
    }
  }

  @Test func floorAndCeilingBoundEveryLayer() throws {
    let layers = try Self.layers()
    var turned = try knobs("1x1", .sparsity(0.7), criterion: .random)
    turned.criterion = .magnitude
    turned.floor = 0.65
    turned.ceiling = 0.72
    let pruned = try pruneGlobally(layers, knobs: turned)
    for layer in pruned {
      #expect(layer.summary.achievedSparsity >= 0.65 - 1e-9)
      #expect(layer.summary.achievedSparsity <= 0.72 + 1e-9)
    }
    let total = pruned.reduce(0) { $0 + $1.summary.nonzeros }
    let all = layers.reduce(0) { $0 + $1.weights.count }
    #expect(total == all - Int(0.7 * Double(all) + 1e-6))
  }

  @Test func tiesAndBoundsStillGiveTheExactTotal() {
    let layers = [
      GlobalThreshold.Layer(
        scores: [Float](repeating: 0.5, count: 10), weights: 10, floor: 0, ceiling: 0.8),
      GlobalThreshold.Layer(
        scores: [Float](repeating: 0.5, count: 20), weights: 20, floor: 0.2, ceiling: 1),
      GlobalThreshold.Layer(scores: [0, 0, 0, 9, 9], weights: 5, floor: 0, ceiling: 1),
    ]
    for pruned in 0...35 {
      let counts = GlobalThreshold(layers).counts(
        sparsity: Double(pruned) / 35, byWeights: false)
      #expect(counts[0] >= 2 && counts[1] <= 16)
      #expect(counts.reduce(0, +) == min(31, max(2, 35 - pruned)))
    }
  }

  @Test func tilesShareTheirThresholdByWeights() throws {
    let layers = try Self.layers()
    for pattern in ["tw8", "tew8+5%", "tvw8"] {
      let pruned = try pruneGlobally(layers, knobs: knobs(pattern, .sparsity(0.7)))
      let total = pruned.reduce(0) { $0 + $1.summary.nonzeros }
      let all = layers.reduce(0) { $0 + $1.weights.count }
      // Short last groups of 2:4 keep more than half: 24 columns a tile and row make that visible.
      let slack = pattern == "tvw8" ? 0.02 : 0.005
      #expect(abs(1 - Double(total) / Double(all) - 0.7) < slack, "\(pattern)")
    }
  }

  @Test func whatHasNothingToShareIsPrunedByItself() throws {
    let layers = try Self.layers(false)
    let pairs = try pruneGlobally(layers, knobs: knobs("2:4"))
    #expect(pairs.allSatisfy { $0.summary.achievedSparsity == 0.5 })
    var turned = try knobs("1x1", .sparsity(0.5), regularizer: .l1)
    turned.solve = .reconstruct
    #expect(throws: PruningError.globalNeedsScores) { try pruneGlobally(layers, knobs: turned) }
    #expect(throws: PruningError.cancelled(tensor: "layer 1")) {
      var seen = 0
      _ = try pruneGlobally(layers, knobs: knobs("1x1")) { _ in
        seen += 1
        return seen < 2
      }
    }
  }
}

@Suite struct VerifyTests {
  private static let patterns = [
    "1x1", "32x1", "5x1", "1x8", "7x3", "16x16", "row", "column", "2:4", "1:4", "3:7", "tw8", "tw7",
    "tew8+5%", "tvw8", "tvw2", "tvw1",
  ]

  @Test(arguments: patterns)
  func everyMaskFollowsItsOwnPattern(pattern: String) throws {
    let word = try Pattern(parsing: pattern)
    for (rows, columns) in [(40, 48), (33, 65), (3, 3), (64, 130)] {
      let weights = gaussian(rows, columns, seed: 200)
      for share in [0.0, 0.5] {
        for sparsity in [0.5, 0.8, 0.9, 1] {
          let amount = word.fixedSparsity ?? sparsity
          guard word.sparsityRange.contains(amount) else { continue }
          let layer = try prune(
            weights, named: "w", knobs: knobs(pattern, .sparsity(amount), rowsShare: share),
            statistics: nil)
          let mask = Mask(nonzerosOf: layer.weights)
          let found = verifyPattern(mask, word)
          #expect(found == [], "\(pattern) \(rows)x\(columns) \(amount) \(share)")
          let reaches = mask.reaches(sparsity: amount, word)
          #expect(reaches, "\(pattern) \(rows)x\(columns) \(mask.sparsity) of \(amount)")
        }
      }
    }
  }

  @Test(arguments: ["8x8/tetris", "2:4/permute", "tw8/tetris"])
  func reorderedMasksFollowTheirPatternInTheirLayout(pattern: String) throws {
    let layer = try prune(
      gaussian(64, 64, seed: 201), named: "w", knobs: knobs(pattern), statistics: nil)
    let word = try Pattern(parsing: pattern)
    #expect(
      verifyPattern(layer.mask, word, rowOrder: layer.rowOrder, columnOrder: layer.columnOrder)
        == [])
    #expect(!verifyPattern(layer.mask, word).isEmpty)
  }

  @Test func oneBlockTooManyIsMissed() throws {
    // 16 block rows of 130 columns: 0.8 of 2080 blocks are 1664.
    let layer = try prune(
      gaussian(126, 130, seed: 204), named: "w", knobs: knobs("8x1", .sparsity(0.8)),
      statistics: nil)
    let word = try Pattern(parsing: "8x1")
    #expect(layer.mask.reaches(sparsity: 0.8, word))
    #expect(!layer.mask.reaches(sparsity: 0.801, word))
    var mask = layer.mask
    let place = (0..<130).first { !mask[8, $0] }!
    for row in 8..<16 { mask[row, place] = true }
    #expect(!mask.reaches(sparsity: 0.8, word))
  }

  @Test func aViolationIsNamedByItsPlace() throws {
    let weights = gaussian(64, 64, seed: 202)
    var layer = try prune(weights, named: "w", knobs: knobs("8x1"), statistics: nil)
    let kept = (0..<64).first { layer.mask[16, $0] }!
    layer.mask[19, kept] = false
    let found = verifyPattern(layer.mask, layer.summary.pattern("8x1"))
    #expect(found.count == 1)
    #expect(found[0].row == 19 && found[0].column == kept)
    #expect(found[0].detail.contains("7 nonzeros of 8"))

    var pairs = try prune(weights, named: "w", knobs: knobs("2:4"), statistics: nil)
    for column in 8..<12 { pairs.mask[5, column] = true }
    let group = verifyPattern(pairs.mask, try Pattern(parsing: "2:4"))
    #expect(group.map(\.row) == [5] && group[0].column == 10)

    var vector = try prune(
      weights, named: "w", knobs: knobs("tvw8", .sparsity(0.6)), statistics: nil)
    #expect(verifyPattern(vector.mask, try Pattern(parsing: "tvw8")).isEmpty)
    for column in 0..<64 { vector.mask[9, column] = true }
    #expect(!verifyPattern(vector.mask, try Pattern(parsing: "tvw8")).isEmpty)

    var overlay = try prune(
      weights, named: "w", knobs: knobs("tew8+5%", .sparsity(0.6)), statistics: nil)
    let free = (0..<64 * 64).filter { !overlay.mask[$0 / 64, $0 % 64] }
    for index in free.prefix(20) { overlay.mask[index / 64, index % 64] = true }
    #expect(!verifyPattern(overlay.mask, try Pattern(parsing: "tew8+5%")).isEmpty)
  }

  /// A weight that was zero before may be kept; how many were is told, and no more are forgiven.
  @Test(arguments: ["8x1", "16x16", "row", "column", "tw8", "tew8+5%"])
  func keptWeightsMayBeZeroByNumber(pattern: String) throws {
    let word = try Pattern(parsing: pattern)
    var weights = gaussian(64, 64, seed: 204)
    // Three among the weights that stay whatever they are.
    for column in 0..<64 { for row in 0..<64 where column < 8 { weights[row, column] *= 9 } }
    let plain = try prune(weights, named: "w", knobs: knobs(pattern), statistics: nil)
    var mask = plain.mask
    let kept = (0..<64 * 64).filter { mask[$0 / 64, $0 % 64] }
    for index in [kept[5], kept[kept.count / 2], kept[kept.count - 9]] {
      mask[index / 64, index % 64] = false
    }
    let zeros = plain.mask.count - mask.count
    #expect(zeros == 3)
    #expect(verifyPattern(plain.mask, word).isEmpty)
    #expect(verifyPattern(mask, word, zerosKept: zeros).isEmpty)
    if case .tileElement = word.base { return }
    #expect(!verifyPattern(mask, word).isEmpty)
    #expect(!verifyPattern(mask, word, zerosKept: zeros - 1).isEmpty)
    // A weight where none may be is not forgiven by zeros elsewhere.
    let pruned = (0..<64 * 64).first { !plain.mask[$0 / 64, $0 % 64] }!
    mask[pruned / 64, pruned % 64] = true
    #expect(verifyPattern(mask, word, zerosKept: zeros).count == 1)
  }

  /// The overlay reaches into rows that were dropped before the tiles were formed.
  @Test(arguments: [0.2, 0.5])
  func overlaysOverDroppedRowsFollowTheirPattern(share: Double) throws {
    let weights = gaussian(192, 256, seed: 205)
    let word = try Pattern(parsing: "tew16+5%")
    for sparsity in [0.5, 0.7] {
      var layer = try prune(
        weights, named: "w", knobs: knobs("tew16+5%", .sparsity(sparsity), rowsShare: share),
        statistics: nil)
      #expect(verifyPattern(layer.mask, word).isEmpty, "\(sparsity)")
      for column in 0..<256 { layer.mask[7, column] = column % 2 == 0 }
      for column in 0..<256 { layer.mask[99, column] = column % 2 == 0 }
      for column in 0..<256 { layer.mask[150, column] = column % 2 == 0 }
      #expect(!verifyPattern(layer.mask, word).isEmpty, "\(sparsity)")
    }
  }

  @Test func theLargestPatternsAreDetected() throws {
    let weights = gaussian(96, 128, seed: 203)
    func detected(_ pattern: String) throws -> [String] {
      let layer = try prune(weights, named: "w", knobs: knobs(pattern), statistics: nil)
      return detectPatterns(layer.mask).map(\.description)
    }
    #expect(try detected("32x1") == ["32x1"])
    #expect(try detected("16x16") == ["16x16"])
    #expect(try detected("3x4") == ["3x4"])
    #expect(try detected("row") == ["row"])
    #expect(try detected("column") == ["column"])
    #expect(try detected("2:4") == ["2:4"])
    #expect(try detected("1:4") == ["1:4"])
    #expect(try detected("1x1") == ["1x1"])
    #expect(try detected("tw8") == ["8x1"])
    #expect(detectPatterns(Mask(rows: 4, columns: 4, keepingAll: true)).isEmpty)
  }
}

extension PruningSummary {
  fileprivate func pattern(_ text: String) -> Pattern { Pattern(text)! }
}
