/// What the tokenizer needs to know of each code point, unpacked once from `CharacterTables`.
final class CharacterClasses: Sendable {
  static let removed: UInt8 = 1
  static let space: UInt8 = 2
  static let punctuation: UInt8 = 4
  /// A non-spacing mark, dropped where accents are stripped.
  static let mark: UInt8 = 8
  /// Takes part in canonical ordering (a combining class other than 0).
  static let combining: UInt8 = 16
  static let han: UInt8 = 32
  static let decomposes: UInt8 = 64
  static let lowers: UInt8 = 128

  static let shared = CharacterClasses()

  /// One byte of flags per code point: 1.1 MB, most of it never touched.
  private let flags: [UInt8]
  private let decompositions: [UInt32: [UInt32]]
  private let lowercase: [UInt32: UInt32]
  private let combiningClasses: [UInt32: UInt8]

  private init() {
    var flags = [UInt8](repeating: 0, count: 0x11_0000)
    var decompositions: [UInt32: [UInt32]] = [:]
    var lowercase: [UInt32: UInt32] = [:]
    var combiningClasses: [UInt32: UInt8] = [:]
    for (table, flag) in [
      (CharacterTables.removed, Self.removed), (CharacterTables.space, Self.space),
      (CharacterTables.punctuation, Self.punctuation), (CharacterTables.han, Self.han),
      (CharacterTables.marks, Self.mark | Self.combining),
      (CharacterTables.markStarters, Self.mark),
    ] {
      for range in Self.words(table) {
        for code in Self.range(range) { flags[Int(code)] |= flag }
      }
    }
    var key = Substring()
    for word in Self.words(CharacterTables.combining) {
      let (name, range) = Self.split(word, previous: key)
      key = name
      for code in Self.range(range) {
        combiningClasses[code] = UInt8(name)!
        flags[Int(code)] |= Self.combining
      }
    }
    key = Substring()
    for word in Self.words(CharacterTables.decompositions) {
      let (name, source) = Self.split(word, previous: key)
      key = name
      let code = UInt32(source, radix: 16)!
      decompositions[code] = name.split(separator: ".").map { UInt32($0, radix: 16)! }
      flags[Int(code)] |= Self.decomposes
    }
    // Hangul syllables decompose by arithmetic (Unicode, section 3.12).
    for code in 0xAC00...0xD7A3 { flags[code] |= Self.decomposes }
    for word in Self.words(CharacterTables.lowercase) {
      let parts = word.split(separator: ":")
      let step = UInt32(parts[2])!
      let offset = Int(parts[3], radix: 16)!
      for index in 0..<UInt32(parts[1], radix: 16)! {
        let code = UInt32(parts[0], radix: 16)! + index * step
        lowercase[code] = UInt32(Int(code) + offset)
        flags[Int(code)] |= Self.lowers
      }
    }
    self.flags = flags
    self.decompositions = decompositions
    self.lowercase = lowercase
    self.combiningClasses = combiningClasses
  }

  @inline(__always)
  func flags(_ code: UInt32) -> UInt8 { flags[Int(code)] }

  func combiningClass(_ code: UInt32) -> UInt8 { combiningClasses[code] ?? 0 }

  func lowercased(_ code: UInt32) -> UInt32 { lowercase[code] ?? code }

  /// The canonical decomposition without its non-spacing marks.
  func decomposed(_ code: UInt32) -> [UInt32] {
    if (0xAC00...0xD7A3).contains(code) {
      let syllable = code - 0xAC00
      let tail = syllable % 28
      let lead = [0x1100 + syllable / 588, 0x1161 + syllable % 588 / 28]
      return tail == 0 ? lead : lead + [0x11A7 + tail]
    }
    return decompositions[code] ?? [code]
  }

  private static func words(_ table: String) -> [Substring] {
    table.split { $0 == " " || $0 == "\n" }.map { $0.last == "," ? $0.dropLast() : $0 }
  }

  private static func range(_ text: Substring) -> ClosedRange<UInt32> {
    let ends = text.split(separator: "-").map { UInt32($0, radix: 16)! }
    return ends[0]...ends[ends.count - 1]
  }

  /// `key=value`, or a further value of the key before it.
  private static func split(_ word: Substring, previous: Substring) -> (Substring, Substring) {
    let parts = word.split(separator: "=")
    return parts.count == 2 ? (parts[0], parts[1]) : (previous, parts[0])
  }
}
