import Experiments
import Glibc
import Laboratory

/// The laboratory as the commands without a screen use it: one model, answers awaited in place.
struct Workbench {
  let laboratory: Laboratory
  let model: ModelInfo

  /// Opens `path`, or the built-in model.
  ///
  /// - Parameters:
  ///   - calibration: a file of activations, a text, or a directory with `calibration.txt` and
  ///     `evaluation.txt`.
  ///   - readsSentences: whether an encoder's directory without other activations is calibrated on the
  ///     sentences that come with the program.
  /// - Throws: `Failure` with the status that belongs to the reason.
  init(
    model path: String?, calibration: String? = nil, readsSentences: Bool = false
  ) throws {
    laboratory = Laboratory(configuration: Self.configuration())
    var opened = try Self.model(from: laboratory, .open(path: path))
    if let calibration {
      opened = try Self.model(from: laboratory, .calibrate(path: calibration))
    } else if readsSentences, opened.isEncoder, opened.calibration == nil, let data = Paths.data {
      opened = try Self.model(from: laboratory, .calibrate(path: data))
      standardError(
        "calibrated on the sentences that come with the program; --calibration takes others\n")
    }
    model = opened
  }

  /// Tells on standard error what was noticed besides the answers.
  func tellNotices() {
    for notice in laboratory.takeNotices() { standardError(notice + "\n") }
  }

  /// Where data and measured ceilings are.
  static func configuration() -> LaboratoryConfiguration {
    var configuration =
      Paths.data.map { LaboratoryConfiguration(dataDirectory: $0) } ?? LaboratoryConfiguration()
    try? Paths.make(Paths.cache)
    configuration.cacheDirectory = access(Paths.cache, W_OK) == 0 ? Paths.cache : nil
    return configuration
  }

  private static func model(
    from laboratory: Laboratory, _ request: Request
  ) throws -> ModelInfo {
    guard case .opened(let info) = try answer(from: laboratory, request) else {
      throw Failure(.failed, "the model was not opened")
    }
    return info
  }

  /// Carries a request out on this thread and returns its last answer.
  static func answer(
    from laboratory: Laboratory, _ request: Request, progress: (Answer) -> Void = { _ in }
  ) throws -> Answer {
    do {
      return try laboratory.perform(
        request, isCancelled: { Interrupt.isRaised }, progress: progress)
    } catch {
      throw Failure(error)
    }
  }

  func answer(_ request: Request, progress: (Answer) -> Void = { _ in }) throws -> Answer {
    try Self.answer(from: laboratory, request, progress: progress)
  }

  /// The tensors that `globs` name, or by default all weights of linear layers.
  ///
  /// - Parameter note: told what the globs match that cannot be pruned.
  /// - Throws: `Failure` with status 2 when nothing is left.
  func tensors(matching globs: [String], note: (String) -> Void) throws -> [TensorInfo] {
    guard !globs.isEmpty else {
      let all = model.tensors.filter(\.isLinearWeight)
      guard !all.isEmpty else {
        throw Failure(.usage, "\(model.path): no two-dimensional floating-point weights to prune")
      }
      return all
    }
    let named = model.tensors.filter { tensor in
      globs.contains { Glob.matches($0, tensor.name) }
    }
    let left = named.filter(\.isPrunable)
    let others = named.filter { !$0.isPrunable }
    if !others.isEmpty {
      let first = others.prefix(3).map(\.name).joined(separator: ", ")
      let more = others.count > 3 ? " and \(others.count - 3) more" : ""
      note("left as they are (no matrix of floats): \(first)\(more)")
    }
    guard !left.isEmpty else {
      let known = model.prunable.prefix(6).map(\.name).joined(separator: ", ")
      throw Failure(
        .usage,
        "no tensor of \(model.path) that can be pruned matches "
          + globs.joined(separator: ", ") + "; it has \(known)"
          + (model.prunable.count > 6 ? " and \(model.prunable.count - 6) more" : ""))
    }
    return left
  }
}

extension Failure {
  /// The status that belongs to a reason the laboratory gave.
  init(_ error: LaboratoryError) {
    let status: ExitStatus =
      switch error.kind {
      case .usage: .usage
      case .unreadable: .unreadable
      case .failed: .failed
      case .cancelled: .interrupted
      }
    self.init(status, error.description)
  }
}

/// Ctrl-C and a request to end, for commands without a screen: what is finished is kept.
enum Interrupt {
  /// Set by the handler; a plain C flag, as a handler may touch nothing else.
  private nonisolated(unsafe) static let raised: UnsafeMutablePointer<sig_atomic_t> = {
    let flag = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
    flag.initialize(to: 0)
    return flag
  }()

  static var isRaised: Bool { raised.pointee != 0 }

  /// From here on the first signal asks the work to end and the second one ends the process.
  static func watch() {
    _ = raised
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        if Interrupt.raised.pointee != 0 { _exit(128 + number) }
        Interrupt.raised.pointee = 1
      }
    }
  }
}

/// Progress for a person on standard error: one line, rewritten; nothing unless that is a terminal.
struct ProgressLine {
  private let isShown = isatty(STDERR_FILENO) == 1
  private var isOpen = false

  mutating func show(_ text: String) {
    guard isShown else { return }
    standardError("\r\u{1b}[K" + text)
    isOpen = true
  }

  /// Ends the line, so that what follows starts on its own.
  mutating func finish() {
    if isOpen { standardError("\r\u{1b}[K") }
    isOpen = false
  }
}
