import Experiments
import Tensors

/// Every weight of a layer for fewer than 16 tokens, `height` outputs a group, weights
/// `[group][columns][height]`.
struct DenseWeights: Sendable {
  let rows: Int
  let columns: Int
  let values: PackedWeights
  let places: OutputPlaces
  let groups: Int

  /// - Throws: when the bias has another length, or the machine lacks the instruction set.
  init(
    _ weights: Matrix, height: Int, bias: [Float]?, dtype: WeightType,
    instructionSet: InstructionSet
  ) throws(KernelError) {
    let mask = Mask(rows: weights.rows, columns: weights.columns, keepingAll: true)
    try check(
      weights: weights, mask: mask, order: .none, bias: bias, tokens: 1,
      instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    groups = (weights.rows + height - 1) / height
    let source = SmallBatchSource(
      weights: weights, mask: mask, rows: nil, columns: nil, dtype: dtype)
    let values = PackedWeights(count: groups * columns * height, halves: dtype == .bf16)
    for row in 0..<rows {
      for column in 0..<columns {
        values.put(
          weights[row, column],
          at: (row / height * weights.columns + column) * height + row % height)
      }
    }
    self.values = values
    places = OutputPlaces(
      lanes: (0..<groups * height).map { $0 < weights.rows ? $0 : -1 }, source: source, bias: bias)
  }

  /// Bytes and operations of one call; `lanes` are the tokens that are computed.
  func storage(tokens: Int, lanes: Int, threads: Int) -> StorageReport {
    let weights = rows * columns
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
