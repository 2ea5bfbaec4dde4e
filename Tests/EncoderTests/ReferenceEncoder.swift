import Foundation
import Tensors

@testable import Encoder

/// BERT as the formulas say it, one text at a time, in double precision.
struct ReferenceEncoder {
  let model: TinyModel
  /// Weights to use instead of the model's, by name.
  var replaced: [String: Matrix] = [:]

  typealias Rows = [[Double]]

  /// The sentence vector, and what each linear layer read, by `EncoderLinearLayer.input`.
  func run(_ ids: [Int32]) -> (embedding: [Double], inputs: [String: Rows]) {
    var inputs: [String: Rows] = [:]
    let words = model.matrices["embeddings.word_embeddings.weight"]!
    let positions = model.matrices["embeddings.position_embeddings.weight"]!
    let types = model.matrices["embeddings.token_type_embeddings.weight"]!
    var x: Rows = ids.enumerated().map { position, id in
      (0..<model.hidden).map {
        Double(words[Int(id), $0]) + Double(positions[position, $0]) + Double(types[0, $0])
      }
    }
    x = normalize(x, "embeddings.LayerNorm")
    for layer in 0..<model.layers {
      let base = "encoder.layer.\(layer)."
      inputs[base + "attention.self"] = x
      let context = attention(
        linear(x, base + "attention.self.query"), linear(x, base + "attention.self.key"),
        linear(x, base + "attention.self.value"))
      inputs[base + "attention.output.dense"] = context
      x = normalize(
        add(x, linear(context, base + "attention.output.dense")),
        base + "attention.output.LayerNorm")
      inputs[base + "intermediate.dense"] = x
      let hidden = linear(x, base + "intermediate.dense").map { $0.map(activate) }
      inputs[base + "output.dense"] = hidden
      x = normalize(add(x, linear(hidden, base + "output.dense")), base + "output.LayerNorm")
    }
    var mean = (0..<model.hidden).map { feature in
      x.reduce(0) { $0 + $1[feature] } / Double(x.count)
    }
    let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
    mean = mean.map { $0 / length }
    return (mean, inputs)
  }

  private func activate(_ x: Double) -> Double {
    switch model.activation {
    case "gelu": x * 0.5 * erfc(-x / 2.0.squareRoot())
    case "relu": max(0, x)
    default: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
  }

  private func linear(_ x: Rows, _ name: String) -> Rows {
    let weights = replaced[name + ".weight"] ?? model.matrices[name + ".weight"]!
    let bias = model.vectors[name + ".bias"]!
    return x.map { row in
      (0..<weights.rows).map { output in
        row.indices.reduce(Double(bias[output])) { $0 + row[$1] * Double(weights[output, $1]) }
      }
    }
  }

  private func add(_ a: Rows, _ b: Rows) -> Rows { zip(a, b).map { zip($0, $1).map(+) } }

  private func normalize(_ x: Rows, _ name: String) -> Rows {
    let scale = model.vectors[name + ".weight"]!
    let shift = model.vectors[name + ".bias"]!
    return x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.indices.map {
        (row[$0] - mean) / (variance + 1e-12).squareRoot() * Double(scale[$0]) + Double(shift[$0])
      }
    }
  }

  private func attention(_ q: Rows, _ k: Rows, _ v: Rows) -> Rows {
    let size = model.hidden / model.heads
    var result = Rows(repeating: [Double](repeating: 0, count: model.hidden), count: q.count)
    for head in 0..<model.heads {
      let features = head * size..<(head + 1) * size
      for query in q.indices {
        let scores = k.indices.map { key in
          features.reduce(0) { $0 + q[query][$1] * k[key][$1] } / Double(size).squareRoot()
        }
        let most = scores.max()!
        let weights = scores.map { exp($0 - most) }
        let sum = weights.reduce(0, +)
        for feature in features {
          result[query][feature] = v.indices.reduce(0) { $0 + weights[$1] / sum * v[$1][feature] }
        }
      }
    }
    return result
  }
}
