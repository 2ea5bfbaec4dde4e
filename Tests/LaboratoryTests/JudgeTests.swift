import Experiments
import Foundation
import Pruning
import Tensors
import Testing

@testable import Laboratory

/// Prunings judged by every proxy, and curves of them.
@Suite struct JudgeTests {
  private static func bench(cache: String?) throws -> Workbench {
    var configuration = briefConfiguration()
    configuration.cacheDirectory = cache
    let bench = Workbench(configuration)
    _ = try bench.open(path: nil)
    return bench
  }

  @Test(arguments: ["32x1", "2:4", "16x16/tetris"])
  func judgementsAreTheNumbersOfPruningAndQuality(pattern: String) throws {
    let bench = try Self.bench(cache: nil)
    let turned = try knobs(pattern, pattern == "2:4" ? 0.5 : 0.8)
    let judged = try bench.judge(
      SweepCell(tensor: query, knobs: turned), isCancelled: { false })
    let pruned = try bench.prune(query, turned) { _ in true }
    let report = try bench.quality(of: pruned, query, turned, isCancelled: { false })
    #expect(judged.nonzeros == pruned.summary.nonzeros)
    #expect(judged.keptEnergy == pruned.summary.keptEnergy)
    #expect(judged.keptWandaEnergy == pruned.summary.keptWandaEnergy)
    #expect(abs(judged.outputErrorRefitted! - report.outputError!) < 1e-9)
    #expect(abs(judged.outputError! - report.outputErrorUnrefitted!) < 1e-9)
    #expect(judged.headlineError == judged.outputErrorRefitted)
  }

  @Test func aSecondRunJudgesNothingAnew() throws {
    let scratch = try ScratchDirectory()
    let cells = try ["8x1", "2:4"].map { SweepCell(tensor: query, knobs: try knobs($0, 0.5)) }
    var first: [JudgedCell] = []
    try Self.bench(cache: scratch.path).judge(cells, isCancelled: { false }) { first.append($0) }
    var second: [JudgedCell] = []
    try Self.bench(cache: scratch.path).judge(cells, isCancelled: { false }) { second.append($0) }
    // Times would differ if anything had been pruned again.
    #expect(first == second && first.count == 2)
    let kept = try FileManager.default.contentsOfDirectory(atPath: scratch.file("judgements"))
    #expect(kept.count == 1)
    #expect(throws: LaboratoryError.cancelled) {
      try Self.bench(cache: scratch.path).judge(cells, isCancelled: { true }) { _ in }
    }
  }

  @Test func aCellThatCannotBeSaysWhyAndTheOthersGoOn() throws {
    let bench = try Self.bench(cache: nil)
    var wrong = try knobs("tvw64", 0.8)
    wrong.solve = .obc
    var seen: [JudgedCell] = []
    try bench.judge(
      [
        SweepCell(tensor: query, knobs: wrong),
        SweepCell(tensor: query, knobs: try knobs("8x1", 0.8)),
      ], isCancelled: { false }
    ) { seen.append($0) }
    #expect(seen[0].judgement == nil && seen[0].failure?.contains("tvw64") == true)
    #expect(seen[1].judgement != nil && seen[1].failure == nil)
  }

  @Test func sensitivityRisesWithSparsity() throws {
    let bench = try Self.bench(cache: nil)
    let curve = try bench.sensitivity(
      query, try knobs("32x1"), sparsities: [0.1, 0.5, 0.9, 1.5], isCancelled: { false })
    #expect(curve.sparsities == [0.1, 0.5, 0.9])
    #expect(curve.errors[0] < curve.errors[1] && curve.errors[1] < curve.errors[2])
    #expect(curve.proxy == "held-out output error")
  }

  @Test func aTurnedKnobGetsTheMaskOfThePruning() throws {
    let bench = try Self.bench(cache: nil)
    for pattern in ["1x1", "32x1", "tvw64", "16x16/tetris"] {
      let turned = try knobs(pattern, 0.7)
      var masked = try bench.masked(query, turned) { _ in true }
      var pruned = try bench.prune(query, turned) { _ in true }
      masked.summary.elapsedNs = 0
      pruned.summary.elapsedNs = 0
      #expect(masked.mask == pruned.mask && masked.summary == pruned.summary)
      #expect(masked.rowOrder == pruned.rowOrder && masked.columnOrder == pruned.columnOrder)
    }
  }
}
