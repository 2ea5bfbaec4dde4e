/// What the forward pass keeps and what the backward pass hands on, in panels of 32 tokens.
///
/// Buffers only grow. Gradients that one layer's weights are computed from while the next layer's are
/// already being written exist twice, by the parity of the layer.
final class TrainingBuffers: @unchecked Sendable {
  /// Of one transformer layer.
  struct Layer {
    var input = Floats(0)
    var query = Floats(0)
    var key = Floats(0)
    var value = Floats(0)
    /// `[text][head][keys][stride]`, queries in lanes.
    var probabilities = Floats(0)
    var context = Floats(0)
    /// Sums before the two normalisations, standardised, and one over their deviations.
    var standard = [Floats(0), Floats(0)]
    var reciprocal = [Floats(0), Floats(0)]
    /// What the feed-forward part reads.
    var middle = Floats(0)
    /// Slopes of the activation.
    var slope = Floats(0)
    /// What the second feed-forward product reads; kept only where its weights are trained.
    var active = Floats(0)
  }

  /// Gradients inside one layer.
  struct Gradients {
    var output = Floats(0)
    /// Of the sums before the two normalisations.
    var sums = [Floats(0), Floats(0)]
    var middle = Floats(0)
    /// Of what goes into the activation; kept only where the first product's weights are trained.
    var active = Floats(0)
  }

  var layers: [Layer]
  var output = Floats(0)
  var gradients = [Gradients(), Gradients()]
  var contextGradient = Floats(0)
  var queryGradient = Floats(0)
  var keyGradient = Floats(0)
  var valueGradient = Floats(0)
  /// The teacher's outputs of all layers, where the loss asks for them.
  var teacher: [Floats]
  var scratch: [Floats] = []

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
    teacher = Array(repeating: Floats(0), count: layers)
    keepsActive = Array(repeating: false, count: layers)
    self.hidden = hidden
    self.intermediate = intermediate
    self.heads = heads
  }

  /// Floats of a worker's scratch: three groups of hidden features, one of intermediate ones, and the
  /// matrices of one head.
  var scratchFloats: Int { 4 * hidden * 64 + intermediate * 64 + headScratch }
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
    while scratch.count < threads { scratch.append(Floats(0)) }
    for worker in scratch.indices { grow(&scratch[worker], scratchFloats) }
  }

  private func grow(_ buffer: inout Floats, _ count: Int) {
    if buffer.count < count { buffer = Floats(count) }
  }

  /// Zeros in the last panel, whose lanes behind the last token nobody writes.
  private func clearLast(_ buffer: Floats) {
    (buffer.pointer + (panels - 1) * hidden * 32).update(repeating: 0, count: hidden * 32)
  }
}
