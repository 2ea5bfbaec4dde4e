import Kernels
import Tensors

/// What is not a linear layer: embeddings and normalisations.
final class EncoderWeights: Sendable {
  struct Normalization: Sendable {
    var scale: [Float]
    var shift: [Float]
  }

  /// `[vocabulary, hidden]`.
  let words: WordVectors
  /// Position plus token type 0, `[maxPositions, hidden]`: every text is of type 0.
  let positions: Matrix
  let embedding: Normalization
  /// After attention and after the feed-forward part, per layer.
  let attention: [Normalization]
  let output: [Normalization]

  init(_ reader: EncoderTensorReader) throws(EncoderError) {
    let configuration = reader.configuration
    let hidden = configuration.hidden
    words = try reader.words(
      "embeddings.word_embeddings.weight", configuration.vocabulary, hidden)
    var positions = try reader.matrix(
      "embeddings.position_embeddings.weight", configuration.maxPositions, hidden)
    let types = try reader.matrix(
      "embeddings.token_type_embeddings.weight", configuration.tokenTypes, hidden)
    for row in 0..<positions.rows {
      for column in 0..<hidden { positions[row, column] += types[0, column] }
    }
    self.positions = positions
    embedding = try reader.normalization("embeddings.LayerNorm")
    var attention: [Normalization] = []
    var output: [Normalization] = []
    for layer in 0..<configuration.layers {
      attention.append(
        try reader.normalization("encoder.layer.\(layer).attention.output.LayerNorm"))
      output.append(try reader.normalization("encoder.layer.\(layer).output.LayerNorm"))
    }
    self.attention = attention
    self.output = output
  }

  /// The same embeddings with other normalisations.
  init(_ other: EncoderWeights, attention: [Normalization], output: [Normalization]) {
    words = other.words
    positions = other.positions
    embedding = other.embedding
    self.attention = attention
    self.output = output
  }
}

/// Reads tensors under the names of the architecture and checks their shapes.
struct EncoderTensorReader {
  let model: Model
  let configuration: EncoderConfiguration
  /// What precedes the encoder's names: nothing, or `bert.` in checkpoints with a head.
  let prefix: String

  init(model: Model, configuration: EncoderConfiguration) throws(EncoderError) {
    self.model = model
    self.configuration = configuration
    let first = "embeddings.word_embeddings.weight"
    if model.header(named: first) != nil {
      prefix = ""
    } else if model.header(named: "bert." + first) != nil {
      prefix = "bert."
    } else {
      let closest = model.tensors.first { $0.name.hasSuffix("word_embeddings.weight") }
      throw .missingTensor(name: first, closest: closest?.name)
    }
  }

  func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(EncoderError) -> Matrix {
    let name = try find(name, [rows, columns])
    do throws(TensorFileError) {
      return try model.matrix(named: name)
    } catch {
      throw .file("\(error)")
    }
  }

  /// A matrix whose rows are read one by one; the first is read to see that it can be.
  func words(_ name: String, _ rows: Int, _ columns: Int) throws(EncoderError) -> WordVectors {
    let words = WordVectors(
      model: model, name: try find(name, [rows, columns]), count: rows, width: columns)
    if rows > 0 { _ = words[0] }
    if let failure = words.failure { throw .file("\(failure)") }
    return words
  }

  func vector(_ name: String, _ count: Int) throws(EncoderError) -> [Float] {
    let name = try find(name, [count])
    do throws(TensorFileError) {
      return try model.vector(named: name)
    } catch {
      throw .file("\(error)")
    }
  }

  /// Scale and shift; `gamma` and `beta` in the oldest checkpoints.
  func normalization(_ name: String) throws(EncoderError) -> EncoderWeights.Normalization {
    let old = model.header(named: prefix + name + ".gamma") != nil
    return .init(
      scale: try vector(name + (old ? ".gamma" : ".weight"), configuration.hidden),
      shift: try vector(name + (old ? ".beta" : ".bias"), configuration.hidden))
  }

  private func find(_ name: String, _ shape: [Int]) throws(EncoderError) -> String {
    guard let header = model.header(named: prefix + name) else {
      let end = name.split(separator: ".").suffix(2).joined(separator: ".")
      let closest = model.tensors.first { $0.name.hasSuffix(end) }
      throw .missingTensor(name: prefix + name, closest: closest?.name)
    }
    guard header.shape == shape else {
      throw .wrongShape(tensor: prefix + name, expected: shape, found: header.shape)
    }
    return prefix + name
  }
}
