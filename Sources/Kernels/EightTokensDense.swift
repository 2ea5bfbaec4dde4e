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
  let packed: DenseWeights
  private let kernels: EightTokensKernels

  /// - Parameters:
  ///   - weights: `[rows, columns]`.
  ///   - bias: one value a row.
  /// - Throws: when the bias has another length, or the machine lacks the instruction set.
  public init(
    weights: Matrix, bias: [Float]? = nil, dtype: WeightType = .f32,
    instructionSet: InstructionSet = .best
  ) throws(KernelError) {
    packed = try DenseWeights(
      weights, height: 32, bias: bias, dtype: dtype, instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    kernels = EightTokensKernels.of(instructionSet)
    name = "dense 8-token \(dtype.rawValue) \(instructionSet.rawValue)"
  }

  /// `x` and `y` in panels of eight tokens; lanes of `y` beyond the last token become 0.
  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.width == 8 && y.width == 8 && x.tokens == y.tokens && x.features == columns
        && y.features == rows,
      "\(name): \(x.tokens)x\(x.features) -> \(y.tokens)x\(y.features) panels of \(x.width)")
    let (values, places, groups) = (packed.values, packed.places, packed.groups)
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
    packed.storage(tokens: tokens, lanes: (tokens + 7) / 8 * 8, threads: threads)
  }
}
