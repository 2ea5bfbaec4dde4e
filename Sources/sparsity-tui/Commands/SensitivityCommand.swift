import ArgumentParser
import CellUI
import Experiments
import Laboratory

struct SensitivityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "What each layer alone costs as its sparsity rises, the others left as they are.",
    discussion: """
      One curve a tensor: the held-out output error where there are activations, after refit unless it \
      is off, else the relative weight error. Points are kept in the cache as they are found: asked \
      again, or after an interruption, they come at once.

        sparsity-tui sensitivity --pattern 32x1
        sparsity-tui sensitivity MODEL_DIR --tensor '*.query.weight' --pattern 16x16 --csv curves.csv
        sparsity-tui sensitivity model.safetensors --calibration lines.txt --sparsity 0.5,0.7,0.9
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(
    help: "Which tensors; * matches any characters. All weights of linear layers when left out.")
  var tensor: [String] = []
  @Option(help: "Activations (.npy, .safetensors) or a text that the model's own encoder reads.")
  var calibration: String?
  @OptionGroup(title: "Knobs") var options: KnobOptions
  @Option(help: "Write a row for each point to this file, - for standard output.")
  var csv: String?
  @Flag(help: "Replace a file that exists.")
  var force = false
  @Flag(help: "JSON instead of a table.")
  var json = false

  func run() throws {
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    var given = options
    given.sparsity = nil
    guard given.lambda == nil else {
      throw Failure(.usage, "--lambda: curves are over sparsity; for λ see sparsity-tui path")
    }
    let base = try given.knobs()
    let sparsities: [Double]
    do {
      sparsities = try ValueList.numbers(options.sparsity ?? "0.1:0.95:0.05", of: "sparsity")
    } catch { throw Failure(.usage, error.description) }
    guard sparsities.allSatisfy({ (0...1).contains($0) }) else {
      throw Failure(.usage, "--sparsity \(options.sparsity ?? ""): expected numbers from 0 to 1")
    }
    Interrupt.watch()
    let bench = try Workbench(model: model, calibration: calibration, readsSentences: true)
    defer { bench.tellNotices() }
    let chosen = try bench.tensors(matching: tensor) { standardError($0 + "\n") }
    var cells: [SweepCell] = []
    for info in chosen {
      var plan = SweepPlan(tensors: [info.name], base: base)
      plan.amounts = sparsities.map { .sparsity($0) }
      // There is nothing to re-solve by where there are no activations.
      if !info.hasActivations { plan.base.refit = false }
      cells += plan.cells
    }
    guard !cells.isEmpty else {
      throw Failure(.usage, "\(base.pattern) reaches none of the sparsities that were given")
    }
    var line = ProgressLine()
    defer { line.finish() }
    var judged: [JudgedCell] = []
    var isWhole = true
    do throws(LaboratoryError) {
      try bench.laboratory.judge(cells, isCancelled: { Interrupt.isRaised }) { cell in
        judged.append(cell)
        line.show("\(judged.count) of \(cells.count): \(cell.cell.tensor)")
      }
    } catch {
      guard error.kind == .cancelled else { throw Failure(error) }
      isWhole = false
    }
    line.finish()
    if isWhole, let csv {
      try OutputFile.write(JudgedText.csv(judged, model: bench.model), to: csv, force: force)
    }
    if isWhole, csv != "-", judged.contains(where: { $0.judgement != nil }) { try show(judged) }
    guard isWhole else {
      throw Failure(.interrupted, "interrupted; what was judged is kept for the next time")
    }
    if let failure = judged.first(where: { $0.judgement == nil })?.failure {
      throw Failure(.failed, failure)
    }
  }

  private func show(_ cells: [JudgedCell]) throws {
    let names = JudgedText.ordered(cells.filter { $0.judgement != nil }.map(\.cell.tensor))
    let curves = names.map { name -> SensitivityCurve in
      let own = cells.filter { $0.cell.tensor == name && $0.judgement != nil }
      let isJudged = own.contains { $0.judgement?.headlineError != nil }
      return SensitivityCurve(
        tensor: name, sparsities: own.compactMap { $0.cell.knobs.requestedSparsity },
        errors: own.map {
          (isJudged ? $0.judgement!.headlineError : $0.judgement!.weightError) ?? .nan
        },
        proxy: isJudged ? "held-out output error" : "relative weight error")
    }
    if json {
      try OutputFile.standardOutput(try JSONText.encode(curves) + "\n")
      return
    }
    var text = ""
    for proxy in JudgedText.ordered(curves.map(\.proxy)) {
      let part = curves.filter { $0.proxy == proxy }
      let sparsities = Set(part.flatMap(\.sparsities)).sorted()
      text += "\(cells[0].cell.knobs.pattern)  \(proxy)\n"
      var rows = [["tensor"] + sparsities.map(NumberText.shortest)]
      for curve in part {
        let points = Dictionary(
          zip(curve.sparsities, curve.errors), uniquingKeysWith: { first, _ in first })
        rows.append(
          [curve.tensor]
            + sparsities.map { points[$0].map { Figures.fixed($0, 3) } ?? "" })
      }
      text += TextTable.lines(rows, numbers: Set(1...max(1, sparsities.count)))
    }
    try OutputFile.standardOutput(text)
  }
}
