import ArgumentParser
import CellUI
import Experiments
import Glibc
import Laboratory

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Run a whole BERT encoder, dense or with pruned layers: quality and time end to end.",
    discussion: """
      Without --layers it prints the embeddings of the text, one line of numbers each. With --layers \
      those linear layers are pruned (calibrated on sentences of their own) and the whole model is \
      compared with itself unpruned: agreement of embeddings on held-out sentences, and wall-clock \
      time of the text's lines as one batch, tokenising and pooling included.

        make model                    # fetches all-MiniLM-L6-v2 into the cache
        sparsity-tui encode --text lines.txt
        sparsity-tui encode --layers all --pattern 8x1 --sparsity 0.9
        sparsity-tui encode ~/bert --layers attention --pattern 2:4 --threads 2 --json
      """)

  @Argument(help: "A Hugging Face directory; the model that make model fetched when left out.")
  var model: String?
  @Option(help: "A file with one text a line, - for standard input.")
  var text: String?
  @Option(help: "attention, ffn or all: which linear layers are pruned.")
  var layers: String?
  @OptionGroup(title: "Knobs") var options: KnobOptions
  @Option(help: "Longest the timing may take, in seconds.")
  var seconds = 3.0
  @Flag(help: "JSON instead of text.")
  var json = false

  func run() throws {
    let knobs = try options.knobs()
    let selection = try layers.map { name in
      guard let selection = LayerSelection(rawValue: name) else {
        throw Failure(.usage, "--layers \(name): expected attention, ffn or all")
      }
      return selection
    }
    Interrupt.watch()
    let directory = model ?? Paths.cache + "/all-MiniLM-L6-v2"
    if model == nil, access(directory, F_OK) != 0 {
      throw Failure(
        .unreadable, "\(directory): not there; name a model directory, or fetch one with make model"
      )
    }
    guard let data = Paths.data else {
      throw Failure(
        .unreadable, "the sentences that calibrate and judge were not found beside the program")
    }
    let evaluation = try lines(data + "/evaluation.txt")
    let texts = try text.map(lines) ?? Array(evaluation.prefix(32))
    guard !texts.isEmpty else { throw Failure(.unreadable, "\(text ?? ""): holds no text") }
    let experiment: ModelExperiment
    do {
      experiment = try ModelExperiment(
        directory: directory, calibration: try lines(data + "/calibration.txt"),
        evaluation: evaluation, threads: knobs.threads)
    } catch let error as LaboratoryError {
      throw Failure(error)
    }
    guard let selection else { return try printEmbeddings(experiment, texts, knobs.threads) }
    var line = ProgressLine()
    let report: ModelReport
    do {
      report = try experiment.run(
        selection, knobs, texts: texts, seconds: seconds,
        isCancelled: { Interrupt.isRaised }, progress: { line.show($0) })
    } catch {
      line.finish()
      throw Failure(error)
    }
    line.finish()
    try OutputFile.standardOutput(
      json ? try JSONText.encode(report) + "\n" : ModelReportText.text(report, selection))
  }

  /// Lines of a text file; invalid UTF-8 is replaced, an empty line is an empty text.
  private func lines(_ path: String) throws -> [String] {
    var bytes = try InputFile.read(path, limit: 1 << 28)
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard !bytes.isEmpty else { return [] }
    return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
      String(decoding: $0.last == 13 ? $0.dropLast() : $0, as: UTF8.self)
    }
  }

  private func printEmbeddings(
    _ experiment: ModelExperiment, _ texts: [String], _ threads: Int
  ) throws {
    let (rows, truncated) = experiment.embeddings(of: texts, threads: threads)
    for (index, tokens) in truncated {
      standardError("line \(index + 1) has \(tokens) tokens and was cut to what the model takes\n")
    }
    if json {
      try OutputFile.standardOutput(try JSONText.encode(rows) + "\n")
    } else {
      for row in rows {
        try OutputFile.standardOutput(row.map(\.description).joined(separator: " ") + "\n")
      }
    }
  }
}

/// A whole-model result as a person reads it.
enum ModelReportText {
  static func text(_ report: ModelReport, _ selection: LayerSelection) -> String {
    let nonzeros = report.layers.reduce(0) { $0 + $1.nonzeros }
    let weights = report.layers.reduce(0) { $0 + $1.rows * $1.columns }
    let zeros = weights == 0 ? 0 : 1 - Double(nonzeros) / Double(weights)
    func proxy(_ value: Double?) -> String { value.map { Figures.fixed($0, 3) } ?? "–" }
    var text = "\(report.model)  \(selection.rawValue) layers (\(report.layers.count))  "
    text += "\(report.knobs.pattern)  \(Figures.percent(zeros)) zeros in them"
    text += report.knobs.refit ? ", refitted\n\n" : "\n\n"
    text += "  \(headline(report))\n"
    text += TextTable.lines([
      ["  dense", Figures.duration(nanoseconds: report.denseNs.estimate)],
      ["  sparse", Figures.duration(nanoseconds: report.sparseNs.estimate)],
      [
        "  Amdahl", Figures.ratio(report.amdahl),
        "\(Figures.percent(report.prunedShare)) of the dense time is in these layers, "
          + "and they alone gain \(Figures.ratio(report.layerSpeedup))",
      ],
      [
        "  outside linear layers", Figures.duration(nanoseconds: report.nonlinearNs),
        "a token and layer",
      ],
    ])
    text += "\nAgreement with the unpruned model on \(report.evaluationTexts) held-out sentences\n"
    text += TextTable.lines(
      [
        ["  proxy", "pruned", "floor", "dense"],
        ["  mean cosine", proxy(report.agreement.cosine), proxy(report.floor.cosine), "1"],
        [
          "  rank correlation of similarities", proxy(report.agreement.rankCorrelation),
          proxy(report.floor.rankCorrelation), "1",
        ],
        [
          "  same nearest neighbour", proxy(report.agreement.neighbourAgreement),
          proxy(report.floor.neighbourAgreement), "1",
        ],
      ], numbers: [1, 2, 3])
    text +=
      "The floor is the same layers zeroed completely. These are proxies: they do not say how a\n"
    text += "task's accuracy changes, and nothing was trained.\n"
    return text
  }

  private static func headline(_ report: ModelReport) -> String {
    let ratio = report.speedup
    let figure =
      switch report.verdict {
      case .faster: "\(Figures.ratio(ratio.estimate)) faster than dense"
      case .slower: "\(Figures.ratio(1 / ratio.estimate)) slower than dense"
      case .indistinguishable: "no faster and no slower than dense"
      }
    return "\(figure), end to end   95 % interval of the ratio [\(Figures.fixed(ratio.low, 3)), "
      + "\(Figures.fixed(ratio.high, 3))]   \(report.texts) texts, \(report.tokens) tokens, "
      + "\(report.threads) thread\(report.threads == 1 ? "" : "s")"
  }
}
