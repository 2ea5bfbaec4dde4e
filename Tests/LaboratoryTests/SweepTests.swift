import Experiments
import Testing

@testable import Laboratory

@Suite struct SweepTests {
  static func plan(_ patterns: [String], _ sparsities: [Double]) throws -> SweepPlan {
    var plan = SweepPlan(tensors: ["weight"], base: Knobs())
    plan.patterns = try patterns.map { try Pattern(parsing: $0) }
    plan.amounts = sparsities.map { .sparsity($0) }
    plan.tokens = [32]
    return plan
  }

  /// Every cell of the plan as its finished row.
  static func rows(
    _ plan: SweepPlan, _ options: SweepOptions = SweepOptions(), on bench: Workbench
  ) throws -> [FinishedCell] {
    var cells: [FinishedCell] = []
    _ = try bench.sweep(plan, options: options, isCancelled: { false }) { cells.append($0) }
    return cells
  }

  @Test func everyCellIsARowWithEveryColumnThatIsKnown() throws {
    let bench = try workbench(opening: "synthetic:64x48:5")
    var plan = try Self.plan(["8x1", "2:4", "tew16+5%"], [0.5, 0.8])
    plan.keepSamples = true
    let cells = try Self.rows(plan, on: bench)
    #expect(cells.count == 5)
    #expect(Set(cells.map(\.progress.cell)) == Set(0..<5))
    #expect(cells.map(\.progress.finished) == [1, 2, 3, 4, 5])
    let mayBeMissing: Set<ResultColumn> = [
      .blockRows, .blockCols, .n, .m, .tile, .reorder, .lambda, .cosine, .rankCorrelation,
      .neighbourAgreement, .note,
    ]
    for cell in cells {
      let row = try #require(cell.progress.row)
      #expect(row[.status] == .text("ok"))
      for column in ResultColumn.allCases where !mayBeMissing.contains(column) {
        #expect(row[column] != .missing, "\(column.rawValue)")
      }
      #expect(row[.criterion] == .text("wanda"))
      #expect(row[.tensorSHA256].text.count == 64)
      #expect(row[.timeUTC].text.count == 20)
      #expect(cell.samples.count == row[.samples].number.map { Int($0) })
      #expect(cell.isFinal)
    }
    #expect(Set(cells.map { $0.progress.row![.runID].text }).count == 1)
    // A row read back from a file is the same row.
    let text = ResultsCSV.header + cells.map { ResultsCSV.line($0.progress.row!) }.joined()
    let again = try ResultsCSV.parse(Array(text.utf8))
    #expect(again.rows.map(\.settingsKey) == cells.map { $0.progress.row!.settingsKey })
  }

  @Test func theOrderIsShuffledByTheSeedAndShardsDealItOut() throws {
    var plan = try Self.plan(["1x1", "4x1", "8x1", "16x1"], [0.1, 0.3, 0.5, 0.7, 0.9])
    let order = try plan.order(shard: nil)
    #expect(order.sorted() == Array(0..<20))
    #expect(order != order.sorted())
    #expect(order == (try plan.order(shard: nil)))
    plan.base.seed = 2
    #expect(order != (try plan.order(shard: nil)))
    let parts = try (1...3).map { try plan.order(shard: .init(index: $0, count: 3)) }
    #expect(parts.map(\.count) == [7, 7, 6])
    #expect(parts.flatMap { $0 }.sorted() == Array(0..<20))
    for (index, count) in [(0, 3), (4, 3), (1, 0), (-1, -1)] {
      #expect(throws: LaboratoryError.noShard(index: index, count: count)) {
        try plan.order(shard: .init(index: index, count: count))
      }
    }
  }

  @Test func aFailedCellIsARowWithItsReasonAndNotTheEnd() throws {
    let bench = Workbench(briefConfiguration())
    _ = try bench.open(path: nil)
    var plan = try Self.plan(["2:4", "4x1"], [0.5])
    plan.tensors = [query]
    plan.amounts = [.lambda(0.2), .sparsity(0.5)]
    let cells = try Self.rows(plan, on: bench)
    let failed = cells.filter { $0.progress.row?[.status] == .text("failed") }
    // λ on N:M has no units to remove.
    #expect(failed.count == 1)
    #expect(failed[0].progress.row![.note].text.contains("lambda on 2:4"))
    #expect(failed[0].progress.row![.speedup] == .missing)
    #expect(cells.count == 4)
    #expect(cells.last?.progress.finished == 4)
  }

  @Test func aPlanThatCannotBeIsRefusedBeforeItStarts() throws {
    let bench = try workbench(opening: "synthetic:32x32")
    var plan = try Self.plan(["8x1"], [0.5])
    plan.tensors = ["weight", "other"]
    #expect(throws: LaboratoryError.self) { try bench.estimate(plan, options: SweepOptions()) }
    let unreachable = try Self.plan(["tvw8"], [0.1, 0.2])
    #expect(throws: LaboratoryError.self) {
      try bench.estimate(unreachable, options: SweepOptions())
    }
    let sound = try Self.plan(["8x1", "2:4"], [0.5, 0.6])
    #expect(try bench.estimate(sound, options: SweepOptions()).cells == 3)
  }

  @Test func resumingMeasuresOnlyWhatIsMissing() throws {
    let bench = try workbench(opening: "synthetic:32x32")
    let plan = try Self.plan(["8x1", "4x1", "2:4"], [0.5, 0.75])
    let all = try Self.rows(plan, on: bench)
    var options = SweepOptions()
    options.finished = all.prefix(2).map { $0.progress.row! }
    var unfinished = all[2].progress.row!
    unfinished[.status] = .text("partial")
    options.finished.append(unfinished)
    // As they come back from a file.
    let text = ResultsCSV.header + options.finished.map(ResultsCSV.line).joined()
    options.finished = try ResultsCSV.parse(Array(text.utf8)).rows
    let rest = try Self.rows(plan, options, on: bench)
    #expect(rest.count == 3)
    #expect(
      Set(rest.map(\.progress.cell)) == Set(0..<5).subtracting(all.prefix(2).map(\.progress.cell!)))
    #expect(rest.last?.progress.finished == 5)
    options.finished = all.map { $0.progress.row! }
    #expect(try Self.rows(plan, options, on: bench).isEmpty)
  }

  @Test func aCancelledSweepKeepsWhatIsFinished() throws {
    let bench = try workbench(opening: "synthetic:32x32")
    let plan = try Self.plan(["8x1", "4x1"], [0.5, 0.6, 0.7])
    var cells: [FinishedCell] = []
    let closing = try bench.sweep(plan, isCancelled: { cells.count >= 2 }) { cells.append($0) }
    #expect(cells.count == 2)
    #expect(closing.finished == 2)
    #expect(closing.total == 6)
  }

  /// A best time that dense will never have: every cell is slowed.
  static func slowedBench(_ plan: SweepPlan) throws -> Workbench {
    var configuration = briefConfiguration()
    configuration.slowedBeyond = 1.04
    let bench = Workbench(configuration)
    _ = try bench.open(path: "synthetic:64x64")
    let layer = try bench.layer("weight")
    bench.quickestDense.store(1, for: ContestKey(layer, plan.cells[0].knobs))
    return bench
  }

  @Test func cellsInWhichDenseWasSlowedAreTakenAgain() throws {
    let plan = try Self.plan(["8x1", "4x1"], [0.5, 0.6, 0.7])
    let cells = try Self.rows(plan, on: Self.slowedBench(plan))
    #expect(cells.map(\.isFinal) == (0..<12).map { $0 >= 6 })
    #expect(cells.suffix(6).map(\.progress.finished) == [1, 2, 3, 4, 5, 6])
    #expect(cells.prefix(6).map(\.progress.cell) == cells.suffix(6).map(\.progress.cell))
    for (first, last) in zip(cells.prefix(6), cells.suffix(6)) {
      let (before, after) = (first.progress.row!, last.progress.row!)
      // The one in which dense was quicker stands.
      #expect(after[.denseNs].number! <= before[.denseNs].number!)
      #expect(after[.status].text == "ok")
      #expect(after[.note].text.contains(Measurement.slowed + "dense took "))
    }
  }

  /// On a machine that is always slow a kill must not cost more than a few cells, nor a sweep take twice as long.
  @Test func aMachineThatStaysSlowHoldsNoMoreCells() throws {
    let plan = try Self.plan(
      ["8x1", "4x1", "16x1", "1x1"], (0..<10).map { 0.4 + 0.05 * Double($0) })
    let cells = try Self.rows(plan, on: Self.slowedBench(plan))
    #expect(cells.map(\.isFinal) == (0..<72).map { $0 >= 32 })
    #expect(Set(cells.filter(\.isFinal).map(\.progress.cell)) == Set(0..<40))
  }

  @Test func cellsThatWereSlowedStandWhenTheSweepIsCancelled() throws {
    let plan = try Self.plan(["8x1", "4x1"], [0.5, 0.6, 0.7])
    let bench = try Self.slowedBench(plan)
    var cells: [FinishedCell] = []
    let closing = try bench.sweep(plan, isCancelled: { cells.count >= 3 }) { cells.append($0) }
    #expect(cells.map(\.isFinal) == [false, false, false, true, true, true])
    #expect(cells[0].progress.row == cells[3].progress.row)
    #expect(closing.finished == 3)
  }

  @Test func aTimeLimitIsKeptAndSpentOnTheWidestIntervals() throws {
    let bench = try workbench(opening: "synthetic:64x64")
    var plan = try Self.plan(["8x1", "4x1", "1x1"], [0.5, 0.7])
    plan.budgetSeconds = 1
    let start = MonotonicPause.now()
    let cells = try Self.rows(plan, on: bench)
    #expect(MonotonicPause.now() - start < 3)
    let final = cells.filter(\.isFinal)
    #expect(Set(final.map(\.progress.cell)) == Set(0..<6))
    #expect(final.count == 6)
    for cell in final {
      let brief = cells.first { $0.progress.cell == cell.progress.cell }!
      let (before, after) = (
        CellResult(brief).relativeHalfWidth, CellResult(cell).relativeHalfWidth
      )
      #expect(after! <= before!)
    }
    plan.budgetSeconds = 0
    let none = try Self.rows(plan, on: bench)
    #expect(none.allSatisfy { $0.progress.row?[.status] == .text("skipped") })
  }

  @Test func sharesOfATimeLimitBringTheWidestDownToOneWidth() {
    let shares = BudgetShares(
      halfWidths: [0.04, 0.02, 0.001], seconds: [1, 1, 1], budget: 15 + 3)
    #expect(shares.target <= 0.0101 && shares.target >= 0.0099)
    #expect(shares.extra[2] == 0)
    #expect(abs(shares.extra[0] - 15) < 0.2)
    #expect(abs(shares.extra[1] - 3) < 0.1)
    #expect(shares.extra.reduce(0, +) <= 18)
    #expect(BudgetShares(halfWidths: [0.1], seconds: [1], budget: 0).extra == [0])
    #expect(BudgetShares(halfWidths: [], seconds: [], budget: 5).extra == [])
  }

  @Test func agreementAllowsForTheDifferenceBetweenRuns() {
    func measurement(_ low: Double, _ high: Double, flops: Double = 10) -> Measurement {
      let time = Interval(estimate: 1, low: 1, high: 1)
      return Measurement(
        kernelDense: "d", kernelSparse: "s", bytesDense: 1, bytesSparse: 1, bytesValues: 1,
        bytesIndices: 0, bytesPadding: 0, bytesActivations: 0, flopsUseful: flops,
        flopsExecuted: flops, imbalance: 1, packNs: 1, denseNs: time, sparseNs: time,
        speedup: Interval(estimate: (low + high) / 2, low: low, high: high), samples: 10,
        outliers: 0, maxAbsError: 0, isFinal: true)
    }
    let recorded = measurement(2.0, 2.1)
    #expect(Remeasurement(recorded: recorded, fresh: measurement(2.05, 2.2)).agrees)
    #expect(Remeasurement(recorded: recorded, fresh: measurement(2.15, 2.2)).agrees)
    #expect(!Remeasurement(recorded: recorded, fresh: measurement(2.3, 2.4)).agrees)
    #expect(!Remeasurement(recorded: recorded, fresh: measurement(1.5, 1.8)).agrees)
    let other = Remeasurement(recorded: recorded, fresh: measurement(2.0, 2.1, flops: 11))
    #expect(!other.agrees)
    #expect(other.sentence.contains("another mask"))
  }
}

extension CellResult {
  fileprivate init(_ cell: FinishedCell) {
    self.init(index: cell.progress.cell!, row: cell.progress.row!, samples: cell.samples)
  }
}
