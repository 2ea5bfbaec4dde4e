public import Encoder
import Experiments
import Kernels
import Tensors

extension BERTEncoder {
  /// The same encoder on our own dense kernels alone, so that its embeddings are the same bits in every
  /// process: which of the dense kernels of this machine is fastest is decided by a race, and their last
  /// digits differ. A training that is to be repeated exactly takes its teacher from here.
  ///
  /// - Throws: `layer` for weights that cannot be read.
  /// - Complexity: packs every linear layer, and holds them a second time.
  public func repeatable() throws(TrainingError) -> BERTEncoder {
    var kernels: [String: any LinearKernel] = [:]
    for layer in layers {
      do {
        let all = Mask(rows: layer.rows, columns: layer.columns, keepingAll: true)
        let kernel = try RewritableLayer(
          mask: all, pattern: .block(8, 1), tokens: Self.tokensPerGroup)
        let weights = try weights(of: layer).values
        for part in kernel.parts {
          for (i, place) in part.places.enumerated() { part.values[i] = weights[Int(place)] }
        }
        for (row, value) in try bias(of: layer).enumerated() { kernel.bias[row] = value }
        kernels[layer.name] = kernel
      } catch {
        throw .layer(name: layer.name, reason: "\(error)")
      }
    }
    do throws(EncoderError) { return try replacing(kernels) } catch {
      throw .layer(name: "encoder", reason: error.description)
    }
  }
}
