import Glibc

/// A file that appears under its name complete or not at all: written aside, then renamed.
///
/// An existing file is replaced only with `force`. What was written aside is removed when this
/// goes out of scope without `commit`; what a killed process left aside, when the next one writes the
/// same file.
public struct AtomicFile: ~Copyable {
  public let path: String
  private let aside: String
  private let force: Bool
  private var descriptor: Int32
  /// Where the next `write` goes.
  public private(set) var count = 0

  /// - Throws: `exists` when there is a file of this name and `force` is not set; `cannotWrite`.
  public init(_ path: String, force: Bool = false) throws(TensorFileError) {
    self.path = path
    self.force = force
    var status = stat()
    if stat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR {
        throw TensorFileError(path: path, problem: .isDirectory)
      }
      if !force { throw TensorFileError(path: path, problem: .exists) }
    }
    Self.removeAbandoned(beside: path)
    var attempt = 0
    var opened: Int32 = -1
    var name = ""
    repeat {
      name = "\(path).\(getpid())-\(attempt).partial"
      opened = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      attempt += 1
    } while opened < 0 && errno == EEXIST && attempt < 100
    guard opened >= 0 else {
      throw TensorFileError(path: path, problem: .cannotWrite(code: errno))
    }
    // Says to other machines on the same file system that somebody still writes.
    flock(opened, LOCK_EX | LOCK_NB)
    aside = name
    descriptor = opened
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(aside)
    }
  }

  /// Removes `PATH.PID-N.partial` of processes that are gone: neither does that number run here, nor is
  /// the file locked from elsewhere.
  private static func removeAbandoned(beside path: String) {
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { String(path[...$0]) } ?? "./"
    let prefix = (slash.map { String(path[path.index(after: $0)...]) } ?? path) + "."
    guard let handle = opendir(directory) else { return }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix(prefix), name.hasSuffix(".partial") else { continue }
      let numbers = name.dropFirst(prefix.count).dropLast(8).split(separator: "-").map { Int32($0) }
      guard numbers.count == 2, let process = numbers[0], numbers[1] != nil, process > 0,
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      let found = open(directory + name, O_RDWR | O_CLOEXEC)
      guard found >= 0 else { continue }
      if flock(found, LOCK_EX | LOCK_NB) == 0 { unlink(directory + name) }
      close(found)
    }
  }

  private func failure(_ code: Int32) -> TensorFileError {
    TensorFileError(path: path, problem: .cannotWrite(code: code))
  }

  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TensorFileError) {
    try write(bytes, at: count)
    count += bytes.count
  }

  public mutating func write(_ bytes: [UInt8]) throws(TensorFileError) {
    try write(bytes, at: count)
    count += bytes.count
  }

  /// Overwrites what was written before at `offset`.
  func write(_ bytes: [UInt8], at offset: Int) throws(TensorFileError) {
    let result: Result<Void, TensorFileError> = bytes.withUnsafeBytes { raw in
      Result { () throws(TensorFileError) in try write(raw, at: offset) }
    }
    try result.get()
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(TensorFileError) {
    var done = 0
    while done < bytes.count {
      let step = min(bytes.count - done, 64 << 20)
      let put = pwrite(descriptor, bytes.baseAddress! + done, step, off_t(offset + done))
      if put < 0 {
        if errno == EINTR { continue }
        throw failure(errno)
      }
      done += put
    }
  }

  /// Gives the file its name. Without `force` this too fails when the name was taken meanwhile.
  public consuming func commit() throws(TensorFileError) {
    guard fsync(descriptor) == 0 else { throw failure(errno) }
    if !force {
      // A hard link, unlike a rename, never replaces; file systems without links fall through.
      if link(aside, path) == 0 { return }
      let code = errno
      if code == EEXIST { throw TensorFileError(path: path, problem: .exists) }
      guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(code) else { throw failure(code) }
      if access(path, F_OK) == 0 { throw TensorFileError(path: path, problem: .exists) }
    }
    guard rename(aside, path) == 0 else { throw failure(errno) }
  }
}
