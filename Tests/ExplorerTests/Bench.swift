import CellUI
import Experiments

@testable import Explorer

/// Drives a state as the event loop does: carries effects out against the fake laboratory and keeps
/// what was asked for.
struct Bench {
  var state: State
  /// Effects of the last event, before any was carried out.
  var effects: [Effect] = []
  /// What a session would have recorded.
  var recorded: [SessionContent] = []
  var copied: [String] = []
  var timers: [TimerToken] = []
  var isQuit = false
  /// Whether requests are answered at once; else they wait in `open`.
  var answersAtOnce = true
  var open: [(request: Request, run: RunID)] = []
  /// Cells of a sweep that are answered.
  var sweepCells = Int.max
  /// Reports of a training that are answered.
  var trainingReports = Int.max

  init(
    width: Int = 120, height: Int = 36, depth: ColorDepth = .full, glyphs: GlyphSet = .full,
    isReplay: Bool = false
  ) {
    state = State(
      width: width, height: height, depth: depth, glyphs: glyphs, isReplay: isReplay)
  }

  /// With the demo model open, pruned and measured.
  static func opened(
    width: Int = 120, height: Int = 36, depth: ColorDepth = .full, glyphs: GlyphSet = .full
  ) -> Bench {
    var bench = Bench(width: width, height: height, depth: depth, glyphs: glyphs)
    bench.run("open demo")
    bench.settle()
    return bench
  }

  mutating func run(_ line: String) {
    guard let command = try? Command(parsing: line) else {
      fatalError("no command: \(line)")
    }
    send(.command(command))
  }

  mutating func press(_ keys: Key...) {
    for key in keys {
      for command in commands(for: .key(key), in: state) { send(.command(command)) }
    }
  }

  mutating func type(_ text: String) {
    for character in text { press(.character(character)) }
  }

  mutating func send(_ event: Event) {
    effects = update(&state, event)
    carry(effects)
  }

  /// The newest timer of the knobs runs out.
  mutating func settle() {
    guard let token = timers.last(where: { if case .settled = $0 { true } else { false } }) else {
      return
    }
    let old = effects
    send(.elapsed(token))
    effects = old + effects
  }

  /// Answers what is open, oldest first, until nothing is.
  mutating func answerAll() {
    while !open.isEmpty {
      let next = open.removeFirst()
      answer(next.request, next.run)
    }
  }

  private mutating func carry(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .request(let request, let run):
        if answersAtOnce { answer(request, run) } else { open.append((request, run)) }
      case .record(let content): recorded.append(content)
      case .after(_, let token): timers.append(token)
      case .copy(let text): copied.append(text)
      case .quit: isQuit = true
      case .cancel(let run): open.removeAll { $0.run == run }
      case .export, .save, .load, .playTutorial: break
      }
    }
  }

  private mutating func answer(_ request: Request, _ run: RunID) {
    for answer in FakeLaboratory.answers(request, cells: sweepCells, reports: trainingReports) {
      carry(update(&state, .answer(answer, run: run)))
    }
  }
}
