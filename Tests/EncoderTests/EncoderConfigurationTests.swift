import Testing

@testable import Encoder

@Suite struct EncoderConfigurationTests {
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    ("model_type", "\"roberta\"", "the model is of type \"roberta\""),
    ("model_type", "", "the model's type is not named"),
    ("position_embedding_type", "\"relative_key\"", "its position embeddings are"),
    ("is_decoder", "true", "it is a decoder"),
    ("hidden_act", "\"silu\"", "the activation \"silu\" is none of"),
    ("hidden_size", "64", "hidden_size is 64, not 128 to 1024"),
    ("num_attention_heads", "7", "7 attention heads do not divide hidden_size 128"),
    ("num_attention_heads", "0", "0 attention heads do not divide"),
    ("num_hidden_layers", "-1", "num_hidden_layers is -1, not 1 to 128"),
    ("vocab_size", "1e30", "config.json"),
    ("intermediate_size", "\"big\"", "\"intermediate_size\" is not a number"),
    ("hidden_size", "", "\"hidden_size\" is missing"),
    ("vocab_size", "10", "its vocabulary has 57 pieces, and config.json says 10"),
  ])
  func unfitConfigurationIsRefusedWithItsReason(_ key: String, _ value: String, _ reason: String)
    throws
  {
    let model = try TinyModel(layers: 1)
    try model.write(changing: [key: value])
    let text = message { _ = try model.encoder() }
    #expect(text.contains(reason), "\(text)")
  }

  @Test func missingAndMisshapenTensorsAreNamed() throws {
    let model = try TinyModel(layers: 1)
    try model.write(without: "encoder.layer.0.output.LayerNorm.weight")
    #expect(
      message { _ = try model.encoder() }.hasPrefix(
        "tensor \"encoder.layer.0.output.LayerNorm.weight\" is missing"))
    try model.write(reshaping: "encoder.layer.0.intermediate.dense.weight")
    #expect(
      message { _ = try model.encoder() }.hasPrefix(
        "tensor \"encoder.layer.0.intermediate.dense.weight\" is 128x192 where config.json asks "
          + "for 192x128"))
    try model.write(without: "embeddings.word_embeddings.weight")
    #expect(
      message { _ = try model.encoder() }.hasPrefix(
        "tensor \"embeddings.word_embeddings.weight\" is missing"))
  }

  @Test func directoryWithoutAConfigurationSaysSo() throws {
    let directory = try TemporaryDirectory()
    let text = message { _ = try BERTEncoder(directory: directory.path) }
    #expect(text.contains("config.json: there is no such file; a model directory needs"))
    try directory.write("config.json", "[]")
    #expect(
      message { _ = try BERTEncoder(directory: directory.path) }.contains("config.json: "))
  }

  @Test func sentenceTransformersModulesAreHeeded() throws {
    let model = try TinyModel(layers: 1)
    func modules(_ names: [String]) throws {
      let list = names.map {
        "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.\($0)\"}"
      }
      try model.directory.write("modules.json", "[\(list.joined(separator: ","))]")
    }
    #expect(try model.encoder().configuration.normalizes)
    try modules(["Transformer", "Pooling"])
    try model.directory.write("1_Pooling/config.json", "{\"pooling_mode_cls_token\":true}")
    let configuration = try model.encoder().configuration
    #expect(!configuration.normalizes)
    #expect(configuration.pooling == .classification)
    try model.directory.write("1_Pooling/config.json", "{\"pooling_mode_max_tokens\":true}")
    #expect(
      message { _ = try model.encoder() }.contains("it pools in another way than mean or cls"))
    try modules(["Transformer", "Dense"])
    #expect(message { _ = try model.encoder() }.contains("models.Dense\" follows the encoder"))
  }
}
