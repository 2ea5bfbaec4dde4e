/// The header of a `.npy` array, versions 1 to 3 (numpy.lib.format).
struct NumPyHeader {
  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  /// A header of a plain array has 118 bytes; NumPy itself refuses more than 10 000.
  static let limit = 1 << 16

  var dtype: DataType
  var shape: [Int]
  var isColumnMajor: Bool
  /// Bytes from the start of the array to its first value.
  var length: Int
  /// Those bytes.
  var bytes: [UInt8]

  /// Reads the array that stands at `start ..< end` of `file` and checks that its values fill it.
  init(
    _ file: TensorFile, start: Int, end: Int, name: String
  ) throws(TensorFileError) {
    let part = "the header of \(quoted(name))"
    guard end - start >= 10 else {
      throw file.error(.cutShort(part: part, end: start + 10, size: end))
    }
    let fixed = try file.bytes(at: start, count: min(12, end - start))
    guard fixed.starts(with: Self.magic) else {
      throw file.error(.unknownKind(firstBytes: Array(fixed.prefix(6))))
    }
    guard (1...3).contains(fixed[6]) else {
      throw file.error(
        .malformed(
          offset: start + 6, expected: "format version 1, 2 or 3", found: "\(fixed[6])"))
    }
    let prefix = fixed[6] == 1 ? 10 : 12
    guard fixed.count >= prefix else {
      throw file.error(.cutShort(part: part, end: start + prefix, size: end))
    }
    let textLength = fixed[8..<prefix].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard textLength <= Self.limit else {
      throw file.error(.headerTooLong(part: part, length: textLength, limit: Self.limit))
    }
    length = prefix + textLength
    guard start + length <= end else {
      throw file.error(.cutShort(part: part, end: start + length, size: end))
    }
    bytes = try file.bytes(at: start, count: length)
    var literal = PythonLiteral(bytes, position: prefix, path: file.path, base: start)
    (dtype, shape, isColumnMajor) = try literal.arrayDescription(of: name)
    try check(file, start: start, end: end, name: name)
  }

  private func check(
    _ file: TensorFile, start: Int, end: Int, name: String
  ) throws(TensorFileError) {
    guard let count = TensorHeader.product(shape) else {
      throw file.error(.shapeTooLarge(tensor: name, shape: shape))
    }
    guard dtype.bits != nil else { return }
    guard let expected = dtype.bytes(of: count), expected <= Int.max - start - length else {
      throw file.error(.shapeTooLarge(tensor: name, shape: shape))
    }
    let found = end - start - length
    if expected > found {
      throw file.error(
        .tensorCutShort(tensor: name, end: start + length + expected, size: end))
    }
    if expected < found {
      throw file.error(.bytesBehindEnd(expected: start + length + expected, found: end))
    }
  }
}

/// The Python dictionary in a `.npy` header: strings, `True`, `False`, and tuples of integers.
private struct PythonLiteral {
  let text: [UInt8]
  var position: Int
  let path: String
  let base: Int

  init(_ text: [UInt8], position: Int, path: String, base: Int) {
    (self.text, self.position, self.path, self.base) = (text, position, path, base)
  }

  mutating func arrayDescription(
    of name: String
  ) throws(TensorFileError) -> (DataType, [Int], Bool) {
    var dtype: DataType?
    var shape: [Int]?
    var isColumnMajor: Bool?
    try expect("{")
    while peek() != UInt8(ascii: "}") {
      let keyOffset = base + position
      let key = try string()
      try expect(":")
      let isFirst: Bool
      switch key {
      case "descr":
        isFirst = dtype == nil
        dtype = try elementType()
      case "fortran_order":
        isFirst = isColumnMajor == nil
        isColumnMajor = try boolean()
      case "shape":
        isFirst = shape == nil
        shape = try tuple()
      default: throw malformed("descr, fortran_order or shape")
      }
      guard isFirst else { throw error(.duplicateName(key, offset: keyOffset)) }
      if peek() != UInt8(ascii: "}") { try expect(",") }
    }
    position += 1
    guard peek() == nil else { throw malformed("the end of the header") }
    func missing(_ field: String) -> TensorFileError {
      error(.missingField(field, of: "the header of \(quoted(name))", offset: base + position))
    }
    guard let dtype else { throw missing("descr") }
    guard let shape else { throw missing("shape") }
    guard let isColumnMajor else { throw missing("fortran_order") }
    return (dtype, shape, isColumnMajor)
  }

  private func error(_ problem: TensorFileError.Problem) -> TensorFileError {
    TensorFileError(path: path, problem: problem)
  }

  private func malformed(_ expected: String) -> TensorFileError {
    let found =
      position < text.count
      ? quoted(String(decoding: text[position...].prefix(8), as: UTF8.self))
      : "the end of the header"
    return error(.malformed(offset: base + position, expected: expected, found: found))
  }

  private mutating func peek() -> UInt8? {
    while position < text.count, [0x20, 0x09, 0x0A].contains(text[position]) { position += 1 }
    return position < text.count ? text[position] : nil
  }

  private mutating func expect(_ byte: Character) throws(TensorFileError) {
    guard peek() == byte.asciiValue else { throw malformed("\"\(byte)\"") }
    position += 1
  }

  private mutating func string() throws(TensorFileError) -> String {
    guard let quote = peek(), quote == 0x27 || quote == 0x22 else {
      throw malformed("a name in quotes")
    }
    let start = position + 1
    guard let end = text[start...].firstIndex(of: quote) else {
      throw malformed("the closing quote")
    }
    guard let string = String(validating: text[start..<end], as: UTF8.self) else {
      throw error(.notUTF8(offset: base + start))
    }
    position = end + 1
    return string
  }

  private mutating func boolean() throws(TensorFileError) -> Bool {
    _ = peek()
    for (word, value) in [("True", true), ("False", false)]
    where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw malformed("True or False")
  }

  private mutating func tuple() throws(TensorFileError) -> [Int] {
    try expect("(")
    var numbers: [Int] = []
    while let byte = peek(), byte != UInt8(ascii: ")") {
      guard numbers.count < Safetensors.dimensionLimit else {
        throw malformed("at most \(Safetensors.dimensionLimit) dimensions")
      }
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
      guard position > start else { throw malformed("a whole number, 0 or more") }
      numbers.append(number)
      if peek() != UInt8(ascii: ")") { try expect(",") }
    }
    try expect(")")
    return numbers
  }

  /// `'<f4'` and its kin; records (a list of fields) are named as such and cannot be loaded.
  private mutating func elementType() throws(TensorFileError) -> DataType {
    if peek() == UInt8(ascii: "[") {
      try skipList()
      return DataType(rawValue: "record")
    }
    let descriptor = try string()
    let known = [
      "<f4": "F32", "=f4": "F32", "<f2": "F16", "=f2": "F16", "<f8": "F64", "|b1": "BOOL",
      "|i1": "I8", "|u1": "U8", "<i2": "I16", "<u2": "U16", "<i4": "I32", "<u4": "U32",
      "<i8": "I64", "<u8": "U64", "<c8": "C64",
    ]
    return DataType(rawValue: known[descriptor] ?? descriptor)
  }

  /// Everything up to the bracket that closes the one here; brackets in quotes do not count.
  private mutating func skipList() throws(TensorFileError) {
    var depth = 0
    repeat {
      switch peek() {
      case nil: throw malformed("\"]\"")
      case 0x27, 0x22:
        _ = try string()
        continue
      case UInt8(ascii: "["), UInt8(ascii: "("): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: ")"): depth -= 1
      default: break
      }
      position += 1
    } while depth > 0
  }
}
