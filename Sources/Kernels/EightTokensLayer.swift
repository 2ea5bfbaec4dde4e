public import Experiments
public import Tensors

/// A masked layer for 2 to 15 tokens: `Y = X · (W ∘ M)ᵀ + b` on panels `[features][8]`.
///
/// The format is the one of nine that is estimated fastest for the mask itself: strips of 32 or 16
/// outputs (outputs in lanes), of 8, 4 or 1 output (tokens in lanes, two inputs a register;
/// neighbouring inputs in one load where the mask has them), or N of 4 by selectors. Reordered
/// columns cost nothing: lists name original columns.
///
/// Zeros that pad a format meet activations too; when an activation is not finite and the format
/// has such zeros, outputs are summed weight by weight instead, so that pruned weights never spread
/// a NaN.
public final class EightTokensLayer: LinearKernel {
  public let rows: Int
  public let columns: Int
  public let name: String
  let parts: [EightTokensPart]
  let source: SmallBatchSource
  let bias: [Float]?
  private let kernels: EightTokensKernels
  private let isFinite: @Sendable (UnsafePointer<Float>, Int) -> Bool
  /// Kept weights.
  let kept: Int
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

  /// With `form`, that form and no other: every form can hold every mask.
  init(
    weights: Matrix, mask: Mask, pattern: Pattern, rows rowOrder: Permutation?,
    columns columnOrder: Permutation?, bias: [Float]?, dtype: WeightType,
    instructionSet: InstructionSet, form: EightTokensForm?
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
    kept = mask.count
    let planner = EightTokensPlanner(
      source: source, pattern: pattern, bias: bias, kept: kept, instructionSet: instructionSet)
    parts = form.map { [source] in planner.strips($0, source) } ?? planner.plan()
    isPadded = parts.reduce(0) { $0 + $1.values.count } > kept
    name =
      parts.map(\.name).joined(separator: "+")
      + " 8-token \(dtype.rawValue) \(instructionSet.rawValue)"
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
      } else if case .quads(let format) = parts[0] {
        turn(from, format.quads) { turned in
          run(from, turned: turned, into: to, tokens: tokens, threads: threads)
        }
      } else {
        run(from, turned: nil, into: to, tokens: tokens, threads: threads)
      }
    }
  }

  /// Activations in the order of the layout as `[quads][8][4]`.
  private func turn(
    _ x: UnsafePointer<Float>, _ quads: Int, _ body: (UnsafePointer<Float>) -> Void
  ) {
    let gathers = source.columnOrder != nil || columns % 4 != 0
    let count = quads * 32
    withUnsafeTemporaryAllocation(
      byteCount: count * (gathers ? 8 : 4), alignment: 64
    ) { buffer in
      let turned = buffer.baseAddress!.assumingMemoryBound(to: Float.self)
      var input = x
      if gathers {
        let gathered = turned + count
        for column in 0..<quads * 4 {
          for token in 0..<8 {
            gathered[column * 8 + token] =
              column < columns ? x[(source.columnOrder?[column] ?? column) * 8 + token] : 0
          }
        }
        input = UnsafePointer(gathered)
      }
      kernels.turn(input, turned, quads)
      body(turned)
    }
  }

  private func run(
    _ x: UnsafePointer<Float>, turned: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>,
    tokens: Int, threads: Int
  ) {
    for (number, part) in parts.enumerated() {
      let adding = number > 0
      // One more thread for each 2 µs of work: to fork and join takes 1 µs.
      let wanted = min(threads, 1 + part.values.count / 16_384, max(1, part.groups))
      if wanted <= 1 {
        part.run(
          kernels, x, turned: turned, y, tokens: tokens, adding: adding, groups: 0..<part.groups)
      } else {
        nonisolated(unsafe) let (x, turned, y) = (x, turned, y)
        WorkerPool.shared.run(threads: wanted) { worker in
          part.run(
            kernels, x, turned: turned, y, tokens: tokens, adding: adding,
            groups: part.share(worker, of: wanted))
        }
      }
    }
  }

  public func storage(tokens: Int, threads: Int) -> StorageReport {
    let stored = parts.reduce(0) { $0 + $1.values.count }
    let perWeight = source.halves ? 2 : 4
    let lanes = (tokens + 7) / 8 * 8
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
      paddingBytes: (stored - kept) * perWeight, activationBytes: (rows + columns) * 4 * lanes,
      usefulFlops: 2 * Double(kept) * Double(tokens),
      executedFlops: 2 * Double(stored) * Double(lanes),
      imbalance: mean == 0 ? 1 : (shares.max() ?? 0) / mean)
  }
}
