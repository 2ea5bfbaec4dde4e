/// Writes arrays as `.npy` (version 1, row-major), aside and then renamed.
public enum NumPyWriter {
  /// The kept weights as booleans `[rows, columns]`.
  public static func write(
    _ mask: Mask, to path: String, force: Bool = false
  ) throws(TensorFileError) {
    try write(NumPyArray(mask), to: path, force: force)
  }

  /// The values as float32 `[rows, columns]`.
  public static func write(
    _ matrix: Matrix, to path: String, force: Bool = false
  ) throws(TensorFileError) {
    try write(NumPyArray(matrix), to: path, force: force)
  }

  private static func write(
    _ array: NumPyArray, to path: String, force: Bool
  ) throws(TensorFileError) {
    var file = try AtomicFile(path, force: force)
    try file.write(array.header)
    try array.append(to: &file)
    try file.commit()
  }
}

/// An array in memory and its `.npy` header.
struct NumPyArray {
  enum Values {
    case bytes([UInt8])
    case int32([Int32])
    case int64([Int64])
    case float32([Float])
  }

  let values: Values
  let descriptor: String
  let shape: [Int]

  init(_ values: [Int32]) {
    (self.values, descriptor, shape) = (.int32(values), "<i4", [values.count])
  }

  init(_ values: [Int64]) {
    (self.values, descriptor, shape) = (.int64(values), "<i8", [values.count])
  }

  init(_ values: [Float], shape: [Int]) {
    (self.values, descriptor, self.shape) = (.float32(values), "<f4", shape)
  }

  init(_ matrix: Matrix) { self.init(matrix.values, shape: [matrix.rows, matrix.columns]) }

  init(_ mask: Mask) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(mask.rows * mask.columns)
    for row in 0..<mask.rows {
      for column in 0..<mask.columns { bytes.append(mask[row, column] ? 1 : 0) }
    }
    (values, descriptor, shape) = (.bytes(bytes), "|b1", [mask.rows, mask.columns])
  }

  /// A scalar byte string, as SciPy stores the name of a format.
  init(text: String) {
    (values, descriptor, shape) = (.bytes(Array(text.utf8)), "|S\(text.utf8.count)", [])
  }

  var byteCount: Int { withUnsafeBytes { $0.count } }

  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch values {
    case .bytes(let bytes): bytes.withUnsafeBytes(body)
    case .int32(let numbers): numbers.withUnsafeBytes(body)
    case .int64(let numbers): numbers.withUnsafeBytes(body)
    case .float32(let numbers): numbers.withUnsafeBytes(body)
    }
  }

  func append(to file: inout AtomicFile) throws(TensorFileError) {
    switch values {
    case .bytes(let bytes): try file.write(bytes)
    case .int32(let numbers): try Self.append(numbers, to: &file)
    case .int64(let numbers): try Self.append(numbers, to: &file)
    case .float32(let numbers): try Self.append(numbers, to: &file)
    }
  }

  private static func append<Number: BitwiseCopyable>(
    _ numbers: [Number], to file: inout AtomicFile
  ) throws(TensorFileError) {
    try numbers.withUnsafeBufferPointer { (buffer) throws(TensorFileError) in
      try file.write(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Magic, version 1.0, length, and the description padded so that the values are 64-aligned.
  var header: [UInt8] {
    let sides = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array(
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(sides)), }".utf8)
    while (10 + text.count + 1) % 64 != 0 { text.append(0x20) }
    text.append(0x0A)
    return NumPyHeader.magic
      + [1, 0, UInt8(truncatingIfNeeded: text.count), UInt8(text.count >> 8)] + text
  }
}
