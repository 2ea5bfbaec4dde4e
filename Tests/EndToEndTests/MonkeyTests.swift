import Foundation
import Testing

/// Anything may be pressed in any order.
@Suite(.serialized) struct MonkeyTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// `SPARSITY_MONKEY_EVENTS` asks for more events than the test suite has time for, and
  /// `SPARSITY_MONKEY_SEED` for others; `SPARSITY_MONKEY_TRACE` names a directory that keeps the times
  /// of all frames.
  @Test func randomKeysAndMouseNeitherCrashNorHang() throws {
    let events = count("SPARSITY_MONKEY_EVENTS", default: 1000)
    let seed = UInt64(count("SPARSITY_MONKEY_SEED", default: 1))
    var numbers = SeededNumbers(seed: seed)
    var terminal = try started()
    var restarts = 0
    var history: [String] = []
    for event in 0..<events {
      let keys = Self.event(&numbers)
      history.append(keys)
      terminal.send(keys)
      guard event % 10 == 9 || event == events - 1 else { continue }
      terminal.read(seconds: 0.03)
      let ending = terminal.end(seconds: 0)
      if ending == .exited(0) {
        restarts += 1
        terminal = try started()
        history = []
      } else if ending != .stillRunning {
        Issue.record("seed \(seed), event \(event): \(ending) after \(history.suffix(40))")
        return
      }
      if event % 100 == 99 {
        guard answers(&terminal, &restarts) else {
          Issue.record(
            "seed \(seed), event \(event): no answer\n\(terminal.screen.text)\n\(history.suffix(40))"
          )
          return
        }
        history = []
      }
    }
    #expect(terminal.screen.unknown == [])
    terminal.signal(SIGTERM)
    #expect(terminal.end(seconds: 30) == .exited(130))
    #expect(terminal.screen.modes == [25])
    // Every session that the monkey made can be read again.
    for session in sandbox.sessions {
      let outcome = try sandbox.run(["replay", session, "--csv", "-"], seconds: 120)
      #expect(outcome.ending == .exited(0), "\(session): \(outcome.errors)")
    }
  }

  private func started() throws -> PseudoTerminal {
    var arguments: [String] = []
    if let directory = ProcessInfo.processInfo.environment["SPARSITY_MONKEY_TRACE"] {
      arguments = ["explore", "--trace", "\(directory)/\(UUID().uuidString).csv"]
    }
    let terminal = try sandbox.explore(arguments)
    #expect(terminal.wait(for: "Knobs", seconds: 30), "\(terminal.screen.text)")
    return terminal
  }

  /// Whatever is on the screen, too small a window says so, and a larger one shows a page again.
  private func answers(_ terminal: inout PseudoTerminal, _ restarts: inout Int) -> Bool {
    terminal.resize(columns: 60, rows: 10)
    guard terminal.wait(seconds: 60, until: { $0.text.contains("too small") }) else {
      // It may have been told to quit just now.
      guard terminal.end(seconds: 5) == .exited(0), let next = try? started() else { return false }
      restarts += 1
      terminal = next
      return true
    }
    terminal.resize(columns: 80, rows: 24)
    return terminal.wait(seconds: 60) {
      // A page of one focused box has heavy lines only.
      !$0.text.contains("too small") && ($0.text.contains("─") || $0.text.contains("━"))
    }
  }

  private static let named =
    [
      "\u{1b}OA", "\u{1b}OB", "\u{1b}OC", "\u{1b}OD", "\u{1b}[5~", "\u{1b}[6~", "\u{1b}[H",
      "\u{1b}[F", "\t", "\u{1b}[Z", "\r", "\u{7f}", "\u{1b}", "\u{1b}[3~", "\u{3}", "\u{12}",
      "\u{2}", "\u{6}", "\u{15}", "\u{17}", "\u{1b}OQ", "é", "模", "\u{1b}[99;9~", "\u{1b}[",
    ]

  private static let lines = [
    "pattern 1x1", "pattern 2:4", "pattern tw64", "pattern 16x16/tetris", "pattern 7x5",
    "sparsity 0", "sparsity 1", "sparsity 0.93", "lambda 0.5", "tokens 8", "zoom values",
    "view why", "view layers", "hold a", "hold b", "compare", "undo", "redo", "theme mono",
    "sweep pattern=1x1,2:4 sparsity=0.5", "sensitivity *query*", "cancel", "budget time 0.5",
    "apply all", "note \"a # b\"", "export frame.svg", "save s.sparsity", "overlay none.csv",
    "regularizer group-lasso", "solve reconstruct", "solve sweep", "solve prox", "regularizer none",
    "solve-path", "resume", "grid 32", "tensor nothing", "open nothing.npy", "open demo",
    "measure extra", "\"", "regularizer l1",
  ]

  private static func event(_ numbers: inout SeededNumbers) -> String {
    switch Int.random(in: 0..<20, using: &numbers) {
    case 0..<9:
      return String(UnicodeScalar(UInt8.random(in: 0x20...0x7e, using: &numbers)))
    case 9..<14: return named.randomElement(using: &numbers)!
    case 14..<18:
      let button = [0, 0, 32, 64, 65, 1, 2, 35].randomElement(using: &numbers)!
      let x = Int.random(in: 0...90, using: &numbers)
      let y = Int.random(in: 0...30, using: &numbers)
      return "\u{1b}[<\(button);\(x);\(y)\(Bool.random(using: &numbers) ? "M" : "m")"
    case 18: return "\u{1b}\u{1b}:" + lines.randomElement(using: &numbers)! + "\r"
    default: return "\u{1b}[200~" + lines.randomElement(using: &numbers)! + "\u{1b}[201~"
    }
  }

  /// Processor time of a process so far, in clock ticks.
  private static func ticks(_ process: pid_t) throws -> Int {
    let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    let fields = stat[stat.lastIndex(of: ")")!...].split(separator: " ")
    return try #require(Int(fields[12])) + #require(Int(fields[13]))
  }

  /// When nothing happens, nothing is drawn and nothing is computed.
  @Test func idleUsesNoProcessorAndSendsNothing() throws {
    let terminal = try started()
    let isQuiet = { () -> Bool in
      let before = terminal.screen.bytes.count
      terminal.read(seconds: 2)
      return terminal.screen.bytes.count == before
    }
    var tries = 0
    while !isQuiet(), tries < 30 { tries += 1 }
    #expect(tries < 30, "it never comes to rest: \(terminal.screen.text)")
    let bytes = terminal.screen.bytes.count
    let before = try Self.ticks(terminal.process)
    terminal.read(seconds: 3)
    #expect(try Self.ticks(terminal.process) - before <= 1)
    #expect(terminal.screen.bytes.count == bytes)
  }
}
