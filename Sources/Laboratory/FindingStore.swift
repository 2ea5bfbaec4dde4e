internal import Experiments
internal import Glibc
internal import Synchronization

/// What was found out about prunings, kept between runs by what it follows from: a file a key (of tensor
/// and calibration), one line of JSON a pruning, appended as it is known.
///
/// So what a killed run had finished is there for the next one. A line that cannot be read is worked out
/// again.
final class FindingStore<Finding: Codable & Sendable>: Sendable {
  private struct Entry: Codable {
    var knobs: Knobs
    var finding: Finding
  }

  private let directory: CacheDirectory?
  private let note: @Sendable (String) -> Void
  private let known = Mutex<[String: [Knobs: Finding]]>([:])

  init(
    _ name: String, in directory: String?, capacity: Int = 64 << 20,
    note: @escaping @Sendable (String) -> Void
  ) {
    self.directory = directory.map { CacheDirectory(path: $0 + "/" + name, capacity: capacity) }
    self.note = note
  }

  private static func name(_ key: String) -> String { key + ".jsonl" }

  /// Of the knobs only what decides the pruning counts; refit does, because it asks for more.
  func finding(_ knobs: Knobs, for key: String) -> Finding? {
    known.withLock { known in
      if known[key] == nil { known[key] = read(key) }
      return known[key]![knobs.pruningPart]
    }
  }

  func store(_ finding: Finding, _ knobs: Knobs, for key: String) {
    let knobs = knobs.pruningPart
    let isNewFile = known.withLock { known in
      let isNew = known[key]?.isEmpty ?? true
      known[key, default: [:]][knobs] = finding
      return isNew
    }
    guard let directory, directory.make(),
      let text = try? JSONText.encode(Entry(knobs: knobs, finding: finding))
    else { return }
    // One write of a whole line to a file opened for appending: lines of two processes do not mix.
    let file = open(
      directory.file(Self.name(key)), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { return }
    // What a killed writer left of a line ends here.
    let end = lseek(file, 0, SEEK_END)
    var last: UInt8 = 10
    if end > 0 { pread(file, &last, 1, end - 1) }
    let line = Array(((last == 10 ? "" : "\n") + text + "\n").utf8)
    _ = line.withUnsafeBytes { write(file, $0.baseAddress!, $0.count) }
    close(file)
    if isNewFile { directory.trim(keeping: Self.name(key)) }
  }

  private func read(_ key: String) -> [Knobs: Finding] {
    guard let directory else { return [:] }
    let path = directory.file(Self.name(key))
    guard access(path, F_OK) == 0, let bytes = try? OpenText.read(path) else { return [:] }
    var found: [Knobs: Finding] = [:]
    var damaged = 0
    for line in bytes.split(separator: 10) {
      do {
        let entry = try JSONText.decode(Entry.self, from: String(decoding: line, as: UTF8.self))
        found[entry.knobs] = entry.finding
      } catch { damaged += 1 }
    }
    if damaged > 0 {
      note(
        "\(path): \(damaged) line\(damaged == 1 ? "" : "s") cannot be read; what "
          + "\(damaged == 1 ? "it" : "they") held is worked out again")
    }
    return found
  }
}
