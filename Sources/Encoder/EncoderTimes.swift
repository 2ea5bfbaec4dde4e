/// Where the time of one call went, in nanoseconds. With several streams (one a thread) the parts are
/// sums over them; `tokenizing` and `total` are by the clock.
public struct EncoderTimes: Hashable, Sendable {
  /// By the name of the weight tensor.
  public var linear: [String: Double] = [:]
  /// Scores, softmax and weighted values of all heads, copies included, by layer.
  public var attention: [Double]
  /// The non-linearity between the feed-forward products, by layer.
  public var activation: [Double]
  /// Both residual additions and normalisations, by layer.
  public var normalization: [Double]
  /// Looking up, adding, normalising and turning token vectors into panels.
  public var embedding: Double = 0
  public var pooling: Double = 0
  public var tokenizing: Double = 0
  public var total: Double = 0
  public var tokens: Int = 0

  init(layers: [EncoderLinearLayer]) {
    let count = (layers.map(\.layer).max() ?? -1) + 1
    attention = Array(repeating: 0, count: count)
    activation = attention
    normalization = attention
  }

  /// All linear layers together.
  public var linearTotal: Double { linear.values.reduce(0, +) }
  /// Everything between linear layers, per token and layer.
  public var nonlinearPerTokenAndLayer: Double {
    let sum = zip(attention, zip(activation, normalization)).reduce(0) {
      $0 + $1.0 + $1.1.0 + $1.1.1
    }
    return sum / Double(max(1, tokens * attention.count))
  }

  mutating func add(_ recorder: EncoderTimeRecorder, layers: [EncoderLinearLayer]) {
    for layer in layers { linear[layer.name, default: 0] += recorder.linear[layer.index] }
    for layer in attention.indices {
      attention[layer] += recorder.attention[layer]
      activation[layer] += recorder.activation[layer]
      normalization[layer] += recorder.normalization[layer]
    }
    embedding += recorder.embedding
    pooling += recorder.pooling
    tokens += recorder.tokens
  }
}

/// One stream's clock. A lap costs some 20 ns, a hundred times less than the shortest part.
final class EncoderTimeRecorder: @unchecked Sendable {
  var linear: [Double]
  var attention: [Double]
  var activation: [Double]
  var normalization: [Double]
  var embedding: Double = 0
  var pooling: Double = 0
  var tokens = 0
  private var last: Double = 0

  init(_ layers: Int) {
    linear = Array(repeating: 0, count: layers)
    attention = Array(repeating: 0, count: layers / EncoderLinearLayer.Role.allCases.count)
    activation = attention
    normalization = attention
  }

  func start() { last = monotonicNanoseconds() }

  /// Time since the last lap.
  func lap() -> Double {
    let now = monotonicNanoseconds()
    defer { last = now }
    return now - last
  }
}
