import ArgumentParser
import CellUI
import Experiments
import Laboratory

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "The kernel table of this machine: pattern x sparsity x tokens on Gaussian weights.",
    discussion: """
      Every cell is timed like a measurement of your own: checked, interleaved with the best dense \
      kernel, with an interval. The share of the peak counts useful operations only.

        sparsity-tui bench
        sparsity-tui bench --shape 3072x768 --tokens 128 --csv bench.csv
        sparsity-tui bench --tokens 128 --dtype bf16 --layout token-major --cache cold
        sparsity-tui bench --pruning --shape 384x384      # what turning a knob takes
        sparsity-tui bench --patterns 8x1 --sparsity 0.9 --tokens 128 --repeat 10
      """)

  @Option(help: "ROWSxCOLUMNS of the weights.")
  var shape = "768x768"
  @Option(help: "Comma-separated token counts.")
  var tokens = "1,8,128,512"
  @Option(help: "Comma-separated or FROM:TO:STEP.")
  var sparsity = "0.5,0.8,0.9,0.95"
  @Option(help: "Comma-separated patterns.")
  var patterns = "1x1,1x8,1x32,4x1,8x1,16x1,32x1,4x4,8x8,16x16,32x32,tw64,tew64+5%,2:4,tvw64"
  @Option(help: "Threads.")
  var threads = 1
  @Option(help: "Stored weights of the sparse kernels: f32 or bf16.")
  var dtype = WeightType.f32.rawValue
  @Option(help: "Of activations: panels or token-major, whose conversion is in the time.")
  var layout = ActivationLayout.panels.rawValue
  @Option(help: "Weights warm or cold in cache.")
  var cache = CacheState.warm.rawValue
  @Option(
    name: .customLong("repeat"),
    help: "Measure the table this many times; cells show the median and its spread.")
  var repeats = 1
  @Option(help: "Write the results to this file, - for standard output.")
  var csv: String?
  @Flag(help: "Replace files that exist.")
  var force = false
  @Flag(help: "Time the steps of pruning a tensor of that shape instead of kernels.")
  var pruning = false

  func run() throws {
    if pruning {
      try timePruning()
      return
    }
    guard repeats >= 1 else { throw Failure(.usage, "--repeat \(repeats): at least 1") }
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    Interrupt.watch()
    let bench = try Workbench(model: "synthetic:\(shape)")
    var base = Knobs()
    base.criterion = .magnitude
    base.refit = false
    base.threads = threads
    base.dtype = try choice(dtype, "--dtype")
    base.layout = try choice(layout, "--layout")
    base.cache = try choice(cache, "--cache")
    var plan = SweepPlan(tensors: bench.model.prunable.map(\.name), base: base)
    do {
      plan.patterns = try ValueList.words(patterns).map { try Pattern(parsing: $0) }
      plan.amounts = try ValueList.numbers(sparsity, of: "sparsity").map { .sparsity($0) }
      plan.tokens = try ValueList.numbers(tokens, of: "tokens").map { Int($0) }
    } catch { throw Failure(.usage, sentence(error)) }
    plan.threads = [threads]
    guard case .machine(let machine) = try bench.answer(.describeMachine) else {
      throw Failure(.failed, "the machine was not described")
    }
    let cells = plan.cells
    var rows = [[ResultRow]](repeating: [], count: cells.count)
    var line = ProgressLine()
    for turn in 1...repeats where !Interrupt.isRaised {
      // A cell may come twice: the second time stands.
      var found: [Int: ResultRow] = [:]
      _ = try bench.answer(.sweep(plan)) { answer in
        guard case .sweeping(let progress) = answer else { return }
        if let cell = progress.cell, let row = progress.row { found[cell] = row }
        line.show((repeats > 1 ? "\(turn) of \(repeats): " : "") + SweepText.progress(progress))
      }
      for (cell, row) in found { rows[cell].append(row) }
    }
    line.finish()
    if let csv {
      try OutputFile.write(ResultsText.csv(rows.flatMap { $0 }), to: csv, force: force)
    }
    if csv != "-" {
      try OutputFile.standardOutput(text(plan, cells, rows, machine))
    }
    if Interrupt.isRaised { throw Failure(.interrupted, "interrupted; finished cells are above") }
  }

  private func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ word: String, _ option: String
  ) throws -> Value {
    if let value = Value(rawValue: word) { return value }
    let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
    throw Failure(.usage, "\(option) \(word): one of \(allowed)")
  }

  private func timePruning() throws {
    Interrupt.watch()
    let parts = shape.split(separator: "x").map { Int($0) }
    guard parts.count == 2, let rows = parts[0], let columns = parts[1], rows > 0, columns > 0,
      rows <= 1 << 20, columns <= 1 << 20, rows * columns <= 1 << 30
    else { throw Failure(.usage, "--shape \(shape): expected ROWSxCOLUMNS such as 768x768") }
    var line = ProgressLine()
    var times: [PruningTime] = []
    line.show("preparing \(shape)")
    do throws(LaboratoryError) {
      try Laboratory.pruningTimes(
        rows: rows, columns: columns, isCancelled: { Interrupt.isRaised }
      ) {
        times.append($0)
        line.show("\($0.step) \($0.pattern)")
      }
    } catch {
      line.finish()
      throw Failure(error)
    }
    line.finish()
    var table = [["step", "pattern", "median", "repetitions"]]
    for time in times {
      table.append([
        time.step, time.pattern, Figures.duration(nanoseconds: time.nanoseconds),
        String(time.repetitions),
      ])
    }
    try OutputFile.standardOutput(
      "\(shape) F32, one thread, after the tensor is loaded\n"
        + TextTable.lines(table, numbers: [2, 3]))
  }

  private func text(
    _ plan: SweepPlan, _ cells: [SweepCell], _ rows: [[ResultRow]], _ machine: MachineInfo
  ) -> String {
    var text = "\(machine.cpuModel)  \(machine.isa)  \(shape) \(dtype.uppercased())  "
    text += "\(layout)  \(cache)  \(threads) thread" + (threads == 1 ? "" : "s") + "\n"
    if let ceilings = machine.ceilings {
      text += "peak \(Figures.rate(ceilings.peakFlops, "FLOP/s")) a core; best dense kernel "
      text += "\(Figures.percent(ceilings.denseShare, places: 0)) of it at 128 tokens\n"
    }
    var isSlowed = false
    for tokens in plan.tokens {
      let amounts = plan.amounts.compactMap(\.sparsity)
      var table = [["pattern"] + amounts.map { "s = \(NumberText.shortest($0))" } + ["own s"]]
      var dense: (ns: Double, name: String)?
      for pattern in plan.patterns {
        let own = zip(cells, rows).filter {
          $0.0.knobs.pattern == pattern && $0.0.knobs.tokens == tokens
        }
        func cell(_ sparsity: Double?) -> String {
          let found = own.first {
            sparsity == nil
              ? pattern.fixedSparsity != nil : $0.0.knobs.requestedSparsity == sparsity
          }
          let all = (found?.1 ?? []).filter { $0[.speedup].number != nil }
          let undisturbed = all.filter { !$0.isSlowed }
          let timed = (undisturbed.isEmpty ? all : undisturbed)
            .sorted { ($0[.speedup].number ?? 0) < ($1[.speedup].number ?? 0) }
          guard let least = timed.first?[.speedup].number,
            let most = timed.last?[.speedup].number
          else { return "" }
          let row = timed[timed.count / 2]
          guard let speedup = row[.speedup].number, let ns = row[.sparseNs].number
          else { return "" }
          if dense == nil, let time = row[.denseNs].number {
            dense = (time, row[.kernelDense].text)
          }
          var text = (undisturbed.isEmpty ? "~" : "") + Figures.ratio(speedup)
          if undisturbed.isEmpty { isSlowed = true }
          if timed.count > 1 {
            text += " spread " + Figures.percent((most - least) / speedup, places: 2)
          }
          if let peak = machine.ceilings?.peakFlops, let useful = row[.flopsUseful].number {
            let share = useful / (ns * 1e-9) / (peak * Double(threads))
            text += " " + Figures.percent(share, places: 0)
          }
          return text
        }
        let fixed = pattern.fixedSparsity
        table.append(
          [pattern.description] + amounts.map { fixed == nil ? cell($0) : "" }
            + [fixed == nil ? "" : cell(nil)])
      }
      text += "\n\(tokens) token\(tokens == 1 ? "" : "s")"
      if let dense {
        text += ": dense \(Figures.duration(nanoseconds: dense.ns)) by \(dense.name)"
      }
      text += "; speedup"
      text += repeats > 1 ? ", most less least of \(repeats) repeats," : ""
      text += " and share of the peak\n"
      text += TextTable.lines(table, numbers: Set(1...(amounts.count + 1)))
    }
    if isSlowed {
      text += """

        ~ the machine gave less than it can while this was timed: something shared its core, or its
        clock was lower. The column note of --csv says more; run it again when the machine is quiet.

        """
    }
    return text
  }
}

/// A sweep's progress as one line.
enum SweepText {
  static func progress(_ progress: SweepProgress) -> String {
    var text = "\(progress.finished) of \(progress.total) cells"
    if let left = progress.remainingSeconds {
      text += ", about \(Figures.duration(nanoseconds: left * 1e9)) left"
    }
    if let row = progress.row {
      text += "   \(row[.pattern].text) "
      if let sparsity = row[.sparsityAchieved].number { text += Figures.percent(sparsity) + " " }
      if let speedup = row[.speedup].number { text += Figures.ratio(speedup) }
    }
    return text
  }

  /// One line when a sweep has ended.
  static func closing(_ progress: SweepProgress) -> String {
    var text = "\(progress.finished) of \(progress.total) cells in "
    text += Figures.duration(nanoseconds: progress.elapsedSeconds * 1e9)
    if let share = progress.measuredShare {
      text += "; \(Figures.percent(share, places: 0)) of that in samples, packing and checks"
    }
    return text
  }
}
