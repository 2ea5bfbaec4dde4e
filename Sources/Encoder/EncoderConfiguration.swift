/// The sizes and choices of a BERT encoder, from a Hugging Face directory.
public struct EncoderConfiguration: Hashable, Sendable {
  /// The non-linearity of the feed-forward layers.
  public enum Activation: String, Hashable, Sendable {
    /// `x·Φ(x)` with the exact normal distribution function.
    case gelu
    /// Its tanh approximation.
    case geluTanh
    case relu
  }

  /// How token vectors become a sentence vector.
  public enum Pooling: String, Hashable, Sendable {
    case mean
    /// The vector of the first token.
    case classification
  }

  public var layers: Int
  public var hidden: Int
  public var heads: Int
  public var intermediate: Int
  public var maxPositions: Int
  public var vocabulary: Int
  public var tokenTypes: Int
  public var layerNormEpsilon: Float
  public var activation: Activation
  public var pooling: Pooling
  /// Whether embeddings are scaled to length 1.
  public var normalizes: Bool

  public init(
    layers: Int, hidden: Int, heads: Int, intermediate: Int, maxPositions: Int = 512,
    vocabulary: Int, tokenTypes: Int = 2, layerNormEpsilon: Float = 1e-12,
    activation: Activation = .gelu, pooling: Pooling = .mean, normalizes: Bool = true
  ) {
    self.layers = layers
    self.hidden = hidden
    self.heads = heads
    self.intermediate = intermediate
    self.maxPositions = maxPositions
    self.vocabulary = vocabulary
    self.tokenTypes = tokenTypes
    self.layerNormEpsilon = layerNormEpsilon
    self.activation = activation
    self.pooling = pooling
    self.normalizes = normalizes
  }

  /// Features of one attention head.
  public var headSize: Int { hidden / heads }

  /// Reads `config.json`, and `modules.json` with the pooling's `config.json` where they exist.
  ///
  /// - Throws: `EncoderError`; `unsupported` says which choice of the model is not run here.
  public init(directory: String) throws(EncoderError) {
    let file = ModelDirectoryFile("config.json", in: directory)
    let json = try file.json(ConfigurationFile.self)
    func refuse(_ reason: String) -> EncoderError { .unsupported(path: file.path, reason: reason) }
    if json.model_type != "bert" {
      let name = json.model_type ?? json.architectures?.first
      throw refuse(name.map { "the model is of type \"\($0)\"" } ?? "the model's type is not named")
    }
    if let kind = json.position_embedding_type, kind != "absolute" {
      throw refuse("its position embeddings are \"\(kind)\", not \"absolute\"")
    }
    if json.is_decoder == true { throw refuse("it is a decoder") }
    let activations: [String: Activation] = [
      "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "relu": .relu,
    ]
    let name = json.hidden_act ?? "gelu"
    guard let activation = activations[name] else {
      throw refuse("the activation \"\(name)\" is none of gelu, gelu_new and relu")
    }
    self.init(
      layers: json.num_hidden_layers, hidden: json.hidden_size, heads: json.num_attention_heads,
      intermediate: json.intermediate_size, maxPositions: json.max_position_embeddings ?? 512,
      vocabulary: json.vocab_size, tokenTypes: json.type_vocab_size ?? 2,
      layerNormEpsilon: json.layer_norm_eps ?? 1e-12, activation: activation)
    guard (128...1024).contains(hidden) else {
      throw refuse("hidden_size is \(hidden), not 128 to 1024")
    }
    guard heads >= 1, hidden % heads == 0, headSize <= 256 else {
      throw refuse(
        "\(heads) attention heads do not divide hidden_size \(hidden) into parts up to 256")
    }
    for (key, value, allowed) in [
      ("num_hidden_layers", layers, 1...128), ("intermediate_size", intermediate, 1...16384),
      ("max_position_embeddings", maxPositions, 2...8192),
      ("vocab_size", vocabulary, 4...4_000_000),
      ("type_vocab_size", tokenTypes, 1...64),
    ] where !allowed.contains(value) {
      throw refuse("\(key) is \(value), not \(allowed.lowerBound) to \(allowed.upperBound)")
    }
    try readModules(directory)
  }

  /// What sentence-transformers puts behind the encoder; without its files: mean and length 1.
  private mutating func readModules(_ directory: String) throws(EncoderError) {
    let file = ModelDirectoryFile("modules.json", in: directory)
    guard file.exists else { return }
    normalizes = false
    for module in try file.json([ModuleFile].self) {
      switch module.type.split(separator: ".").last {
      case "Transformer": continue
      case "Normalize": normalizes = true
      case "Pooling":
        let file = ModelDirectoryFile(module.path + "/config.json", in: directory)
        let modes = try file.json(PoolingFile.self)
        let others =
          modes.pooling_mode_max_tokens == true
          || modes.pooling_mode_mean_sqrt_len_tokens == true
        switch (
          modes.pooling_mode_mean_tokens == true, modes.pooling_mode_cls_token == true, others
        ) {
        case (true, false, false): pooling = .mean
        case (false, true, false): pooling = .classification
        default:
          throw .unsupported(path: file.path, reason: "it pools in another way than mean or cls")
        }
      default:
        throw .unsupported(
          path: file.path, reason: "the module \"\(module.type)\" follows the encoder")
      }
    }
  }
}

private struct ConfigurationFile: Decodable {
  var model_type: String?
  var architectures: [String]?
  var position_embedding_type: String?
  var is_decoder: Bool?
  var hidden_act: String?
  var num_hidden_layers: Int
  var hidden_size: Int
  var num_attention_heads: Int
  var intermediate_size: Int
  var max_position_embeddings: Int?
  var vocab_size: Int
  var type_vocab_size: Int?
  var layer_norm_eps: Float?
}

private struct ModuleFile: Decodable {
  var path: String
  var type: String
}

private struct PoolingFile: Decodable {
  var pooling_mode_mean_tokens: Bool?
  var pooling_mode_cls_token: Bool?
  var pooling_mode_max_tokens: Bool?
  var pooling_mode_mean_sqrt_len_tokens: Bool?
}
