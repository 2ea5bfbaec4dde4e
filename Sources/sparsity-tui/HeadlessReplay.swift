import CellUI
import Experiments
import Explorer
import Laboratory

/// Carries a recorded session out without a screen: every step, in order, as fast as it goes.
///
/// Masks are made again from the model, which is exact; measured results come from the record, so the
/// frames and rows are the same on every machine and at every time.
final class HeadlessReplay {
  private(set) var state: State
  private let reader: SessionReader
  private let laboratory = Laboratory(configuration: Workbench.configuration())
  private let writes: Bool
  /// Whether the step that is carried out opens a model that the rest of the session is about.
  private var needsModel = false
  private var hasOpened = false
  private(set) var notes: [String] = []
  private(set) var rows: [ResultRow] = []
  /// Measured results with what was measured, in the order of the record.
  private(set) var measurements: [(cell: SweepCell, recorded: Measurement)] = []
  /// Recorded trainings, in order.
  private(set) var trainings: [TrainingResult] = []

  init(_ reader: SessionReader, writes: Bool) throws {
    self.reader = reader
    self.writes = writes
    let header = reader.session.header
    state = State(width: header.width, height: header.height, isFirstRun: false, isReplay: true)
  }

  /// - Parameter svg: a directory for the frame after every step.
  func run(svg: String?, force: Bool) throws {
    if let svg { try Paths.make(Paths.absolute(svg)) }
    for (index, entry) in reader.session.entries.enumerated() {
      if Interrupt.isRaised { throw Failure(.interrupted, "interrupted at step \(index + 1)") }
      if case .command(.open(_, let identity)) = entry.content {
        needsModel = identity != nil || !hasOpened
      }
      try send(Playback.event(resolved(entry.content)))
      collect(entry.content)
      if let svg {
        let number = String(index + 1)
        let name = String(repeating: "0", count: max(0, 4 - number.count)) + number
        let picture = render(state).svg(title: "sparsity-tui, step \(name)")
        try OutputFile.write(picture, to: "\(svg)/\(name).svg", force: force)
      }
    }
  }

  private func resolved(_ content: SessionContent) -> SessionContent {
    guard case .command(.open(let name?, let identity)) = content else { return content }
    return .command(.open(path: reader.resolve(name), identity: identity))
  }

  private func collect(_ content: SessionContent) {
    guard case .result(let result) = content else { return }
    switch result {
    case .row(let row): rows.append(row)
    case .cell(let progress): if let row = progress.row { rows.append(row) }
    case .measurement(let measurement):
      if let cell = state.cell { measurements.append((cell, measurement)) }
    case .trained(let result):
      trainings.append(result)
      if let row = result.row { rows.append(row) }
    default: break
    }
  }

  /// The recorded rows as a results file.
  var csv: String { ResultsText.csv(rows) }

  private func send(_ event: Event) throws {
    for effect in update(&state, event) { try carryOut(effect) }
  }

  private func carryOut(_ effect: Effect) throws {
    switch effect {
    case .request(let request, let run):
      switch request {
      case .open, .calibrate, .prune, .picture, .weight: try perform(request, run)
      default: break  // What takes time to measure is in the record.
      }
    case .export(let path, let export):
      guard writes else {
        notes.append("not written (--write does): \(path)")
        return
      }
      try Exporter(laboratory: laboratory).write(export, of: state, to: path)
      try send(.wrote(.export, path: path))
    case .save(let path):
      guard writes else {
        notes.append("not written (--write does): \(path)")
        return
      }
      try reader.write(to: path)
      try send(.wrote(.session, path: path))
    case .load(let path):
      // What could not be read then cannot be read now, and what has gone since is no reason to end.
      let rows: [ResultRow]
      do { rows = try ResultsText.rows(reader.resolve(path)) } catch {
        notes.append(sentence(error))
        try send(.problem(sentence(error)))
        return
      }
      try send(.loaded(path: path, rows: rows))
    case .cancel, .after, .copy, .record, .playTutorial, .quit: break
    }
  }

  private func perform(_ request: Request, _ run: RunID) throws {
    var answers: [Answer] = []
    let last: Answer
    do {
      last = try Workbench.answer(from: laboratory, request) { answers.append($0) }
    } catch let failure as Failure where failure.status != .interrupted {
      // A model that was not there when the session was recorded has no identity in it, and the session
      // went on without.
      if case .open = request, needsModel {
        throw Failure(
          failure.status, failure.message + "; --input OLD=NEW says where a model is now")
      }
      if case .open = request { notes.append(failure.message) }
      try send(.answer(.failed(failure.message), run: run))
      return
    }
    for answer in answers + [last] { try send(.answer(answer, run: run)) }
    if case .opened(let info) = last {
      hasOpened = true
      check(info)
    }
  }

  /// Says when the model is not the one that was recorded.
  private func check(_ info: ModelInfo) {
    for entry in reader.session.entries {
      guard case .command(.open(let name, let identity?)) = entry.content,
        identity != info.identity, (name.map(reader.resolve) ?? "demo") == info.path
      else { continue }
      notes.append(
        "\(info.path): the session was recorded with another model (id \(identity.prefix(12)), "
          + "this one is \(info.identity.prefix(12))); --input OLD=NEW names where it is now")
    }
  }

  // MARK: Measuring again

  /// A training takes minutes and gives what its seed gave: it is run again only where somebody asks
  /// for it, and this says how.
  private static func notTrainedAgain(_ result: TrainingResult) -> String {
    "not trained again (\(NumberText.fixed(result.seconds, 0)) s, recorded cosine "
      + "\(NumberText.fixed(result.best.cosine, 4))): sparsity-tui train MODEL_DIR "
      + result.plan.flags.joined(separator: " ")
  }

  /// Measures every recorded result again and prints whether the two agree.
  /// - Throws: `Failure` with status 3 when one differs.
  func remeasure() throws {
    for training in trainings { print(Self.notTrainedAgain(training)) }
    guard !measurements.isEmpty else {
      print("the session holds no measurements of the layer in view")
      return
    }
    let header = reader.session.header
    let here = laboratory.machine.hostID
    if !header.machine.isEmpty, header.machine != here {
      print("recorded on another machine (\(header.machine)); this one is \(here)")
    }
    if header.tool != toolVersion {
      print("recorded with version \(header.tool); this is \(toolVersion)")
    }
    var differ = 0
    for (cell, recorded) in measurements {
      if Interrupt.isRaised { throw Failure(.interrupted, "interrupted") }
      do {
        let result = try laboratory.remeasure(
          recorded, tensor: cell.tensor, knobs: cell.knobs, isCancelled: { Interrupt.isRaised })
        if !result.agrees { differ += 1 }
        let zeros = cell.knobs.requestedSparsity.map { " \(NumberText.shortest($0))" } ?? ""
        print("\(cell.tensor) \(cell.knobs.pattern)\(zeros)  \(result.sentence)")
      } catch {
        throw Failure(error)
      }
    }
    if differ > 0 {
      throw Failure(
        .differs, "\(differ) of \(measurements.count) measurements differ from the record")
    }
  }
}
