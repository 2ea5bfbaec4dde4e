/// Reading the header of a safetensors file, with each field checked against the file.
///
/// The format (github.com/huggingface/safetensors): 8 bytes little-endian header length, JSON of
/// that length that starts with `{` and may be padded with spaces, then the values in row-major
/// order without holes. Offsets in the JSON count from the first value.
enum Safetensors {
  /// What the reference implementation allows.
  static let headerLimit = 100_000_000
  static let tensorLimit = 1_000_000
  static let dimensionLimit = 64

  struct Contents {
    var metadata: [String: String] = [:]
    /// In order of their bytes.
    var tensors: [TensorHeader] = []
    /// The length prefix and the JSON, as they stand in the file.
    var header: [UInt8] = []
  }

  static func read(_ file: TensorFile) throws(TensorFileError) -> Contents {
    guard file.size >= 8 else {
      throw file.error(.cutShort(part: "the length of the header", end: 8, size: file.size))
    }
    var length: UInt64 = 0
    for byte in try file.bytes(at: 0, count: 8).reversed() { length = length << 8 | UInt64(byte) }
    guard length <= UInt64(headerLimit) else {
      let part = "the header of a safetensors file"
      throw file.error(
        .headerTooLong(part: part, length: Int(clamping: length), limit: headerLimit))
    }
    let end = 8 + Int(length)
    guard end <= file.size else {
      throw file.error(.cutShort(part: "the header", end: end, size: file.size))
    }
    var contents = Contents()
    contents.header = try file.bytes(at: 0, count: end)
    let parsed: Result<Contents, TensorFileError> = contents.header.withUnsafeBytes { bytes in
      Result { () throws(TensorFileError) in
        try parse(UnsafeRawBufferPointer(rebasing: bytes[8...]), of: file, dataStart: end)
      }
    }
    (contents.metadata, contents.tensors) = try (parsed.get().metadata, parsed.get().tensors)
    try checkRanges(&contents.tensors, of: file, dataStart: end)
    return contents
  }

  /// The JSON alone: names, types and shapes agree with the byte counts they claim.
  private static func parse(
    _ text: UnsafeRawBufferPointer, of file: TensorFile, dataStart: Int
  ) throws(TensorFileError) -> Contents {
    var cursor = JSONCursor(text, path: file.path, base: 8)
    guard text.first == UInt8(ascii: "{") else { throw cursor.malformed("\"{\"") }
    var contents = Contents()
    var seen: Set<String> = []
    try cursor.forEachMember { (cursor: inout JSONCursor, name, offset) throws(TensorFileError) in
      guard seen.insert(name).inserted else {
        throw file.error(.duplicateName(name, offset: offset))
      }
      if name == "__metadata__" {
        contents.metadata = try metadata(&cursor)
      } else {
        guard contents.tensors.count < tensorLimit else {
          throw file.error(.tooManyTensors(limit: tensorLimit))
        }
        contents.tensors.append(
          try tensor(named: name, &cursor, of: file, dataStart: dataStart))
      }
    }
    try cursor.expectEnd()
    return contents
  }

  private static func metadata(
    _ cursor: inout JSONCursor
  ) throws(TensorFileError) -> [String: String] {
    var metadata: [String: String] = [:]
    try cursor.forEachMember { (cursor: inout JSONCursor, key, offset) throws(TensorFileError) in
      let value = try cursor.string()
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw cursor.error(.duplicateName(key, offset: offset))
      }
    }
    return metadata
  }

  private static func tensor(
    named name: String, _ cursor: inout JSONCursor, of file: TensorFile, dataStart: Int
  ) throws(TensorFileError) -> TensorHeader {
    var dtype: DataType?
    var shape: [Int]?
    var range: (begin: Int, end: Int)?
    var fields: Set<String> = []
    try cursor.forEachMember { (cursor: inout JSONCursor, key, offset) throws(TensorFileError) in
      guard fields.insert(key).inserted else {
        throw file.error(.duplicateName(key, offset: offset))
      }
      switch key {
      case "dtype": dtype = DataType(rawValue: try cursor.string())
      case "shape": shape = try cursor.wholeNumbers(limit: dimensionLimit)
      case "data_offsets":
        let numbers = try cursor.wholeNumbers(limit: 2)
        guard numbers.count == 2 else { throw cursor.malformed("two offsets") }
        range = (numbers[0], numbers[1])
      default: try cursor.skipValue()
      }
    }
    let owner = "tensor \(quoted(name))"
    func missing(_ field: String) -> TensorFileError {
      file.error(.missingField(field, of: owner, offset: cursor.offset))
    }
    guard let dtype else { throw missing("dtype") }
    guard let shape else { throw missing("shape") }
    guard let range else { throw missing("data_offsets") }
    guard range.begin <= range.end else {
      throw file.error(.endsBeforeItBegins(tensor: name, begin: range.begin, end: range.end))
    }
    guard range.end <= file.size - dataStart else {
      let end = range.end.addingReportingOverflow(dataStart)
      throw file.error(
        .tensorCutShort(
          tensor: name, end: end.overflow ? .max : end.partialValue, size: file.size))
    }
    let bytes = range.end - range.begin
    guard let count = TensorHeader.product(shape) else {
      throw file.error(.shapeTooLarge(tensor: name, shape: shape))
    }
    if dtype.bits != nil {
      guard let expected = dtype.bytes(of: count) else {
        throw file.error(.shapeTooLarge(tensor: name, shape: shape))
      }
      guard expected == bytes else {
        throw file.error(
          .sizeDiffers(tensor: name, dtype: dtype, shape: shape, expected: expected, found: bytes))
      }
    }
    return TensorHeader(
      name: name, dtype: dtype, shape: shape, bytes: bytes, file: file.path,
      offset: dataStart + range.begin)
  }

  /// Sorts the tensors by their bytes; these must fill the file without overlap, hole or rest.
  private static func checkRanges(
    _ tensors: inout [TensorHeader], of file: TensorFile, dataStart: Int
  ) throws(TensorFileError) {
    tensors.sort { ($0.offset, $0.bytes, $0.name) < ($1.offset, $1.bytes, $1.name) }
    var end = dataStart
    var last = ""
    for tensor in tensors {
      if tensor.offset < end {
        throw file.error(.overlap(tensor: tensor.name, other: last, offset: tensor.offset))
      }
      if tensor.offset > end {
        throw file.error(.gap(before: tensor.name, expected: end, found: tensor.offset))
      }
      end = tensor.offset + tensor.bytes
      last = tensor.name
    }
    guard end == file.size else {
      throw file.error(.bytesBehindEnd(expected: end, found: file.size))
    }
  }
}
