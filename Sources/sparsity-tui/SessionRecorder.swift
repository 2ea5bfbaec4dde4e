import Explorer
import Glibc

/// Records a session as it happens, and saves copies of it.
final class SessionRecorder {
  private let file: SessionFile
  private var hasFailed = false

  var path: String { file.path }

  /// Starts a file in `directory` with its header.
  convenience init(directory: String, header: SessionHeader) throws {
    try self.init(SessionFile(directory: directory, time: .now), header)
  }

  /// Starts the file `path`, which must not exist.
  convenience init(path: String, header: SessionHeader) throws {
    try self.init(SessionFile(path: path), header)
  }

  private init(_ file: consuming SessionFile, _ header: SessionHeader) throws {
    self.file = file
    guard self.file.append(header.line) else {
      throw Failure(
        .failed, "\(self.file.path): cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  /// Appends one entry; it is in the file when this returns.
  /// - Returns: what went wrong and what it means, once; nil when the entry was kept.
  func append(_ content: SessionContent, at seconds: Double) -> String? {
    guard !hasFailed else { return nil }
    let line: String
    do { line = try SessionEntry(seconds: seconds, content: content).line() } catch {
      return "the session could not keep a result: \(error)"
    }
    if file.append(line) { return nil }
    hasFailed = true
    return "recording stopped: \(String(cString: strerror(errno))); all before is in \(file.path)"
  }

  func close(at seconds: Double) {
    if !hasFailed { _ = file.append(SessionFile.closingLine + "\n") }
  }

  /// A copy under `path`, with model paths relative to it.
  func save(to path: String) throws {
    let session = try SessionReader(path: self.path)
    try session.write(to: path)
  }
}

/// A session file that was read, and the directory its paths are relative to.
struct SessionReader {
  let path: String
  var session: Session

  /// - Throws: `Failure` with status 4 for a file that cannot be read or is no session.
  init(path: String) throws {
    self.path = path
    let bytes = try InputFile.read(path, limit: 1 << 30)
    do {
      session = try Session(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
      throw Failure(.unreadable, "\(path): \(error.description)")
    }
  }

  /// The model that `name` in this session means: names are relative to the session's file; what is not
  /// there may be a fetched model of that name in the cache.
  func resolve(_ name: String) -> String {
    guard !name.hasPrefix("/"), !name.hasPrefix("synthetic:") else { return name }
    let beside = Paths.normalized(Paths.parent(of: Paths.absolute(path)) + "/" + name)
    let fetched = Paths.cache + "/" + (name.split(separator: "/").last.map(String.init) ?? name)
    return access(beside, F_OK) != 0 && access(fetched, F_OK) == 0 ? fetched : beside
  }

  /// Writes the session elsewhere; relative model paths keep their meaning.
  func write(to target: String) throws {
    var copy = session
    let directory = Paths.parent(of: Paths.absolute(target))
    for index in copy.entries.indices {
      guard case .command(.open(let name?, let identity)) = copy.entries[index].content,
        !name.hasPrefix("synthetic:")
      else { continue }
      let relative = Paths.relative(resolve(name), to: directory)
      copy.entries[index].content = .command(.open(path: relative, identity: identity))
    }
    try OutputFile.write(try copy.text() + SessionFile.closingLine + "\n", to: target)
  }
}

/// Reading whole small files.
enum InputFile {
  /// - Throws: `Failure` with status 4 that names the file and the reason.
  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure(.unreadable, "\(path): cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw Failure(.unreadable, "\(path): cannot be read: \(String(cString: strerror(errno)))")
      }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limit else {
        throw Failure(.unreadable, "\(path): larger than \(limit) bytes; this is no such file")
      }
    }
  }
}

extension Paths {
  /// `path` from the root, without touching the disk.
  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return normalized(path) }
    var buffer = [CChar](repeating: 0, count: 4096)
    guard getcwd(&buffer, buffer.count) != nil else { return path }
    let length = buffer.firstIndex(of: 0) ?? buffer.count
    let here = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return normalized(here + "/" + path)
  }

  /// An absolute path without `.`, `..` and double slashes.
  static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The way from `directory` to `path`, both absolute.
  static func relative(_ path: String, to directory: String) -> String {
    let target = path.split(separator: "/")
    let base = directory.split(separator: "/")
    let common = zip(target, base).prefix { $0 == $1 }.count
    let up = Array(repeating: Substring(".."), count: base.count - common)
    return (up + target[common...]).joined(separator: "/")
  }
}
