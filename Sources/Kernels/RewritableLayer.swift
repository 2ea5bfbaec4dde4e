public import Experiments
public import Tensors

/// A packed layer whose stored weights may be changed in place, for training: the form that
/// `packSparse` gives for 16 tokens and more, F32, with its values open to writing and a record of
/// where each of them stands in the matrix.
///
/// Weights behind the mask are not stored: they can neither be read nor come back. A new mask is a new
/// layer. On one thread `multiply` reads the weights once a call, whatever the number of panels: give it
/// as many as the second-level cache holds. It may run on several threads at once, but not while values are written.
public final class RewritableLayer: LinearKernel, @unchecked Sendable {
  /// Stored weights of one kind: units of `height` weights of one input, unit after unit.
  public struct Part: @unchecked Sendable {
    /// Output rows that share an input, 1...8.
    public let height: Int
    public let values: UnsafeMutablePointer<Float>
    /// Position `row · columns + column` of each value.
    public let places: [UInt32]
  }

  public let parts: [Part]
  /// One value an output row.
  public let bias: UnsafeMutablePointer<Float>
  private let layer: SlabLayer

  /// A layer of zeros with the mask's places.
  ///
  /// - Parameters:
  ///   - pattern: where regularity is to be looked for; `order` likewise, see `packSparse`.
  ///   - tokens: that `multiply` will run on, 16 at least.
  /// - Throws: `KernelError` when shapes do not fit or the machine lacks the instruction set.
  /// - Complexity: O(rows · columns).
  public init(
    mask: Mask, pattern: Pattern, order: LayerOrder = .none, tokens: Int,
    instructionSet: InstructionSet = .best
  ) throws(KernelError) {
    // Each weight is its own place, as bits: packing copies floats and never computes with them.
    let numbers = Matrix(
      rows: mask.rows, columns: mask.columns,
      values: [Float](unsafeUninitializedCapacity: mask.rows * mask.columns) { buffer, count in
        count = mask.rows * mask.columns
        for i in 0..<count {
          (buffer.baseAddress! + i).initialize(to: Float(bitPattern: UInt32(i)))
        }
      })
    let isDense = mask.count == mask.rows * mask.columns
    let kernel: any LinearKernel
    if isDense {
      kernel = try packDense(
        weights: numbers, bias: nil, tokens: max(16, tokens), layout: .panels,
        instructionSet: instructionSet)
    } else {
      kernel = try packSparse(
        weights: numbers, mask: mask, pattern: pattern, order: order, tokens: max(16, tokens),
        instructionSet: instructionSet)
    }
    guard let layer = kernel as? SlabLayer else { preconditionFailure("\(kernel.name)") }
    self.layer = layer
    bias = layer.bias.pointer
    var stored = layer.slabs.map { ($0.rowsPerSlab, $0.values) }
    stored += [layer.singles, layer.overlay].compactMap { $0.map { (1, $0.values) } }
    parts = stored.compactMap { height, values in
      guard case .f32(let buffer) = values, buffer.count > 0 else { return nil }
      let places = (0..<buffer.count).map { buffer.pointer[$0].bitPattern }
      buffer.pointer.update(repeating: 0, count: buffer.count)
      return Part(height: height, values: buffer.pointer, places: places)
    }
  }

  public var name: String { layer.name }
  public var rows: Int { layer.rows }
  public var columns: Int { layer.columns }

  /// Stored weights.
  public var count: Int { parts.reduce(0) { $0 + $1.places.count } }

  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    threads == 1 ? layer.multiplyInChunks(x, into: y) : layer.multiply(x, into: y, threads: threads)
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    layer.storage(tokens: tokens, threads: threads)
  }
}
