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
  let parts: SmallBatchParts<SingleTokenForm>
  let source: SmallBatchSource
  let bias: [Float]?
  private let kernels: SingleTokenKernels
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

  /// With `form` or `lookup`, that format and no other: each can hold every mask.
  init(
    weights: Matrix, mask: Mask, pattern: Pattern, rows rowOrder: Permutation?,
    columns columnOrder: Permutation?, bias: [Float]?, dtype: WeightType,
    instructionSet: InstructionSet, form: SingleTokenForm?, lookup: Bool = false
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
    let kept = mask.count
    var planner = SingleTokenPlanner(
      source: source, pattern: pattern, bias: bias, kept: kept, instructionSet: instructionSet)
    let packed = lookup ? [planner.lookup()] : form.map { [planner.strips($0)] } ?? planner.plan()
    parts = SmallBatchParts(parts: packed, kept: kept, perThread: 65_536)
    gathers = planner.gathers
    isPadded = parts.isPadded
    name = "\(parts.name) 1-token \(dtype.rawValue) \(instructionSet.rawValue)"
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
    for part in parts.parts {
      parts.run(part, threads: threads) { part.run(kernels, x, y, groups: $0) }
    }
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    parts.storage(
      rows: rows, columns: columns, bytesPerWeight: source.halves ? 2 : 4, tokens: tokens,
      lanes: tokens, threads: threads)
  }
}
