internal import CTerminal
internal import Glibc

/// The way from ncurses to the terminal: a refresh is written into memory, made shorter and sent in one
/// piece. Outside of a refresh ncurses writes to the terminal itself.
struct Wire {
  /// What ncurses is given in place of standard output.
  let stream: UnsafeMutablePointer<FILE>
  /// The descriptor behind `stream`: the terminal, and during a refresh the memory.
  private let channel: Int32
  private let memory: Int32
  private var filter = WireFilter()

  init() {
    // Without a descriptor of our own, or memory, everything goes as ncurses writes it.
    let copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10)
    if copy >= 0, let own = fdopen(copy, "w") {
      stream = own
      channel = copy
      memory = nc_memory_file("refresh")
    } else {
      if copy >= 0 { Glibc.close(copy) }
      stream = nc_stdout()
      channel = -1
      memory = -1
    }
  }

  func close() {
    if memory >= 0 { Glibc.close(memory) }
    if channel >= 0 { fclose(stream) }
  }

  /// Somebody else had the terminal.
  mutating func forget() { filter.forget() }

  /// Lets ncurses refresh and sends what comes of it; the number of bytes, 0 where they are not known.
  mutating func send(_ refresh: () -> Void) -> Int {
    guard memory >= 0, dup2(memory, channel) >= 0 else {
      refresh()
      return 0
    }
    refresh()
    dup2(STDOUT_FILENO, channel)
    let count = Int(lseek(memory, 0, SEEK_CUR))
    guard count > 0 else { return 0 }
    let written = [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
      read = max(0, pread(memory, buffer.baseAddress, count, 0))
    }
    ftruncate(memory, 0)
    lseek(memory, 0, SEEK_SET)
    let shorter = filter.filtered(written)
    Terminal.writeAll(shorter[...], to: STDOUT_FILENO)
    return shorter.count
  }
}
