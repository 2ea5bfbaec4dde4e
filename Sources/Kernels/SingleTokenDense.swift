public import Experiments
public import Tensors

/// Every weight for one token: `y = W · x + b`, sixteen outputs a group, weights
/// `[group][columns][16]`.
///
/// The rival that sparse layers are held against at one token, together with the BLAS: 2 FLOP for
/// each weight read, so its time is that of reading them.
public final class SingleTokenDense: LinearKernel {
  public let rows: Int
  public let columns: Int
  public let name: String
  let values: PackedWeights
  let places: OutputPlaces
  let groups: Int
  private let kernels: SingleTokenKernels

  /// - Parameters:
  ///   - weights: `[rows, columns]`.
  ///   - bias: one value a row.
  /// - Throws: when the bias has another length, or the machine lacks the instruction set.
  public init(
    weights: Matrix, bias: [Float]? = nil, dtype: WeightType = .f32,
    instructionSet: InstructionSet = .best
  ) throws(KernelError) {
    let mask = Mask(rows: weights.rows, columns: weights.columns, keepingAll: true)
    try check(
      weights: weights, mask: mask, order: .none, bias: bias, tokens: 1,
      instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    kernels = SingleTokenKernels.of(instructionSet)
    name = "dense 1-token \(dtype.rawValue) \(instructionSet.rawValue)"
    groups = (weights.rows + 15) / 16
    let source = SmallBatchSource(
      weights: weights, mask: mask, rows: nil, columns: nil, dtype: dtype)
    let values = PackedWeights(count: groups * columns * 16, halves: dtype == .bf16)
    for row in 0..<rows {
      for column in 0..<columns {
        values.put(
          weights[row, column], at: (row / 16 * weights.columns + column) * 16 + row % 16)
      }
    }
    self.values = values
    places = OutputPlaces(lanes: Array(0..<weights.rows), source: source, bias: bias)
  }

  /// `x` and `y` in panels of one token: one token, or several in token-major layout.
  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.width == 1 && y.width == 1 && x.tokens == y.tokens && x.features == columns
        && y.features == rows,
      "\(name): \(x.tokens)x\(x.features) -> \(y.tokens)x\(y.features) panels of \(x.width)")
    let wanted = min(threads, 1 + values.count / 65_536, max(1, groups))
    for token in 0..<x.panels {
      nonisolated(unsafe) let (from, to) = (
        UnsafePointer(x.pointer + token * columns), y.pointer + token * rows
      )
      WorkerPool.shared.run(threads: wanted) { worker in
        let share = groups * worker / wanted..<groups * (worker + 1) / wanted
        kernels.dense(
          values.halves, values.pointer, columns, from, to, places.rows.pointer,
          places.runs.pointer, places.bias.pointer, share.lowerBound, share.upperBound)
      }
    }
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    let weights = rows * columns
    let most = (groups + max(1, threads) - 1) / max(1, threads) * max(1, threads)
    return StorageReport(
      valueBytes: weights * values.bytesPerWeight, indexBytes: places.bytes,
      paddingBytes: (values.count - weights) * values.bytesPerWeight,
      activationBytes: (rows + columns) * 4 * tokens,
      usefulFlops: 2 * Double(weights) * Double(tokens),
      executedFlops: 2 * Double(values.count) * Double(tokens),
      imbalance: groups == 0 ? 1 : Double(most) / Double(groups))
  }
}
