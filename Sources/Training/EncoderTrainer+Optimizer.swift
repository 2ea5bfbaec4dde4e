import Encoder
import Kernels

extension EncoderTrainer {
  /// Adam's constants: β₂ below the usual .999, since runs of some hundred steps see little else
  /// than its first thousand.
  static let beta1 = 0.9
  static let beta2 = 0.98
  static let epsilon: Float = 1e-8

  /// Weights that one thread takes at a time; sums over them are added in their order.
  private static let chunk = 16384
  private var chunks: Int { (parameters.count + Self.chunk - 1) / Self.chunk }

  private func range(_ chunk: Int) -> (start: Int, count: Int) {
    let start = chunk * Self.chunk
    return (start, min(Self.chunk, parameters.count - start))
  }

  /// The norm of the gradient over all trained weights.
  func gradientNorm() -> Double {
    var sums = [Float](repeating: 0, count: chunks)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      each(chunks) { _, chunk in
        let (start, count) = range(chunk)
        sums[chunk] = kernels.squares(parameters.gradients + start, count)
      }
    }
    return sums.reduce(0.0) { $0 + Double($1) }.squareRoot()
  }

  /// One step of Adam on all trained weights, and their way to the products.
  func update(rate: Double, gradientScale: Double) {
    let step = Double(stepsDone)
    let rate = Float(rate / (1 - power(Self.beta1, step)))
    let rootScale = Float(1 / (1 - power(Self.beta2, step)).squareRoot())
    each(chunks) { _, chunk in
      let (start, count) = range(chunk)
      kernels.adam(
        parameters.values + start, parameters.gradients + start, parameters.means + start,
        parameters.squares + start, count, Float(gradientScale), rate, rootScale,
        Float(Self.beta1), Float(Self.beta2), Self.epsilon)
    }
    refresh()
  }

  /// Writes all trained weights to where the products read them.
  func refresh() {
    each(linears.count) { _, index in
      let linear = linears[index]
      if let offset = linear.weightOffset { linear.refresh(parameters.values + offset, kernels) }
      if let offset = linear.biasOffset {
        linear.forward.bias.update(from: parameters.values + offset, count: linear.layer.rows)
      }
    }
    for normalization in normalizations {
      if let offset = normalization.offset { normalization.read(from: parameters.values + offset) }
    }
  }

  /// `base^exponent` for a whole exponent, the same on every machine.
  private func power(_ base: Double, _ exponent: Double) -> Double {
    var (result, factor, rest) = (1.0, base, Int(exponent))
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}
