import ArgumentParser
import CellUI
import Experiments
import Laboratory

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Write pruned weights to a new file; the original is never touched.",
    discussion: """
      The ending of OUT chooses the form: .safetensors holds all tensors of the model, those that were \
      not pruned bit for bit, with the settings in its metadata; .npz holds one tensor as SciPy loads \
      it (BSR for blocks, else CSR); .npy holds one mask.

        sparsity-tui prune --tensor '*.self.*.weight' --pattern 2:4 -o pruned.safetensors
        sparsity-tui prune model.safetensors --pattern 32x1 --sparsity 0.8 -o pruned.safetensors
        sparsity-tui prune --tensor '*.query.weight' --pattern 16x16 --sparsity 0.9 -o blocks.npz
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(
    help: "Which tensors; * matches any characters. All weights of linear layers when left out.")
  var tensor: [String] = []
  @Option(
    help: "Activations (.npy, .safetensors) or a text that the model's own encoder reads.")
  var calibration: String?
  @OptionGroup(title: "Knobs") var options: KnobOptions
  @Option(name: [.short, .customLong("output")], help: "The file to write.")
  var output: String
  @Flag(help: "Replace OUT if it exists.")
  var force = false
  @Flag(help: "What was done as JSON on standard output.")
  var json = false

  func run() throws {
    let knobs = try options.knobs()
    Interrupt.watch()
    if !force { try OutputFile.refuseExisting(output) }
    let bench = try Workbench(model: model, calibration: calibration)
    let chosen = try bench.tensors(matching: tensor) { standardError($0 + "\n") }
    let cells = chosen.map { SweepCell(tensor: $0.name, knobs: knobs) }
    var line = ProgressLine()
    let summaries: [PruningSummary]
    do {
      summaries = try bench.laboratory.export(
        cells, to: output, force: force, among: chosen.map(\.name),
        isCancelled: { Interrupt.isRaised }
      ) { done, name in line.show("pruning \(done + 1) of \(cells.count): \(name)") }
    } catch {
      line.finish()
      throw Failure(error)
    }
    line.finish()
    if json {
      try OutputFile.standardOutput(try JSONText.encode(summaries) + "\n")
      return
    }
    var rows = [["tensor", "pattern", "zeros", "asked", "kept energy", "weight error"]]
    for summary in summaries {
      rows.append([
        summary.tensor, knobs.pattern.description, Figures.percent(summary.achievedSparsity),
        Figures.percent(summary.requestedSparsity), Figures.plain(summary.keptEnergy),
        Figures.plain(summary.weightError),
      ])
    }
    try OutputFile.standardOutput(
      TextTable.lines(rows, numbers: [2, 3, 4, 5]) + "written: \(output)\n")
  }
}

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that weights follow a pattern; name the first positions that do not.",
    discussion: """
      A weight counts as kept when it is not zero. Reordered patterns are checked in the layout that \
      the file's metadata gives. Status 3 when a tensor does not follow the pattern.

        sparsity-tui verify pruned.safetensors --tensor '*.self.*.weight' --pattern 2:4
        sparsity-tui verify pruned.safetensors --pattern 32x1 --sparsity 0.8
      """)

  @Argument(help: "The file to check; the built-in model when left out.")
  var file: String?
  @Option(
    help: "Which tensors; * matches any characters. All weights of linear layers when left out.")
  var tensor: [String] = []
  @Option(help: "The pattern that they should follow.")
  var pattern: String
  @Option(help: "The least share of zeros that they should have.")
  var sparsity: Double?
  @Flag(help: "One JSON array.")
  var json = false

  func run() throws {
    let expected: Pattern
    do { expected = try Pattern(parsing: pattern) } catch {
      throw Failure(.usage, error.description)
    }
    if let sparsity, !(0...1).contains(sparsity) {
      throw Failure(.usage, "--sparsity \(sparsity): expected a number from 0 to 1")
    }
    Interrupt.watch()
    let bench = try Workbench(model: file)
    let chosen = try bench.tensors(matching: tensor) { standardError($0 + "\n") }
    var reports: [VerificationReport] = []
    for info in chosen {
      if Interrupt.isRaised { throw Failure(.interrupted, "interrupted") }
      do {
        reports.append(
          try bench.laboratory.verify(info.name, pattern: expected, sparsity: sparsity))
      } catch {
        throw Failure(error)
      }
    }
    if json {
      try OutputFile.standardOutput(try JSONText.encode(reports) + "\n")
    } else {
      var text = ""
      for report in reports {
        text += "\(report.follows ? "follows" : "differs")  \(report.tensor)  \(expected)  "
        text += "\(Figures.percent(report.zeroShare)) zeros\n"
        for violation in report.violations { text += "         \(violation)\n" }
      }
      try OutputFile.standardOutput(text)
    }
    let wrong = reports.filter { !$0.follows }.count
    if wrong > 0 {
      throw Failure(.differs, "\(wrong) of \(reports.count) tensors do not follow \(expected)")
    }
  }
}
