internal import Benchmarking
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors

extension Workbench {
  /// Checks a plan against the open model: every tensor is there and prunable, and there is a cell.
  func estimate(_ plan: SweepPlan, options: SweepOptions) throws(LaboratoryError) -> SweepEstimate {
    let open = try current()
    for name in plan.tensors {
      guard let header = open.model.header(named: name) else {
        throw .noSuchTensor(name, model: open.info.name, known: open.info.prunable.map(\.name))
      }
      guard header.isMatrix, header.count > 0 else {
        throw .notPrunable(name, dtype: header.dtype.rawValue, shape: header.shape)
      }
    }
    let cells = try plan.order(shard: options.shard).count
    guard !plan.cells.isEmpty else {
      throw .nothingToSweep(patterns: plan.patterns, tensors: plan.tensors.count)
    }
    let seconds = Double(cells) * mostSecondsOfACell
    return SweepEstimate(
      cells: cells, atMostSeconds: min(seconds, plan.budgetSeconds ?? .infinity))
  }

  /// Measures the cells of a plan, one after the other, in shuffled order.
  ///
  /// A cell that fails is a row with its reason. With a time limit every cell is first measured briefly,
  /// then the rest of the time goes where intervals are widest; what is not reached is `skipped`.
  ///
  /// - Parameters:
  ///   - between: called between cells, while nothing is timed.
  ///   - cell: gets every finished cell.
  /// - Throws: when the plan does not fit the model. Being cancelled is no error: what is finished stands.
  func sweep(
    _ plan: SweepPlan, options: SweepOptions = SweepOptions(), isCancelled: () -> Bool,
    between: () -> Void = {}, cell: (FinishedCell) -> Void
  ) throws(LaboratoryError) -> SweepProgress {
    _ = try estimate(plan, options: options)
    let order = try plan.order(shard: options.shard)
    let run = SweepRun(
      plan: plan, runName: options.runName ?? freshRunName(), info: try current().info,
      machine: machine)
    let done = Set(
      options.finished.filter {
        $0[.status] == .text(ResultStatus.ok.rawValue)
          || $0[.status] == .text(ResultStatus.failed.rawValue)
      }.map(\.settingsKey))
    let known = Set(plan.finishedCells ?? [])
    let waiting = order.filter {
      !known.contains($0) && !done.contains(run.planned($0).settingsKey)
    }
    var state = SweepState(total: order.count, finished: order.count - waiting.count)
    let spent = ledger.seconds
    if let budget = plan.budgetSeconds {
      try sweep(
        waiting, run, within: budget, &state, isCancelled: isCancelled, between: between,
        cell: cell)
    } else {
      try sweep(waiting, run, &state, isCancelled: isCancelled, between: between, cell: cell)
    }
    var closing = state.closing
    if closing.elapsedSeconds > 0 {
      closing.measuredShare = min(1, (ledger.seconds - spent) / closing.elapsedSeconds)
    }
    return closing
  }

  /// A sweep that takes the time it needs.
  ///
  /// Cells in which dense was slower than at its best, or the core was shared, are taken once more when
  /// `mostHeld` of them wait or all others are done, as what slows a machine lasts for seconds and hits
  /// neighbouring cells together. What counts is the measurement that was not slowed, or else the one in which
  /// dense was quicker, whatever it says of the sparse kernel. Where that helped none of them the machine is
  /// as it is: slowed cells then stand at once, until one comes that was not.
  private func sweep(
    _ waiting: [Int], _ run: SweepRun, _ state: inout SweepState, isCancelled: () -> Bool,
    between: () -> Void, cell: (FinishedCell) -> Void
  ) throws(LaboratoryError) {
    var held: [CellResult] = []
    var helps = true
    func finish(_ result: CellResult) {
      state.finished += 1
      cell(state.report(result, isFinal: true))
      between()
    }
    func takeAgain() throws(LaboratoryError) {
      helps = false
      for first in held {
        var result = first
        if !isCancelled(),
          let again = try measureCell(first.index, run, plan: cellPlan, isCancelled: isCancelled),
          again.isSlowed == first.isSlowed
            ? again.denseNs ?? .infinity < first.denseNs ?? .infinity : !again.isSlowed
        {
          result = again
        }
        if !result.isSlowed { helps = true }
        finish(result)
      }
      held = []
    }
    for index in waiting {
      if isCancelled() { break }
      guard let result = try measureCell(index, run, plan: cellPlan, isCancelled: isCancelled)
      else { break }
      if !result.isSlowed { helps = true }
      guard result.isSlowed, helps else {
        finish(result)
        continue
      }
      held.append(result)
      cell(state.report(result, isFinal: false))
      between()
      if held.count == Self.mostHeld { try takeAgain() }
    }
    try takeAgain()
  }

  /// What a sweep that is killed may lose: some seven seconds of it.
  private static var mostHeld: Int { 32 }

  /// The longest that pruning, checking and timing a cell usually take.
  private var mostSecondsOfACell: Double { configuration.cellSeconds + 0.1 }

  /// One cell to its row; nil when cancelled meanwhile.
  func measureCell(
    _ index: Int, _ run: SweepRun, plan: TimingPlan, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> CellResult? {
    let cell = run.cells[index]
    var row = run.planned(index)
    row[.timeUTC] = .text(timestamp())
    var measurement: Measurement?
    do throws(LaboratoryError) {
      let layer = try layer(cell.tensor)
      row[.tensorSHA256] = .text(try current().checksum(of: cell.tensor))
      let tensors = run.plan.tensors
      // A function of its own: a large tensor's pruned weights are gone before the dense are packed.
      func judged() throws(LaboratoryError) -> (PruningSummary, QualityReport) {
        let pruned = try prune(cell.tensor, cell.knobs, among: tensors) { _ in !isCancelled() }
        row = run.row(index, over: row, summary: pruned.summary)
        let quality = try self.quality(
          of: pruned, cell.tensor, cell.knobs, among: tensors, briefly: true,
          isCancelled: isCancelled)
        return (pruned.summary, quality)
      }
      let (summary, quality) = try judged()
      row = run.row(index, over: row, summary: summary, quality: quality)
      let found = try measure(
        layer, cell.knobs, among: tensors, plan: plan,
        keepSamples: run.plan.keepSamples ? .all : .none,
        isCancelled: isCancelled)
      if isCancelled() { return nil }
      measurement = found
      row = run.row(
        index, over: row, summary: summary, quality: quality, measurement: found)
      // Why there is no output error, where there could have been one.
      let missing = layer.statistics == nil ? nil : quality.unavailable
      let notes = [missing].compactMap(\.self) + found.warnings
      row[.note] = ResultCell(notes.isEmpty ? nil : notes.joined(separator: "; "))
    } catch {
      if error.kind == .cancelled { return nil }
      row[.status] = .text(ResultStatus.failed.rawValue)
      row[.note] = .text(error.description)
    }
    return CellResult(
      index: index, row: row, samples: measurement?.rawSamples ?? [],
      isSlowed: measurement?.isSlowed ?? false)
  }
}

/// What is the same for all cells of a sweep.
struct SweepRun {
  let plan: SweepPlan
  let cells: [SweepCell]
  let runName: String
  let info: ModelInfo
  let machine: MachineInfo

  init(plan: SweepPlan, runName: String, info: ModelInfo, machine: MachineInfo) {
    self.plan = plan
    cells = plan.cells
    self.runName = runName
    self.info = info
    self.machine = machine
  }

  func planned(_ index: Int) -> ResultRow {
    var row = ResultRow(planned: cells[index], model: info, machine: machine)
    row[.runID] = .text(runName)
    return row
  }

  /// The row with what is known by now; time and checksum stay those of `row`.
  func row(
    _ index: Int, over row: ResultRow, summary: PruningSummary, quality: QualityReport? = nil,
    measurement: Measurement? = nil
  ) -> ResultRow {
    var fresh = ResultRow(
      model: info, machine: machine, cell: cells[index], summary: summary, quality: quality,
      measurement: measurement)
    for column in [ResultColumn.runID, .timeUTC, .tensorSHA256, .calibrationID] {
      fresh[column] = row[column]
    }
    return fresh
  }
}

/// A cell with its row.
struct CellResult {
  var index: Int
  var row: ResultRow
  var samples: [[Double]]
  var isSlowed = false

  var denseNs: Double? { row[.denseNs].number }

  /// Half the speedup's interval over the speedup; nil where there is none.
  var relativeHalfWidth: Double? {
    guard let speedup = row[.speedup].number, let low = row[.speedupLow].number,
      let high = row[.speedupHigh].number, speedup > 0
    else { return nil }
    return (high - low) / 2 / speedup
  }
}

/// How far a sweep is.
struct SweepState {
  private let clock = MonotonicClock()
  private let start: UInt64
  /// Cells that were finished before this run; they say nothing about its pace.
  private let before: Int
  let total: Int
  var finished: Int
  /// Seconds that remain of a time limit.
  var limit: Double?

  init(total: Int, finished: Int) {
    start = clock.now()
    before = finished
    self.total = total
    self.finished = finished
  }

  var elapsed: Double { Double(clock.now() - start) * 1e-9 }

  func report(_ result: CellResult, isFinal: Bool) -> FinishedCell {
    let elapsed = elapsed
    let pace = elapsed / Double(max(1, finished - before))
    return FinishedCell(
      progress: SweepProgress(
        cell: result.index, row: result.row, finished: finished, total: total,
        elapsedSeconds: elapsed,
        remainingSeconds: limit.map { max(0, $0 - elapsed) }
          ?? (finished > before ? pace * Double(total - finished) : nil)),
      samples: result.samples, isFinal: isFinal)
  }

  var closing: SweepProgress {
    SweepProgress(
      cell: nil, row: nil, finished: finished, total: total, elapsedSeconds: elapsed,
      remainingSeconds: 0)
  }
}
