import Experiments
import Tensors
import Testing

@testable import Pruning

/// Who watches a solver sees the masks that its summaries count.
@Suite struct IterateTests {
  /// Wide enough for several steps of a column sweep, which takes 128 columns at a time.
  private static func pruner(columns: Int = 300) throws -> LayerPruner {
    let weights = gaussian(16, columns, seed: 3)
    let inputs = activations(400, columns, seed: 4)
    let statistics = try CalibrationStatistics(
      calibration: inputs, evaluation: inputs, identity: "test")
    return try LayerPruner(weights, named: "w", statistics: statistics)
  }

  @Test(arguments: [Solve.reconstruct, .sweep, .obc])
  func iterateHoldsTheMaskThatItsSummaryCounts(_ solve: Solve) throws {
    var knobs = Knobs()
    knobs.pattern = .block(4, 1)
    knobs.solve = solve
    knobs.regularizer = solve == .reconstruct ? .groupLasso : .none
    knobs.amount = .sparsity(0.5)
    var seen: [PruningIterate] = []
    let pruner = try Self.pruner()
    let layer = try pruner.prune(
      watching: {
        seen.append($0())
        return true
      }, knobs)
    #expect(seen.count > 1)
    for iterate in seen { #expect(iterate.mask?.count == iterate.summary.nonzeros) }
    if solve != .reconstruct { #expect(seen.last?.mask == layer.mask) }
    // Not asked for, an iterate is not worked out, and the result is the same.
    let unwatched = try Self.pruner().prune(watching: { _ in true }, knobs)
    #expect(unwatched.mask == layer.mask)
    #expect(unwatched.weights == layer.weights)
  }

  /// Rows of blocks that an elimination has not come to keep everything, the others have their sparsity.
  @Test(arguments: ["4x1", "1x1", "2:4", "tw8", "4x1/tetris"])
  func maskOfAnEliminationFormsRowByRow(_ pattern: String) throws {
    var knobs = Knobs()
    knobs.pattern = try #require(Pattern(pattern))
    knobs.solve = .obc
    knobs.amount = .sparsity(0.5)
    var seen: [Mask] = []
    let layer = try Self.pruner(columns: 40).prune(
      watching: {
        if let mask = $0().mask { seen.append(mask) }
        return true
      }, knobs)
    #expect(seen.last == layer.mask)
    let zeros = seen.map { $0.rows * $0.columns - $0.count }
    #expect(zeros == zeros.sorted() && zeros.first ?? 0 > 0 && zeros.last == 320)
    // 16 rows of 40: each finished row of blocks has lost half of its own by then.
    for (step, count) in zeros.enumerated() {
      #expect(abs(count - 320 * (step + 1) / zeros.count) <= 8, "\(step): \(count)")
    }
    if pattern == "4x1" {
      let whole = (4..<16).allSatisfy { row in (0..<40).allSatisfy { seen[0][row, $0] } }
      #expect(whole)
    }
  }

  @Test func everyIterateOfAPathCanEndIt() throws {
    var knobs = Knobs()
    knobs.pattern = .block(4, 1)
    knobs.solve = .reconstruct
    knobs.regularizer = .groupLasso
    let pruner = try Self.pruner(columns: 40)
    for limit in [1, 2, 7] {
      var count = 0
      var points = 0
      #expect(throws: PruningError.cancelled(tensor: "w")) {
        try pruner.path(
          knobs, points: 8,
          progress: { path in
            points = path.points.count
            return true
          },
          iterate: { _ in
            count += 1
            return count < limit
          })
      }
      #expect(count == limit)
      #expect(points < 8)
    }
  }
}
