import Foundation
import Tensors

/// The student and its loss as the formulas say them, in double precision, one text at a time.
struct ReferenceTrainer {
  let hidden: Int
  let heads: Int
  let layers: Int
  let intermediate: Int
  let activation: String
  /// By name, matrices row-major.
  var values: [String: [Double]] = [:]

  init(_ model: TinyModel) {
    hidden = model.hidden
    heads = model.heads
    layers = model.layers
    intermediate = model.intermediate
    activation = model.activation
    for (name, matrix) in model.matrices { values[name] = matrix.values.map { Double($0) } }
    for (name, vector) in model.vectors { values[name] = vector.map { Double($0) } }
  }

  typealias Rows = [[Double]]

  /// Outputs of all layers for one text.
  func states(_ ids: [Int32]) -> [Rows] {
    let words = values["embeddings.word_embeddings.weight"]!
    let positions = values["embeddings.position_embeddings.weight"]!
    let types = values["embeddings.token_type_embeddings.weight"]!
    var x: Rows = ids.enumerated().map { position, id in
      (0..<hidden).map {
        words[Int(id) * hidden + $0] + positions[position * hidden + $0] + types[$0]
      }
    }
    x = normalize(x, "embeddings.LayerNorm")
    var states: [Rows] = []
    for layer in 0..<layers {
      let base = "encoder.layer.\(layer)."
      let context = attention(
        linear(x, base + "attention.self.query"), linear(x, base + "attention.self.key"),
        linear(x, base + "attention.self.value"))
      x = normalize(
        add(x, linear(context, base + "attention.output.dense")),
        base + "attention.output.LayerNorm")
      let middle = linear(x, base + "intermediate.dense").map { $0.map(activate) }
      x = normalize(add(x, linear(middle, base + "output.dense")), base + "output.LayerNorm")
      states.append(x)
    }
    return states
  }

  /// `1 - cosine`, averaged over texts, plus the weighted error of hidden states.
  func loss(
    _ texts: [[Int32]], teacher: Matrix, hiddenStates: [Matrix]? = nil, hiddenLoss: Double = 0,
    firstTokenOnly: Bool = false
  ) -> Double {
    var total = 0.0
    var row = 0
    var squares = [Double](repeating: 0, count: layers)
    for (text, ids) in texts.enumerated() {
      let states = states(ids)
      let last = firstTokenOnly ? Array(states[layers - 1].prefix(1)) : states[layers - 1]
      let pooled = (0..<hidden).map { feature in last.reduce(0) { $0 + $1[feature] } }
      let goal = (0..<hidden).map { Double(teacher[text, $0]) }
      func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      total +=
        1 - dot(pooled, goal) / (dot(pooled, pooled) * dot(goal, goal)).squareRoot()
      if let hiddenStates {
        for layer in 0..<layers {
          for token in ids.indices {
            for feature in 0..<hidden {
              let difference =
                states[layer][token][feature] - Double(hiddenStates[layer][row + token, feature])
              squares[layer] += difference * difference
            }
          }
        }
      }
      row += ids.count
    }
    var result = total / Double(texts.count)
    if let hiddenStates {
      for layer in 0..<layers {
        let all = hiddenStates[layer].values.map { Double($0) }
        let mean = all.reduce(0, +) / Double(all.count)
        let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(all.count)
        result += hiddenLoss * squares[layer] / Double(all.count) / variance / Double(layers)
      }
    }
    return result
  }

  /// The slope of `body` along one value, by central differences.
  func slope(of name: String, at index: Int, _ body: (ReferenceTrainer) -> Double) -> Double {
    let step = 1e-4
    var (up, down) = (self, self)
    up.values[name]![index] += step
    down.values[name]![index] -= step
    return (body(up) - body(down)) / (2 * step)
  }

  private func activate(_ x: Double) -> Double {
    switch activation {
    case "gelu": x * 0.5 * erfc(-x / 2.0.squareRoot())
    case "relu": max(0, x)
    default: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
  }

  private func linear(_ x: Rows, _ name: String) -> Rows {
    let weights = values[name + ".weight"]!
    let bias = values[name + ".bias"]!
    let columns = weights.count / bias.count
    return weights.withUnsafeBufferPointer { weights in
      x.map { row in
        bias.indices.map { output in
          var sum = bias[output]
          for column in 0..<columns { sum += row[column] * weights[output * columns + column] }
          return sum
        }
      }
    }
  }

  private func add(_ a: Rows, _ b: Rows) -> Rows { zip(a, b).map { zip($0, $1).map(+) } }

  private func normalize(_ x: Rows, _ name: String) -> Rows {
    let scale = values[name + ".weight"]!
    let shift = values[name + ".bias"]!
    return x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      let factor = 1 / (variance + 1e-12).squareRoot()
      return row.indices.map { (row[$0] - mean) * factor * scale[$0] + shift[$0] }
    }
  }

  private func attention(_ q: Rows, _ k: Rows, _ v: Rows) -> Rows {
    let size = hidden / heads
    var result = Rows(repeating: [Double](repeating: 0, count: hidden), count: q.count)
    for head in 0..<heads {
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
