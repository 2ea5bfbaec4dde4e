import Encoder
import Tensors

extension EncoderTrainer {
  /// Mean of `1 - cosine` over the batch's texts, and its gradient with respect to the last layer's
  /// output, which goes to where the backward pass of that layer begins.
  ///
  /// With `m` the pooled vector and `t` the teacher's, both at any length:
  /// `∂(1 - cos)/∂m = (cos·m/|m| - t/|t|)/|m|`; a token's share of `m` is one over their number. Scaling
  /// embeddings to length 1 changes neither. Pooled sums are taken in F32, the rest in double.
  func pooledLoss(teacher: Matrix) -> (loss: Double, cosine: Double) {
    let hidden = configuration.hidden
    let (texts, length) = (buffers.texts, buffers.length)
    let isMean = configuration.pooling == .mean
    let count = isMean ? length : 1
    var pooled = [Float](repeating: 0, count: hidden)
    var gradients = [Float](repeating: 0, count: texts * hidden)
    var total = 0.0
    for text in 0..<texts {
      for feature in 0..<hidden { pooled[feature] = 0 }
      pooled.withUnsafeMutableBufferPointer {
        kernels.sum(buffers.output.pointer, hidden, text * length, count, $0.baseAddress!)
      }
      var (product, own, other) = (0.0, 0.0, 0.0)
      for feature in 0..<hidden {
        let (m, t) = (Double(pooled[feature]), Double(teacher.values[text * hidden + feature]))
        product += m * t
        own += m * m
        other += t * t
      }
      let (ownLength, otherLength) = (own.squareRoot(), other.squareRoot())
      let cosine = product / (ownLength * otherLength)
      total += cosine
      // The pooled sum is `count` times the mean; its gradient is that of every token.
      let factor = 1 / (ownLength * Double(texts))
      for feature in 0..<hidden {
        let (m, t) = (Double(pooled[feature]), Double(teacher.values[text * hidden + feature]))
        gradients[text * hidden + feature] = Float(
          factor * (cosine * m / ownLength - t / otherLength))
      }
    }
    spread(gradients, isMean: isMean)
    let cosine = total / Double(texts)
    return (1 - cosine, cosine)
  }

  /// Gives each token the gradient of its text, and lanes behind the last token zeros.
  private func spread(_ gradients: [Float], isMean: Bool) {
    let hidden = configuration.hidden
    let target = buffers.gradients[(configuration.layers - 1) & 1].output.pointer
    let (tokens, length) = (buffers.tokens, buffers.length)
    gradients.withUnsafeBufferPointer { gradients in
      nonisolated(unsafe) let gradients = gradients.baseAddress!
      each(buffers.panels) { _, panel in
        let out = target + panel * hidden * 32
        for lane in 0..<32 {
          let token = panel * 32 + lane
          if token >= tokens || !isMean && token % length != 0 {
            for feature in 0..<hidden { out[feature * 32 + lane] = 0 }
          } else {
            let source = gradients + token / length * hidden
            for feature in 0..<hidden { out[feature * 32 + lane] = source[feature] }
          }
        }
      }
    }
  }

  // MARK: Hidden states

  /// Brings the teacher's hidden states into panels, and works out what a unit of squared error costs in
  /// each layer: `hiddenLoss / (layers · values · variance)`.
  func prepareHidden(_ states: [Matrix]) {
    let hidden = configuration.hidden
    let lanes = buffers.panels * 32
    hiddenFactors = states.map { state in
      var (sum, squares) = (0.0, 0.0)
      for value in state.values {
        sum += Double(value)
        squares += Double(value) * Double(value)
      }
      let count = Double(state.values.count)
      let variance = squares / count - (sum / count) * (sum / count)
      return settings.hiddenLoss / (Double(states.count) * count * max(variance, 1e-12))
    }
    hiddenSquares = Floats(states.count * buffers.panels)
    for (layer, state) in states.enumerated() {
      let padded = Matrix(
        rows: lanes, columns: hidden,
        values: state.values + [Float](repeating: 0, count: (lanes - state.rows) * hidden))
      let target = buffers.teacher[layer].pointer
      load(padded, into: target)
      // Lanes behind the last token must pull nowhere.
      let output = outputs(of: layer)
      for lane in buffers.tokens..<lanes {
        let at = lane / 32 * hidden * 32 + lane % 32
        for feature in 0..<hidden { target[at + feature * 32] = output[at + feature * 32] }
      }
    }
  }

  /// What a layer gave, in panels.
  func outputs(of layer: Int) -> UnsafeMutablePointer<Float> {
    layer + 1 < configuration.layers
      ? buffers.layers[layer + 1].input.pointer : buffers.output.pointer
  }

  /// Adds the hidden states' part to the gradient of a layer's output, for one group.
  func pull(_ layer: Int, _ group: Int) {
    guard !hiddenFactors.isEmpty else { return }
    let hidden = configuration.hidden
    for panel in panels(of: group) {
      let start = panel * hidden * 32
      let squares = kernels.pull(
        buffers.gradients[layer & 1].output.pointer + start, outputs(of: layer) + start,
        buffers.teacher[layer].pointer + start, Float(2 * hiddenFactors[layer]), hidden * 32)
      hiddenSquares.pointer[layer * buffers.panels + panel] = squares
    }
  }

  /// The hidden states' error of all layers that the gradient passed, averaged over all.
  func finishHidden() -> Double? {
    guard !hiddenFactors.isEmpty else { return nil }
    var total = 0.0
    for layer in hiddenFactors.indices {
      for panel in 0..<buffers.panels {
        total +=
          hiddenFactors[layer] * Double(hiddenSquares.pointer[layer * buffers.panels + panel])
      }
    }
    return settings.hiddenLoss > 0 ? total / settings.hiddenLoss : total
  }
}
