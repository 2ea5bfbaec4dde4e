import Glibc

extension Model {
  /// Opens a model without reading its weights.
  ///
  /// `path` is a `.safetensors` file, an index of shards (`model.safetensors.index.json`), a
  /// directory as Hugging Face lays it out, a `.npy` or an `.npz` (stored, not compressed), or
  /// `synthetic:ROWSxCOLUMNS[:SEED]`. Files are told by their first bytes, not their names.
  ///
  /// Every field of every header is checked against the file before it is used.
  /// Complexity: O(bytes of the headers).
  public static func open(_ path: String) throws(TensorFileError) -> Model {
    if path.hasPrefix(SyntheticWeights.prefix) { return try openSynthetic(path) }
    do throws(TensorFileError) {
      return try open(TensorFile(opening: path), as: path)
    } catch {
      guard error.problem == .isDirectory else { throw error }
      return try openDirectory(path)
    }
  }

  private static func open(
    _ file: TensorFile, as path: String
  ) throws(TensorFileError) -> Model {
    let start = try file.bytes(at: 0, count: min(10, file.size))
    if start.starts(with: NumPyHeader.magic) { return try openArray(file, as: path) }
    if start.starts(with: [0x50, 0x4B, 3, 4]) || start.starts(with: [0x50, 0x4B, 5, 6]) {
      return try openArchive(file, as: path)
    }
    let isText = start.first == UInt8(ascii: "{")
    if isText, path.hasSuffix(".json") || start.count < 9 || start[8] != UInt8(ascii: "{") {
      return try openShards(file, as: path)
    }
    // Safetensors have no magic number: `{` behind the length, or at least the ending.
    let isNamedSo = path.hasSuffix(".safetensors")
    guard isNamedSo || (start.count > 8 && start[8] == UInt8(ascii: "{")) else {
      throw file.error(.unknownKind(firstBytes: Array(start.prefix(8))))
    }
    let contents = try Safetensors.read(file)
    var identity = Identity()
    identity.add(header: contents.header, size: file.size)
    return Model(
      path: path, files: [path], directory: directory(of: path),
      stored: contents.tensors.map { StoredTensor(header: $0, file: file) },
      metadata: contents.metadata, identity: identity.text)
  }

  private static func openSynthetic(_ path: String) throws(TensorFileError) -> Model {
    let weights = try SyntheticWeights(path)
    let header = TensorHeader(
      name: "weight", dtype: .f32, shape: [weights.rows, weights.columns],
      bytes: 4 * weights.rows * weights.columns, file: weights.name, offset: 0)
    var identity = Identity()
    identity.add(header: Array(weights.name.utf8), size: header.bytes)
    return Model(
      path: path, files: [], directory: nil, stored: [StoredTensor(header: header)], metadata: [:],
      identity: identity.text, synthetic: weights)
  }

  /// One array, one tensor, named as the file is.
  private static func openArray(
    _ file: TensorFile, as path: String
  ) throws(TensorFileError) -> Model {
    var name = path.split(separator: "/").last.map(String.init) ?? path
    if name.hasSuffix(".npy"), name.utf8.count > 4 { name.removeLast(4) }
    let header = try NumPyHeader(file, start: 0, end: file.size, name: name)
    var identity = Identity()
    identity.add(header: header.bytes, size: file.size)
    return Model(
      path: path, files: [path], directory: directory(of: path),
      stored: [stored(header, name: name, file, start: 0, end: file.size)], metadata: [:],
      identity: identity.text)
  }

  private static func openArchive(
    _ file: TensorFile, as path: String
  ) throws(TensorFileError) -> Model {
    let contents = try ZIPDirectory.read(file)
    var identity = Identity()
    identity.add(header: contents.directory, size: file.size)
    var tensors: [StoredTensor] = []
    for entry in contents.entries where entry.name.hasSuffix(".npy") {
      let name = String(entry.name.dropLast(4))
      let header = try NumPyHeader(file, start: entry.start, end: entry.end, name: name)
      identity.add(header: header.bytes, size: entry.end - entry.start)
      var tensor = stored(header, name: name, file, start: entry.start, end: entry.end)
      tensor.entry = (entry.start, entry.checksum)
      tensors.append(tensor)
    }
    return Model(
      path: path, files: [path], directory: directory(of: path), stored: tensors, metadata: [:],
      identity: identity.text)
  }

  private static func stored(
    _ header: NumPyHeader, name: String, _ file: TensorFile, start: Int, end: Int
  ) -> StoredTensor {
    let offset = start + header.length
    return StoredTensor(
      header: TensorHeader(
        name: name, dtype: header.dtype, shape: header.shape, bytes: end - offset,
        file: file.path, offset: offset,
        isColumnMajor: header.isColumnMajor && header.shape.count > 1),
      file: file)
  }

  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// SHA-256 over pairs of header and size.
  struct Identity {
    private var sum = SHA256Sum()

    init() { sum.update("sparsity-tui model 1\n") }

    mutating func add(header: [UInt8], size: Int) {
      sum.update(size)
      sum.update(header.count)
      sum.update(header)
    }

    var text: String { sum.hexadecimal }
  }
}
