public import Experiments
public import Tensors

/// A masked layer for 2 to 15 tokens: `Y = X · (W ∘ M)ᵀ + b` on panels `[features][8]`.
///
/// The format is the one that is estimated fastest for the mask itself: strips of 32 or 16 outputs
/// (outputs in lanes), of 8, 4 or 1 output (tokens in lanes, two inputs a register; neighbouring inputs
/// in one load where the mask has them), N of 4 by selectors, or single weights by table lookup.
/// Reordered columns cost nothing: lists name original columns.
///
/// Zeros that pad a format meet activations too; when an activation is not finite and the format
/// has such zeros, outputs are summed weight by weight instead, so that pruned weights never spread
/// a NaN.
public final class EightTokensLayer: LinearKernel {
  public let rows: Int
  public let columns: Int
  public let name: String
  let parts: SmallBatchParts<EightTokensForm>
  let source: SmallBatchSource
  let bias: [Float]?
  private let kernels: EightTokensKernels
  private let isFinite: @Sendable (UnsafePointer<Float>, Int) -> Bool
  /// Whether formats hold more weights than are kept.
  let isPadded: Bool

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
    instructionSet: InstructionSet, form: EightTokensForm?, lookup: Bool = false
  ) throws(KernelError) {
    try check(
      weights: weights, mask: mask, order: LayerOrder(rows: rowOrder, columns: columnOrder),
      bias: bias, tokens: 2, instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    self.bias = bias
    kernels = EightTokensKernels.of(instructionSet)
    isFinite = SingleTokenKernels.of(instructionSet).isFinite
    source = SmallBatchSource(
      weights: weights, mask: mask, rows: rowOrder, columns: columnOrder, dtype: dtype)
    let kept = mask.count
    let planner = EightTokensPlanner(
      source: source, pattern: pattern, bias: bias, kept: kept, instructionSet: instructionSet)
    let packed =
      lookup
      ? [planner.lookup(source, bias: bias)]
      : form.map { [source] in planner.strips($0, source) } ?? planner.plan()
    parts = SmallBatchParts(parts: packed, kept: kept, perThread: 16_384)
    isPadded = parts.isPadded
    name = "\(parts.name) 8-token \(dtype.rawValue) \(instructionSet.rawValue)"
  }

  /// `x` and `y` in panels of eight tokens; lanes of `y` beyond the last token become 0.
  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.width == 8 && y.width == 8 && x.tokens == y.tokens && x.features == columns
        && y.features == rows,
      "\(name): \(x.tokens)x\(x.features) -> \(y.tokens)x\(y.features) panels of \(x.width)")
    for panel in 0..<x.panels {
      let (from, to) = (x.pointer + panel * columns * 8, y.pointer + panel * rows * 8)
      let tokens = min(8, x.tokens - panel * 8)
      if isPadded, !isFinite(from, columns * 8) {
        source.multiplyExactly(from, into: to, bias: bias, width: 8, lanes: tokens)
      } else {
        for part in parts.parts {
          prepare(part, from) { input in
            parts.run(part, threads: threads) {
              part.run(kernels, input, to, tokens: tokens, groups: $0)
            }
          }
        }
      }
    }
  }

  /// Gives the activations of a panel as the part takes them.
  @inline(__always)
  private func prepare(
    _ part: SmallBatchPart<EightTokensForm>, _ x: UnsafePointer<Float>,
    _ body: (UnsafePointer<Float>) -> Void
  ) {
    switch part.kind {
    case .strips: body(x)
    case .lookup: turn(x, PackedLookup.blocks(columns), of: 16, nil, kernels.turnBlocks, body)
    case .quads(_, let quads): turn(x, quads, of: 4, source.columnOrder, kernels.turn, body)
    }
  }

  /// `[columns][8]` as `[blocks][8][size]`, in `order`; what `columns` leave of the last block is 0.
  private func turn(
    _ x: UnsafePointer<Float>, _ blocks: Int, of size: Int, _ order: [Int]?,
    _ kernel: EightTokensKernels.Turn, _ body: (UnsafePointer<Float>) -> Void
  ) {
    let count = blocks * size * 8
    let gathers = order != nil || columns != blocks * size
    withUnsafeTemporaryAllocation(byteCount: count * (gathers ? 8 : 4), alignment: 64) { buffer in
      let turned = buffer.baseAddress!.assumingMemoryBound(to: Float.self)
      guard gathers else {
        kernel(x, turned, blocks)
        return body(turned)
      }
      let gathered = turned + count
      if let order {
        for column in 0..<columns {
          (gathered + column * 8).update(from: x + order[column] * 8, count: 8)
        }
      } else {
        gathered.update(from: x, count: columns * 8)
      }
      (gathered + columns * 8).update(repeating: 0, count: count - columns * 8)
      kernel(gathered, turned, blocks)
      body(turned)
    }
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    parts.storage(
      rows: rows, columns: columns, bytesPerWeight: source.halves ? 2 : 4, tokens: tokens,
      lanes: (tokens + 7) / 8 * 8, threads: threads)
  }
}
