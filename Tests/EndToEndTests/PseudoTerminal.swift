import CellUI
import Foundation

/// A program running in a terminal of its own, and the screen it draws there.
final class PseudoTerminal {
  enum Ending: Equatable {
    case exited(Int32)
    case signalled(Int32)
    case stillRunning
  }

  let process: pid_t
  private(set) var screen: EmulatedScreen
  private let master: Int32
  private var hasEnded = false

  /// Starts `program` on a terminal of this size and type as the leader of a session of its own.
  /// `environment` is added to a small fixed one, so that the tests' own does not matter.
  init(
    _ program: String, _ arguments: [String] = [], columns: Int = 80, rows: Int = 24,
    type: TestTerminfo.Name = .plain, environment: [String: String] = [:]
  ) throws {
    var slave: Int32 = -1
    var master: Int32 = -1
    var size = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&master, &slave, nil, nil, &size) == 0 else { throw POSIXError(.EIO) }
    _ = fcntl(master, F_SETFD, FD_CLOEXEC)
    _ = fcntl(slave, F_SETFD, FD_CLOEXEC)
    var buffer = [CChar](repeating: 0, count: 128)
    guard ttyname_r(slave, &buffer, buffer.count) == 0 else { throw POSIXError(.ENOTTY) }
    let name = String(
      decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // The first terminal that a session opens becomes its controlling one.
    posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The threads that tests run on have signals blocked, and a child would inherit that.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, a name for _GNU_SOURCE only
    posix_spawnattr_setflags(
      &attributes, Int16(newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var all = [
      "TERM": type.rawValue, "TERMINFO": try TestTerminfo.directory.get().path,
      "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent",
      "SWIFT_BACKTRACE": "enable=no",
    ]
    all.merge(environment) { _, new in new }
    let argv = ([program] + arguments).map { strdup($0) } + [nil]
    let envp = all.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var process: pid_t = 0
    let status = posix_spawn(&process, program, &actions, &attributes, argv, envp)
    close(slave)
    guard status == 0 else {
      close(master)
      throw POSIXError(POSIXErrorCode(rawValue: status) ?? .EIO)
    }
    self.process = process
    self.master = master
    screen = EmulatedScreen(columns: columns, rows: rows)
  }

  deinit {
    if !hasEnded {
      kill(process, SIGKILL)
      var status: Int32 = 0
      waitpid(process, &status, 0)
    }
    close(master)
  }

  /// The path of an executable of this package, built beside the tests.
  static func product(_ name: String) -> String {
    Bundle.main.executableURL!.deletingLastPathComponent().appending(path: name).path
  }

  func send(_ keys: String) {
    var keys = keys
    keys.withUTF8 { _ = write(master, $0.baseAddress, $0.count) }
  }

  func send(bytes: [UInt8]) {
    bytes.withUnsafeBytes { _ = write(master, $0.baseAddress, $0.count) }
  }

  func signal(_ number: Int32) { kill(process, number) }

  func resize(columns: Int, rows: Int) {
    var size = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    screen.resize(columns: columns, rows: rows)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  /// Reads until the screen satisfies `condition`; false when `seconds` pass first.
  func wait(seconds: Double = 10, until condition: (EmulatedScreen) -> Bool) -> Bool {
    let deadline = Date.now.addingTimeInterval(seconds)
    while Date.now < deadline {
      if condition(screen) { return true }
      if !readSome(milliseconds: 20) { break }
    }
    return condition(screen)
  }

  func wait(for text: String, seconds: Double = 10) -> Bool {
    wait(seconds: seconds) { $0.text.contains(text) }
  }

  /// Reads whatever comes for this long.
  func read(seconds: Double) { _ = wait(seconds: seconds) { _ in false } }

  /// Reads on until the program has ended.
  func end(seconds: Double = 10) -> Ending {
    let deadline = Date.now.addingTimeInterval(seconds)
    while true {
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process {
        hasEnded = true
        while readSome(milliseconds: 20) {}
        return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
      }
      if Date.now >= deadline { return .stillRunning }
      if !readSome(milliseconds: 20) { usleep(5000) }
    }
  }

  /// Whether the terminal echoes and hands over whole lines, as a shell wants it.
  var isCooked: Bool {
    var modes = termios()
    guard tcgetattr(master, &modes) == 0 else { return false }
    return modes.c_lflag & tcflag_t(ECHO) != 0 && modes.c_lflag & tcflag_t(ICANON) != 0
  }

  /// False when there is nothing more to come.
  private func readSome(milliseconds: Int32) -> Bool {
    var waiting = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, milliseconds) > 0 else { return !hasEnded }
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = Glibc.read(master, &buffer, buffer.count)
    guard count > 0 else { return false }
    screen.feed(buffer[..<count])
    return true
  }
}
