import Glibc

/// Where a command writes: standard output for `-`, else a file that appears whole or not at all.
enum OutputFile {
  /// Writes `text` aside and renames it, so that no half-written file ever stands under `path`.
  /// - Throws: `Failure` with status 2 when `path` exists and `force` is not set, else 1.
  static func write(_ text: String, to path: String, force: Bool = false) throws {
    if path == "-" {
      try standardOutput(text)
      return
    }
    if !force { try refuseExisting(path) }
    let aside = "\(path).\(getpid()).part"
    let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path, "cannot be written") }
    var text = text
    let isWhole = text.withUTF8 { bytes in write(bytes, to: descriptor) }
    guard isWhole, fsync(descriptor) == 0, close(descriptor) == 0 else {
      let error = failure(path, "could not be written whole")
      unlink(aside)
      throw error
    }
    // A link fails where a rename would replace what another process has put there meanwhile.
    let placed = force ? rename(aside, path) : link(aside, path)
    guard placed == 0 else {
      let error = errno == EEXIST ? exists(path) : failure(path, "cannot be put in place")
      unlink(aside)
      throw error
    }
    if !force { unlink(aside) }
  }

  static func standardOutput(_ text: String) throws {
    var text = text
    guard text.withUTF8({ write($0, to: STDOUT_FILENO) }) else {
      throw failure("standard output", "could not be written")
    }
  }

  static func refuseExisting(_ path: String) throws {
    if access(path, F_OK) == 0 { throw exists(path) }
  }

  private static func exists(_ path: String) -> Failure {
    Failure(.usage, "\(path): exists already; choose another name, or --force to replace it")
  }

  private static func failure(_ path: String, _ what: String) -> Failure {
    Failure(.failed, "\(path): \(what): \(String(cString: strerror(errno)))")
  }

  private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      offset += count
    }
    return true
  }
}
