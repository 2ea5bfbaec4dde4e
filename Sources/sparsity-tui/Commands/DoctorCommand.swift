import ArgumentParser
import CellUI
import Experiments
import Glibc
import Laboratory
import Terminal

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine is, what it was measured to reach, and whether to trust it.",
    discussion: """
      Measures the peak of one core, the bandwidths of its caches, the best dense kernel at 768x768 \
      and 128 tokens, and that kernel against itself. Status 1 with advice when measurements here \
      cannot be trusted now. The ceilings are kept; --again measures them anew.

        sparsity-tui doctor
        sparsity-tui doctor --json
        sparsity-tui doctor --trials 200    # how often dense against itself calls a difference
        sparsity-tui doctor --self-test     # how fast the program itself answers here
      """)

  @Flag(help: "One JSON object.")
  var json = false
  @Flag(help: "Time the program's own answers: first frame, knob to frame, estimate, a sweep.")
  var selfTest = false
  @Flag(help: "Measure the ceilings again.")
  var again = false
  @Option(
    help: "Time dense against itself this many times and count how often it calls a difference.")
  var trials = 0

  func run() throws {
    guard trials >= 0 else { throw Failure(.usage, "--trials \(trials): at least 0") }
    Interrupt.watch()
    if selfTest {
      try SelfTest().run()
      return
    }
    let bench = try Workbench(model: "synthetic:768x768")
    if again {
      for name in try cached() { unlink(Paths.cache + "/" + name) }
    }
    var line = ProgressLine()
    line.show("measuring the ceilings of this machine …")
    guard case .machine(let machine) = try bench.answer(.describeMachine) else {
      throw Failure(.failed, "the machine was not described")
    }
    line.show("dense against itself …")
    var knobs = Knobs()
    knobs.criterion = .magnitude
    knobs.refit = false
    let tensor = bench.model.prunable[0].name
    guard case .measured(let measured) = try bench.answer(.measure(tensor: tensor, knobs: knobs))
    else { throw Failure(.failed, "the dense kernel was not measured") }
    var ratios: [Interval] = []
    if trials > 0 {
      do {
        ratios = try bench.laboratory.sameAgainstSame(
          tensor: tensor, knobs: knobs, trials: trials, isCancelled: { Interrupt.isRaised }
        ) { line.show("dense against itself, \($0) of \(trials) times …") }
      } catch { throw Failure(error) }
    }
    let trialReport = SameAgainstSame(ratios)
    line.finish()
    var problems = measured.warnings
    if let ceilings = machine.ceilings, ceilings.denseShare < 0.85 {
      problems.append(
        "the best dense kernel reached \(Figures.percent(ceilings.denseShare, places: 0)) of the "
          + "peak when the ceilings were measured: install libdnnl2 if it is missing, or run "
          + "doctor --again on a quiet machine")
    }
    if json {
      struct Report: Encodable {
        let machine: MachineInfo
        let terminal: TerminalReport
        let dense_kernel: String
        let dense_ns: Interval
        let dense_refused: [String]
        let same_against_same: Interval?
        let trials: SameAgainstSame?
        let problems: [String]
        let trusted: Bool
      }
      let report = Report(
        machine: machine, terminal: TerminalReport(abilities: TerminalAbilities()),
        dense_kernel: measured.kernelDense, dense_ns: measured.denseNs,
        dense_refused: measured.refused, same_against_same: measured.sameAgainstSame,
        trials: trialReport, problems: problems, trusted: problems.isEmpty)
      try OutputFile.standardOutput(try JSONText.encode(report) + "\n")
    } else {
      try OutputFile.standardOutput(text(machine, measured, trialReport, problems))
    }
    if !problems.isEmpty {
      throw Failure(.failed, "measurements here cannot be fully trusted now; see above")
    }
  }

  private func cached() throws -> [String] {
    guard let stream = opendir(Paths.cache) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix("ceilings-") { names.append(name) }
    }
    return names
  }

  private func text(
    _ machine: MachineInfo, _ measured: Measurement, _ trials: SameAgainstSame?,
    _ problems: [String]
  ) -> String {
    func cache(_ bytes: Int) -> String {
      bytes == 0 ? Figures.missing : "\(Figures.count(bytes >> 10)) KiB"
    }
    var rows = [
      ["processor", machine.cpuModel],
      ["host", machine.hostID + (machine.virtualMachine ? ", a virtual machine" : "")],
      ["instruction set", machine.isa],
      ["cores", "\(machine.cores), \(machine.threadsPerCore) hardware thread(s) a core"],
      [
        "caches",
        "L1 \(cache(machine.l1Bytes))   L2 \(cache(machine.l2Bytes))   L3 \(cache(machine.l3Bytes))",
      ],
      ["memory", Figures.bytes(Double(machine.memoryBytes))],
      ["clock governor", machine.governor ?? "not to be seen"],
      ["quota", machine.quota.map { "\(Figures.plain($0)) processors" } ?? "none"],
      ["load", machine.loadAverage.map { Figures.fixed($0, 2) } ?? Figures.missing],
      ["kernel", machine.kernelRelease],
    ]
    if let ceilings = machine.ceilings {
      rows += [
        ["", ""],
        [
          "peak of one core",
          Figures.rate(ceilings.peakFlops, "FLOP/s") + " (F32, fused multiply-add)",
        ],
        [
          "read bandwidth",
          "L1 \(Figures.rate(ceilings.l1Bandwidth, "B/s"))   "
            + "L2 \(Figures.rate(ceilings.l2Bandwidth, "B/s"))   "
            + "L3 \(Figures.rate(ceilings.l3Bandwidth, "B/s"))   "
            + "memory \(Figures.rate(ceilings.memoryBandwidth, "B/s"))",
        ],
        [
          "best dense kernel",
          "\(ceilings.denseKernel), "
            + "\(Figures.percent(ceilings.denseShare, places: 0)) of the peak at 768x768, 128 tokens",
        ],
      ]
    }
    rows.append([
      "now",
      "\(measured.kernelDense) takes \(Figures.duration(nanoseconds: measured.denseNs.estimate))",
    ])
    for reason in measured.refused { rows.append(["not used", reason]) }
    if let same = measured.sameAgainstSame {
      rows.append([
        "dense against itself",
        "\(Figures.fixed(same.estimate, 4)) [\(Figures.fixed(same.low, 4)), \(Figures.fixed(same.high, 4))]",
      ])
    }
    if let trials { rows.append(["\(trials.trials) times", trials.sentence]) }
    rows.append(["", ""])
    rows += TerminalReport(abilities: TerminalAbilities()).rows
    rows += [
      ["built-in model", Paths.data ?? "not found"],
      ["state", Paths.state],
      ["cache", Paths.cache],
      ["configuration", Paths.configuration],
    ]
    var text = TextTable.lines(rows) + "\n"
    if problems.isEmpty {
      text += "Measurements here can be trusted now.\n"
    } else {
      for problem in problems { text += "! \(problem)\n" }
    }
    return text
  }
}

/// What repeated timings of one thing against itself found.
private struct SameAgainstSame: Encodable {
  let trials: Int
  /// Trials whose 95 % interval leaves out 1.
  let differences: Int
  /// Width of the widest interval, and of the one in the middle.
  let widest: Double
  let median_width: Double

  /// Nil without a trial.
  init?(_ ratios: [Interval]) {
    guard !ratios.isEmpty else { return nil }
    trials = ratios.count
    differences = ratios.count { Verdict(speedup: $0) != .indistinguishable }
    let widths = ratios.map { $0.high - $0.low }.sorted()
    widest = widths[widths.count - 1]
    median_width = widths[widths.count / 2]
  }

  var sentence: String {
    "\(differences) call a difference, \(Figures.fixed(Double(trials) / 20, 1)) expected of intervals of "
      + "95 %; widest interval \(Figures.percent(widest, places: 2)), "
      + "half of them within \(Figures.percent(median_width, places: 2))"
  }
}
