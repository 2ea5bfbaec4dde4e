import Foundation

/// A directory of a test's own, in which the program runs and keeps its state.
final class Sandbox {
  let path: String
  static let program = PseudoTerminal.product("sparsity-tui")

  /// The repository's `data` directory.
  static let data = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "data").path

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appending(path: "sparsity-tui-\(UUID().uuidString)")
      .path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var environment: [String: String] {
    [
      "SPARSITY_TUI_DATA": Self.data, "XDG_STATE_HOME": path + "/state",
      "XDG_CACHE_HOME": path + "/cache", "XDG_CONFIG_HOME": path + "/config", "HOME": path,
    ]
  }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: file(name)))
  }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: file(name))), as: UTF8.self)
  }

  /// Names in the sandbox, or in a directory of it; empty when there is none.
  func names(_ directory: String = ".") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: file(directory))) ?? []).sorted()
  }

  /// Session files in the state directory, oldest first.
  var sessions: [String] {
    names("state/sparsity-tui/sessions").map { "state/sparsity-tui/sessions/" + $0 }
  }

  struct Outcome {
    let ending: PseudoTerminal.Ending
    let output: String
    let errors: String
  }

  /// Runs the program to its end, here, without a terminal.
  /// - Parameter shell: a shell command that carries out `"$@"`, for limits and pipes.
  func run(
    _ arguments: [String], shell: String = "exec \"$@\"", extra: [String: String] = [:],
    seconds: Double = 60
  ) throws -> Outcome {
    let id = UUID().uuidString
    let (out, err) = (file("." + id + ".out"), file("." + id + ".err"))
    // The streams go to files: nothing has to be read while it runs.
    let terminal = try PseudoTerminal(
      "/bin/sh",
      [
        "-c", "cd \"$0\" && { \(shell); } </dev/null >\"\(out)\" 2>\"\(err)\"", path, Self.program,
      ] + arguments,
      environment: environment.merging(extra) { _, new in new })
    let ending = terminal.end(seconds: seconds)
    defer {
      unlink(out)
      unlink(err)
    }
    return Outcome(
      ending: ending,
      output: String(
        decoding: (try? Data(contentsOf: URL(filePath: out))) ?? Data(), as: UTF8.self),
      errors: String(decoding: (try? Data(contentsOf: URL(filePath: err))) ?? Data(), as: UTF8.self)
    )
  }

  /// Opens the program on a terminal, here.
  func explore(
    _ arguments: [String] = [], columns: Int = 80, rows: Int = 24,
    type: TestTerminfo.Name = .plain, extra: [String: String] = [:]
  ) throws -> PseudoTerminal {
    try PseudoTerminal(
      "/bin/sh", ["-c", "cd \"$0\" && exec \"$@\"", path, Self.program] + arguments,
      columns: columns, rows: rows, type: type,
      environment: environment.merging(extra) { _, new in new })
  }
}

/// The number in an environment variable, for runs that are longer than those of the test suite.
func count(_ variable: String, default count: Int) -> Int {
  ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } ?? count
}

/// Repeatable random numbers (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
