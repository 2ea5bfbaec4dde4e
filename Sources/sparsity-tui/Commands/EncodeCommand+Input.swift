import Experiments
import Glibc
import Laboratory

/// What the flags of `encode` ask for, checked against each other.
struct EncodeRequest {
  /// Nil prints embeddings.
  var selection: LayerSelection?
  var budget: ModelBudget?
  /// The settings to compare or to choose from; at least one.
  var candidates: [Knobs]
  var threads: Int

  /// - Throws: `Failure` with status 2 that names the flag.
  init(_ command: EncodeCommand) throws {
    do { budget = try command.budget.map { try ModelBudget(parsing: $0) } } catch {
      throw Failure(.usage, "--\(error)")
    }
    candidates = try Self.candidates(command)
    threads = candidates[0].threads
    let chooses = command.budget != nil || command.front != nil || command.sensitivity
    if let name = command.layers {
      guard let known = LayerSelection(rawValue: name) else {
        throw Failure(.usage, "--layers \(name): expected attention, ffn or all")
      }
      selection = known
    } else if chooses || command.timeOnly || command.patterns != nil || command.csv != nil {
      selection = .all
    }
    if let front = command.front, !(1...64).contains(front) {
      throw Failure(.usage, "--front \(front): expected a number of models from 1 to 64")
    }
    guard command.seconds > 0, command.seconds <= 3600 else {
      throw Failure(.usage, "--seconds \(command.seconds): expected more than 0 and at most 3600")
    }
    if try command.cosines() != nil, chooses || command.timeOnly {
      throw Failure(
        .usage, "--at-cosine compares --patterns at their --sparsity: no choice, no clock")
    }
    if chooses, command.sequential {
      throw Failure(
        .usage,
        "--sequential cannot choose: a layer's candidates are measured with the others unpruned")
    }
    if chooses, candidates.contains(where: { $0.scope == .global }) {
      throw Failure(.usage, "--scope global cannot choose: candidates are layers pruned alone")
    }
    for (flag, isGiven) in [
      ("--tokens", command.options.tokens != nil), ("--layout", command.options.layout != nil),
      ("--cache", command.options.cache != nil),
    ] where isGiven {
      throw Failure(
        .usage, "\(flag): a whole model takes the tokens of its texts, in panels and warm caches")
    }
  }

  private static func candidates(_ command: EncodeCommand) throws -> [Knobs] {
    guard let list = command.patterns else { return [try command.options.knobs()] }
    var options = command.options
    guard options.pattern == nil else {
      throw Failure(.usage, "--pattern and --patterns exclude each other: name them all in one")
    }
    guard options.sparsity == nil || options.lambda == nil else {
      throw Failure(.usage, "--sparsity and --lambda exclude each other: one of them owns the mask")
    }
    do {
      let lambdas = try options.lambda.map { try ValueList.numbers($0, of: "lambda") }
      let sparsities = try options.sparsity.map { try ValueList.numbers($0, of: "sparsity") }
      options.sparsity = nil
      options.lambda = nil
      let base = try options.knobs()
      var plan = SweepPlan(tensors: ["*"], base: base)
      plan.patterns = try ValueList.words(list).map { try Pattern(parsing: $0) }
      for value in (lambdas ?? []) + (sparsities ?? []) where !(0...1).contains(value) {
        throw Failure(
          .usage, "\(NumberText.shortest(value)): a sparsity or lambda is a number from 0 to 1")
      }
      plan.amounts =
        lambdas.map { $0.map(Amount.lambda) } ?? sparsities.map { $0.map(Amount.sparsity) }
        ?? [base.amount]
      let candidates = plan.cells.map(\.knobs)
      guard !candidates.isEmpty else {
        throw Failure(.usage, "--patterns \(list): none of them reaches a sparsity that was given")
      }
      return candidates
    } catch let error as KnobError {
      throw Failure(.usage, error.description)
    } catch let error as PatternError {
      throw Failure(.usage, "--patterns \(list): \(error.description)")
    }
  }
}

/// The model directory and the texts of an `encode`.
struct EncodeSource {
  let directory: String
  let calibration: [String]
  let evaluation: [String]
  let texts: [String]

  /// - Throws: `Failure` with status 4 for what is missing or cannot be read.
  init(model: String?, text: String?) throws {
    directory = model ?? Paths.cache + "/all-MiniLM-L6-v2"
    if access(directory, F_OK) != 0 {
      throw Failure(
        .unreadable,
        model == nil
          ? "\(directory): not there; name a model directory, or fetch one with make model"
          : "\(directory): there is no such directory")
    }
    guard let data = Paths.data else {
      throw Failure(
        .unreadable, "the sentences that calibrate and judge were not found beside the program")
    }
    calibration = try Self.lines(data + "/calibration.txt")
    evaluation = try Self.lines(data + "/evaluation.txt")
    texts = try text.map { try Self.lines($0) } ?? Array(evaluation.prefix(32))
    let blank = texts.indices.filter { texts[$0].allSatisfy(\.isWhitespace) }
    guard blank.count < texts.count else {
      throw Failure(
        .unreadable,
        "\(text ?? ""): holds no text"
          + (texts.isEmpty ? "" : ", only \(texts.count) blank line\(texts.count == 1 ? "" : "s")")
          + "; write one text a line")
    }
    if let first = blank.first {
      standardError(
        "\(text ?? ""): line \(first + 1)"
          + (blank.count > 1 ? " and \(blank.count - 1) more are" : " is")
          + " blank: an empty text, which has an embedding too, so that lines and rows stay in step\n"
      )
    }
  }

  /// Says which of the texts are longer than the model takes.
  func note(cutTo experiment: ModelExperiment) {
    let cut = experiment.truncated(texts)
    for (index, tokens) in cut.prefix(5) {
      standardError(
        "line \(index + 1) has \(tokens) tokens and was cut to \(experiment.mostTokens), the most "
          + "the model takes\n")
    }
    if cut.count > 5 { standardError("\(cut.count - 5) more lines were cut\n") }
  }

  /// Lines of a text file, an empty line being an empty text; invalid UTF-8 is replaced, and said.
  private static func lines(_ path: String) throws -> [String] {
    var bytes = try InputFile.read(path, limit: 1 << 28)
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    guard !bytes.isEmpty else { return [] }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
      $0.last == 13 ? $0.dropLast() : $0
    }
    let broken = lines.indices.filter { String(validating: lines[$0], as: UTF8.self) == nil }
    if let first = broken.first {
      standardError(
        "\(path): line \(first + 1)"
          + (broken.count > 1 ? " and \(broken.count - 1) more are" : " is")
          + " not valid UTF-8; what is wrong was replaced by U+FFFD\n")
    }
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }
}
