import Foundation
import Tensors

@testable import Encoder

/// A random BERT checkpoint, small enough for the slow reference.
struct TinyModel {
  let directory: TemporaryDirectory
  let hidden: Int
  let heads: Int
  let layers: Int
  let intermediate: Int
  let activation: String
  let prefix: String
  private(set) var matrices: [String: Matrix] = [:]
  private(set) var vectors: [String: [Float]] = [:]

  static let pieces =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    + (UnicodeScalar("a").value...UnicodeScalar("z").value).flatMap {
      [String(UnicodeScalar($0)!), "##" + String(UnicodeScalar($0)!)]
    }

  init(
    hidden: Int = 128, heads: Int = 4, layers: Int = 2, intermediate: Int = 192,
    activation: String = "gelu", prefix: String = "", seed: UInt64 = 1
  ) throws {
    self.hidden = hidden
    self.heads = heads
    self.layers = layers
    self.intermediate = intermediate
    self.activation = activation
    self.prefix = prefix
    directory = try TemporaryDirectory()
    var generator = SeededGenerator(seed: seed)
    func matrix(_ rows: Int, _ columns: Int, _ scale: Double) -> Matrix {
      Matrix(
        rows: rows, columns: columns,
        values: (0..<rows * columns).map { _ in Float(generator.gaussian() * scale) })
    }
    func vector(_ count: Int, _ mean: Double, _ scale: Double) -> [Float] {
      (0..<count).map { _ in Float(mean + generator.gaussian() * scale) }
    }
    func norm(_ name: String) {
      vectors[name + ".weight"] = vector(hidden, 1, 0.2)
      vectors[name + ".bias"] = vector(hidden, 0, 0.2)
    }
    matrices["embeddings.word_embeddings.weight"] = matrix(Self.pieces.count, hidden, 1)
    matrices["embeddings.position_embeddings.weight"] = matrix(512, hidden, 0.5)
    matrices["embeddings.token_type_embeddings.weight"] = matrix(2, hidden, 0.5)
    norm("embeddings.LayerNorm")
    for layer in 0..<layers {
      let base = "encoder.layer.\(layer)."
      for (name, rows, columns) in [
        ("attention.self.query", hidden, hidden), ("attention.self.key", hidden, hidden),
        ("attention.self.value", hidden, hidden), ("attention.output.dense", hidden, hidden),
        ("intermediate.dense", intermediate, hidden), ("output.dense", hidden, intermediate),
      ] {
        matrices[base + name + ".weight"] = matrix(
          rows, columns, 1.5 / Double(columns).squareRoot())
        vectors[base + name + ".bias"] = vector(rows, 0, 0.3)
      }
      norm(base + "attention.output.LayerNorm")
      norm(base + "output.LayerNorm")
    }
    try write()
  }

  /// Writes the directory; `changing` may spoil the configuration, `without` leave out a tensor.
  func write(
    changing: [String: String] = [:], without: String? = nil, reshaping: String? = nil
  ) throws {
    var fields = [
      "model_type": "\"bert\"", "hidden_act": "\"\(activation)\"", "hidden_size": "\(hidden)",
      "num_attention_heads": "\(heads)", "num_hidden_layers": "\(layers)",
      "intermediate_size": "\(intermediate)", "max_position_embeddings": "512",
      "vocab_size": "\(Self.pieces.count)", "type_vocab_size": "2", "layer_norm_eps": "1e-12",
    ]
    fields.merge(changing) { $1 }
    let body = fields.filter { !$1.isEmpty }.sorted { $0.key < $1.key }
      .map { "\"\($0)\":\($1)" }.joined(separator: ",")
    try directory.write("config.json", "{\(body)}")
    try directory.write("vocab.txt", Self.pieces.joined(separator: "\n") + "\n")
    var writer = SafetensorsWriter()
    for (name, matrix) in matrices where name != without {
      let changed =
        name == reshaping ? Matrix(rows: matrix.columns, columns: matrix.rows) : matrix
      writer.set(prefix + name, changed)
    }
    for (name, vector) in vectors where name != without { writer.set(prefix + name, vector) }
    try writer.write(to: directory.path + "/model.safetensors", force: true)
  }

  func encoder() throws -> BERTEncoder { try BERTEncoder(directory: directory.path) }

  /// Texts of the given numbers of tokens, `[CLS]` and `[SEP]` included.
  static func texts(_ lengths: [Int], seed: UInt64 = 5) -> [String] {
    var generator = SeededGenerator(seed: seed)
    return lengths.map { length in
      (0..<max(0, length - 2)).map { _ in
        String(UnicodeScalar(UInt8(97 + generator.next() % 26)))
      }.joined(separator: " ")
    }
  }
}
