import ArgumentParser
import CellUI
import Experiments
import Laboratory

struct MeasureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure",
    abstract: "Prune one layer and time that mask against the best dense kernel.",
    discussion: """
      The sparse result is checked against a slow reference first. Dense and sparse then alternate; \
      the figure is the median of the paired ratios with a 95 % interval.

        sparsity-tui measure --pattern 8x1 --sparsity 0.9
        sparsity-tui measure model.safetensors --tensor encoder.layer.3.output.dense.weight \\
          --pattern 2:4 --tokens 1 --json
        sparsity-tui measure synthetic:3072x768 --pattern 16x16 --sparsity 0.95 --threads 2
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(help: "The tensor; the first matrix of the model when left out.")
  var tensor: String?
  @Option(
    help: "Activations (.npy, .safetensors) or a text that the model's own encoder reads.")
  var calibration: String?
  @OptionGroup(title: "Knobs") var options: KnobOptions
  @Flag(help: "One JSON object with the columns of a results file.")
  var json = false

  func run() throws {
    let knobs = try options.knobs()
    Interrupt.watch()
    let bench = try Workbench(model: model, calibration: calibration)
    let chosen: TensorInfo
    if let tensor {
      let matching = try bench.tensors(matching: [tensor]) { _ in }
      guard matching.count == 1 else {
        throw Failure(
          .usage,
          "--tensor \(tensor) matches \(matching.count) tensors; measure takes one: "
            + matching.prefix(4).map(\.name).joined(separator: ", "))
      }
      chosen = matching[0]
    } else {
      guard
        let first = bench.model.tensors.first(where: \.isLinearWeight)
          ?? bench.model.prunable.first
      else { throw Failure(.usage, "\(bench.model.path): no matrix of floats to prune") }
      chosen = first
      standardError("measuring \(first.name); --tensor chooses another\n")
    }
    let plan = SweepPlan(tensors: [chosen.name], base: knobs)
    var line = ProgressLine()
    line.show("measuring \(chosen.name) \(knobs.pattern) …")
    var row: ResultRow?
    let last = try bench.answer(.sweep(plan)) { answer in
      if case .sweeping(let progress) = answer { row = progress.row ?? row }
    }
    line.finish()
    if case .swept(let progress) = last { row = progress.row ?? row }
    guard let row else {
      throw Interrupt.isRaised
        ? Failure(.interrupted, "interrupted before the measurement was done")
        : Failure(.failed, "the measurement gave no result")
    }
    try OutputFile.standardOutput(
      json ? try JSONText.encode(row) + "\n" : MeasurementText.text(row, chosen))
    guard row[.status].text == ResultStatus.ok.rawValue else {
      throw Failure(.failed, row[.note].text)
    }
  }
}

/// A result as a person reads it on a terminal without a screen.
enum MeasurementText {
  static func text(_ row: ResultRow, _ tensor: TensorInfo) -> String {
    func number(_ column: ResultColumn) -> Double? { row[column].number }
    func duration(_ column: ResultColumn) -> String {
      Figures.duration(nanoseconds: number(column))
    }
    var text = "\(tensor.name)  \(tensor.rows)x\(tensor.columns)  \(row[.pattern].text)  "
    text += "\(Figures.percent(number(.sparsityAchieved))) zeros"
    if let requested = number(.sparsityRequested) {
      text += " (\(Figures.percent(requested)) asked)"
    }
    text += "\n\n"
    text += headline(row) + "\n"
    text += TextTable.lines([
      [
        "  dense", duration(.denseNs), interval(row, .denseNsLow, .denseNsHigh),
        row[.kernelDense].text,
      ],
      [
        "  sparse", duration(.sparseNs), interval(row, .sparseNsLow, .sparseNsHigh),
        row[.kernelSparse].text,
      ],
      ["  pack", duration(.packNs), "", "once, not in the ratio"],
    ])
    text += "\n"
    var quality = [
      ["  kept energy", Figures.plain(number(.keptEnergy)), "share of Σw² that stays"],
      ["  weight error", Figures.plain(number(.weightError)), "‖V − W‖ / ‖W‖ before refit"],
    ]
    quality.append([
      "  output error", Figures.plain(number(.outputError)),
      number(.outputError) == nil
        ? row[.calibrationID].text.isEmpty
          ? "unknown: no activations for this tensor" : "unknown: see below"
        : "on held-out activations"
          + (row[.refit].text == "on" ? ", after refit" : ""),
    ])
    text += TextTable.lines(quality)
    if !row[.note].text.isEmpty { text += "\n" + row[.note].text + "\n" }
    return text
  }

  static func headline(_ row: ResultRow) -> String {
    guard let speedup = row[.speedup].number, let low = row[.speedupLow].number,
      let high = row[.speedupHigh].number
    else { return "  no time: \(row[.note].text)" }
    let figure: String =
      switch Verdict(rawValue: row[.verdict].text) {
      case .faster: "\(Figures.ratio(speedup)) faster"
      case .slower: "\(Figures.ratio(1 / speedup)) slower"
      case .indistinguishable, nil: "no faster and no slower (\(Figures.ratio(speedup)))"
      }
    return "  \(figure) than dense   95 % interval of the ratio [\(Figures.fixed(low, 3)), "
      + "\(Figures.fixed(high, 3))]   \(row[.samples].text) pairs   \(row[.tokens].text) tokens, "
      + "\(row[.threads].text) thread\(row[.threads].text == "1" ? "" : "s")"
  }

  private static func interval(
    _ row: ResultRow, _ low: ResultColumn, _ high: ResultColumn
  ) -> String {
    guard let low = row[low].number, let high = row[high].number else { return "" }
    return "[\(Figures.duration(nanoseconds: low)), \(Figures.duration(nanoseconds: high))]"
  }
}
