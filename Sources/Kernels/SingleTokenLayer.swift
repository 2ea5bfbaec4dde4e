public import Experiments
public import Tensors

/// A masked layer for one token: `y = (W ∘ M) · x + b`.
///
/// One of ten formats is packed, the one estimated fastest for the mask itself: strips of 32, 16,
/// 8 or 4 outputs, blocks of 4x4, runs of 16, 8 or 4 inputs, N of 4 by selectors, and single
/// weights by table lookup, which fits any mask. The pattern only says whether a split in two parts
/// is worth looking for. One token reads each weight once, so time follows the bytes of the format,
/// and bytes that leave the L2 cache cost twice as much.
///
/// Zeros that pad a format meet activations too; when an activation is not finite and the format
/// has such zeros, outputs are summed weight by weight instead, so that pruned weights never spread
/// a NaN.
public final class SingleTokenLayer: LinearKernel {
  public let rows: Int
  public let columns: Int
  public let name: String
  let parts: [SingleTokenPart]
  let source: SmallBatchSource
  let bias: [Float]?
  private let kernels: SingleTokenKernels
  /// Kept weights.
  let kept: Int
  /// Whether formats hold more weights than are kept.
  let isPadded: Bool
  /// Whether activations are put into the order of the layout first.
  let gathers: Bool

  /// - Parameters:
  ///   - weights: `[rows, columns]`, original order; what is pruned is not read.
  ///   - mask: the same shape and order.
  ///   - pattern: where regularity is to be expected.
  ///   - rowOrder, columnOrder: the layout in which the pattern is regular, new position to old.
  ///   - bias: one value a row.
  ///   - dtype: of the stored weights; sums are F32.
  /// - Throws: when shapes do not fit or the machine lacks the instruction set.
  /// - Complexity: O(rows · columns).
  public convenience init(
    weights: Matrix, mask: Mask, pattern: Pattern, rows rowOrder: Permutation? = nil,
    columns columnOrder: Permutation? = nil, bias: [Float]? = nil, dtype: WeightType = .f32,
    instructionSet: InstructionSet = .best
  ) throws(KernelError) {
    try self.init(
      weights: weights, mask: mask, pattern: pattern, rows: rowOrder, columns: columnOrder,
      bias: bias, dtype: dtype, instructionSet: instructionSet, form: nil)
  }

  /// With `form`, that form and no other: every form can hold every mask.
  init(
    weights: Matrix, mask: Mask, pattern: Pattern, rows rowOrder: Permutation?,
    columns columnOrder: Permutation?, bias: [Float]?, dtype: WeightType,
    instructionSet: InstructionSet, form: SingleTokenForm?
  ) throws(KernelError) {
    try check(
      weights: weights, mask: mask, order: LayerOrder(rows: rowOrder, columns: columnOrder),
      bias: bias, tokens: 1, instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    self.bias = bias
    kernels = SingleTokenKernels.of(instructionSet)
    source = SmallBatchSource(
      weights: weights, mask: mask, rows: rowOrder, columns: columnOrder, dtype: dtype)
    kept = mask.count
    var planner = SingleTokenPlanner(
      source: source, pattern: pattern, bias: bias, kept: kept, instructionSet: instructionSet)
    parts = form.map { [planner.strips($0)] } ?? planner.plan()
    gathers = planner.gathers
    isPadded = parts.reduce(0) { $0 + $1.values.count } > kept
    name =
      parts.map(\.name).joined(separator: "+")
      + " 1-token \(dtype.rawValue) \(instructionSet.rawValue)"
  }

  /// `x` and `y` in panels of one token: one token, or several in token-major layout.
  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.width == 1 && y.width == 1 && x.tokens == y.tokens && x.features == columns
        && y.features == rows,
      "\(name): \(x.tokens)x\(x.features) -> \(y.tokens)x\(y.features) panels of \(x.width)")
    for token in 0..<x.panels {
      multiply(x.pointer + token * columns, into: y.pointer + token * rows, threads: threads)
    }
  }

  private func multiply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, threads: Int
  ) {
    if isPadded, !kernels.isFinite(x, columns) {
      source.multiplyExactly(x, into: y, bias: bias, width: 1, lanes: 1)
    } else if gathers || columns < PackedLookup.window || columns % 16 != 0 {
      // Kernels read activations in groups of 4 to 16: the last group is filled with zeros.
      let count = max((columns + 15) / 16 * 16, PackedLookup.window)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { buffer in
        let gathered = buffer.baseAddress!
        for i in 0..<columns {
          gathered[i] = gathers ? x[source.columnOrder?[i] ?? i] : x[i]
        }
        for i in columns..<count { gathered[i] = 0 }
        run(gathered, into: y, threads: threads)
      }
    } else {
      run(x, into: y, threads: threads)
    }
  }

  private func run(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, threads: Int
  ) {
    for (number, part) in parts.enumerated() {
      let adding = number > 0
      // One more thread for each 2 µs of work: to fork and join takes 1 µs.
      let wanted = min(threads, 1 + part.values.count / 65_536, max(1, part.groups))
      if wanted <= 1 {
        part.run(kernels, x, y, adding: adding, groups: 0..<part.groups)
      } else {
        nonisolated(unsafe) let (x, y) = (x, y)
        WorkerPool.shared.run(threads: wanted) { worker in
          part.run(
            kernels, x, y, adding: adding, groups: part.share(worker, of: wanted))
        }
      }
    }
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    let stored = parts.reduce(0) { $0 + $1.values.count }
    let perWeight = source.halves ? 2 : 4
    let shares = (0..<max(1, threads)).map { worker in
      parts.reduce(0.0) { sum, part in
        let share = part.share(worker, of: max(1, threads))
        let steps = part.work(before: share.upperBound) - part.work(before: share.lowerBound)
        let all = max(1, part.work(before: part.groups))
        return sum + Double(part.values.count) * Double(steps) / Double(all)
      }
    }
    let mean = shares.reduce(0, +) / Double(shares.count)
    return StorageReport(
      valueBytes: kept * perWeight, indexBytes: parts.reduce(0) { $0 + $1.indexBytes },
      paddingBytes: (stored - kept) * perWeight, activationBytes: (rows + columns) * 4 * tokens,
      usefulFlops: 2 * Double(kept) * Double(tokens),
      executedFlops: 2 * Double(stored) * Double(tokens),
      imbalance: mean == 0 ? 1 : (shares.max() ?? 0) / mean)
  }
}

extension SmallBatchSource {
  /// Weight by weight, kept ones only: for activations that are not finite. `x` and `y` are panels
  /// `[features][width]`; lanes from `lanes` on become 0.
  func multiplyExactly(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, bias: [Float]?, width: Int,
    lanes: Int
  ) {
    for row in 0..<weights.rows {
      for lane in 0..<width { y[row * width + lane] = lane < lanes ? bias?[row] ?? 0 : 0 }
      for column in 0..<columns where mask[row, column] {
        let full = weights[row, column]
        let weight = halves ? Float(bitPattern: UInt32(bf16(full)) << 16) : full
        for lane in 0..<lanes {
          y[row * width + lane].addProduct(weight, x[column * width + lane])
        }
      }
    }
  }
}
