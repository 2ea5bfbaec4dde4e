public import Experiments

/// A session as it was read from a file.
public struct Session: Hashable, Sendable {
  public var header: SessionHeader
  public var entries: [SessionEntry]
  /// What was passed over, for a person: a last line that was cut off.
  public var warnings: [String]

  public init(header: SessionHeader, entries: [SessionEntry], warnings: [String] = []) {
    self.header = header
    self.entries = entries
    self.warnings = warnings
  }

  /// The whole file.
  /// - Throws: `JSONTextError` when a result cannot be written.
  public func text() throws(JSONTextError) -> String {
    var text = header.line
    for entry in entries { text += try entry.line() }
    return text
  }

  /// Reads a session.
  ///
  /// A last line without its line break was being written when something went wrong: it is dropped
  /// with a warning. Any other line that cannot be read is an error.
  /// - Throws: `SessionError` naming the line.
  /// - Complexity: O(length of `text`).
  public init(parsing text: String) throws(SessionError) {
    var lines = text.utf8.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).map { String(Substring($0)) }
    var warnings: [String] = []
    let torn = lines.removeLast()
    if lines.isEmpty {
      throw SessionError(line: 1, "this is no session: it has no complete line")
    }
    if !torn.isEmpty {
      warnings.append(
        "line \(lines.count + 1) is cut off after \(torn.utf8.count) bytes and was dropped")
    }
    header = try Self.header(Self.withoutReturn(lines[0]))
    var entries: [SessionEntry] = []
    var last = 0.0
    for (index, line) in lines.enumerated().dropFirst() {
      let line = Self.withoutReturn(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      let entry = try Self.entry(line, index + 1)
      guard entry.seconds >= last else {
        throw SessionError(
          line: index + 1,
          "its time \(NumberText.fixed(entry.seconds, 3)) lies before that of the "
            + "line above, \(NumberText.fixed(last, 3))")
      }
      last = entry.seconds
      entries.append(entry)
    }
    self.entries = entries
    self.warnings = warnings
  }

  private static func withoutReturn(_ line: String) -> String {
    line.utf8.last == 13 ? String(decoding: line.utf8.dropLast(), as: UTF8.self) : line
  }

  private static func header(_ line: String) throws(SessionError) -> SessionHeader {
    let words = line.split(separator: " ")
    guard words.count >= 4, words[0] == "#", words[1] == "sparsity-tui", words[2] == "session",
      let version = Int(words[3])
    else {
      throw SessionError(line: 1, "this is no session: expected '# sparsity-tui session 1 …'")
    }
    guard version == 1 else {
      throw SessionError(
        line: 1, "session format \(version); this version reads format 1: use a newer sparsity-tui")
    }
    var header = SessionHeader(tool: "", width: 80, height: 24)
    for word in words.dropFirst(4) {
      let halves = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard halves.count == 2 else { continue }
      switch halves[0] {
      case "tool": header.tool = halves[1]
      case "machine": header.machine = halves[1]
      case "size":
        let sides = halves[1].split(separator: "x").map { Int($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1],
          (1...1000).contains(width), (1...1000).contains(height)
        else {
          throw SessionError(line: 1, "size=\(halves[1]): expected columns x rows up to 1000")
        }
        (header.width, header.height) = (width, height)
      default: break
      }
    }
    return header
  }

  private static func entry(_ line: String, _ number: Int) throws(SessionError) -> SessionEntry {
    let parts = line.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, let seconds = Double(parts[0]), seconds.isFinite, seconds >= 0,
      seconds < 1e9
    else {
      throw SessionError(line: number, "expected seconds and a command, found '\(line.prefix(60))'")
    }
    guard parts[1].hasPrefix("= ") else {
      do {
        return SessionEntry(seconds: seconds, content: .command(try Command(parsing: parts[1])))
      } catch { throw SessionError(line: number, error.description) }
    }
    let result = parts[1].dropFirst(2).split(separator: " ", maxSplits: 1)
    guard result.count == 2 else {
      throw SessionError(line: number, "expected '= kind {…}', found '\(parts[1].prefix(60))'")
    }
    do {
      return SessionEntry(
        seconds: seconds, content: .result(try RecordedResult(kind: result[0], json: result[1])))
    } catch { throw SessionError(line: number, "\(result[0]): \(error.description)") }
  }
}

/// Why a file is no session; names the line.
public struct SessionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let line: Int
  public let reason: String

  public init(line: Int, _ reason: String) {
    self.line = line
    self.reason = reason
  }

  public var description: String { "line \(line): \(reason)" }
}
