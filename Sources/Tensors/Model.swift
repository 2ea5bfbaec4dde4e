internal import Synchronization

/// A model's tensors on disk: what there is, at once, and the values when they are asked for.
///
/// Opening reads headers only, whatever the size of the file. Values are read again each time they
/// are asked for; nothing is kept but checksums.
public final class Model: Sendable {
  /// As the user named it.
  public let path: String
  /// The files it consists of, in the order of their names; for a synthetic model none.
  public let files: [String]
  /// The directory that holds them, for what stands beside the weights (`config.json`).
  public let directory: String?
  /// All tensors, in natural order of their names (`layer.2` before `layer.10`).
  public let tensors: [TensorHeader]
  /// The `__metadata__` of the files; where shards disagree, the first one's.
  public let metadata: [String: String]
  /// SHA-256 over the files' headers and sizes, lower-case hexadecimal: fast for any size, and the
  /// same wherever the files lie. Weights that changed under equal headers do not change it;
  /// `sha256(of:)` tells those apart.
  public let identity: String

  let stored: [String: StoredTensor]
  /// What the weights are made from, when they are synthetic.
  public let synthetic: SyntheticWeights?
  private let checksums = Mutex<[String: String]>([:])

  /// Where a tensor's values come from.
  struct StoredTensor: Sendable {
    var header: TensorHeader
    /// Nil for synthetic weights.
    var file: TensorFile?
    /// Of an archive's entry: where it begins, and the CRC-32 of it all.
    var entry: (start: Int, checksum: UInt32)?
  }

  init(
    path: String, files: [String], directory: String?, stored: [StoredTensor],
    metadata: [String: String], identity: String, synthetic: SyntheticWeights? = nil
  ) {
    self.path = path
    self.files = files
    self.directory = directory
    tensors = NaturalOrder.sorted(stored.map(\.header)) { $0.name }
    self.stored = Dictionary(stored.map { ($0.header.name, $0) }) { first, _ in first }
    self.metadata = metadata
    self.identity = identity
    self.synthetic = synthetic
  }

  /// The header of the tensor `name`, nil when there is none.
  public func header(named name: String) -> TensorHeader? { stored[name]?.header }

  /// The tensors that `matrix(named:)` gives, without empty ones.
  public var matrices: [TensorHeader] { tensors.filter { $0.isMatrix && $0.count > 0 } }

  func error(_ problem: TensorFileError.Problem) -> TensorFileError {
    TensorFileError(path: path, problem: problem)
  }

  func tensor(named name: String) throws(TensorFileError) -> StoredTensor {
    guard let tensor = stored[name] else {
      throw error(.noSuchTensor(name, known: tensors.map(\.name)))
    }
    return tensor
  }

  /// SHA-256 over the bytes of the tensor, as they stand in the file, lower-case hexadecimal.
  ///
  /// Complexity: one pass over the bytes the first time, in pieces of 1 MiB.
  public func sha256(of name: String) throws(TensorFileError) -> String {
    if let known = checksums.withLock({ $0[name] }) { return known }
    var sum = SHA256Sum()
    try forEachChunk(of: name) { sum.update($0) }
    let text = sum.hexadecimal
    checksums.withLock { $0[name] = text }
    return text
  }
}
