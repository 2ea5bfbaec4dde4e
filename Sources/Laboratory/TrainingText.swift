internal import Glibc

/// Sentences out of text files, for training: any prose does, there are no labels.
///
/// A file is a row of paragraphs, parted by empty lines or, as `fortune` has it, by lines with a single
/// `%`; the lines of a paragraph are joined, and cut where sentences end. A line that begins with `-- `
/// names an author: it and what follows in its paragraph are left out.
struct TrainingText: Sendable {
  /// In the order of the files' names; repetitions included.
  private(set) var sentences: [String] = []
  private(set) var files = 0
  /// What was passed over, and why, for a person.
  private(set) var notes: [String] = []

  /// More text than any run here could use, and all of it is held in memory.
  static let mostBytes = 256 << 20

  /// - Parameter path: A file, or a directory whose files are all read; there, hidden files, symbolic
  ///   links, `.dat` indexes, directories, and files that are no text are passed over.
  /// - Throws: `unreadable` for a path that is no file or directory, cannot be read, is no text, or holds
  ///   more than `mostBytes`.
  init(path: String) throws(LaboratoryError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw .unreadable("\(path): cannot be read: \(String(cString: strerror(errno)))")
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      var bytes = 0
      var passedOver = 0
      for name in try Self.names(in: path) {
        let file = path + "/" + name
        var content: [UInt8] = []
        do throws(LaboratoryError) {
          content = try Self.read(file, limit: Self.mostBytes - bytes)
        } catch {
          if bytes + (1 << 20) >= Self.mostBytes { throw error }
          notes.append(error.description)
          continue
        }
        if content.contains(0) {
          passedOver += 1
          continue
        }
        bytes += content.count
        add(content)
      }
      if passedOver > 0 {
        notes.append("\(path): \(passedOver) files hold zero bytes and were passed over as no text")
      }
      guard files > 0 else {
        throw .unreadable("\(path): there is no text file in this directory")
      }
    } else {
      let content = try Self.read(path, limit: Self.mostBytes)
      guard !content.contains(0) else {
        throw .unreadable("\(path): holds zero bytes, so it is no text; name a file of plain prose")
      }
      add(content)
    }
  }

  /// Text that is at hand already.
  init(_ text: String) { add(Array(text.utf8)) }

  private mutating func add(_ bytes: [UInt8]) {
    files += 1
    var paragraph = ""
    var isNamingAuthor = false
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    func finish(_ sentences: inout [String]) {
      if !paragraph.isEmpty { sentences += Self.sentences(paragraph) }
      paragraph = ""
      isNamingAuthor = false
    }
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      var line = line.drop(while: isBlank)
      while let last = line.last, isBlank(last) { line.removeLast() }
      if line.isEmpty || line.elementsEqual([UInt8(ascii: "%")]) {
        finish(&sentences)
      } else if line.starts(with: "-- ".utf8) {
        isNamingAuthor = true
      } else if !isNamingAuthor {
        if !paragraph.isEmpty { paragraph += " " }
        paragraph += String(decoding: line, as: UTF8.self)
      }
    }
    finish(&sentences)
  }

  /// Cuts behind `.`, `!` or `?` (and closing quotes and brackets) where blanks follow and no small letter
  /// behind them; not behind initials and the commonest abbreviations.
  static func sentences(_ paragraph: String) -> [String] {
    let bytes = Array(paragraph.utf8)
    func byte(_ index: Int) -> UInt8? { bytes.indices.contains(index) ? bytes[index] : nil }
    var result: [String] = []
    var start = 0
    var index = 0
    while index < bytes.count {
      let isEnd = [UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?")].contains(bytes[index])
      var next = index + 1
      if isEnd {
        while let after = byte(next), "\"')]".utf8.contains(after) { next += 1 }
      }
      guard isEnd, byte(next) == 0x20, !isAbbreviated(bytes[start..<index]) else {
        index += 1
        continue
      }
      var following = next
      while byte(following) == 0x20 || byte(following) == 0x09 { following += 1 }
      if let after = byte(following), !(0x61...0x7A).contains(after) {
        result.append(String(decoding: bytes[start..<next], as: UTF8.self))
        start = following
      }
      index = following
    }
    if start < bytes.count {
      result.append(String(decoding: bytes[start...], as: UTF8.self))
    }
    return result
  }

  private static let abbreviations: Set<String> = [
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "prof", "gen", "col", "capt", "rev", "vs", "etc",
    "e.g", "i.e", "no", "vol", "fig", "p", "pp",
  ]

  /// Whether the word before a point stands for a longer one.
  private static func isAbbreviated(_ before: ArraySlice<UInt8>) -> Bool {
    let word = before.suffix(while: { $0 != 0x20 }).drop { "\"'([".utf8.contains($0) }
    if word.count == 1, let letter = word.first, (0x41...0x5A).contains(letter) {
      return letter != UInt8(ascii: "I")
    }
    return abbreviations.contains(String(decoding: word, as: UTF8.self).lowercased())
  }

  private static func names(in directory: String) throws(LaboratoryError) -> [String] {
    guard let handle = opendir(directory) else {
      throw .unreadable("\(directory): cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      var status = stat()
      guard !name.hasPrefix("."), !name.hasSuffix(".dat"),
        lstat(directory + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG
      else { continue }
      names.append(name)
    }
    return names.sorted()
  }

  private static func read(_ path: String, limit: Int) throws(LaboratoryError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw .unreadable("\(path): cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw .unreadable("\(path): cannot be read: \(String(cString: strerror(errno)))")
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else {
        throw .unreadable(
          "\(path): more than \(mostBytes >> 20) MiB of text, which no run here could use up; "
            + "give a part of it")
      }
    }
  }
}

extension ArraySlice<UInt8> {
  /// The longest end of which every byte satisfies a condition.
  fileprivate func suffix(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    var start = endIndex
    while start > startIndex, condition(self[start - 1]) { start -= 1 }
    return self[start...]
  }
}
