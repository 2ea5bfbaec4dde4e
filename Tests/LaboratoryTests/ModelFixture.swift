import Foundation
import Tensors

/// A random BERT checkpoint of two layers in a directory of its own, and sentences for it.
final class ModelFixture {
  let path: String
  static let hidden = 128
  static let intermediate = 192

  static let pieces =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    + (UnicodeScalar("a").value...UnicodeScalar("z").value).flatMap {
      [String(UnicodeScalar($0)!), "##" + String(UnicodeScalar($0)!)]
    }

  init(configuration: [String: String] = [:], without: String? = nil) throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("sparsity-tui-model-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    var fields = [
      "model_type": "\"bert\"", "hidden_act": "\"gelu\"", "hidden_size": "\(Self.hidden)",
      "num_attention_heads": "4", "num_hidden_layers": "2",
      "intermediate_size": "\(Self.intermediate)", "max_position_embeddings": "64",
      "vocab_size": "\(Self.pieces.count)", "type_vocab_size": "2", "layer_norm_eps": "1e-12",
    ]
    fields.merge(configuration) { $1 }
    let body = fields.map { "\"\($0)\":\($1)" }.sorted().joined(separator: ",")
    try Data("{\(body)}".utf8).write(to: URL(fileURLWithPath: path + "/config.json"))
    try Data((Self.pieces.joined(separator: "\n") + "\n").utf8)
      .write(to: URL(fileURLWithPath: path + "/vocab.txt"))
    try weights(without: without).write(to: path + "/model.safetensors", force: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private func weights(without: String?) -> SafetensorsWriter {
    var generator = SeededGenerator(seed: 3)
    var writer = SafetensorsWriter()
    func number() -> Double {
      let bits = generator.next()
      return (Double(bits & 0xFFFF_FFFF) + Double(bits >> 32)) / 4_294_967_296 - 1
    }
    func matrix(_ name: String, _ rows: Int, _ columns: Int, _ scale: Double) {
      let values = (0..<rows * columns).map { _ in Float(number() * scale) }
      if name != without {
        writer.set(name, Matrix(rows: rows, columns: columns, values: values))
      }
    }
    func vector(_ name: String, _ count: Int, _ mean: Double) {
      let values = (0..<count).map { _ in Float(mean + number() * 0.2) }
      if name != without { writer.set(name, values) }
    }
    matrix("embeddings.word_embeddings.weight", Self.pieces.count, Self.hidden, 1)
    matrix("embeddings.position_embeddings.weight", 64, Self.hidden, 0.5)
    matrix("embeddings.token_type_embeddings.weight", 2, Self.hidden, 0.5)
    vector("embeddings.LayerNorm.weight", Self.hidden, 1)
    vector("embeddings.LayerNorm.bias", Self.hidden, 0)
    for layer in 0..<2 {
      let base = "encoder.layer.\(layer)."
      for (name, rows, columns) in [
        ("attention.self.query", Self.hidden, Self.hidden),
        ("attention.self.key", Self.hidden, Self.hidden),
        ("attention.self.value", Self.hidden, Self.hidden),
        ("attention.output.dense", Self.hidden, Self.hidden),
        ("intermediate.dense", Self.intermediate, Self.hidden),
        ("output.dense", Self.hidden, Self.intermediate),
      ] {
        matrix(base + name + ".weight", rows, columns, 3 / Double(columns).squareRoot())
        vector(base + name + ".bias", rows, 0)
      }
      for norm in ["attention.output.LayerNorm", "output.LayerNorm"] {
        vector(base + norm + ".weight", Self.hidden, 1)
        vector(base + norm + ".bias", Self.hidden, 0)
      }
    }
    return writer
  }

  /// Texts of 3 to 12 random letters each.
  static func texts(_ count: Int, seed: UInt64) -> [String] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      (0..<3 + Int(generator.next() % 10)).map { _ in
        String(UnicodeScalar(UInt8(97 + generator.next() % 26)))
      }.joined(separator: " ")
    }
  }
}
