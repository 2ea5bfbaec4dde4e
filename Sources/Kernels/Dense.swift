public import Experiments
import Synchronization
public import Tensors

/// The rivals of a sparse kernel: every dense kernel of this machine for this shape.
///
/// Our own slab kernel with every weight present, and oneDNN's `sgemm` with the weights in either
/// order when the library is installed. All take and give activations in the same layout and add the same
/// bias as the sparse kernels do. Measured on 768x768 (Zen 5, 2026-11): both reach 92 to 96 % of the FMA
/// peak from 32 tokens on, where OpenBLAS, MKL and BLIS reach 20 to 88 % because they do not know the
/// processor: a speedup over those would be inflated.
///
/// - Precondition: `bias` has one value an output; the machine has the instruction set.
public func denseCandidates(
  weights: Matrix, bias: [Float]? = nil, tokens: Int, threads: Int = 1,
  layout: ActivationLayout = .panels, instructionSet: InstructionSet = .best
) -> [any LinearKernel] {
  DenseRival.all.compactMap {
    $0.kernel(
      weights: weights, bias: bias, tokens: tokens, layout: layout, instructionSet: instructionSet)
  }
}

/// A kind of dense kernel; each packs a copy of the weights.
private enum DenseRival {
  case own
  case library(OneDNN, transposed: Bool)

  /// Those of this machine.
  static var all: [DenseRival] {
    guard case .success(let library) = OneDNN.loaded else { return [.own] }
    return [.own, .library(library, transposed: false), .library(library, transposed: true)]
  }

  /// Nil where it does not take the shape.
  func kernel(
    weights: Matrix, bias: [Float]?, tokens: Int, layout: ActivationLayout,
    instructionSet: InstructionSet
  ) -> (any LinearKernel)? {
    switch self {
    case .own:
      try? packDense(
        weights: weights, bias: bias, tokens: tokens, layout: layout,
        instructionSet: instructionSet)
    case .library(let library, let transposed):
      OneDNNLayer(library: library, weights: weights, transposed: transposed, bias: bias)
    }
  }
}

/// Dense kernels that were looked for and are not there, with the reason, one sentence each.
public func refusedDense() -> [String] {
  if case .failure(let missing) = OneDNN.loaded { ["oneDNN: \(missing.reason)"] } else { [] }
}

private struct DenseShape: Hashable {
  var rows: Int
  var columns: Int
  var tokens: Int
  var threads: Int
  var layout: ActivationLayout
  var instructionSet: InstructionSet
}

/// Which candidate won a shape's race.
private let winners = Mutex<[DenseShape: Int]>([:])

/// The fastest dense kernel for this shape.
///
/// The first call for a shape races all candidates for some milliseconds (least time of interleaved
/// batches); the winner is remembered for the life of the process, whatever the weights. Weights of
/// 64 MB and more race one candidate after the other, so that one packed copy is in memory at a time.
public func fastestDense(
  weights: Matrix, bias: [Float]? = nil, tokens: Int, threads: Int = 1,
  layout: ActivationLayout = .panels, instructionSet: InstructionSet = .best
) -> any LinearKernel {
  let shape = DenseShape(
    rows: weights.rows, columns: weights.columns, tokens: tokens, threads: threads, layout: layout,
    instructionSet: instructionSet)
  let rivals = DenseRival.all
  func kernel(_ index: Int) -> (any LinearKernel)? {
    rivals[index].kernel(
      weights: weights, bias: bias, tokens: tokens, layout: layout, instructionSet: instructionSet)
  }
  if let known = winners.withLock({ $0[shape] }), let winner = kernel(known) { return winner }
  if weights.count >= 16 << 20 {
    var best: (index: Int, time: Double)?
    for index in rivals.indices {
      guard let time = kernel(index).map({ race([$0], shape).time }) else { continue }
      if best.map({ time < $0.time }) ?? true { best = (index, time) }
    }
    if let best, let winner = kernel(best.index) {
      winners.withLock { $0[shape] = best.index }
      return winner
    }
  }
  let kernels = rivals.indices.compactMap { index in kernel(index).map { (index, $0) } }
  let winner = kernels[kernels.count > 1 ? race(kernels.map(\.1), shape).index : 0]
  winners.withLock { $0[shape] = winner.0 }
  return winner.1
}

/// Interleaved batches of at least 50 µs, at most some 30 ms in all; the least time a call decides.
private func race(
  _ kernels: [any LinearKernel], _ shape: DenseShape
) -> (index: Int, time: Double) {
  let x = Activations(features: shape.columns, tokens: shape.tokens, layout: shape.layout)
  let y = Activations(features: shape.rows, tokens: shape.tokens, layout: shape.layout)
  for i in 0..<x.count { x.pointer[i] = Float(i % 7) - 3 }
  func time(_ kernel: any LinearKernel, _ calls: Int) -> Double {
    let start = nanoseconds()
    for _ in 0..<calls { kernel.multiply(x, into: y, threads: shape.threads) }
    return Double(nanoseconds() - start) / Double(calls)
  }
  var best = kernels.map { kernel in
    _ = time(kernel, 1)
    return time(kernel, 1)
  }
  let fastest = best.min() ?? 1
  let calls = max(1, Int(50_000 / max(fastest, 1)))
  let rounds = max(3, min(15, Int(30e6 / (fastest * Double(calls * kernels.count)))))
  for _ in 0..<rounds {
    for (i, kernel) in kernels.enumerated() { best[i] = min(best[i], time(kernel, calls)) }
  }
  let winner = best.indices.min { best[$0] < best[$1] } ?? 0
  return (winner, best[winner])
}
