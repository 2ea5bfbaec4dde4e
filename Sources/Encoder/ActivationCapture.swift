import Kernels
import Tensors

/// Collects what linear layers read, token by token.
final class ActivationCapture {
  private let names: [Int: String]
  private var features: [String: Int] = [:]
  private var values: [String: [Float]] = [:]

  init(layers: [EncoderLinearLayer], inputs: Set<String>?) {
    var names: [Int: String] = [:]
    for layer in layers where inputs?.contains(layer.input) ?? true {
      names[layer.index] = layer.input
      features[layer.input] = layer.columns
      values[layer.input] = []
    }
    self.names = names
  }

  /// Appends the first `tokens` tokens that layer `index` is about to read.
  func add(_ x: Activations, tokens: Int, index: Int) {
    guard let name = names[index] else { return }
    var rows = [Float](repeating: 0, count: x.tokens * x.features)
    rows.withUnsafeMutableBufferPointer { x.store(to: $0.baseAddress!) }
    values[name]!.append(contentsOf: rows.prefix(tokens * x.features))
  }

  func matrices() -> [String: Matrix] {
    values.reduce(into: [:]) { result, entry in
      let columns = features[entry.key]!
      result[entry.key] = Matrix(
        rows: entry.value.count / columns, columns: columns, values: entry.value)
    }
  }
}
