import Experiments
import Tensors
import Testing

@testable import Pruning

@Suite struct ReorderingTests {
  /// A matrix whose energy lies in shuffled 8x8 blocks.
  static func planted(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    let noise = gaussian(rows, columns, seed: seed + 1)
    var matrix = Matrix(rows: rows, columns: columns)
    var strong: [Bool] = []
    let across = (columns + 7) / 8
    for _ in 0..<across * ((rows + 7) / 8) { strong.append(generator.uniform() < 0.3) }
    for row in 0..<rows {
      for column in 0..<columns {
        matrix[row, column] =
          noise[row, column] * (strong[row / 8 * across + column / 8] ? 1 : 0.1)
      }
    }
    return matrix.reordered(
      rows: Permutation(Array(0..<rows).shuffled(using: &generator)),
      columns: Permutation(Array(0..<columns).shuffled(using: &generator)))
  }

  @Test(arguments: ["8x8", "8x1", "1x8", "16x4", "5x7", "tw8", "tew8+5%", "tvw8"])
  func tetrisNeverKeepsLessAndItsMaskIsRegularInItsLayout(pattern: String) throws {
    let weights = Self.planted(72, 64, seed: 80)
    let known = try statistics(64)
    for criterion in [Criterion.magnitude, .l1, .wanda] {
      let plain = try prune(
        weights, named: "w", knobs: knobs(pattern, .sparsity(0.7), criterion: criterion),
        statistics: known)
      let moved = try prune(
        weights, named: "w",
        knobs: knobs(pattern + "/tetris", .sparsity(0.7), criterion: criterion),
        statistics: known)
      let report = try #require(moved.summary.reordering)
      #expect(report.keptAfter >= report.keptBefore)
      #expect(moved.summary.unitsKept == plain.summary.unitsKept)
      // In its own layout the mask is what the plain pattern gives there.
      let rows = moved.rowOrder
      let columns = moved.columnOrder
      let arranged = weights.reordered(rows: rows, columns: columns)
      let order = columns?.order ?? Array(0..<64)
      let naive = NaivePruning(
        arranged, criterion: criterion, factors: order.map { known.inputEnergy[$0] })
      #expect(
        moved.mask.reordered(rows: rows, columns: columns)
          == naive.mask(try Pattern(parsing: pattern), sparsity: 0.7))
    }
  }

  @Test func tetrisFindsPlantedBlocks() throws {
    let weights = Self.planted(96, 96, seed: 81)
    let plain = try prune(weights, named: "w", knobs: knobs("8x8", .sparsity(0.7)), statistics: nil)
    let moved = try prune(
      weights, named: "w", knobs: knobs("8x8/tetris", .sparsity(0.7)), statistics: nil)
    #expect(plain.summary.keptEnergy < 0.5)
    #expect(moved.summary.keptEnergy > 0.85)
  }

  @Test func theCachedGreedySearchMakesTheSwapsOfTheExhaustiveOne() {
    for seed: UInt64 in 1...6 {
      let (items, blocks) = (24, 6)
      var generator = SeededGenerator(seed: seed)
      let worth = (0..<items * blocks).map { _ in Float(generator.uniform()) }
      let members = (0..<blocks).map { Array($0 * 4..<$0 * 4 + 4) }
      var fast = BlockAssignment(members: members, worth: worth, least: 1e-6)
      fast.swapGreedily()

      var owner = (0..<items).map { $0 / 4 }
      while true {
        var best: (gain: Float, a: Int, b: Int) = (1e-6, -1, -1)
        for a in 0..<items {
          for b in a + 1..<max(items, a + 1) where owner[a] != owner[b] {
            let gain =
              (worth[a * blocks + owner[b]] - worth[a * blocks + owner[a]])
              + (worth[b * blocks + owner[a]] - worth[b * blocks + owner[b]])
            if gain > best.gain { best = (gain, a, b) }
          }
        }
        guard best.a >= 0 else { break }
        owner.swapAt(best.a, best.b)
      }
      for (block, list) in fast.members.enumerated() {
        #expect(Set(list) == Set(owner.indices.filter { owner[$0] == block }), "seed \(seed)")
      }
    }
  }

  @Test func thePolishedAssignmentIsTheBestOfAll() {
    // Six items in three blocks of two: all 90 assignments are tried.
    for seed: UInt64 in 1...20 {
      var generator = SeededGenerator(seed: seed)
      let worth = (0..<18).map { _ in Float(generator.uniform()) }
      var assignment = BlockAssignment(
        members: [[0, 1], [2, 3], [4, 5]], worth: worth, least: 1e-6)
      assignment.swapGreedily()
      assignment.polish()
      var reached: Float = 0
      for (block, list) in assignment.members.enumerated() {
        #expect(list.count == 2)
        for item in list { reached += worth[item * 3 + block] }
      }
      #expect(Set(assignment.members.flatMap { $0 }).count == 6)
      var best: Float = 0
      for code in 0..<729 {
        let owner = (0..<6).map { code / [1, 3, 9, 27, 81, 243][$0] % 3 }
        guard (0..<3).allSatisfy({ block in owner.filter { $0 == block }.count == 2 }) else {
          continue
        }
        best = max(best, (0..<6).reduce(0) { $0 + worth[$1 * 3 + owner[$1]] })
      }
      #expect(abs(reached - best) < 1e-5, "seed \(seed)")
    }
  }

  @Test func polishKeepsAtLeastAsMuch() throws {
    let weights = Self.planted(96, 80, seed: 83)
    var turned = try knobs("8x8/tetris", .sparsity(0.7))
    let greedy = try prune(weights, named: "w", knobs: turned, statistics: nil)
    turned.polish = true
    let exact = try prune(weights, named: "w", knobs: turned, statistics: nil)
    #expect(exact.summary.keptEnergy >= greedy.summary.keptEnergy - 1e-6)
  }

  @Test func onlyTheAllowedAxesMove() throws {
    let weights = Self.planted(64, 64, seed: 84)
    for axes in ReorderAxes.allCases {
      var turned = try knobs("8x8/tetris", .sparsity(0.7))
      turned.reorderAxes = axes
      let layer = try prune(weights, named: "w", knobs: turned, statistics: nil)
      #expect((layer.rowOrder != nil) == (axes != .columns))
      #expect((layer.columnOrder != nil) == (axes != .rows))
      for order in [layer.rowOrder, layer.columnOrder].compactMap({ $0 }) {
        let there = weights.reordered(rows: order, columns: order)
        #expect(there.reordered(rows: order.inverse, columns: order.inverse) == weights)
      }
    }
  }

  @Test(arguments: ["2:4", "1:4", "4:8", "3:5", "2:7"])
  func channelSwapsKeepMoreAndReportWhatTheMaskKeeps(pattern: String) throws {
    let weights = gaussian(40, 66, seed: 85)
    let plain = try prune(weights, named: "w", knobs: knobs(pattern), statistics: nil)
    let moved = try prune(weights, named: "w", knobs: knobs(pattern + "/permute"), statistics: nil)
    let report = try #require(moved.summary.reordering)
    #expect(report.swaps > 0)
    #expect(moved.summary.keptEnergy > plain.summary.keptEnergy)
    #expect(abs(report.keptAfter - moved.summary.keptEnergy) < 1e-5)
    #expect(abs(report.keptBefore - plain.summary.keptEnergy) < 1e-5)
    let order = try #require(moved.columnOrder)
    let naive = NaivePruning(
      weights.reordered(rows: nil, columns: order), criterion: .magnitude)
    #expect(
      moved.mask.reordered(rows: nil, columns: order)
        == naive.mask(try Pattern(parsing: pattern), sparsity: 0.5))
  }

  @Test func noSwapOfTwoChannelsIsLeftThatGains() throws {
    let weights = gaussian(20, 24, seed: 86)
    let scores = weights.values.map { $0 * $0 }
    var search = ChannelPermutation(scores: scores, rows: 20, columns: 24, kept: 2, group: 4)
    #expect(search.search(escapes: 0, seed: 1) { _ in true })
    func kept(_ order: [Int]) -> Double {
      var sum = 0.0
      for row in 0..<20 {
        for start in stride(from: 0, to: 24, by: 4) {
          let group = order[start..<start + 4].map { Double(scores[row * 24 + $0]) }
          sum += group.sorted(by: >).prefix(2).reduce(0, +)
        }
      }
      return sum
    }
    let total = scores.reduce(0.0) { $0 + Double($1) }
    let reached = kept(search.order)
    #expect(abs(reached / total - search.keptShare) < 1e-5)
    for a in 0..<24 {
      for b in 0..<24 {
        var other = search.order
        other.swapAt(a, b)
        #expect(kept(other) <= reached + 1e-4)
      }
    }
    // Nor any split of two groups.
    let splits = try #require(StripeSplits(kept: 2, group: 4))
    for a in 0..<6 {
      for b in a + 1..<max(6, a + 1) {
        for split in 0..<35 {
          let eight = Array(search.order[a * 4..<a * 4 + 4]) + search.order[b * 4..<b * 4 + 4]
          let sides = splits.sides(split)
          var other = search.order
          for index in 0..<4 {
            other[a * 4 + index] = eight[sides.left[index]]
            other[b * 4 + index] = eight[sides.right[index]]
          }
          #expect(kept(other) <= reached + 1e-4)
        }
      }
    }
  }

  @Test func tileVectorPermutationNeverKeepsLess() throws {
    let weights = gaussian(48, 64, seed: 87)
    let plain = try prune(
      weights, named: "w", knobs: knobs("tvw16", .sparsity(0.6)), statistics: nil)
    let moved = try prune(
      weights, named: "w", knobs: knobs("tvw16/permute", .sparsity(0.6)), statistics: nil)
    #expect(moved.summary.keptEnergy >= plain.summary.keptEnergy - 1e-6)
    #expect(moved.summary.reordering != nil)
  }

  @Test func searchesCanBeCancelled() throws {
    let weights = gaussian(64, 64, seed: 88)
    for pattern in ["8x8/tetris", "2:4/permute"] {
      #expect(throws: PruningError.cancelled(tensor: "w")) {
        try prune(weights, named: "w", knobs: knobs(pattern), statistics: nil) { _ in false }
      }
    }
  }

  @Test func adviceNamesWhereThePermutationFolds() throws {
    func advice(_ tensor: String, _ pattern: String) throws -> String {
      let layer = try prune(
        gaussian(32, 32, seed: 1), named: tensor, knobs: knobs(pattern), statistics: nil)
      return try #require(layer.summary.reordering).folding
    }
    let first = "encoder.layer.0.intermediate.dense.weight"
    #expect(try advice(first, "8x8/tetris").contains("free, folded into the inputs of the second"))
    let second = "encoder.layer.0.output.dense.weight"
    #expect(try advice(second, "2:4/permute").contains("folded into the outputs of the first"))
    let query = "encoder.layer.0.attention.self.query.weight"
    #expect(try advice(query, "8x1/tetris").contains("key takes the same order"))
    #expect(
      try advice("encoder.layer.0.attention.output.dense.weight", "8x8/tetris")
        .contains("folded into the outputs of value"))
    #expect(try advice("blocks.3.mix.weight", "8x8/tetris").contains("one gather at run time"))
    #expect(try advice(query, "1x8/tetris").contains("residual stream"))
  }

  /// Beside channels with nearly all of the score, F32 sums show gains that are none.
  @Test(arguments: [Float(1), 3e4, 1e6])
  func permutationsEndBesideGiantChannels(giant: Float) throws {
    var scores = gaussian(96, 256, seed: 420).values.map { $0 * $0 }
    for row in 0..<96 {
      scores[row * 256 + 17] *= giant
      scores[row * 256 + 18] *= giant / 2
    }
    var search = ChannelPermutation(scores: scores, rows: 96, columns: 256, kept: 2, group: 4)
    let before = search.keptShare
    var calls = 0
    let ended = search.search(escapes: 0, seed: 1) { _ in
      calls += 1
      return calls < 2000
    }
    #expect(ended && search.keptShare >= before)
    #expect(search.order.sorted() == Array(0..<256))
  }
}
