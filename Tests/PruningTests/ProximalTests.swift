import Experiments
import Pruning
import Tensors
import Testing

/// The one-shot threshold solves `min ½‖V - W‖² + λΩ(V)` exactly.
@Suite struct ProximalTests {
  static let weights = gaussian(30, 26, seed: 40)

  struct Block {
    var members: [(Int, Int)]
  }

  static func blocks(_ rows: Int, _ columns: Int) -> [Block] {
    NaivePruning(weights, criterion: .magnitude).units(rows, columns).map {
      Block(members: $0.weights.map { ($0.row, $0.column) })
    }
  }

  static func norm(_ matrix: Matrix, _ block: Block) -> Double {
    block.members.reduce(0.0) { $0 + Double(matrix[$1.0, $1.1]) * Double(matrix[$1.0, $1.1]) }
      .squareRoot()
  }

  @Test(arguments: [(1, 1), (8, 1), (1, 8), (4, 4), (7, 5), (30, 1), (1, 26)])
  func groupLassoSatisfiesItsOptimalityConditions(rows: Int, columns: Int) throws {
    let blocks = Self.blocks(rows, columns)
    let emptying = blocks.map {
      Self.norm(Self.weights, $0) / Double($0.members.count).squareRoot()
    }.max()!
    for fraction in [0.2, 0.5, 0.8, 0.95] {
      let layer = try prune(
        Self.weights, named: "w",
        knobs: knobs("\(rows)x\(columns)", .lambda(fraction), regularizer: .groupLasso),
        statistics: nil)
      let lambda = fraction * emptying
      for block in blocks {
        let bound = lambda * Double(block.members.count).squareRoot()
        let norm = Self.norm(layer.weights, block)
        let kept = layer.mask[block.members[0].0, block.members[0].1]
        if !kept {
          #expect(norm == 0)
          #expect(Self.norm(Self.weights, block) <= bound * (1 + 1e-5))
        } else {
          for (row, column) in block.members {
            let v = Double(layer.weights[row, column])
            let w = Double(Self.weights[row, column])
            #expect(abs(v - w + bound * v / norm) < 1e-4)
          }
        }
      }
      #expect(abs(layer.summary.lambda! - fraction) < 1e-6)
      #expect(layer.summary.requestedSparsity == nil)
    }
  }

  @Test func lassoSoftensEveryWeight() throws {
    let largest = Double(Self.weights.values.map(abs).max()!)
    for pattern in ["1x1", "8x1"] {
      let layer = try prune(
        Self.weights, named: "w", knobs: knobs(pattern, .lambda(0.4), regularizer: .l1),
        statistics: nil)
      for index in Self.weights.values.indices {
        let w = Double(Self.weights.values[index])
        let expected = w > 0 ? max(0, w - 0.4 * largest) : min(0, w + 0.4 * largest)
        #expect(abs(Double(layer.weights.values[index]) - expected) < 1e-5)
        if !layer.mask[index / 26, index % 26] { #expect(layer.weights.values[index] == 0) }
      }
    }
  }

  @Test(arguments: Regularizer.allCases.filter { $0 != .none })
  func everyRegularizerEmptiesTheLayerAtItsLargestStrength(regularizer: Regularizer) throws {
    for pattern in ["1x1", "8x1", "4x4", "tw8", "row", "column"] {
      func prune(_ fraction: Double) throws -> PrunedLayer {
        try Pruning.prune(
          Self.weights, named: "w",
          knobs: knobs(pattern, .lambda(fraction), regularizer: regularizer), statistics: nil)
      }
      #expect(try prune(1).summary.nonzeros == 0)
      #expect(try prune(1.5).summary.nonzeros == 0, "beyond the largest strength nothing is left")
      #expect(try prune(0.999).summary.nonzeros > 0)
      #expect(try prune(0).summary.nonzeros == 30 * 26)
      #expect(try prune(0).weights == Self.weights)
      var before = 30 * 26 + 1
      for fraction in stride(from: 0.05, to: 1, by: 0.05) {
        let count = try prune(fraction).summary.nonzeros
        #expect(count <= before)
        before = count
      }
    }
  }

  @Test func aSparsityFindsTheStrengthThatLeavesIt() throws {
    for regularizer in Regularizer.allCases where regularizer != .none {
      for pattern in ["1x1", "8x1", "4x4"] {
        let wanted = try knobs(pattern, .sparsity(0.7), regularizer: regularizer)
        let layer = try prune(Self.weights, named: "w", knobs: wanted, statistics: nil)
        let unregularized = try prune(
          Self.weights, named: "w", knobs: knobs(pattern, .sparsity(0.7)), statistics: nil)
        #expect(layer.summary.unitsKept == unregularized.summary.unitsKept)
        let lambda = try #require(layer.summary.lambda)
        let back = try prune(
          Self.weights, named: "w",
          knobs: knobs(pattern, .lambda(lambda), regularizer: regularizer), statistics: nil)
        #expect(back.mask == layer.mask, "\(regularizer) \(pattern)")
      }
    }
  }

  @Test func patternsWithoutUnitsSaySo() throws {
    for pattern in ["2:4", "tew8+5%", "tvw8"] {
      #expect(throws: PruningError.lambdaNeedsUnits(pattern: try Pattern(parsing: pattern))) {
        try prune(Self.weights, named: "w", knobs: knobs(pattern, .lambda(0.5)), statistics: nil)
      }
    }
  }
}
