public import Tensors

/// Scale and shift of one layer normalisation, with the names of their tensors.
public struct EncoderNormalization: Hashable, Sendable {
  /// Which of a layer's two normalisations.
  public enum Position: Int, Hashable, Sendable, CaseIterable {
    case afterAttention, afterFeedForward
  }

  public let layer: Int
  public let position: Position
  public let scaleName: String
  public let shiftName: String
  /// One value a hidden feature.
  public var scale: [Float]
  public var shift: [Float]
}

extension BERTEncoder {
  /// The normalisations of all layers, in the order in which they run; not that of the embeddings.
  public var normalizations: [EncoderNormalization] {
    let prefix = String(layers[0].name.prefix { $0 != "." }) == "encoder" ? "" : "bert."
    return (0..<configuration.layers).flatMap { layer in
      EncoderNormalization.Position.allCases.map { position in
        let part = position == .afterAttention ? "attention.output" : "output"
        let base = "\(prefix)encoder.layer.\(layer).\(part).LayerNorm"
        let old = model.header(named: base + ".gamma") != nil
        let values =
          position == .afterAttention ? weights.attention[layer] : weights.output[layer]
        return EncoderNormalization(
          layer: layer, position: position, scaleName: base + (old ? ".gamma" : ".weight"),
          shiftName: base + (old ? ".beta" : ".bias"), scale: values.scale, shift: values.shift)
      }
    }
  }

  /// The same encoder with other values in some normalisations; everything else is shared.
  ///
  /// - Precondition: `hidden` values each, layers that exist.
  public func replacing(normalizations: [EncoderNormalization]) -> BERTEncoder {
    var attention = weights.attention
    var output = weights.output
    for one in normalizations {
      precondition(
        one.scale.count == configuration.hidden && one.shift.count == configuration.hidden,
        "\(one.scale.count) scales and \(one.shift.count) shifts for \(configuration.hidden) features"
      )
      let values = EncoderWeights.Normalization(scale: one.scale, shift: one.shift)
      switch one.position {
      case .afterAttention: attention[one.layer] = values
      case .afterFeedForward: output[one.layer] = values
      }
    }
    return BERTEncoder(
      self, kernels: kernels,
      weights: EncoderWeights(weights, attention: attention, output: output))
  }

  /// What the first layer reads for texts of tokens: word, position and type vectors added and
  /// normalised, `[tokens of all texts, hidden]`.
  ///
  /// - Precondition: every text has 1 to `maxPositions` tokens of the vocabulary.
  public func embeddings(of texts: [[Int32]]) -> Matrix {
    let hidden = configuration.hidden
    var result = Matrix(rows: texts.reduce(0) { $0 + $1.count }, columns: hidden)
    let (scale, shift) = (weights.embedding.scale, weights.embedding.shift)
    let epsilon = configuration.layerNormEpsilon
    var row = 0
    result.values.withUnsafeMutableBufferPointer { target in
      weights.positions.values.withUnsafeBufferPointer { positions in
        for text in texts {
          for (position, token) in text.enumerated() {
            let word = weights.words[Int(token)]
            let place = positions.baseAddress! + position * hidden
            let out = target.baseAddress! + row * hidden
            var (sum, squares): (Float, Float) = (0, 0)
            for feature in 0..<hidden {
              out[feature] = word[feature] + place[feature]
              sum += out[feature]
            }
            let mean = sum / Float(hidden)
            for feature in 0..<hidden {
              squares += (out[feature] - mean) * (out[feature] - mean)
            }
            let factor = 1 / (squares / Float(hidden) + epsilon).squareRoot()
            for feature in 0..<hidden {
              out[feature] = (out[feature] - mean) * factor * scale[feature] + shift[feature]
            }
            row += 1
          }
        }
      }
    }
    return result
  }
}
