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
  let packed: DenseWeights
  private let kernels: SingleTokenKernels

  /// - Parameters:
  ///   - weights: `[rows, columns]`.
  ///   - bias: one value a row.
  /// - Throws: when the bias has another length, or the machine lacks the instruction set.
  public init(
    weights: Matrix, bias: [Float]? = nil, dtype: WeightType = .f32,
    instructionSet: InstructionSet = .best
  ) throws(KernelError) {
    packed = try DenseWeights(
      weights, height: 16, bias: bias, dtype: dtype, instructionSet: instructionSet)
    rows = weights.rows
    columns = weights.columns
    kernels = SingleTokenKernels.of(instructionSet)
    name = "dense 1-token \(dtype.rawValue) \(instructionSet.rawValue)"
  }

  /// `x` and `y` in panels of one token: one token, or several in token-major layout.
  public func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.width == 1 && y.width == 1 && x.tokens == y.tokens && x.features == columns
        && y.features == rows,
      "\(name): \(x.tokens)x\(x.features) -> \(y.tokens)x\(y.features) panels of \(x.width)")
    let (values, places, groups) = (packed.values, packed.places, packed.groups)
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
    packed.storage(tokens: tokens, lanes: tokens, threads: threads)
  }
}
