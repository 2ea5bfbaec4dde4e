/// How a text is normalised before it is cut into words.
public struct TextNormalization: Hashable, Sendable {
  /// Drop control characters, treat every white space as a blank.
  public var cleansText: Bool
  /// Make each Chinese character a word.
  public var separatesHan: Bool
  /// Decompose and drop non-spacing marks.
  public var stripsAccents: Bool
  public var lowercases: Bool

  public init(
    cleansText: Bool = true, separatesHan: Bool = true, stripsAccents: Bool = true,
    lowercases: Bool = true
  ) {
    self.cleansText = cleansText
    self.separatesHan = separatesHan
    self.stripsAccents = stripsAccents
    self.lowercases = lowercases
  }
}

/// Normalises text and cuts it into words, in one pass over its UTF-8.
///
/// **Source** BERT's basic tokenizer as the `tokenizers` package runs it: clean, set Chinese
/// characters apart, decompose and strip, lower-case, then split at white space and around each
/// punctuation character. A word is handed on as UTF-8 with its number of characters.
struct WordSplitter {
  private let normalization: TextNormalization
  private let classes = CharacterClasses.shared
  private let asciiActions: [UInt16]
  private var word: [UInt8] = []
  private var characters = 0
  /// Characters with a combining class that wait for the next starter to be put in order.
  private var waiting: [(order: UInt8, code: UInt32)] = []

  /// Words longer than this are handed on as they are so far: nothing is made of them anyway.
  static let longestWord = 100

  /// Flags of `asciiActions`: the lower half is the byte to append.
  private static let drop: UInt16 = 0x100
  private static let blank: UInt16 = 0x200
  private static let alone: UInt16 = 0x400

  /// - Parameter asciiActions: `asciiActions(normalization)`, made once per tokenizer.
  init(_ normalization: TextNormalization, asciiActions: [UInt16]) {
    self.normalization = normalization
    self.asciiActions = asciiActions
  }

  /// What to do with each ASCII character: the byte to append, or a flag.
  static func asciiActions(_ normalization: TextNormalization) -> [UInt16] {
    (0..<128).map { code in
      let flags = CharacterClasses.shared.flags(UInt32(code))
      if normalization.cleansText, flags & CharacterClasses.removed != 0 { return drop }
      if flags & CharacterClasses.space != 0 { return blank }
      let lower = normalization.lowercases && (65...90).contains(code) ? code + 32 : code
      return UInt16(lower) | (flags & CharacterClasses.punctuation != 0 ? alone : 0)
    }
  }

  /// Calls `receive` with each word of valid UTF-8.
  ///
  /// - Complexity: O(bytes), about 2 ns a byte for ASCII.
  mutating func split(
    _ text: UnsafeBufferPointer<UInt8>, _ receive: (UnsafeBufferPointer<UInt8>, Int) -> Void
  ) {
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte < 0x80 {
        index += 1
        let action = asciiActions[Int(byte)]
        if action == Self.drop { continue }
        if !waiting.isEmpty { flushWaiting(receive) }
        if action & Self.blank != 0 {
          endWord(receive)
        } else if action & Self.alone != 0 {
          endWord(receive)
          append(byte: UInt8(truncatingIfNeeded: action))
          endWord(receive)
        } else {
          append(byte: UInt8(truncatingIfNeeded: action))
        }
      } else {
        let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        var code = UInt32(byte) & (0x7F >> UInt32(length))
        for offset in 1..<length { code = code << 6 | UInt32(text[index + offset]) & 0x3F }
        index += length
        take(code, receive)
      }
    }
    flushWaiting(receive)
    endWord(receive)
  }

  private mutating func take(
    _ code: UInt32, _ receive: (UnsafeBufferPointer<UInt8>, Int) -> Void
  ) {
    let flags = classes.flags(code)
    if normalization.cleansText {
      if flags & CharacterClasses.removed != 0 { return }
      if flags & CharacterClasses.space != 0 {
        flushWaiting(receive)
        endWord(receive)
        return
      }
    }
    let han = normalization.separatesHan && flags & CharacterClasses.han != 0
    if han {
      flushWaiting(receive)
      endWord(receive)
    }
    if normalization.stripsAccents {
      if flags & CharacterClasses.decomposes != 0 {
        for part in classes.decomposed(code) { arrange(part, receive) }
      } else {
        arrange(code, receive)
      }
    } else {
      emit(code, receive)
    }
    if han {
      flushWaiting(receive)
      endWord(receive)
    }
  }

  /// Canonical ordering, marks dropped on the way.
  private mutating func arrange(
    _ code: UInt32, _ receive: (UnsafeBufferPointer<UInt8>, Int) -> Void
  ) {
    let flags = classes.flags(code)
    if flags & CharacterClasses.combining == 0 {
      flushWaiting(receive)
      if flags & CharacterClasses.mark == 0 { emit(code, receive) }
    } else if flags & CharacterClasses.mark == 0 {
      let order = classes.combiningClass(code)
      let place = waiting.lastIndex { $0.order <= order }.map { $0 + 1 } ?? 0
      waiting.insert((order, code), at: place)
      // A run of thousands of marks is no text: keep the insertion linear.
      if waiting.count > 4 * Self.longestWord { flushWaiting(receive) }
    }
  }

  private mutating func flushWaiting(_ receive: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
    if waiting.isEmpty { return }
    for (_, code) in waiting { emit(code, receive) }
    waiting.removeAll(keepingCapacity: true)
  }

  private mutating func emit(
    _ code: UInt32, _ receive: (UnsafeBufferPointer<UInt8>, Int) -> Void
  ) {
    var code = code
    var flags = classes.flags(code)
    if normalization.lowercases {
      if code == 0x130 {  // The one character whose lower case is two.
        append(code: 0x69)
        append(code: 0x307)
        return
      }
      if flags & CharacterClasses.lowers != 0 {
        code = classes.lowercased(code)
        flags = classes.flags(code)
      }
    }
    if flags & CharacterClasses.space != 0 {
      endWord(receive)
    } else if flags & CharacterClasses.punctuation != 0 {
      endWord(receive)
      append(code: code)
      endWord(receive)
    } else {
      append(code: code)
    }
  }

  @inline(__always)
  private mutating func append(byte: UInt8) {
    characters += 1
    if characters <= Self.longestWord { word.append(byte) }
  }

  private mutating func append(code: UInt32) {
    characters += 1
    guard characters <= Self.longestWord else { return }
    switch code {
    case ..<0x80: word.append(UInt8(code))
    case ..<0x800:
      word.append(UInt8(0xC0 | code >> 6))
      word.append(UInt8(0x80 | code & 0x3F))
    case ..<0x1_0000:
      word.append(UInt8(0xE0 | code >> 12))
      word.append(UInt8(0x80 | code >> 6 & 0x3F))
      word.append(UInt8(0x80 | code & 0x3F))
    default:
      word.append(UInt8(0xF0 | code >> 18))
      word.append(UInt8(0x80 | code >> 12 & 0x3F))
      word.append(UInt8(0x80 | code >> 6 & 0x3F))
      word.append(UInt8(0x80 | code & 0x3F))
    }
  }

  @inline(__always)
  private mutating func endWord(_ receive: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
    if characters == 0 { return }
    word.withUnsafeBufferPointer { receive($0, characters) }
    word.removeAll(keepingCapacity: true)
    characters = 0
  }
}
