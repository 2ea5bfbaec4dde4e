import Kernels
import Synchronization
import Tensors

/// The dense kernels of an encoder's linear layers.
///
/// Our own are one family for all sizes. Where another dense kernel is faster for a shape, that one is
/// taken: all are timed as they will run, with weights that other layers have pushed out of the caches. A
/// race in which each finds its own weights from the call before chooses by what never happens.
enum EncoderDense {
  /// One kernel a layer, in their order.
  static func kernels(
    _ layers: [EncoderLinearLayer], _ reader: EncoderTensorReader, threads: Int
  ) throws(EncoderError) -> [any LinearKernel] {
    let arena = WeightArena(floats: layers.reduce(0) { $0 + $1.rows * $1.columns + 16 })
    var kernels: [any LinearKernel] = []
    for layer in layers {
      let (weights, bias) = try read(layer, reader)
      kernels.append(
        packDensePanels(weights: weights, bias: bias, arena: arena)
          ?? fastestDense(
            weights: weights, bias: bias, tokens: BERTEncoder.tokensPerGroup, threads: threads))
    }
    var shapes: Set<Shape> = []
    for (index, layer) in layers.enumerated() where kernels[index].name.hasPrefix("dense panels") {
      let shape = Shape(rows: layer.rows, columns: layer.columns, threads: threads)
      guard shapes.insert(shape).inserted else { continue }
      let (weights, bias) = try read(layer, reader)
      let rivals = rivals(weights, bias, threads)
      let known = winners.withLock { $0[shape] }
      let winner =
        known ?? race([kernels[index]] + rivals, shape, pushingOut: { arena.read() })
      winners.withLock { $0[shape] = winner }
      guard winner > 0, winner <= rivals.count else { continue }
      for (index, layer) in layers.enumerated()
      where layer.rows == shape.rows && layer.columns == shape.columns {
        let (weights, bias) = try read(layer, reader)
        kernels[index] = Self.rivals(weights, bias, threads)[winner - 1]
      }
    }
    return kernels
  }

  private struct Shape: Hashable {
    var rows: Int
    var columns: Int
    var threads: Int
  }

  /// 0 is ours.
  private static let winners = Mutex<[Shape: Int]>([:])

  /// The dense kernels that are not ours.
  private static func rivals(
    _ weights: Matrix, _ bias: [Float], _ threads: Int
  ) -> [any LinearKernel] {
    denseCandidates(
      weights: weights, bias: bias, tokens: BERTEncoder.tokensPerGroup, threads: threads
    ).filter { !$0.isOurs }
  }

  /// The kernel with the least time for a full group and a short text together, each from cold weights.
  private static func race(
    _ kernels: [any LinearKernel], _ shape: Shape, pushingOut: () -> Void
  ) -> Int {
    guard kernels.count > 1 else { return 0 }
    var totals = [Double](repeating: 0, count: kernels.count)
    for tokens in [BERTEncoder.tokensPerGroup, 24] {
      let x = Activations(features: shape.columns, tokens: tokens)
      let y = Activations(features: shape.rows, tokens: tokens)
      for index in 0..<x.count { x.pointer[index] = Float(index % 7) - 3 }
      var best = [Double](repeating: .infinity, count: kernels.count)
      for _ in 0..<5 {
        for (index, kernel) in kernels.enumerated() {
          pushingOut()
          let start = monotonicNanoseconds()
          kernel.multiply(x, into: y, threads: shape.threads)
          best[index] = min(best[index], monotonicNanoseconds() - start)
        }
      }
      for index in kernels.indices { totals[index] += best[index] }
    }
    return totals.indices.min { totals[$0] < totals[$1] } ?? 0
  }

  static func read(
    _ layer: EncoderLinearLayer, _ reader: EncoderTensorReader
  ) throws(EncoderError) -> (Matrix, [Float]) {
    let name = String(layer.name.dropFirst(reader.prefix.count))
    let bias = String(layer.bias.dropFirst(reader.prefix.count))
    return (
      try reader.matrix(name, layer.rows, layer.columns), try reader.vector(bias, layer.rows)
    )
  }
}

extension LinearKernel {
  fileprivate var isOurs: Bool { !name.hasPrefix("onednn") }
}
