/// Walks over JSON text once, front to back, as the caller asks for what should stand there.
///
/// No tree is built: the headers read here come from anywhere, and a tree of a hostile 100 MB
/// header takes gigabytes. Names that stand twice are an error, which general decoders hide.
struct JSONCursor {
  static let depthLimit = 32

  let text: UnsafeRawBufferPointer
  let path: String
  /// Where `text` begins in the file, for messages.
  let base: Int
  private(set) var position = 0

  init(_ text: UnsafeRawBufferPointer, path: String, base: Int = 0) {
    self.text = text
    self.path = path
    self.base = base
  }

  var offset: Int { base + position }

  func error(_ problem: TensorFileError.Problem) -> TensorFileError {
    TensorFileError(path: path, problem: problem)
  }

  func malformed(_ expected: String) -> TensorFileError {
    let found =
      position < text.count
      ? quoted(String(decoding: text[position..<min(position + 8, text.count)], as: UTF8.self))
      : "the end of the text"
    return error(.malformed(offset: offset, expected: expected, found: found))
  }

  mutating func skipSpace() {
    while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) {
      position += 1
    }
  }

  /// The next byte that is not space, not consumed.
  mutating func peek() -> UInt8? {
    skipSpace()
    return position < text.count ? text[position] : nil
  }

  mutating func expect(_ byte: Character, _ expected: String) throws(TensorFileError) {
    guard peek() == byte.asciiValue else { throw malformed(expected) }
    position += 1
  }

  private mutating func accept(_ byte: Character) -> Bool {
    guard peek() == byte.asciiValue else { return false }
    position += 1
    return true
  }

  /// After the value: nothing but space up to the end.
  mutating func expectEnd() throws(TensorFileError) {
    guard peek() == nil else { throw malformed("the end of the text") }
  }

  /// An object; `member` is called with each key and where it stands, and must consume the value.
  mutating func forEachMember(
    _ member: (inout JSONCursor, String, Int) throws(TensorFileError) -> Void
  ) throws(TensorFileError) {
    try expect("{", "\"{\"")
    if accept("}") { return }
    repeat {
      skipSpace()
      let start = offset
      let key = try string()
      try expect(":", "\":\"")
      try member(&self, key, start)
    } while accept(",")
    try expect("}", "\",\" or \"}\"")
  }

  /// An array of whole numbers, at most `limit` of them.
  mutating func wholeNumbers(limit: Int) throws(TensorFileError) -> [Int] {
    try expect("[", "a list of whole numbers")
    var numbers: [Int] = []
    if accept("]") { return numbers }
    repeat {
      guard numbers.count < limit else { throw malformed("at most \(limit) numbers in a list") }
      numbers.append(try wholeNumber())
    } while accept(",")
    try expect("]", "\",\" or \"]\"")
    return numbers
  }

  /// Digits only: no sign, point, exponent or leading zero.
  mutating func wholeNumber() throws(TensorFileError) -> Int {
    skipSpace()
    let start = position
    var number = 0
    while position < text.count, case 0x30...0x39 = text[position] {
      let (tens, tooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, tooLargeStill) = tens.addingReportingOverflow(Int(text[position] - 0x30))
      if tooLarge || tooLargeStill {
        throw error(.numberTooLarge(offset: base + start, limit: .max))
      }
      number = sum
      position += 1
    }
    let next = position < text.count ? text[position] : 0x2C
    let continues = [0x2E, 0x45, 0x65].contains(next)
    let leadingZero = position - start > 1 && text[start] == 0x30
    if position == start || continues || leadingZero {
      position = start
      throw malformed("a whole number, 0 or more")
    }
    return number
  }

  mutating func string() throws(TensorFileError) -> String {
    try expect("\"", "a name in quotes")
    let start = position
    while position < text.count, text[position] != 0x22, text[position] != 0x5C {
      guard text[position] >= 0x20 else { throw malformed("a name without control characters") }
      position += 1
    }
    guard position < text.count else { throw malformed("the closing quote") }
    if text[position] == 0x22 {
      defer { position += 1 }
      return try utf8(text[start..<position], at: start)
    }
    var bytes = Array(text[start..<position])
    while position < text.count, text[position] != 0x22 {
      if text[position] == 0x5C {
        try appendEscape(to: &bytes)
      } else {
        guard text[position] >= 0x20 else { throw malformed("a name without control characters") }
        bytes.append(text[position])
        position += 1
      }
    }
    try expect("\"", "the closing quote")
    return try utf8(bytes, at: start)
  }

  private func utf8(
    _ bytes: some Sequence<UInt8>, at start: Int
  ) throws(TensorFileError) -> String {
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw error(.notUTF8(offset: base + start))
    }
    return string
  }

  private mutating func appendEscape(to bytes: inout [UInt8]) throws(TensorFileError) {
    let start = position
    position += 1
    guard position < text.count else { throw malformed("an escape") }
    let kind = text[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(kind)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code), position + 1 < text.count, text[position] == 0x5C,
        text[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else {
          throw error(.notUTF8(offset: base + start))
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error(.notUTF8(offset: base + start)) }
      bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
    default:
      position = start
      throw malformed("an escape that JSON knows")
    }
  }

  private mutating func hexadecimal() throws(TensorFileError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard position < text.count,
        let digit = Character(Unicode.Scalar(text[position])).hexDigitValue, text[position] < 0x80
      else { throw malformed("four hexadecimal digits") }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  /// Any value, checked for its grammar and thrown away.
  mutating func skipValue(depth: Int = 1) throws(TensorFileError) {
    guard depth <= Self.depthLimit else {
      throw error(.nestedTooDeep(offset: offset, limit: Self.depthLimit))
    }
    switch peek() {
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "{"):
      try forEachMember { (cursor: inout JSONCursor, _, _) throws(TensorFileError) in
        try cursor.skipValue(depth: depth + 1)
      }
    case UInt8(ascii: "["):
      position += 1
      if accept("]") { return }
      repeat { try skipValue(depth: depth + 1) } while accept(",")
      try expect("]", "\",\" or \"]\"")
    default:
      let start = position
      while position < text.count, isPlain(text[position]) { position += 1 }
      // No number that anyone writes is longer; reading one of a million digits takes long.
      let word = String(decoding: text[start..<min(position, start + 100)], as: UTF8.self)
      let isNumber = !word.utf8.contains { $0 > 0x40 && $0 | 0x20 != 0x65 } && Double(word) != nil
      guard position - start <= 100, isNumber || ["true", "false", "null"].contains(word) else {
        position = start
        throw malformed("a value")
      }
    }
  }

  private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x7A, 0x41...0x5A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }
}
