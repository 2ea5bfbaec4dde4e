import Encoder
import Kernels

extension EncoderTrainer {
  /// The gradients of all trained weights from that of the last layer's output, which the loss has left
  /// in the gradients of its parity.
  ///
  /// Three regions a layer, as many forks: heads; weights of the layer and what goes down to the next;
  /// both in one where they do not wait for each other.
  func backward() {
    let layers = configuration.layers
    each(groups) { worker, group in descend(layer: layers - 1, group, worker) }
    for layer in stride(from: layers - 1, through: lowest, by: -1) {
      if layer > lowest || trainsAttention(layer) {
        each(buffers.texts * configuration.heads) { worker, item in
          attendBackward(layer, item / configuration.heads, item % configuration.heads, worker)
        }
      }
      let threads = settings.threads
      WorkerPool.shared.run(threads: threads) { worker in
        weightGradients(layer, share: worker, of: threads)
        guard layer > lowest else { return }
        for group in groups * worker / threads..<groups * (worker + 1) / threads {
          joinProjections(layer, group, worker)
          descend(layer: layer - 1, group, worker)
        }
      }
    }
  }

  private func trainsAttention(_ layer: Int) -> Bool {
    [.query, .key, .value].contains { linear(layer, $0).weightOffset != nil }
  }

  /// From the gradient of a layer's output to that of attention's result, for one group.
  private func descend(layer: Int, _ group: Int, _ worker: Int) {
    let stored = buffers.layers[layer]
    let gradients = buffers.gradients[layer & 1]
    let panels = panels(of: group)
    let (hidden, intermediate) = (configuration.hidden, configuration.intermediate)
    let scratch = buffers.scratch[worker].pointer
    let start = panels.lowerBound * hidden * 32
    let count = panels.count * hidden * 32
    pull(layer, group)
    normalizeBackward(
      layer, .afterFeedForward, panels, gradients.output.pointer, gradients.sums[1].pointer)
    let active =
      buffers.keepsActive[layer]
      ? gradients.active.pointer + panels.lowerBound * intermediate * 32 : scratch + hidden * 128
    multiply(
      linear(layer, .output).backward, gradients.sums[1].pointer + start, active, panels.count,
      worker)
    kernels.scale(
      active, stored.slope.pointer + panels.lowerBound * intermediate * 32,
      panels.count * intermediate * 32)
    multiply(linear(layer, .intermediate).backward, active, scratch, panels.count, worker)
    kernels.add(
      scratch, gradients.sums[1].pointer + start, nil, nil, gradients.middle.pointer + start, count)
    normalizeBackward(
      layer, .afterAttention, panels, gradients.middle.pointer, gradients.sums[0].pointer)
    multiply(
      linear(layer, .attentionOutput).backward, gradients.sums[0], buffers.contextGradient, group,
      worker)
  }

  /// The gradient of the layer below's output: past attention, and through query, key and value.
  private func joinProjections(_ layer: Int, _ group: Int, _ worker: Int) {
    let panels = panels(of: group)
    let hidden = configuration.hidden
    let start = panels.lowerBound * hidden * 32
    let scratch = buffers.scratch[worker].pointer
    let (q, k, v) = (scratch, scratch + hidden * 128, scratch + 2 * hidden * 128)
    multiply(
      linear(layer, .query).backward, buffers.queryGradient.pointer + start, q, panels.count, worker
    )
    multiply(
      linear(layer, .key).backward, buffers.keyGradient.pointer + start, k, panels.count, worker)
    multiply(
      linear(layer, .value).backward, buffers.valueGradient.pointer + start, v, panels.count, worker
    )
    kernels.add(
      buffers.gradients[layer & 1].sums[0].pointer + start, q, k, v,
      buffers.gradients[(layer - 1) & 1].output.pointer + start, panels.count * hidden * 32)
  }

  private func normalizeBackward(
    _ layer: Int, _ position: EncoderNormalization.Position, _ panels: Range<Int>,
    _ gradient: UnsafeMutablePointer<Float>, _ result: UnsafeMutablePointer<Float>
  ) {
    let stored = buffers.layers[layer]
    let hidden = configuration.hidden
    for panel in panels {
      let at = panel * hidden * 32
      kernels.normalizeBackward(
        gradient + at, stored.standard[position.rawValue].pointer + at,
        stored.reciprocal[position.rawValue].pointer + panel * 32,
        normalization(layer, position).scale.pointer, result + at, hidden)
    }
  }

  /// One head of one text: from the gradient of its result to those of query, key and value.
  ///
  /// With `P = softmax(scale·QᵀK)` and `O = V·P`: `dV = dO·Pᵀ`, `dP = Vᵀ·dO`,
  /// `dS = scale·P∘(dP - Σ_keys P∘dP)`, `dQ = K·dS`, `dK = Q·dSᵀ`.
  private func attendBackward(_ layer: Int, _ text: Int, _ head: Int, _ worker: Int) {
    let stored = buffers.layers[layer]
    let size = configuration.headSize
    let (length, stride) = (buffers.length, buffers.stride)
    let hidden = configuration.hidden
    let part = size * stride
    let q = buffers.scratch[worker].pointer + buffers.headOffset
    let (k, v, gradient) = (q + part, q + 2 * part, q + 3 * part)
    let result = q + 4 * part
    let dp = result + part
    let turned = dp + (stride + 8) * stride
    let (first, offset) = (text * length, head * size * 32)
    let panel = hidden * 32
    kernels.gather(stored.query.pointer + offset, panel, size, first, length, q, stride)
    kernels.gather(stored.key.pointer + offset, panel, size, first, length, k, stride)
    kernels.gather(stored.value.pointer + offset, panel, size, first, length, v, stride)
    kernels.gather(
      buffers.contextGradient.pointer + offset, panel, size, first, length, gradient, stride)
    let p =
      stored.probabilities.pointer + (text * configuration.heads + head) * buffers.headFloats
    let keys = (length + 7) / 8 * 8
    kernels.transpose(p, stride, turned, stride, length, length)
    kernels.product(gradient, stride, 1, turned, stride, result, stride, size, length, stride, 1)
    kernels.scatter(
      result, stride, size, first, length, buffers.valueGradient.pointer + offset, panel)
    kernels.product(v, 1, stride, gradient, stride, dp, stride, keys, size, stride, 1)
    kernels.softmaxBackward(p, dp, length, stride, stride, 1 / Float(size).squareRoot())
    kernels.product(k, stride, 1, dp, stride, result, stride, size, length, stride, 1)
    kernels.scatter(
      result, stride, size, first, length, buffers.queryGradient.pointer + offset, panel)
    kernels.transpose(dp, stride, turned, stride, length, length)
    kernels.product(q, stride, 1, turned, stride, result, stride, size, length, stride, 1)
    kernels.scatter(
      result, stride, size, first, length, buffers.keyGradient.pointer + offset, panel)
  }

  // MARK: Weights

  /// One of `shares` parts of the gradients of a layer's weights, biases and normalisations.
  private func weightGradients(_ layer: Int, share: Int, of shares: Int) {
    let start = nanoseconds()
    let stored = buffers.layers[layer]
    let gradients = buffers.gradients[layer & 1]
    for role in EncoderLinearLayer.Role.allCases {
      let linear = linear(layer, role)
      let (x, dy): (TrainingBuffers.Area, TrainingBuffers.Area) =
        switch role {
        case .query: (stored.input, buffers.queryGradient)
        case .key: (stored.input, buffers.keyGradient)
        case .value: (stored.input, buffers.valueGradient)
        case .attentionOutput: (stored.context, gradients.sums[0])
        case .intermediate: (stored.middle, gradients.active)
        case .output: (stored.active, gradients.sums[1])
        }
      if let offset = linear.weightOffset {
        for list in linear.units {
          list.gradients(
            x: x.pointer, xFeatures: linear.layer.columns, dy: dy.pointer,
            dyFeatures: linear.layer.rows, panels: buffers.panels,
            into: parameters.gradients + offset, share: share, of: shares, kernels)
        }
      }
      if let offset = linear.biasOffset {
        rowSums(dy, nil, linear.layer.rows, into: offset, share, shares)
      }
    }
    for position in EncoderNormalization.Position.allCases {
      guard let offset = normalization(layer, position).offset else { continue }
      let gradient = position == .afterAttention ? gradients.middle : gradients.output
      let hidden = configuration.hidden
      rowSums(gradient, stored.standard[position.rawValue], hidden, into: offset, share, shares)
      rowSums(gradient, nil, hidden, into: offset + hidden, share, shares)
    }
    productNanoseconds[share] += nanoseconds() - start
  }

  private func rowSums(
    _ a: TrainingBuffers.Area, _ b: TrainingBuffers.Area?, _ rows: Int, into offset: Int,
    _ share: Int, _ shares: Int
  ) {
    let (from, to) = (rows * share / shares, rows * (share + 1) / shares)
    kernels.rowSums(
      a.pointer, b.map { UnsafePointer($0.pointer) }, rows * 32, buffers.panels, from, to,
      parameters.gradients + offset + from)
  }
}
