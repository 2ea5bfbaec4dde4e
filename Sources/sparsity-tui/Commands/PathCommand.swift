import ArgumentParser
import CellUI
import Experiments
import Laboratory

struct PathCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "path",
    abstract: "The regularization path: what each λ leaves, and where each block shape breaks.",
    discussion: """
      λ falls from the strength that empties the layer to a hundredth of it, each solution starting \
      from the last one. A shape breaks at the sparsity where the held-out output error passes half \
      of the way from the unpruned layer to a random mask of the same shape and sparsity.

        sparsity-tui path --patterns 1x1,8x1,32x1,16x16
        sparsity-tui path --patterns 32x1 --regularizer reweighted-group-lasso --solve reconstruct
        sparsity-tui path MODEL_DIR --tensor '*.0.*.query.weight' --patterns 16x16 --csv path.csv
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(help: "The tensor; the first matrix of the model when left out.")
  var tensor: String?
  @Option(help: "Activations (.npy, .safetensors) or a text that the model's own encoder reads.")
  var calibration: String?
  @Option(help: "Comma-separated patterns.")
  var patterns = "1x1,8x1,32x1,16x16"
  @Option(help: "l1, group-lasso, sparse-group-lasso, or a reweighted one.")
  var regularizer: String?
  @Option(help: "prox or reconstruct; reconstruct where there are activations.")
  var solve: String?
  @Option(help: "on or off: errors after the kept weights are re-solved.")
  var refit: String?
  @Option(help: "Write a row for each λ to this file, - for standard output.")
  var csv: String?
  @Flag(help: "Replace a file that exists.")
  var force = false
  @Flag(help: "A JSON array of paths.")
  var json = false

  func run() throws {
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    let words: [Pattern]
    var base = Knobs()
    do {
      words = try ValueList.words(patterns).map { try Pattern(parsing: $0) }
      base.amount = .lambda(1)
      if let regularizer { try base.set(.regularizer, to: regularizer) }
      if let refit { try base.set(.refit, to: refit) }
      if let solve { try base.set(.solve, to: solve) }
    } catch let error as KnobError {
      throw Failure(.usage, error.description)
    } catch let error as PatternError {
      throw Failure(.usage, error.description)
    }
    Interrupt.watch()
    let bench = try Workbench(model: model, calibration: calibration, readsSentences: true)
    defer { bench.tellNotices() }
    let chosen = try tensor(bench)
    if solve == nil, chosen.hasActivations { base.solve = .reconstruct }
    var line = ProgressLine()
    defer { line.finish() }
    var paths: [RegularizationPath] = []
    for pattern in words {
      var knobs = base
      knobs.pattern = pattern
      let answer = try bench.answer(.path(tensor: chosen.name, knobs: knobs)) { answer in
        if case .path(let part) = answer { line.show("\(pattern): λ \(part.points.count) of 20") }
      }
      if case .path(let path) = answer { paths.append(path) }
    }
    line.finish()
    if let csv { try OutputFile.write(Self.csv(paths), to: csv, force: force) }
    if csv == "-" { return }
    try OutputFile.standardOutput(
      json ? try JSONText.encode(paths) + "\n" : Self.text(paths, base))
  }

  private func tensor(_ bench: Workbench) throws -> TensorInfo {
    guard let tensor else {
      guard
        let first = bench.model.tensors.first(where: \.isLinearWeight)
          ?? bench.model.prunable.first
      else { throw Failure(.usage, "\(bench.model.path): no matrix of floats to prune") }
      standardError("the path of \(first.name); --tensor chooses another\n")
      return first
    }
    let matching = try bench.tensors(matching: [tensor]) { _ in }
    guard matching.count == 1 else {
      throw Failure(
        .usage,
        "--tensor \(tensor) matches \(matching.count) tensors; path takes one: "
          + matching.prefix(4).map(\.name).joined(separator: ", "))
    }
    return matching[0]
  }

  private static func csv(_ paths: [RegularizationPath]) -> String {
    func number(_ value: Double?) -> String { value.map(NumberText.shortest) ?? "" }
    var text = ResultsCSV.line([
      "tensor", "pattern", "lambda", "sparsity", "units", "output_error", "output_error_random",
      "iterations", "breaking_sparsity",
    ])
    for path in paths {
      for point in path.points {
        text += ResultsCSV.line([
          path.tensor, path.pattern?.description ?? "", number(point.lambda),
          number(point.sparsity), String(point.units), number(point.outputError),
          number(point.outputErrorRandom), String(point.iterations), number(path.breakingSparsity),
        ])
      }
    }
    return text
  }

  private static func text(_ paths: [RegularizationPath], _ knobs: Knobs) -> String {
    var text = ""
    for path in paths {
      text += "\(path.tensor)  \(path.pattern?.description ?? "")  solve \(knobs.solve.rawValue)"
      text += knobs.refit ? ", refitted\n" : "\n"
      var rows = [["λ", "zeros", "units", "output error", "random", "iterations"]]
      for point in path.points {
        rows.append([
          Figures.plain(point.lambda), Figures.percent(point.sparsity), String(point.units),
          Figures.plain(point.outputError), Figures.plain(point.outputErrorRandom),
          String(point.iterations),
        ])
      }
      text += TextTable.lines(rows, numbers: Set(0...5)) + "\n"
    }
    var rows = [["pattern", "breaks at"]]
    for path in paths {
      rows.append([
        path.pattern?.description ?? "",
        path.breakingSparsity.map { Figures.percent($0) + " zeros" }
          ?? (path.points.contains { $0.shareOfFloor != nil }
            ? "nowhere on this path" : "unknown: no held-out activations"),
      ])
    }
    return text + TextTable.lines(rows)
  }
}
