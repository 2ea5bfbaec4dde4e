internal import CTerminal
internal import Glibc

/// Holds back what is printed to standard error while the screen is taken, and prints it after:
/// otherwise the message of a fatal error vanishes with the screen it was written on.
struct ErrorCapture: ~Copyable {
  let original: Int32
  let captured: Int32

  init() {
    original = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10)
    captured = nc_memory_file("standard-error")
    // Errors that go to a file or a pipe disturb no screen.
    if captured >= 0, isatty(STDERR_FILENO) == 1 { dup2(captured, STDERR_FILENO) }
  }

  func finish() {
    dup2(original, STDERR_FILENO)
    lseek(captured, 0, SEEK_SET)
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = Glibc.read(captured, &buffer, buffer.count), count > 0 {
      Terminal.writeAll(buffer[..<count], to: original)
    }
    close(captured)
    close(original)
  }
}
