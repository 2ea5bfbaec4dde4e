import Encoder
import Glibc
import Kernels
import Tensors

extension EncoderTrainer {
  private typealias Pointer = UnsafeMutablePointer<Float>

  /// Panels that go through a layer together, so that what lies between two products stays in or near
  /// the second-level cache: four where every thread has as many, since each group reads all weights. An
  /// even number, because kernels take panels in pairs: then no sum depends on the number of threads.
  var groupPanels: Int { buffers.panels >= 4 * settings.threads ? 4 : 2 }

  var groups: Int { (buffers.panels + groupPanels - 1) / groupPanels }

  func panels(of group: Int) -> Range<Int> {
    group * groupPanels..<min(buffers.panels, (group + 1) * groupPanels)
  }

  /// Takes a batch through the network and keeps what the backward pass reads.
  func forward(_ tokens: [[Int32]]) {
    embed(tokens)
    let layers = configuration.layers
    each(groups) { worker, group in project(layer: 0, group, worker) }
    for layer in 0..<layers {
      each(buffers.texts * configuration.heads) { worker, item in
        attend(layer, item / configuration.heads, item % configuration.heads, worker)
      }
      each(groups) { worker, group in
        finish(layer: layer, group, worker)
        if layer + 1 < layers { project(layer: layer + 1, group, worker) }
      }
    }
  }

  private func embed(_ tokens: [[Int32]]) {
    let hidden = configuration.hidden
    let target = buffers.layers[0].input.pointer
    let texts = buffers.texts
    // A text at a time: its tokens, as rows, then turned into their lanes.
    each(texts) { worker, text in
      let rows = buffers.scratch[worker].pointer
      let length = buffers.length
      teacher.embeddings(of: [tokens[text]]).values.withUnsafeBufferPointer {
        rows.update(from: $0.baseAddress!, count: length * hidden)
      }
      var done = 0
      while done < length {
        let token = text * length + done
        let here = min(32 - token % 32, length - done)
        kernels.transpose(
          rows + done * hidden, hidden, target + (token / 32 * hidden * 32 + token % 32), 32, here,
          hidden)
        done += here
      }
    }
  }

  /// Query, key and value of a group.
  private func project(layer: Int, _ group: Int, _ worker: Int) {
    let stored = buffers.layers[layer]
    multiply(linear(layer, .query).forward, stored.input, stored.query, group, worker)
    multiply(linear(layer, .key).forward, stored.input, stored.key, group, worker)
    multiply(linear(layer, .value).forward, stored.input, stored.value, group, worker)
  }

  /// From attention's result to the layer's output.
  private func finish(layer: Int, _ group: Int, _ worker: Int) {
    let stored = buffers.layers[layer]
    let panels = panels(of: group)
    let hidden = configuration.hidden
    let intermediate = configuration.intermediate
    let scratch = buffers.scratch[worker].pointer
    let start = panels.lowerBound * hidden * 32
    multiply(
      linear(layer, .attentionOutput).forward, stored.context.pointer + start, scratch,
      panels.count, worker)
    normalize(
      layer, .afterAttention, panels, scratch, stored.input.pointer, stored.middle.pointer)
    let slope = stored.slope.pointer + panels.lowerBound * intermediate * 32
    let active =
      buffers.keepsActive[layer]
      ? stored.active.pointer + panels.lowerBound * intermediate * 32 : scratch + hidden * 128
    multiply(
      linear(layer, .intermediate).forward, stored.middle.pointer + start, active, panels.count,
      worker)
    kernels.activate(activationKind, active, slope, panels.count * intermediate * 32)
    multiply(linear(layer, .output).forward, active, scratch, panels.count, worker)
    let output =
      layer + 1 < configuration.layers ? buffers.layers[layer + 1].input : buffers.output
    normalize(
      layer, .afterFeedForward, panels, scratch, stored.middle.pointer, output.pointer)
  }

  private var activationKind: Int {
    switch configuration.activation {
    case .gelu: 0
    case .geluTanh: 1
    case .relu: 2
    }
  }

  /// `out = normalise(x + y)` of a group; `x` begins with it, `y` and `out` with the batch.
  private func normalize(
    _ layer: Int, _ position: EncoderNormalization.Position, _ panels: Range<Int>, _ x: Pointer,
    _ y: Pointer, _ out: Pointer
  ) {
    let weights = normalization(layer, position)
    let hidden = configuration.hidden
    let stored = buffers.layers[layer]
    for panel in panels {
      let at = panel * hidden * 32
      kernels.normalize(
        x + (panel - panels.lowerBound) * hidden * 32, y + at, out + at,
        stored.standard[position.rawValue].pointer + at,
        stored.reciprocal[position.rawValue].pointer + panel * 32, weights.scale.pointer,
        weights.shift.pointer, hidden, configuration.layerNormEpsilon)
    }
  }

  /// A product of a whole buffer's group.
  func multiply(
    _ layer: RewritableLayer, _ x: TrainingBuffers.Area, _ y: TrainingBuffers.Area, _ group: Int,
    _ worker: Int
  ) {
    let panels = panels(of: group)
    multiply(
      layer, x.pointer + panels.lowerBound * layer.columns * 32,
      y.pointer + panels.lowerBound * layer.rows * 32, panels.count, worker)
  }

  func multiply(
    _ layer: RewritableLayer, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ panels: Int, _ worker: Int
  ) {
    let start = nanoseconds()
    layer.multiply(
      Activations(features: layer.columns, tokens: panels * 32, borrowing: x),
      into: Activations(features: layer.rows, tokens: panels * 32, borrowing: y), threads: 1)
    productNanoseconds[worker] += nanoseconds() - start
  }

  // MARK: Attention

  /// One head of one text; its probabilities stay.
  private func attend(_ layer: Int, _ text: Int, _ head: Int, _ worker: Int) {
    let stored = buffers.layers[layer]
    let size = configuration.headSize
    let (length, stride) = (buffers.length, buffers.stride)
    let hidden = configuration.hidden
    let matrices =
      buffers.scratch[worker].pointer + buffers.headOffset
    let part = size * stride
    let (q, k, v) = (matrices, matrices + part, matrices + 2 * part)
    let result = matrices + 3 * part
    let (first, offset) = (text * length, head * size * 32)
    kernels.gather(stored.query.pointer + offset, hidden * 32, size, first, length, q, stride)
    kernels.gather(stored.key.pointer + offset, hidden * 32, size, first, length, k, stride)
    kernels.gather(stored.value.pointer + offset, hidden * 32, size, first, length, v, stride)
    let p =
      stored.probabilities.pointer + (text * configuration.heads + head) * buffers.headFloats
    let keys = (length + 7) / 8 * 8
    let scale = 1 / Float(size).squareRoot()
    kernels.product(k, 1, stride, q, stride, p, stride, keys, size, stride, scale)
    kernels.softmax(p, length, stride, stride)
    kernels.product(v, stride, 1, p, stride, result, stride, size, length, stride, 1)
    kernels.scatter(
      result, stride, size, first, length, stored.context.pointer + offset, hidden * 32)
  }
}

func nanoseconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) * 1e9 + Double(now.tv_nsec)
}
