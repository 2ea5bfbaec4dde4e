import ArgumentParser
import CellUI
import Experiments
import Glibc
import Laboratory

struct ProxiesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proxies",
    abstract: "What each pattern and criterion costs, and which cheap figures to trust.",
    discussion: """
      Judges every combination, times nothing: kept energy, weight error, kept wanda energy and \
      held-out output error before and after refit, averaged over the tensors, with random masks as \
      the floor. Then the rank agreement of the cheap figures with the output error, and with \
      --end-to-end of all of them with the cosine of the whole model's embeddings.

        sparsity-tui proxies
        sparsity-tui proxies --patterns 1x1,32x1,16x16,16x16/tetris --sparsity 0.5,0.8
        make model && sparsity-tui proxies ~/.cache/sparsity-tui/all-MiniLM-L6-v2 --csv costs.csv
        sparsity-tui proxies MODEL_DIR --end-to-end attention --criterion magnitude,wanda

      What was judged is kept in the cache: asked again, or after an interruption, it comes at once. \
      Agreement is Spearman's, 1 where a figure ranks settings as quality does.
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(
    help: "Which tensors; * matches any characters. All weights of linear layers when left out.")
  var tensor: [String] = []
  @Option(help: "Activations (.npy, .safetensors) or a text that the model's own encoder reads.")
  var calibration: String?
  @Option(help: "Comma-separated patterns.")
  var patterns =
    "1x1,4x1,8x1,32x1,16x16,2:4,tw64,tew64+5%,tvw64,32x1/tetris,16x16/tetris,2:4/permute"
  @Option(help: "Comma-separated or FROM:TO:STEP.")
  var sparsity = "0.5,0.8,0.9"
  @Option(help: "Comma-separated: magnitude, l1, wanda, obs, random.")
  var criterion: String?
  @Option(help: "prox, sweep or obc.")
  var solve: String?
  @Option(help: "on or off: also after the kept weights are re-solved.")
  var refit = "on"
  @Option(help: "Seed of random scores.")
  var seed = "1"
  @Option(
    help: "attention, ffn or all: prune these layers of the whole model and compare embeddings.")
  var endToEnd: String?
  @Option(help: "Write a row for each tensor and setting to this file, - for standard output.")
  var csv: String?
  @Flag(help: "Replace a file that exists.")
  var force = false
  @Flag(help: "One JSON object instead of tables.")
  var json = false

  func run() throws {
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    let selection = try endToEnd.map { text in
      guard let known = LayerSelection(rawValue: text) else {
        throw Failure(.usage, "--end-to-end \(text): expected attention, ffn or all")
      }
      return known
    }
    if selection != nil, !tensor.isEmpty {
      throw Failure(.usage, "--end-to-end takes whole selections of layers: leave --tensor out")
    }
    Interrupt.watch()
    let bench = try Workbench(model: model, calibration: calibration, readsSentences: true)
    defer { bench.tellNotices() }
    let experiment = try selection.map { _ in try wholeModel(bench) }
    let names: [String]
    if let selection, let experiment {
      names = experiment.names(of: selection)
    } else {
      names = try bench.tensors(matching: tensor) { standardError($0 + "\n") }.map(\.name)
    }
    let plan = try plan(names, hasActivations: bench.model.calibration != nil)
    var line = ProgressLine()
    defer { line.finish() }
    var cells: [JudgedCell] = []
    let all = plan.cells
    do throws(LaboratoryError) {
      try bench.laboratory.judge(all, isCancelled: { Interrupt.isRaised }) { cell in
        cells.append(cell)
        line.show(
          "\(cells.count) of \(all.count): \(cell.cell.tensor) \(cell.cell.knobs.pattern)")
      }
    } catch {
      line.finish()
      if error.kind == .cancelled {
        throw Failure(.interrupted, "interrupted; what was judged is kept for the next time")
      }
      throw Failure(error)
    }
    var agreements = ProxyAgreement.againstOutputError(cells)
    var wholes: [WholeModelCost] = []
    if let selection, let experiment {
      wholes = try endToEnd(selection, experiment, cells, bench, &line)
      agreements += ProxyAgreement.againstCosine(
        wholes.map { whole in
          (cells.filter { $0.cell.knobs == whole.knobs }, whole.proxies.cosine)
        })
    }
    line.finish()
    if let csv {
      try OutputFile.write(JudgedText.csv(cells, model: bench.model), to: csv, force: force)
      if csv == "-" { return }
    }
    if json {
      try OutputFile.standardOutput(
        try JSONText.encode(
          JudgedReport(cells: cells, wholes: wholes, agreements: agreements)) + "\n")
    } else {
      try OutputFile.standardOutput(JudgedText.tables(cells, wholes, agreements))
    }
    let failed = cells.filter { $0.judgement == nil }
    if let first = failed.first {
      throw Failure(
        .failed,
        "\(failed.count) of \(cells.count) settings failed, the first with: \(first.failure ?? "")")
    }
  }

  private func plan(_ names: [String], hasActivations: Bool) throws -> SweepPlan {
    var options = SweepKnobOptions.empty
    options.patterns = patterns
    options.sparsity = sparsity
    options.criterion =
      criterion ?? (hasActivations ? "magnitude,wanda,obs,random" : "magnitude,random")
    options.solve = solve
    options.refit = hasActivations ? refit : "off"
    options.seed = seed
    let plan = try options.plan(tensors: names)
    guard !plan.cells.isEmpty else {
      throw Failure(.usage, "no sparsity of --sparsity can be reached by any of --patterns")
    }
    return plan
  }

  private func wholeModel(_ bench: Workbench) throws -> ModelExperiment {
    guard let model else {
      throw Failure(
        .usage, "--end-to-end needs a model directory; make model fetches one into the cache")
    }
    let source = try EncodeSource(model: model, text: nil)
    do {
      return try ModelExperiment(
        directory: source.directory, calibration: source.calibration,
        evaluation: source.evaluation)
    } catch { throw Failure(error) }
  }

  private func endToEnd(
    _ selection: LayerSelection, _ experiment: ModelExperiment, _ cells: [JudgedCell],
    _ bench: Workbench, _ line: inout ProgressLine
  ) throws -> [WholeModelCost] {
    var wholes: [WholeModelCost] = []
    let settings = cells.filter { $0.cell.tensor == cells.first?.cell.tensor }.map(\.cell.knobs)
    for (index, knobs) in settings.enumerated() {
      let name = "whole model \(index + 1) of \(settings.count)"
      line.show(name)
      do {
        let proxies = try bench.laboratory.agreement(
          of: experiment, selection, knobs, isCancelled: { Interrupt.isRaised })
        wholes.append(WholeModelCost(knobs: knobs, proxies: proxies))
      } catch {
        line.finish()
        if error.kind == .cancelled {
          throw Failure(.interrupted, "interrupted; what was judged is kept for the next time")
        }
        throw Failure(error)
      }
    }
    return wholes
  }
}
