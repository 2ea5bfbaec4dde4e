import ArgumentParser
import CellUI
import Experiments
import Glibc
import Laboratory

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Measure every combination of patterns, sparsities and other knobs, to CSV.",
    discussion: """
      One row a cell, written as it is finished, in an order shuffled by the seed so that drift does \
      not look like a trend. A cell that fails is a row with its reason. Beside OUT.csv stands \
      OUT.meta.json (machine, settings) and with --samples OUT.samples.csv (raw times).

        sparsity-tui sweep --patterns 1x1,8x1,32x1,2:4 --sparsity 0.5:0.9:0.1 --csv out.csv
        sparsity-tui sweep --tensor '*.query.weight' --patterns 32x1 --tokens 1,8,128 --csv -
        sparsity-tui sweep … --csv out.csv --resume        # goes on where it was killed
        sparsity-tui sweep … --csv part1.csv --shard 1/2   # the other half elsewhere; then merge
        sparsity-tui sweep … --csv out.csv --budget 10m    # where intervals are widest
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(
    help: "Which tensors; * matches any characters. All weights of linear layers when left out.")
  var tensor: [String] = []
  @Option(
    help: "Activations (.npy, .safetensors) or a text that the model's own encoder reads.")
  var calibration: String?
  @OptionGroup(title: "Knobs") var knobs: SweepKnobOptions
  @Option(help: "The file to write, - for standard output.")
  var csv: String?
  @Flag(help: "Keep the raw times of every pair in OUT.samples.csv.")
  var samples = false
  @Flag(help: "Go on with a file that was left unfinished.")
  var resume = false
  @Flag(help: "Replace a file that exists.")
  var force = false
  @Option(help: "I/N: only every N-th cell of the plan, starting with the I-th.")
  var shard: String?
  @Option(help: "A time limit such as 90s, 10m or 1h.")
  var budget: String?
  @Flag(help: "Print the Pareto front of output error against speedup at the end.")
  var pareto = false
  @Option(help: "csv, json or markdown on standard output (without --csv FILE).")
  var format = "csv"
  @Flag(help: "Say how many cells there are and how long it takes at most; measure nothing.")
  var dryRun = false

  func run() throws {
    guard ["csv", "json", "markdown"].contains(format) else {
      throw Failure(.usage, "--format \(format): expected csv, json or markdown")
    }
    guard csv != nil || format != "csv" || dryRun || pareto else {
      throw Failure(
        .usage, "name a file with --csv OUT (- for standard output), or choose --format")
    }
    if resume, csv == nil || csv == "-" {
      throw Failure(.usage, "--resume goes on with a file: name it with --csv")
    }
    if let csv, csv != "-", !force, !resume { try refuseExisting(csv) }
    if let csv, resume, access(csv, F_OK) != 0 {
      throw Failure(.usage, "\(csv): is not there, so nothing can be resumed; leave --resume out")
    }
    var options = SweepOptions()
    options.shard = try shard.map(parseShard)
    Interrupt.watch()
    let bench = try Workbench(model: model, calibration: calibration)
    let tensors = try bench.tensors(matching: tensor) { standardError($0 + "\n") }
    var plan = try knobs.plan(tensors: tensors.map(\.name))
    plan.keepSamples = samples
    plan.budgetSeconds = try budget.map(parseSeconds)
    let rows: [ResultRow]
    do { rows = try sweep(plan, options, bench) } catch let error as LaboratoryError {
      throw Failure(error)
    } catch let error as ResultsFileError {
      throw Failure(error.isUsage ? .usage : .failed, error.description)
    }
    if csv == nil || csv == "-", !dryRun {
      switch format {
      case "json": try OutputFile.standardOutput(try ResultsText.json(rows))
      case "markdown": try OutputFile.standardOutput(ResultsText.markdown(rows))
      default: break
      }
    }
    if pareto { try OutputFile.standardOutput(ParetoText.text(rows)) }
    if Interrupt.isRaised { throw Failure(.interrupted, "interrupted; finished cells are kept") }
    let failed = rows.filter { $0[.status].text == ResultStatus.failed.rawValue }.count
    if failed > 0 { throw Failure(.failed, "\(failed) cells failed; their rows say why") }
  }

  private func sweep(
    _ plan: SweepPlan, _ base: SweepOptions, _ bench: Workbench
  ) throws -> [ResultRow] {
    var options = base
    let estimate = try bench.laboratory.estimate(plan, options: options)
    let most = Figures.duration(nanoseconds: estimate.atMostSeconds * 1e9)
    if dryRun || isatty(STDERR_FILENO) == 1 {
      standardError("\(estimate.cells) cells, at most about \(most)\n")
    }
    if dryRun { return [] }
    let meta = try bench.laboratory.meta(
      for: plan, options: options, revision: Paths.revision)
    var file: ResultsFile?
    if let csv, csv != "-" || format == "csv" {
      file =
        resume
        ? try ResultsFile(resuming: csv, meta: meta, keepSamples: samples)
        : try ResultsFile(creating: csv, meta: meta, keepSamples: samples, replacing: force)
    }
    options.finished = file?.rows ?? []
    var rows = options.finished
    var line = ProgressLine()
    defer { line.finish() }
    var problem: ResultsFileError?
    let closing = try bench.laboratory.sweep(
      plan, options: options, isCancelled: { Interrupt.isRaised || problem != nil }
    ) { cell in
      line.show(SweepText.progress(cell.progress))
      guard cell.isFinal, let row = cell.progress.row else { return }
      rows.append(row)
      guard let file else { return }
      do throws(ResultsFileError) {
        try file.append(row, samples: cell.samples)
      } catch { problem = error }
    }
    if let problem { throw problem }
    line.finish()
    if isatty(STDERR_FILENO) == 1 { standardError(SweepText.closing(closing) + "\n") }
    return rows
  }

  private func refuseExisting(_ path: String) throws {
    if access(path, F_OK) == 0 {
      throw Failure(
        .usage, "\(path): exists already; --resume goes on with it, --force replaces it")
    }
  }

  private func parseShard(_ text: String) throws -> SweepOptions.Shard {
    let parts = text.split(separator: "/").map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1], count >= 1,
      (1...count).contains(index)
    else { throw Failure(.usage, "--shard \(text): expected I/N with I from 1 to N, such as 1/4") }
    return SweepOptions.Shard(index: index, count: count)
  }

  private func parseSeconds(_ text: String) throws -> Double {
    let factors: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let factor = text.last.flatMap { factors[$0] }
    let number = Double(factor == nil ? text : String(text.dropLast()))
    guard let number, number > 0, number.isFinite else {
      throw Failure(.usage, "--budget \(text): expected a time such as 90s, 10m or 1h")
    }
    return number * (factor ?? 1)
  }
}

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join results files: shards of one sweep, or runs of several machines.",
    discussion: """
      Rows of different machines stay apart by host_id; a row that stands in two files is kept once.

        sparsity-tui merge part1.csv part2.csv --csv all.csv
      """)

  @Argument(help: "Results files.")
  var files: [String]
  @Option(help: "The file to write, - for standard output.")
  var csv: String
  @Flag(help: "Replace a file that exists.")
  var force = false

  func run() throws {
    do {
      let merged = try MergedResults(of: files)
      for path in merged.torn {
        standardError("\(path): its last line is cut off and was left out\n")
      }
      if merged.duplicates > 0 {
        standardError("\(merged.duplicates) rows stood in more than one file and are kept once\n")
      }
      if merged.repeated > 0 {
        standardError("\(merged.repeated) cells were measured more than once on one machine\n")
      }
      let laboratory = Laboratory(configuration: Workbench.configuration())
      let file = try ResultsFile(
        creating: csv, meta: ResultsMeta(merging: merged, machine: laboratory.machine),
        replacing: force)
      for row in merged.rows { try file.append(row) }
    } catch {
      let status: ExitStatus =
        switch error {
        case .damaged, .cannotRead, .cannotOpen: .unreadable
        default: error.isUsage ? .usage : .failed
        }
      throw Failure(status, error.description)
    }
  }
}

/// The front of what nothing beats in both quality and speed.
enum ParetoText {
  static func text(_ rows: [ResultRow]) -> String {
    let front = ParetoFront.rows(rows)
    guard !front.isEmpty else { return "no cell has both a quality figure and a speedup\n" }
    var table = [["pattern", "zeros", "tokens", "output error", "speedup", "tensor"]]
    for row in front {
      table.append([
        row[.pattern].text, Figures.percent(row[.sparsityAchieved].number), row[.tokens].text,
        Figures.plain(row[.outputError].number ?? row[.weightError].number),
        Figures.ratio(row[.speedup].number), row[.tensor].text,
      ])
    }
    return TextTable.lines(table, numbers: [1, 2, 3, 4])
  }
}
