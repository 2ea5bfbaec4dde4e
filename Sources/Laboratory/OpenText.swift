internal import Glibc

/// A text file that is being written by this process alone, or standard output.
final class OpenText {
  private let path: String
  private let file: Int32
  private let isStandardOutput: Bool

  init(standardOutputNamed path: String) {
    self.path = path
    file = STDOUT_FILENO
    isStandardOutput = true
  }

  /// A file that was not there, or an emptied one.
  convenience init(creating path: String, replacing: Bool) throws(ResultsFileError) {
    try self.init(path, flags: O_CREAT | (replacing ? 0 : O_EXCL))
    try cut(to: 0)
  }

  /// A file that is there.
  convenience init(reopening path: String) throws(ResultsFileError) {
    try self.init(path, flags: 0)
  }

  /// A file whether or not it is there.
  convenience init(continuing path: String) throws(ResultsFileError) {
    try self.init(path, flags: O_CREAT)
  }

  private init(_ path: String, flags: Int32) throws(ResultsFileError) {
    self.path = path
    isStandardOutput = false
    file = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0o666)
    guard file >= 0 else {
      if errno == EEXIST { throw .exists(path) }
      throw .cannotOpen(path, code: errno)
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(file)
      if code == EWOULDBLOCK { throw .inUse(path) }
      throw .cannotOpen(path, code: code)
    }
  }

  deinit {
    guard !isStandardOutput else { return }
    // By itself, before the descriptor goes: a program that is just being started from another thread has
    // a copy of it until it runs, and would hold the lock for that long.
    flock(file, LOCK_UN)
    close(file)
  }

  /// Writes all of `text` now. When that fails half way, what was written of it is taken back.
  func write(_ text: String) throws(ResultsFileError) {
    let start = isStandardOutput ? 0 : lseek(file, 0, SEEK_END)
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress! + done, bytes.count - done)
      }
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        if !isStandardOutput, start >= 0 { ftruncate(file, start) }
        throw .cannotWrite(path, code: code)
      }
      done += count
    }
  }

  func contents() throws(ResultsFileError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = pread(file, &chunk, chunk.count, bytes.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(path, code: errno)
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }

  func cut(to size: Int) throws(ResultsFileError) {
    guard ftruncate(file, size) == 0 else { throw .cannotWrite(path, code: errno) }
  }

  /// Cuts off what follows the last line end, and returns the bytes that stay.
  func dropTornLine() throws(ResultsFileError) -> Int {
    let bytes = try contents()
    let whole = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    try cut(to: whole)
    return whole
  }

  /// Puts `text` in place of everything. The old text stands until the new one is whole: written aside,
  /// then copied by one truncation and one write to the file that this process has locked.
  func replace(with text: String) throws(ResultsFileError) {
    try writeAside(text, to: path + ".resumed")
    try cut(to: 0)
    try write(text)
    unlink(path + ".resumed")
  }
}

/// Writes a small file under another name first, so that the final name never holds half of it.
func writeAside(_ text: String, to path: String) throws(ResultsFileError) {
  let aside = "\(path).\(getpid()).part"
  unlink(aside)
  let file = try OpenText(creating: aside, replacing: false)
  do throws(ResultsFileError) {
    try file.write(text)
    guard rename(aside, path) == 0 else {
      throw ResultsFileError.cannotWrite(path, code: errno)
    }
  } catch {
    unlink(aside)
    throw error
  }
}

extension OpenText {
  /// The bytes of a file that others may be writing.
  static func read(_ path: String) throws(ResultsFileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .cannotOpen(path, code: errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(path, code: errno)
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }
}
