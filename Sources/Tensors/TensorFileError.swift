/// Why a file of tensors could not be read or written: what, where, and what to do about it.
public struct TensorFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, as the user named it; for a shard, the shard.
  public let path: String
  public let problem: Problem

  public init(path: String, problem: Problem) {
    self.path = path
    self.problem = problem
  }

  public enum Problem: Hashable, Sendable {
    // Files.
    case cannotOpen(code: Int32)
    case cannotRead(offset: Int, code: Int32)
    case isDirectory
    case notRegular
    case unknownKind(firstBytes: [UInt8])
    case noModelInDirectory(found: [String])
    case severalModelsInDirectory(found: [String])
    case changed(size: Int, found: Int)
    case cutShort(part: String, end: Int, size: Int)

    // Headers.
    case headerTooLong(part: String, length: Int, limit: Int)
    case malformed(offset: Int, expected: String, found: String)
    case notUTF8(offset: Int)
    case nestedTooDeep(offset: Int, limit: Int)
    case numberTooLarge(offset: Int, limit: Int)
    case duplicateName(String, offset: Int)
    case missingField(String, of: String, offset: Int)
    case tooManyTensors(limit: Int)

    // Tensors.
    case shapeTooLarge(tensor: String, shape: [Int])
    case sizeDiffers(tensor: String, dtype: DataType, shape: [Int], expected: Int, found: Int)
    case endsBeforeItBegins(tensor: String, begin: Int, end: Int)
    case tensorCutShort(tensor: String, end: Int, size: Int)
    case overlap(tensor: String, other: String, offset: Int)
    case gap(before: String, expected: Int, found: Int)
    case bytesBehindEnd(expected: Int, found: Int)
    case noSuchTensor(String, known: [String])
    case notLoadable(tensor: String, dtype: DataType)
    case wrongDimensions(tensor: String, shape: [Int], wanted: Int)

    // Shards, archives and synthetic models.
    case shardNotBeside(tensor: String, shard: String)
    case tensorNotInShard(tensor: String, shard: String)
    case compressed(entry: String, method: Int)
    case encrypted(entry: String)
    case checksumDiffers(tensor: String, expected: UInt32, found: UInt32)
    case notSynthetic(text: String)
    case syntheticTooLarge(rows: Int, columns: Int, sideLimit: Int, limit: Int)

    // Activations.
    case noActivations(found: [String])
    case activationsDiffer(input: String, expected: [Int], found: [Int])
    case tooFewRows(rows: Int, needed: Int)

    // Writing.
    case exists
    case cannotWrite(code: Int32)
    case shapeDiffers(tensor: String, expected: [Int], found: [Int])
    case notRepresentable(tensor: String, index: Int, value: Float, dtype: DataType)
    case raggedBlocks(rows: Int, columns: Int, blockRows: Int, blockColumns: Int)
    case tooLargeForArchive(bytes: Int)
  }
}
