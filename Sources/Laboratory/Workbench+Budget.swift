internal import Benchmarking
internal import Experiments

extension Workbench {
  /// A sweep within `budget` seconds.
  ///
  /// First every cell is measured briefly. Intervals narrow with the square root of the time, so the rest
  /// is dealt out such that all that get more reach the same width: the widest get the most. Cells are
  /// reported as final one by one; a cancelled sweep leaves the others as `partial`.
  func sweep(
    _ waiting: [Int], _ run: SweepRun, within budget: Double, _ state: inout SweepState,
    isCancelled: () -> Bool, between: () -> Void, cell: (FinishedCell) -> Void
  ) throws(LaboratoryError) {
    state.limit = budget
    var brief = cellPlan
    brief.maximumSeconds = min(brief.maximumSeconds, 0.3 * budget / Double(max(1, waiting.count)))
    brief.minimumRounds = 12
    var pilots: [CellResult] = []
    var seconds: [Double] = []
    for index in waiting {
      if isCancelled() { break }
      if state.elapsed >= budget {
        cell(state.report(skipped(index, run), isFinal: true))
        continue
      }
      let before = state.elapsed
      guard let result = try measureCell(index, run, plan: brief, isCancelled: isCancelled)
      else { break }
      seconds.append(max(state.elapsed - before, 1e-4))
      pilots.append(result)
      cell(state.report(result, isFinal: false))
      between()
    }
    let shares = BudgetShares(
      halfWidths: pilots.map { $0.relativeHalfWidth ?? 0 }, seconds: seconds,
      budget: max(0, budget - state.elapsed))
    let order = pilots.indices.sorted {
      (pilots[$0].relativeHalfWidth ?? 0) > (pilots[$1].relativeHalfWidth ?? 0)
    }
    for pilot in order {
      var result = pilots[pilot]
      if isCancelled() {
        result.row[.status] = .text(ResultStatus.partial.rawValue)
      } else if shares.extra[pilot] > 0, state.elapsed < budget {
        var plan = cellPlan
        plan.relativeHalfWidth = shares.target
        plan.maximumSeconds = min(shares.extra[pilot] + seconds[pilot], budget - state.elapsed)
        plan.minimumRounds = 12
        if let better = try measureCell(result.index, run, plan: plan, isCancelled: isCancelled) {
          if (better.relativeHalfWidth ?? .infinity) <= (result.relativeHalfWidth ?? .infinity) {
            result = better
          }
        } else {
          result.row[.status] = .text(ResultStatus.partial.rawValue)
        }
      }
      if result.row[.status] != .text(ResultStatus.partial.rawValue) { state.finished += 1 }
      cell(state.report(result, isFinal: true))
      between()
    }
  }

  private func skipped(_ index: Int, _ run: SweepRun) -> CellResult {
    var row = run.planned(index)
    row[.timeUTC] = .text(timestamp())
    row[.status] = .text(ResultStatus.skipped.rawValue)
    row[.note] = .text("the time limit was over before its turn came; resume to measure it")
    return CellResult(index: index, row: row, samples: [])
  }
}

/// How the rest of a time limit is dealt out to cells that were measured briefly.
struct BudgetShares {
  /// More seconds for each cell; 0 where its interval is as narrow as the target.
  private(set) var extra: [Double]
  /// The half width, relative to the figure, that the time allows for all.
  private(set) var target: Double

  /// A cell of half width `w` after `t` seconds needs `t·((w/target)² - 1)` more. The target at which all
  /// that adds up to the budget is found by bisection, to a thousandth.
  init(halfWidths: [Double], seconds: [Double], budget: Double) {
    func needs(_ target: Double) -> [Double] {
      zip(halfWidths, seconds).map { width, time in
        width > target ? time * ((width / target) * (width / target) - 1) : 0
      }
    }
    var high = halfWidths.max() ?? 0
    var low = high * 1e-4
    guard high > 0, budget > 0 else {
      extra = halfWidths.map { _ in 0 }
      target = high
      return
    }
    while high - low > 1e-3 * high {
      let middle = (low + high) / 2
      if needs(middle).reduce(0, +) > budget { low = middle } else { high = middle }
    }
    target = high
    extra = needs(high)
  }
}
