import Kernels
import Tensors

/// Takes packed texts through the network.
///
/// Each layer runs as a wave over groups of panels: query, key and value of a group; then attention of
/// the texts that end in it; then everything that follows attention for the groups whose texts are all
/// done. What lies between two linear layers is thus used while it is still in the second-level cache;
/// only the residual stream is as long as the batch. Query, key and value live in a ring of groups as
/// long as the longest text, and attention leaves its result where the queries were.
struct EncoderStream {
  let encoder: BERTEncoder
  let batch: EncoderBatch.Stream
  let scratch: EncoderScratch
  let threads: Int
  var times: EncoderTimeRecorder?
  var capture: ActivationCapture?

  private let kernels = EncoderKernels.best
  private let hidden: Int
  private let groups: Int
  /// Groups in the ring.
  private let slots: Int
  private let residual: UnsafeMutablePointer<Float>
  private let query: UnsafeMutablePointer<Float>
  private let key: UnsafeMutablePointer<Float>
  private let value: UnsafeMutablePointer<Float>
  private let projection: UnsafeMutablePointer<Float>
  private let intermediate: UnsafeMutablePointer<Float>

  private static let groupTokens = BERTEncoder.tokensPerGroup
  /// Tokens of a panel.
  private static let panel = 32

  init(
    encoder: BERTEncoder, batch: EncoderBatch.Stream, scratch: EncoderScratch, threads: Int,
    times: EncoderTimeRecorder? = nil
  ) {
    self.encoder = encoder
    self.batch = batch
    self.scratch = scratch
    self.threads = threads
    self.times = times
    hidden = encoder.configuration.hidden
    groups = (batch.tokens + Self.groupTokens - 1) / Self.groupTokens
    slots = min(groups, (batch.longest + Self.groupTokens - 2) / Self.groupTokens + 1)
    let groupFloats = hidden * Self.groupTokens
    residual = scratch.buffer(.stream, groups * groupFloats)
    query = scratch.buffer(.query, slots * groupFloats)
    key = scratch.buffer(.key, slots * groupFloats)
    value = scratch.buffer(.value, slots * groupFloats)
    projection = scratch.buffer(.projection, groupFloats)
    intermediate = scratch.buffer(
      .hidden, encoder.configuration.intermediate * Self.groupTokens)
  }

  /// Writes the sentence vector of each text `t` to `target[t · hidden...]`.
  func run(_ ids: [[Int32]], into target: UnsafeMutablePointer<Float>) {
    if batch.tokens == 0 { return }
    times?.start()
    times?.tokens += batch.tokens
    for group in 0..<groups { embed(ids, group: group) }
    if let times { times.embedding += times.lap() }
    for layer in 0..<encoder.configuration.layers { run(layer: layer) }
    pool(into: target)
    if let times { times.pooling += times.lap() }
  }

  // MARK: Layers

  private func run(layer: Int) {
    var nextText = 0
    var nextGroup = 0
    for group in 0..<groups {
      let x = residualView(group)
      let slot = group % slots
      multiply(layer, .query, x, ringView(query, slot, group), group)
      multiply(layer, .key, x, ringView(key, slot, group), group)
      multiply(layer, .value, x, ringView(value, slot, group), group)
      let end = min(batch.tokens, (group + 1) * Self.groupTokens)
      let first = nextText
      while nextText < batch.texts.count, textEnd(nextText) <= end { nextText += 1 }
      if nextText > first { attend(texts: first..<nextText) }
      if let times { times.attention[layer] += times.lap() }
      let done = nextText == batch.texts.count ? batch.tokens : batch.starts[nextText]
      while nextGroup <= group, min(batch.tokens, (nextGroup + 1) * Self.groupTokens) <= done {
        finish(layer: layer, group: nextGroup)
        nextGroup += 1
      }
    }
  }

  private func textEnd(_ text: Int) -> Int {
    text + 1 < batch.texts.count ? batch.starts[text + 1] : batch.tokens
  }

  /// From attention's result to the layer's output.
  private func finish(layer: Int, group: Int) {
    let x = residualView(group)
    let hiddenView = Activations(
      features: encoder.configuration.intermediate, tokens: tokens(group),
      borrowingPanels: intermediate)
    let output = Activations(
      features: hidden, tokens: tokens(group), borrowingPanels: projection)
    multiply(layer, .attentionOutput, ringView(query, group % slots, group), output, group)
    normalize(group, adding: projection, encoder.weights.attention[layer])
    if let times { times.normalization[layer] += times.lap() }
    multiply(layer, .intermediate, x, hiddenView, group)
    activate(hiddenView.count)
    if let times { times.activation[layer] += times.lap() }
    multiply(layer, .output, hiddenView, output, group)
    normalize(group, adding: projection, encoder.weights.output[layer])
    if let times { times.normalization[layer] += times.lap() }
  }

  private func multiply(
    _ layer: Int, _ role: EncoderLinearLayer.Role, _ x: Activations, _ y: Activations,
    _ group: Int
  ) {
    let index = layer * EncoderLinearLayer.Role.allCases.count + role.rawValue
    if let capture, role != .key, role != .value {
      capture.add(x, tokens: tokens(group), index: index)
    }
    encoder.kernels[index].multiply(x, into: y, threads: threads)
    if let times { times.linear[index] += times.lap() }
  }

  private func activate(_ count: Int) {
    let activation = encoder.configuration.activation
    guard threads > 1 else { return kernels.activate(activation, intermediate, count) }
    let share = (count / 16 + threads - 1) / threads * 16
    let values = SendablePointer(intermediate)
    WorkerPool.shared.run(threads: threads) { worker in
      let first = worker * share
      if first < count {
        kernels.activate(activation, values.pointer + first, min(share, count - first))
      }
    }
  }

  private func normalize(
    _ group: Int, adding addend: UnsafeMutablePointer<Float>?,
    _ weights: EncoderWeights.Normalization
  ) {
    let panels = (lanes(group) + Self.panel - 1) / Self.panel
    let stride = hidden * Self.panel
    let x = SendablePointer(residual + group * Self.groupTokens * hidden)
    let y = addend.map { SendablePointer($0) }
    let epsilon = encoder.configuration.layerNormEpsilon
    weights.scale.withUnsafeBufferPointer { scale in
      weights.shift.withUnsafeBufferPointer { shift in
        nonisolated(unsafe) let (scale, shift) = (scale.baseAddress!, shift.baseAddress!)
        func part(_ panel: Int, _ lane: Int, _ count: Int) {
          let offset = panel * stride + lane
          kernels.normalize(
            x.pointer + offset, y.map { UnsafePointer($0.pointer + offset) }, scale, shift, hidden,
            epsilon, count)
        }
        if threads == 1 {
          for panel in 0..<panels { part(panel, 0, Self.panel) }
        } else {
          WorkerPool.shared.run(threads: min(threads, 2 * panels)) { worker in
            for half in Swift.stride(
              from: worker, to: 2 * panels, by: min(threads, 2 * panels))
            {
              part(half / 2, half % 2 * 16, 16)
            }
          }
        }
      }
    }
  }

  // MARK: Attention

  private func attend(texts: Range<Int>) {
    let heads = encoder.configuration.heads
    let workers = min(threads, heads)
    let longest = texts.map { textEnd($0) - batch.starts[$0] }.max()!
    let headSize = encoder.configuration.headSize
    // At least 48 behind the last token, and an odd number of cache lines: with an even one the rows of
    // a head fall on a part of the cache's sets, with eight (49 to 64 tokens) on eight of 64.
    let stride = ((longest + 15) / 16 + 3 | 1) * 16
    let floats = 3 * headSize * stride + (longest + 16) * 48
    let buffers = (0..<workers).map {
      SendablePointer(scratch.buffer(.head(worker: $0), floats))
    }
    if workers == 1 {
      for head in 0..<heads {
        for text in texts { attend(text, head, buffers[0].pointer, stride) }
      }
      return
    }
    nonisolated(unsafe) let stream = self
    WorkerPool.shared.run(threads: workers) { worker in
      for head in Swift.stride(from: worker, to: heads, by: workers) {
        for text in texts { stream.attend(text, head, buffers[worker].pointer, stride) }
      }
    }
  }

  /// One head of one text: out of the ring, attention, and back to where the queries were.
  private func attend(
    _ text: Int, _ head: Int, _ buffer: UnsafeMutablePointer<Float>, _ stride: Int
  ) {
    let size = encoder.configuration.headSize
    let start = batch.starts[text]
    let count = textEnd(text) - start
    let q = buffer
    let k = q + size * stride
    let v = k + size * stride
    let scores = v + size * stride
    forEachPiece(start, count) { slotOffset, token, offset, here in
      let source = slotOffset + head * size * Self.panel
      let panelStride = hidden * Self.panel
      kernels.gather(query + source, panelStride, size, token, here, q + offset, stride)
      kernels.gather(key + source, panelStride, size, token, here, k + offset, stride)
      kernels.gather(value + source, panelStride, size, token, here, v + offset, stride)
    }
    kernels.attend(q, k, v, q, scores, size, count, stride, 1 / Float(size).squareRoot())
    forEachPiece(start, count) { slotOffset, token, offset, here in
      kernels.scatter(
        q + offset, stride, size, token, here, query + slotOffset + head * size * Self.panel,
        hidden * Self.panel)
    }
  }

  /// The pieces of a text in the groups of the ring: offset of the slot, first token in the group,
  /// offset in the text, tokens.
  private func forEachPiece(
    _ start: Int, _ count: Int, _ body: (Int, Int, Int, Int) -> Void
  ) {
    var done = 0
    while done < count {
      let group = (start + done) / Self.groupTokens
      let token = (start + done) % Self.groupTokens
      let here = min(Self.groupTokens - token, count - done)
      body(group % slots * hidden * Self.groupTokens, token, done, here)
      done += here
    }
  }

  // MARK: Ends

  private func embed(_ ids: [[Int32]], group: Int) {
    let rows = scratch.buffer(.rows, Self.groupTokens * hidden)
    let first = group * Self.groupTokens
    let count = tokens(group)
    // The text that holds the group's first token.
    var text = batch.starts.partitioningIndex { $0 > first } - 1
    let words = encoder.weights.words
    encoder.weights.positions.values.withUnsafeBufferPointer { positions in
      for token in first..<first + count {
        while token >= textEnd(text) { text += 1 }
        let position = token - batch.starts[text]
        let word = words[Int(ids[batch.texts[text]][position])]
        let place = positions.baseAddress! + position * hidden
        let row = rows + (token - first) * hidden
        for feature in 0..<hidden { row[feature] = word[feature] + place[feature] }
      }
    }
    // Turned by whole registers, so lanes behind the last token are filled too.
    let padded = max(count, lanes(group))
    (rows + count * hidden).update(repeating: 0, count: (padded - count) * hidden)
    Activations(
      features: hidden, tokens: padded,
      borrowingPanels: residual + group * Self.groupTokens * hidden
    ).load(from: rows)
    normalize(group, adding: nil, encoder.weights.embedding)
  }

  private func pool(into target: UnsafeMutablePointer<Float>) {
    let configuration = encoder.configuration
    for (index, text) in batch.texts.enumerated() {
      let row = target + text * hidden
      row.update(repeating: 0, count: hidden)
      let start = batch.starts[index]
      let all = textEnd(index) - start
      let count = configuration.pooling == .mean ? all : 1
      // The whole stream is one row of panels.
      kernels.sum(residual, hidden, start, count, row)
      var scale = 1 / Float(count)
      if configuration.normalizes {
        // The length of the sum and of the mean differ by `count`, which cancels.
        var squares: Float = 0
        for feature in 0..<hidden { squares += row[feature] * row[feature] }
        scale = 1 / max(squares.squareRoot(), 1e-12 * Float(count))
      }
      for feature in 0..<hidden { row[feature] *= scale }
    }
  }

  // MARK: Views

  /// Tokens of a group.
  private func tokens(_ group: Int) -> Int {
    min(Self.groupTokens, batch.tokens - group * Self.groupTokens)
  }

  /// Lanes that are normalised: registers of 16 tokens are the smallest unit.
  private func lanes(_ group: Int) -> Int { (tokens(group) + 15) / 16 * 16 }

  private func residualView(_ group: Int) -> Activations {
    Activations(
      features: hidden, tokens: tokens(group),
      borrowingPanels: residual + group * Self.groupTokens * hidden)
  }

  private func ringView(
    _ base: UnsafeMutablePointer<Float>, _ slot: Int, _ group: Int
  ) -> Activations {
    Activations(
      features: hidden, tokens: tokens(group),
      borrowingPanels: base + slot * Self.groupTokens * hidden)
  }
}

extension Array where Element == Int {
  /// The first index of a sorted array from which `predicate` holds.
  fileprivate func partitioningIndex(_ predicate: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
