/// A linear layer ready to run: `Y = X · Wᵀ + b` on panels of activations.
public protocol LinearKernel: AnyObject, Sendable {
  /// What ran, for results files: format, specialisation and instruction set.
  var name: String { get }
  var rows: Int { get }
  var columns: Int { get }
  /// Overwrites `y` (`rows` features) with the product of the weights and `x` (`columns` features).
  func multiply(_ x: Activations, into y: Activations, threads: Int)
  /// What the format stores and does for one call on `tokens` tokens.
  func storage(tokens: Int, threads: Int) -> StorageReport
}

/// Bytes and operations, counted by the format itself.
public struct StorageReport: Hashable, Sendable {
  public var valueBytes: Int
  public var indexBytes: Int
  public var paddingBytes: Int
  public var activationBytes: Int
  public var usefulFlops: Double
  public var executedFlops: Double
  /// Largest over mean work of the threads' shares.
  public var imbalance: Double

  public init(
    valueBytes: Int, indexBytes: Int, paddingBytes: Int, activationBytes: Int,
    usefulFlops: Double, executedFlops: Double, imbalance: Double
  ) {
    self.valueBytes = valueBytes
    self.indexBytes = indexBytes
    self.paddingBytes = paddingBytes
    self.activationBytes = activationBytes
    self.usefulFlops = usefulFlops
    self.executedFlops = executedFlops
    self.imbalance = imbalance
  }

  public var totalBytes: Int { valueBytes + indexBytes + paddingBytes }
}
