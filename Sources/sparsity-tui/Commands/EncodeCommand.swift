import ArgumentParser
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

      A blank line between others is an empty text and is told of; a text of blank lines alone is \
      refused with status 4.

        make model                    # fetches all-MiniLM-L6-v2 into the cache
        sparsity-tui encode --text lines.txt
        sparsity-tui encode --layers all --pattern 8x1 --sparsity 0.9
        sparsity-tui encode --layers attention --patterns 4x1,32x1,2:4 --sparsity 0.5,0.8 --csv -
        sparsity-tui encode --layers ffn --pattern 8x1 --lambda 0.05 --solve reconstruct
        sparsity-tui encode --budget time=0.4 --patterns 4x1,8x1,2:4 --sparsity 0.5:0.9:0.1
        sparsity-tui encode --patterns 8x1,32x1 --sparsity 0.3:0.8:0.1 --at-cosine 0.95,0.9
        sparsity-tui encode --front 8 --patterns 4x1,8x1 --sparsity 0.5,0.7,0.9 --csv front.csv

      A budget and a front choose pattern and sparsity for each layer: each is measured alone with \
      every candidate on sentences set apart, then the choice is measured as a whole.
      """)

  @Argument(help: "A Hugging Face directory; the model that make model fetched when left out.")
  var model: String?
  @Option(help: "A file with one text a line, - for standard input.")
  var text: String?
  @Option(help: "attention, ffn or all: which linear layers are pruned.")
  var layers: String?
  @Option(help: "Patterns to compare or to choose from; --sparsity and --lambda are lists then.")
  var patterns: String?
  @Option(help: "time=S (share of the dense time) or cosine=C (least mean cosine).")
  var budget: String?
  @Option(help: "So many whole models from the unpruned to the fastest: the front.")
  var front: Int?
  @Option(
    help: "Also compare patterns at these mean cosines, such as 0.95,0.9: speed at equal quality.")
  var atCosine: String?
  @Flag(help: "Each layer pruned alone: what it costs end to end.")
  var sensitivity = false
  @Flag(help: "Calibrate later layers behind the pruned earlier ones.")
  var sequential = false
  @OptionGroup(title: "Knobs") var options: KnobOptions
  @Option(help: "Longest the timing of one model may take, in seconds.")
  var seconds = 3.0
  @Option(help: "The file to write a row for each whole model to, - for standard output.")
  var csv: String?
  @Flag(help: "Replace a file that exists.")
  var force = false
  @Flag(help: "JSON instead of text.")
  var json = false
  @Flag(help: "Time one call of each model for every line read from standard input.")
  var timeOnly = false

  func run() throws {
    let request = try EncodeRequest(self)
    Interrupt.watch()
    let source = try EncodeSource(model: model, text: text)
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    do {
      let experiment = try ModelExperiment(
        directory: source.directory, calibration: source.calibration,
        evaluation: source.evaluation, threads: request.threads,
        keepsLayers: sensitivity || front != nil || request.budget != nil
          || request.candidates.count > 1)
      source.note(cutTo: experiment)
      guard let selection = request.selection else {
        return try printEmbeddings(experiment, source.texts, request.threads)
      }
      if timeOnly { return try rounds(experiment, selection, request, source.texts) }
      if sensitivity { return try printSensitivity(experiment, selection, request) }
      try judge(experiment, selection, request, source)
    } catch let error as LaboratoryError {
      throw Failure(error)
    } catch let error as ResultsFileError {
      throw Failure(error.isUsage ? .usage : .failed, error.description)
    }
  }

  /// Whole models one after the other, each written as soon as it is known.
  private func judge(
    _ experiment: ModelExperiment, _ selection: LayerSelection, _ request: EncodeRequest,
    _ source: EncodeSource
  ) throws {
    let file = try csv.map {
      try ResultsFile(
        creating: $0, meta: experiment.meta(path: source.directory, seconds: seconds),
        replacing: force)
    }
    let machine = ModelExperiment.machine
    let run = ModelExperiment.freshRun()
    var line = ProgressLine()
    defer { line.finish() }
    var reports: [ModelReport] = []
    var problem: ResultsFileError?
    let isCancelled = { Interrupt.isRaised || problem != nil }
    func keep(_ report: ModelReport) {
      reports.append(report)
      do { try file?.append(ModelExperiment.row(report, run: run, machine: machine)) } catch {
        problem = error
      }
    }
    do {
      if let front {
        try experiment.front(
          selection, request.candidates, count: front, texts: source.texts, seconds: seconds,
          isCancelled: isCancelled, progress: { line.show($0) }, each: keep)
      }
      if let budget = request.budget {
        keep(
          try experiment.run(
            selection, within: budget, request.candidates, texts: source.texts, seconds: seconds,
            isCancelled: isCancelled, progress: { line.show($0) }))
      }
      if front == nil, request.budget == nil {
        for knobs in request.candidates {
          let name = LayerChoice(tensor: "*", knobs: knobs).short
          keep(
            try experiment.run(
              selection, knobs, texts: source.texts, seconds: seconds, isSequential: sequential,
              isCancelled: isCancelled, progress: { line.show("\(name): \($0)") }))
        }
      }
    } catch {
      if let problem { throw problem }
      line.finish()
      if error.kind == .cancelled, !reports.isEmpty { try show(reports) }
      throw Failure(error)
    }
    line.finish()
    if let problem { throw problem }
    try show(reports)
  }

  /// What `--at-cosine` lists.
  func cosines() throws -> [Double]? {
    guard let atCosine else { return nil }
    do {
      let values = try ValueList.numbers(atCosine, of: "at-cosine")
      guard values.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
        throw Failure(.usage, "--at-cosine \(atCosine): a mean cosine is above 0 and at most 1")
      }
      return values
    } catch let error as KnobError { throw Failure(.usage, "--\(error.description)") }
  }

  private func show(_ reports: [ModelReport]) throws {
    if csv == "-" { return }
    if json {
      let lines = try reports.map { try JSONText.encode($0) }
      try OutputFile.standardOutput(
        lines.count == 1 ? lines[0] + "\n" : "[" + lines.joined(separator: ",\n ") + "]\n")
    } else if reports.count == 1 {
      try OutputFile.standardOutput(ModelReportText.text(reports[0]))
    } else {
      try OutputFile.standardOutput(ModelReportText.table(reports))
      if let cosines = try cosines() {
        try OutputFile.standardOutput(
          ModelReportText.equalQuality(EqualQuality(reports, cosines: cosines)))
      }
    }
  }

  private func printSensitivity(
    _ experiment: ModelExperiment, _ selection: LayerSelection, _ request: EncodeRequest
  ) throws {
    var line = ProgressLine()
    defer { line.finish() }
    let found = try experiment.sensitivity(
      selection, request.candidates, isCancelled: { Interrupt.isRaised },
      progress: { line.show($0) })
    line.finish()
    try OutputFile.standardOutput(
      json ? try JSONText.encode(found) + "\n" : ModelReportText.sensitivity(found))
  }

  /// A line of names and proxies, then one line of nanoseconds for each line that comes in.
  private func rounds(
    _ experiment: ModelExperiment, _ selection: LayerSelection, _ request: EncodeRequest,
    _ texts: [String]
  ) throws {
    let rounds = try ModelRounds(
      experiment, selection, request.candidates, texts: texts, threads: request.threads,
      isCancelled: { Interrupt.isRaised })
    try OutputFile.standardOutput(
      "{\"names\":\(try JSONText.encode(rounds.names)),"
        + "\"agreements\":\(try JSONText.encode(rounds.agreements))}\n")
    while readLine() != nil, !Interrupt.isRaised {
      try OutputFile.standardOutput(
        rounds.round().map { NumberText.fixed($0, 0) }.joined(separator: " ") + "\n")
    }
  }

  private func printEmbeddings(
    _ experiment: ModelExperiment, _ texts: [String], _ threads: Int
  ) throws {
    let rows = try experiment.embeddings(of: texts, threads: threads)
    if json {
      try OutputFile.standardOutput(try JSONText.encode(rows) + "\n")
    } else {
      for row in rows {
        try OutputFile.standardOutput(row.map(\.description).joined(separator: " ") + "\n")
      }
    }
  }
}
