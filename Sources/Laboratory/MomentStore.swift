internal import Glibc
internal import Pruning
internal import Synchronization
internal import Tensors

/// Second moments of activations, kept between runs by the content they follow from.
///
/// A file is `SPTMOM01`, then inputs, calibration rows and held-out rows as little-endian 64-bit numbers,
/// both moments as little-endian F32 `[inputs, inputs]`, and the SHA-256 of all before it in hexadecimal.
/// It appears whole or not at all. One that is damaged is told of and worked out again; a cache that
/// cannot be written is no error.
final class MomentStore: Sendable {
  /// What is kept of one input.
  struct Moments: Sendable {
    var calibration: Matrix
    var rows: Int
    var evaluation: Matrix
    var evaluationRows: Int
  }

  private static let magic = Array("SPTMOM01".utf8)
  private let directory: CacheDirectory?
  private let note: @Sendable (String) -> Void

  /// - Parameters:
  ///   - directory: nil keeps nothing.
  ///   - capacity: bytes of all files together.
  ///   - note: told about files that cannot be used.
  init(
    directory: String?, capacity: Int = 1 << 30, note: @escaping @Sendable (String) -> Void
  ) {
    self.directory = directory.map { CacheDirectory(path: $0 + "/moments", capacity: capacity) }
    self.note = note
  }

  private static func name(_ key: String) -> String { key + ".moments" }

  /// The moments of a key, if they are kept and whole.
  func moments(for key: String) -> Moments? {
    guard let directory else { return nil }
    let path = directory.file(Self.name(key))
    guard access(path, F_OK) == 0 else { return nil }
    guard let bytes = try? OpenText.read(path), let found = Self.decode(bytes) else {
      note("\(path): this cached second moment is damaged; it is worked out again")
      unlink(path)
      return nil
    }
    directory.touch(Self.name(key))
    return found
  }

  /// Keeps the moments of a key.
  func store(_ moments: Moments, for key: String) {
    guard let directory, directory.make() else { return }
    let name = Self.name(key)
    do throws(TensorFileError) {
      var file = try AtomicFile(directory.file(name), force: true)
      var hash = ContentHash()
      try Self.encode(moments) { (bytes: UnsafeRawBufferPointer) throws(TensorFileError) in
        hash.update(bytes)
        try file.write(bytes)
      }
      try file.write(Array(hash.hexadecimal.utf8))
      try file.commit()
      directory.trim(keeping: name)
    } catch {
      note("second moments are not kept for the next run: \(error.description)")
    }
  }

  private static func encode(
    _ moments: Moments, _ write: (UnsafeRawBufferPointer) throws(TensorFileError) -> Void
  ) throws(TensorFileError) {
    var head = magic
    for number in [moments.calibration.rows, moments.rows, moments.evaluationRows] {
      withUnsafeBytes(of: UInt64(number).littleEndian) { head.append(contentsOf: $0) }
    }
    // Every machine this runs on stores F32 little-endian.
    for values in [head, bytes(moments.calibration), bytes(moments.evaluation)] {
      let result: Result<Void, TensorFileError> = values.withUnsafeBytes { raw in
        Result { () throws(TensorFileError) in try write(raw) }
      }
      try result.get()
    }
  }

  private static func bytes(_ matrix: Matrix) -> [UInt8] {
    matrix.values.withUnsafeBytes { Array($0) }
  }

  /// Nil for anything but a whole, unchanged file.
  static func decode(_ bytes: [UInt8]) -> Moments? {
    let head = magic.count + 24
    guard bytes.count >= head + 64, bytes.starts(with: magic) else { return nil }
    func number(_ index: Int) -> Int? {
      var value: UInt64 = 0
      for byte in (0..<8).reversed() {
        value = value << 8 | UInt64(bytes[magic.count + index * 8 + byte])
      }
      return Int(exactly: value)
    }
    guard let inputs = number(0), let rows = number(1), let evaluationRows = number(2), inputs > 0,
      inputs <= CalibrationStatistics.widestGram, rows > 0, evaluationRows > 0
    else { return nil }
    let square = inputs * inputs * 4
    guard bytes.count == head + 2 * square + 64 else { return nil }
    var hash = ContentHash()
    bytes.withUnsafeBytes { raw in
      // As it was written: head and moments one after the other.
      hash.update(UnsafeRawBufferPointer(rebasing: raw[..<(bytes.count - 64)]))
    }
    guard Array(hash.hexadecimal.utf8) == Array(bytes[(bytes.count - 64)...]) else { return nil }
    func matrix(_ offset: Int) -> Matrix {
      let values = [Float](unsafeUninitializedCapacity: inputs * inputs) { target, initialized in
        bytes.withUnsafeBytes { raw in
          UnsafeMutableRawBufferPointer(target).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: raw[offset..<offset + square]))
        }
        initialized = inputs * inputs
      }
      return Matrix(rows: inputs, columns: inputs, values: values)
    }
    return Moments(
      calibration: matrix(head), rows: rows, evaluation: matrix(head + square),
      evaluationRows: evaluationRows)
  }
}

/// Sentences for a person that no answer has a place for, until someone takes them.
final class Notices: Sendable {
  private let texts = Mutex<[String]>([])

  func add(_ text: String) {
    texts.withLock { if !$0.contains(text) { $0.append(text) } }
  }

  func take() -> [String] {
    texts.withLock { texts in
      defer { texts = [] }
      return texts
    }
  }
}
