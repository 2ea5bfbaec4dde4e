import Glibc

/// The file a session is recorded in while it happens: one owner, appended line by line.
///
/// Each line is one `write` on a descriptor opened with `O_APPEND`, so whatever was acknowledged is in
/// the file even when the process is killed in the next instant, and a torn last line is the worst
/// that a full disk leaves. A lock on the file tells a running session from an unfinished one.
struct SessionFile: ~Copyable {
  /// Written when a session ends of its own accord; a session without it is unfinished.
  static let closingLine = "# closed"

  let path: String
  private let descriptor: Int32

  /// Makes a new file in `directory`, named by the time and the process.
  /// - Throws: `Failure` when the directory cannot be made or written.
  init(directory: String, time: UTCTime) throws {
    try Paths.make(directory)
    let base = "\(directory)/\(time.compact)-\(getpid())"
    var candidate = base + ".sparsity"
    var attempt = 1
    var opened = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
    while opened < 0, errno == EEXIST, attempt < 100 {
      attempt += 1
      candidate = "\(base)-\(attempt).sparsity"
      opened = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
    }
    guard opened >= 0 else {
      throw Failure(
        .failed, "\(candidate): cannot record the session: \(String(cString: strerror(errno)))")
    }
    // Waits at most for a glance of another instance that looks for unfinished sessions.
    flock(opened, LOCK_EX)
    path = candidate
    descriptor = opened
  }

  /// Makes exactly this file, which must not exist.
  init(path: String) throws {
    let opened = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
    guard opened >= 0 else {
      throw Failure(
        errno == EEXIST ? .usage : .failed,
        "\(path): cannot record the session: \(String(cString: strerror(errno)))")
    }
    // Waits at most for a glance of another instance that looks for unfinished sessions.
    flock(opened, LOCK_EX)
    self.path = path
    descriptor = opened
  }

  deinit {
    // A program that is just being started has a copy of the descriptor, and with it the lock.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Appends lines that end in a line break. False when it could not be written whole (disk full, file gone).
  func append(_ lines: String) -> Bool {
    var text = lines
    return text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        let count = write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        offset += count
      }
      return true
    }
  }

  /// The last session in `directory` that nobody is writing, if it ended without a `quit`.
  static func unfinished(in directory: String) -> String? {
    guard let stream = opendir(directory) else { return nil }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".sparsity") { names.append(name) }
    }
    for name in names.sorted(by: >) {
      let path = "\(directory)/\(name)"
      let file = open(path, O_RDWR | O_CLOEXEC)
      guard file >= 0 else { continue }
      defer { close(file) }
      // Whoever holds the lock is running.
      guard flock(file, LOCK_EX | LOCK_NB) == 0 else { continue }
      return isUnfinished(file) ? path : nil
    }
    return nil
  }

  private static func isUnfinished(_ file: Int32) -> Bool {
    let size = lseek(file, 0, SEEK_END)
    guard size > 0 else { return false }
    let count = min(size, 256)
    var tail = [UInt8](repeating: 0, count: Int(count))
    guard pread(file, &tail, Int(count), size - count) == count else { return false }
    let lines = tail.split(separator: UInt8(ascii: "\n"))
    guard let last = lines.last else { return false }
    return String(decoding: last, as: UTF8.self) != closingLine
  }
}

/// The wall clock in UTC, for names and headers.
struct UTCTime {
  private let parts: tm

  static var now: UTCTime { UTCTime(seconds: time(nil)) }

  init(seconds: time_t) {
    var seconds = seconds
    var parts = tm()
    gmtime_r(&seconds, &parts)
    self.parts = parts
  }

  private func padded(_ value: Int32, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private var date: (String, String, String) {
    (padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1), padded(parts.tm_mday))
  }

  /// `20261121T113302`.
  var compact: String {
    date.0 + date.1 + date.2 + "T" + padded(parts.tm_hour) + padded(parts.tm_min)
      + padded(parts.tm_sec)
  }

  /// `2026-11-21T11:33:02Z`.
  var iso: String {
    "\(date.0)-\(date.1)-\(date.2)T"
      + "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))Z"
  }
}

/// Seconds on a clock that never jumps.
func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
