internal import Benchmarking
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors

/// What decides how a shape is timed: equal keys have the same dense rival and the same noise.
struct ContestKey: Hashable, Sendable {
  var rows: Int
  var columns: Int
  var tokens: Int
  var threads: Int
  var layout: ActivationLayout
  var cache: CacheState

  init(_ layer: Layer, _ knobs: Knobs) {
    rows = layer.weights.rows
    columns = layer.weights.columns
    tokens = knobs.tokens
    threads = knobs.threads
    layout = knobs.layout
    cache = knobs.cache
  }
}

struct DenseKey: Hashable, Sendable {
  var shape: ContestKey
  var layer: ObjectIdentifier
}

/// The dense rival of one layer, packed and checked, with the input both sides share.
struct DenseSide: Sendable {
  /// Kept so that the identity in the key stays this layer's.
  var layer: Layer
  /// One, or as many copies as it takes to be cold.
  var kernels: [any LinearKernel]
  var input: Matrix
  var activations: Activations
}

/// One side of a comparison, ready to be called again and again.
///
/// Cold, every call takes the next copy of the weights, so that none is in the caches when its turn comes.
final class Contender {
  let kernels: [any LinearKernel]
  private let input: Activations
  let output: Activations
  private let threads: Int
  private var turn = 0

  init(_ kernels: [any LinearKernel], input: Activations, threads: Int) {
    self.kernels = kernels
    self.input = input
    self.threads = threads
    output = Activations(features: kernels[0].rows, tokens: input.tokens, layout: input.layout)
  }

  func run() {
    kernels[turn].multiply(input, into: output, threads: threads)
    turn += 1
    if turn == kernels.count { turn = 0 }
  }

  /// The output of one call, from an output full of NaN.
  func freshOutput() -> Matrix {
    output.pointer.update(repeating: .nan, count: output.count)
    run()
    return output.matrix()
  }
}

/// A dense and a sparse kernel of the same layer, packed, checked and ready to be timed.
struct Contest {
  let dense: Contender
  let sparse: Contender
  let packNs: Double
  let maxAbsError: Double
  let denseStorage: StorageReport
  let sparseStorage: StorageReport
  let refused: [String]
  /// What a reader must know about how it was set up.
  var warnings: [String]
}
