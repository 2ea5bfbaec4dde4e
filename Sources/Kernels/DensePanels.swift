import Experiments
import MicroKernels512
public import Tensors

/// A dense layer for any number of tokens in panels of 32, whose weights usually come from far away.
///
/// Whole panels run with tokens in lanes, as sparse layers do. The rest of the last panel, up to 28 tokens,
/// runs with outputs in lanes on exactly its tokens; and both ask for weights before they need them.
/// Through the linear layers of all-MiniLM-L6-v2, 42 MB of weights, a panel of 32 tokens takes 2.9 ms
/// where the slab kernel of `packSparse` takes 6.1 ms (2.9 ms when its weights are in the caches), and 26
/// tokens take 2.5 ms (one core of a Zen 5, 2026-11).
///
/// - Parameter arena: keeps the weights; layers are taken in the order in which they run.
/// - Returns: nil where there is no such kernel: without AVX-512, for outputs that are no multiple of 16, or
///   when the arena is full. `fastestDense` is for those.
public func packDensePanels(
  weights: Matrix, bias: [Float]?, arena: WeightArena, instructionSet: InstructionSet = .best
) -> (any LinearKernel)? {
  guard instructionSet == .avx512, InstructionSet.available.contains(.avx512),
    weights.rows > 0, weights.columns > 0, weights.rows % 16 == 0,
    bias == nil || bias!.count == weights.rows, let values = arena.take(weights.count)
  else { return nil }
  return DensePanels(weights: weights, bias: bias, arena: arena, values: values)
}

final class DensePanels: LinearKernel, @unchecked Sendable {
  let rows: Int
  let columns: Int
  /// `[slab][inputs][8]`, in the arena.
  private let values: UnsafeMutablePointer<Float>
  private let arena: WeightArena
  private let bias: Buffer<Float>

  /// From this many tokens in a panel on, a whole panel takes no longer.
  private static let mostTokens = 28

  init(
    weights: Matrix, bias: [Float]?, arena: WeightArena, values: UnsafeMutablePointer<Float>
  ) {
    rows = weights.rows
    columns = weights.columns
    self.values = values
    self.arena = arena
    self.bias = Buffer(bias ?? [Float](repeating: 0, count: weights.rows))
    let transpose = MicroKernels.of(.avx512).transpose
    weights.values.withUnsafeBufferPointer { source in
      for slab in 0..<rows / 8 {
        transpose(
          source.baseAddress! + slab * 8 * columns, columns, values + slab * 8 * columns, 8, 8,
          columns)
      }
    }
  }

  var name: String { "dense panels 8x2+32x14 f32 avx512" }

  func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.features == columns && y.features == rows && x.tokens == y.tokens,
      "\(x.tokens)x\(x.features) into \(y.tokens)x\(y.features) through a layer \(rows)x\(columns)")
    precondition(x.width == 32 && y.width == 32, "packed for panels of 32 tokens")
    let rest = x.tokens % 32
    let isSplit = rest > 0 && rest <= Self.mostTokens
    let panels = isSplit ? x.panels - 1 : x.panels
    func run(_ outputs: Range<Int>) {
      // Outputs in units of 16.
      if panels > 0 {
        encoderDensePanels(
          x.pointer, columns, y.pointer, rows * 32, panels, values, bias.pointer,
          outputs.lowerBound * 2, outputs.upperBound * 2)
      }
      if isSplit {
        encoderDenseTokens(
          x.pointer + panels * columns * 32, columns, y.pointer + panels * rows * 32, rest, values,
          bias.pointer, outputs.lowerBound, outputs.upperBound)
      }
    }
    let units = rows / 16
    guard threads > 1 else { return run(0..<units) }
    // Shares of whole pairs of units: the kernel for few tokens takes two at a time.
    let pairs = (units + 1) / 2
    WorkerPool.shared.run(threads: min(threads, pairs)) { worker in
      let shares = min(threads, pairs)
      run(
        pairs * worker / shares * 2..<min(units, pairs * (worker + 1) / shares * 2))
    }
  }

  func storage(tokens: Int, threads: Int) -> StorageReport {
    let rest = tokens % 32
    let isSplit = rest > 0 && rest <= Self.mostTokens
    let lanes = isSplit ? tokens : (tokens + 31) / 32 * 32
    let weights = Double(rows * columns)
    let pairs = (rows / 16 + 1) / 2
    let shares = max(1, min(threads, pairs))
    return StorageReport(
      valueBytes: rows * columns * 4, indexBytes: 0, paddingBytes: 0,
      activationBytes: (rows + columns) * (tokens + 31) / 32 * 32 * 4,
      usefulFlops: 2 * weights * Double(tokens), executedFlops: 2 * weights * Double(lanes),
      imbalance: Double((pairs + shares - 1) / shares * shares) / Double(pairs))
  }
}
