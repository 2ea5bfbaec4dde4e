/// What the forward pass keeps and what the backward pass hands on, in panels of 32 tokens.
///
/// Buffers only grow. Gradients that one layer's weights are computed from while the next layer's are
/// already being written exist twice, by the parity of the layer.
final class TrainingBuffers: @unchecked Sendable {
  /// A part of the memory. Not an object: with dozens of them in a layer, counting references to them
  /// took longer than the heads of short texts, and threads waited for each other's counts.
  struct Area: @unchecked Sendable {
    var pointer = UnsafeMutablePointer<Float>(bitPattern: 64)!
    var count = 0
  }

  /// Of one transformer layer.
  struct Layer {
    var input = Area()
    var query = Area()
    var key = Area()
    var value = Area()
    /// `[text][head][keys][stride]`, queries in lanes.
    var probabilities = Area()
    var context = Area()
    /// Sums before the two normalisations, standardised, and one over their deviations.
    var standard = InlineArray<2, Area>(repeating: Area())
    var reciprocal = InlineArray<2, Area>(repeating: Area())
    /// What the feed-forward part reads.
    var middle = Area()
    /// Slopes of the activation.
    var slope = Area()
    /// What the second feed-forward product reads; kept only where its weights are trained.
    var active = Area()
  }

  /// Gradients inside one layer.
  struct Gradients {
    var output = Area()
    /// Of the sums before the two normalisations.
    var sums = InlineArray<2, Area>(repeating: Area())
    var middle = Area()
    /// Of what goes into the activation; kept only where the first product's weights are trained.
    var active = Area()
  }

  var layers: [Layer]
  var output = Area()
  var gradients = [Gradients(), Gradients()]
  var contextGradient = Area()
  var queryGradient = Area()
  var keyGradient = Area()
  var valueGradient = Area()
  /// The teacher's outputs of all layers, where the loss asks for them.
  var teacher: [Area]
  var scratch: [Area] = []

  private var owners: [Floats] = []
  let hidden: Int
  let intermediate: Int
  let heads: Int
  /// By layer: whether a feed-forward product is trained.
  var keepsActive: [Bool]

  private(set) var texts = 0
  private(set) var length = 0
  private(set) var tokens = 0
  private(set) var panels = 0
  /// Floats between rows of one head's matrices.
  private(set) var stride = 0
  /// Floats of one head's probabilities.
  private(set) var headFloats = 0

  init(layers: Int, hidden: Int, intermediate: Int, heads: Int) {
    self.layers = Array(repeating: Layer(), count: layers)
    teacher = Array(repeating: Area(), count: layers)
    keepsActive = Array(repeating: false, count: layers)
    self.hidden = hidden
    self.intermediate = intermediate
    self.heads = heads
  }

  /// Floats of a worker's scratch: groups of at most 128 tokens with hidden and intermediate features,
  /// and behind them the matrices of one head.
  private var scratchFloats: Int { max(headOffset, hidden * length) + headScratch }
  var headOffset: Int { 4 * hidden * 128 + intermediate * 128 }
  private var headScratch: Int { 8 * (hidden / heads) * stride + 3 * stride * (stride + 16) }

  /// Makes room for a batch of equal texts, and zeros where lanes behind the last token are summed.
  func prepare(texts: Int, length: Int, threads: Int, needsTeacher: Bool) {
    self.texts = texts
    self.length = length
    tokens = texts * length
    panels = (tokens + 31) / 32
    stride = (length + 15) / 16 * 16
    headFloats = (length + 7) / 8 * 8 * stride
    let lanes = panels * 32
    for index in layers.indices {
      grow(&layers[index].input, hidden * lanes)
      grow(&layers[index].query, hidden * lanes)
      grow(&layers[index].key, hidden * lanes)
      grow(&layers[index].value, hidden * lanes)
      grow(&layers[index].context, hidden * lanes)
      grow(&layers[index].probabilities, texts * heads * headFloats)
      for position in 0..<2 {
        grow(&layers[index].standard[position], hidden * lanes)
        grow(&layers[index].reciprocal[position], lanes)
      }
      grow(&layers[index].middle, hidden * lanes)
      grow(&layers[index].slope, intermediate * lanes)
      if keepsActive[index] { grow(&layers[index].active, intermediate * lanes) }
      if needsTeacher { grow(&teacher[index], hidden * lanes) }
      clearLast(layers[index].context)
    }
    grow(&output, hidden * lanes)
    for parity in 0..<2 {
      grow(&gradients[parity].output, hidden * lanes)
      grow(&gradients[parity].sums[0], hidden * lanes)
      grow(&gradients[parity].sums[1], hidden * lanes)
      grow(&gradients[parity].middle, hidden * lanes)
      if keepsActive.contains(true) { grow(&gradients[parity].active, intermediate * lanes) }
    }
    grow(&contextGradient, hidden * lanes)
    grow(&queryGradient, hidden * lanes)
    grow(&keyGradient, hidden * lanes)
    grow(&valueGradient, hidden * lanes)
    for buffer in [queryGradient, keyGradient, valueGradient] { clearLast(buffer) }
    while scratch.count < threads { scratch.append(Area()) }
    for worker in scratch.indices { grow(&scratch[worker], scratchFloats) }
  }

  private func grow(_ buffer: inout Area, _ count: Int) {
    guard buffer.count < count else { return }
    owners.append(Floats(count))
    owners.removeAll { $0.pointer == buffer.pointer }
    buffer = Area(pointer: owners[owners.count - 1].pointer, count: count)
  }

  /// Zeros in the last panel, whose lanes behind the last token nobody writes.
  private func clearLast(_ buffer: Area) {
    (buffer.pointer + (panels - 1) * hidden * 32).update(repeating: 0, count: hidden * 32)
  }
}
