/// Collects tensors and writes them as one safetensors file.
///
/// Tensors of a model are copied bit by bit in pieces of 1 MiB, whatever their type; new ones are
/// rounded to the type asked for. As in the reference implementation the wider types come first,
/// names in order within a type, so values are aligned.
public struct SafetensorsWriter {
  /// Becomes `__metadata__`.
  public var metadata: [String: String]
  private var tensors: [String: Source] = [:]
  /// Bytes of metadata that come while the file is written, at most.
  private var reserved = 0

  private enum Source {
    case copy(Model, TensorHeader)
    case values([Float], shape: [Int], DataType)
    /// Worked out when its turn comes.
    case awaited(shape: [Int], DataType)

    var dtype: DataType {
      switch self {
      case .copy(_, let header): header.dtype
      case .values(_, _, let dtype), .awaited(_, let dtype): dtype
      }
    }

    var shape: [Int] {
      switch self {
      case .copy(_, let header): header.shape
      case .values(_, let shape, _), .awaited(let shape, _): shape
      }
    }

    var bytes: Int {
      switch self {
      case .copy(_, let header): header.bytes
      case .values, .awaited: shape.reduce(1, *) * (dtype == .f32 ? 4 : 2)
      }
    }
  }

  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// Every tensor of `model` under its name; those added before or later by `set` replace them.
  public mutating func copyAll(of model: Model) {
    for header in model.tensors where tensors[header.name] == nil {
      tensors[header.name] = .copy(model, header)
    }
  }

  /// The matrix as tensor `name` of type F32, F16 or BF16, replacing one of this name.
  ///
  /// - Precondition: `dtype.isLoadable`.
  public mutating func set(_ name: String, _ matrix: Matrix, as dtype: DataType = .f32) {
    precondition(dtype.isLoadable, "\(dtype) cannot be written")
    tensors[name] = .values(matrix.values, shape: [matrix.rows, matrix.columns], dtype)
  }

  /// The same for a vector.
  public mutating func set(_ name: String, _ vector: [Float], as dtype: DataType = .f32) {
    precondition(dtype.isLoadable, "\(dtype) cannot be written")
    tensors[name] = .values(vector, shape: [vector.count], dtype)
  }

  /// Leaves room for a matrix that `write(to:force:values:)` will be given, replacing one of this name.
  ///
  /// - Parameter metadataBytes: the most that its values add to the metadata, as JSON.
  /// - Precondition: `dtype.isLoadable`.
  public mutating func expect(
    _ name: String, rows: Int, columns: Int, as dtype: DataType = .f32, metadataBytes: Int = 0
  ) {
    precondition(dtype.isLoadable, "\(dtype) cannot be written")
    tensors[name] = .awaited(shape: [rows, columns], dtype)
    reserved += metadataBytes
  }

  /// Writes the file, aside and then renamed.
  ///
  /// - Precondition: no tensor was announced by `expect`.
  /// - Throws: `exists` without `force`; `cannotWrite`; what reading the model throws;
  ///   `notRepresentable` for a finite value that its type rounds to infinity.
  public func write(to path: String, force: Bool = false) throws(TensorFileError) {
    var copy = self
    let finished = try copy.write(to: path, force: force) { _, _ in nil }
    precondition(finished, "an announced tensor needs its values")
  }

  /// Writes the file, with one announced tensor at a time in memory.
  ///
  /// - Parameter values: gives the announced tensors in the order of the file, and may add what is known
  ///   of them to the metadata; nil gives up, and no file stands then.
  /// - Returns: whether all values were given.
  /// - Throws: as above.
  public mutating func write(
    to path: String, force: Bool = false,
    values: (_ name: String, _ metadata: inout [String: String]) -> Matrix?
  ) throws(TensorFileError) -> Bool {
    let order = tensors.sorted { first, second in
      let (a, b) = (first.value.dtype.bits ?? 0, second.value.dtype.bits ?? 0)
      return a != b ? a > b : first.key < second.key
    }.map { ($0.key, $0.value) }
    var file = try AtomicFile(path, force: force)
    // The header stands in front of what it will only know at the end.
    let first = header(order, atLeast: 0)
    try file.write(header(order, atLeast: first.count - 8 + reserved))
    let room = file.count - 8
    for (name, source) in order {
      switch source {
      case .copy(let model, let header):
        if header.isColumnMajor {
          try file.write(try model.rowMajorBytes(of: header))
        } else {
          try model.forEachChunk(of: name) { (bytes) throws(TensorFileError) in
            try file.write(bytes)
          }
        }
      case .values(let values, _, let dtype):
        try write(values, of: name, as: dtype, to: &file)
      case .awaited(let shape, let dtype):
        guard let matrix = values(name, &metadata) else { return false }
        precondition([matrix.rows, matrix.columns] == shape, "\(name) has another shape")
        try write(matrix.values, of: name, as: dtype, to: &file)
      }
    }
    if reserved > 0 {
      let last = header(order, atLeast: room)
      precondition(last.count == room + 8, "more metadata than was announced")
      try file.write(last, at: 0)
    }
    try file.commit()
    return true
  }

  /// - Parameter bytes: to which the text is filled up with spaces.
  private func header(_ order: [(String, Source)], atLeast bytes: Int) -> [UInt8] {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
      fields.append("\"__metadata__\":{" + pairs.joined(separator: ",") + "}")
    }
    var offset = 0
    for (name, source) in order {
      let shape = source.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(JSONText.quoted(name)):{\"dtype\":\(JSONText.quoted(source.dtype.rawValue)),"
          + "\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(offset + source.bytes)]}")
      offset += source.bytes
    }
    var text = Array(("{" + fields.joined(separator: ",") + "}").utf8)
    while text.count % 8 != 0 || text.count < bytes { text.append(0x20) }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
  }

  /// Writes values in pieces, rounded to their type.
  private func write(
    _ values: [Float], of name: String, as dtype: DataType, to file: inout AtomicFile
  ) throws(TensorFileError) {
    var bytes: [UInt8] = []
    let piece = 1 << 18
    for start in stride(from: 0, to: values.count, by: piece) {
      let end = min(start + piece, values.count)
      bytes.removeAll(keepingCapacity: true)
      if dtype == .f32 {
        values.withUnsafeBytes { bytes.append(contentsOf: $0[start * 4..<end * 4]) }
      } else {
        for index in start..<end {
          let value = values[index]
          let bits = dtype == .f16 ? HalfPrecision.half(value) : HalfPrecision.brain(value)
          let isInfinite = dtype == .f16 ? bits & 0x7FFF == 0x7C00 : bits & 0x7FFF == 0x7F80
          guard !isInfinite || value.isInfinite else {
            throw TensorFileError(
              path: file.path,
              problem: .notRepresentable(tensor: name, index: index, value: value, dtype: dtype))
          }
          bytes.append(UInt8(truncatingIfNeeded: bits))
          bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
        }
      }
      try file.write(bytes)
    }
  }
}

enum JSONText {
  /// `text` in quotes as JSON wants it.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension Model {
  /// The bytes of a column-major tensor, reordered to row-major.
  func rowMajorBytes(of header: TensorHeader) throws(TensorFileError) -> [UInt8] {
    guard let bits = header.dtype.bits, bits % 8 == 0 else {
      throw error(.notLoadable(tensor: header.name, dtype: header.dtype))
    }
    let width = bits / 8
    var source: [UInt8] = []
    source.reserveCapacity(header.bytes)
    try forEachChunk(of: header.name) { source.append(contentsOf: $0) }
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    // Counts through the indices row-major, keeping the column-major position up to date.
    var strides: [Int] = []
    var stride = width
    for dimension in header.shape {
      strides.append(stride)
      stride *= dimension
    }
    var index = [Int](repeating: 0, count: header.shape.count)
    var position = 0
    for _ in 0..<header.count {
      result.append(contentsOf: source[position..<position + width])
      var axis = header.shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        position += strides[axis]
        if index[axis] < header.shape[axis] { break }
        position -= strides[axis] * header.shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return result
  }
}
