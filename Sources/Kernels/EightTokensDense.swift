public import Experiments
public import Tensors

/// Every weight for 2 to 15 tokens: `Y = X · Wᵀ + b` on panels `[features][8]`, 32 outputs a group,
/// weights `[group][columns][32]`.
///
/// Sixteen accumulators and ten loads for sixteen multiplications: 92 % of the arithmetic limit at
/// 768x768 and 8 tokens on Zen 5, where oneDNN 2.6 takes 1.2 to 1.4 times as long (2026-11).
public final class EightTokensDense: LinearKernel {
  public let rows: Int
  public let columns: Int
  public let name: String
  let values: PackedWeights
  let places: OutputPlaces
  let groups: Int
  private let kernels: EightTokensKernels

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
      weights: weights, mask: mask, order: .none, bias: bias, tokens: 2,
      instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    kernels = EightTokensKernels.of(instructionSet)
    name = "dense 8-token \(dtype.rawValue) \(instructionSet.rawValue)"
    groups = (weights.rows + 31) / 32
    let source = SmallBatchSource(
      weights: weights, mask: mask, rows: nil, columns: nil, dtype: dtype)
    let values = PackedWeights(count: groups * columns * 32, halves: dtype == .bf16)
    for row in 0..<rows {
      for column in 0..<columns {
        values.put(
          weights[row, column], at: (row / 32 * weights.columns + column) * 32 + row % 32)
      }
    }
    self.values = values
    places = OutputPlaces(
      lanes: (0..<groups * 32).map { $0 < weights.rows ? $0 : -1 }, source: source, bias: bias)
  }

  /// `x` and `y` in panels of eight tokens; lanes of `y` beyond the last token become 0.
  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.width == 8 && y.width == 8 && x.tokens == y.tokens && x.features == columns
        && y.features == rows,
      "\(name): \(x.tokens)x\(x.features) -> \(y.tokens)x\(y.features) panels of \(x.width)")
    let wanted = min(threads, 1 + values.count / 16_384, max(1, groups))
    for panel in 0..<x.panels {
      nonisolated(unsafe) let (from, to) = (
        UnsafePointer(x.pointer + panel * columns * 8), y.pointer + panel * rows * 8
      )
      let tokens = min(8, x.tokens - panel * 8)
      WorkerPool.shared.run(threads: wanted) { worker in
        kernels.dense(
          values.halves, values.pointer, columns, from, to, places.rows.pointer,
          places.runs.pointer, places.bias.pointer, tokens, groups * worker / wanted,
          groups * (worker + 1) / wanted)
      }
    }
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    let weights = rows * columns
    let lanes = (tokens + 7) / 8 * 8
    let most = (groups + max(1, threads) - 1) / max(1, threads) * max(1, threads)
    return StorageReport(
      valueBytes: weights * values.bytesPerWeight, indexBytes: places.bytes,
      paddingBytes: (values.count - weights) * values.bytesPerWeight,
      activationBytes: (rows + columns) * 4 * lanes,
      usefulFlops: 2 * Double(weights) * Double(tokens),
      executedFlops: 2 * Double(values.count) * Double(lanes),
      imbalance: groups == 0 ? 1 : Double(most) / Double(groups))
  }
}
