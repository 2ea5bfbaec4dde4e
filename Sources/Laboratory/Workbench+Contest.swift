internal import Benchmarking
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors

extension Workbench {
  /// Packs both sides and checks each against the reference of its own mask.
  ///
  /// The pruned weights are let go of before the dense side is packed: of a large tensor there are never
  /// more than two matrices and the sparse kernel in memory.
  /// - Throws: `wrongResult` when an output lies outside its bound: no time is taken then.
  func contest(
    _ layer: Layer, _ pruned: consuming PrunedLayer, _ knobs: Knobs, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> Contest {
    let shared = sharedInput(layer, knobs)
    var warnings: [String] = []
    let packed = try pack(layer, pruned, knobs)
    var copies = [packed.kernel]
    if knobs.cache == .cold {
      let wanted = copyCount(of: packed.kernel.storage(tokens: knobs.tokens, threads: 1).totalBytes)
      while copies.count < wanted, !isCancelled() {
        copies.append(try pack(layer, pruned, knobs, once: true).kernel)
      }
      let bytes = packed.kernel.storage(tokens: knobs.tokens, threads: 1).totalBytes * copies.count
      if bytes < machine.l3Bytes {
        warnings.append(
          "cold: \(copies.count) copies of the sparse weights are \(bytes >> 10) KiB, less than the "
            + "last-level cache; they may stay in it")
      }
    }
    let sparse = Contender(copies, input: shared.activations, threads: knobs.threads)
    let error = try check(
      sparse, weights: knobs.dtype == .bf16 ? pruned.weights.roundedToBF16 : pruned.weights,
      mask: pruned.mask, bias: layer.bias, input: shared.input, tensor: layer.name)
    _ = consume pruned
    if isCancelled() { throw .cancelled }
    let rival = try denseSide(layer, knobs, shared)
    let dense = Contender(rival.kernels, input: rival.activations, threads: knobs.threads)
    return Contest(
      dense: dense, sparse: sparse, packNs: packed.nanoseconds, maxAbsError: error,
      denseStorage: dense.kernels[0].storage(tokens: knobs.tokens, threads: knobs.threads),
      sparseStorage: sparse.kernels[0].storage(tokens: knobs.tokens, threads: knobs.threads),
      refused: refusedDense(), warnings: warnings)
  }

  /// The input of both sides: the one that a packed dense side has, or a fresh one.
  private func sharedInput(
    _ layer: Layer, _ knobs: Knobs
  ) -> (input: Matrix, activations: Activations) {
    let key = DenseKey(shape: ContestKey(layer, knobs), layer: ObjectIdentifier(layer))
    if let known = densePackings.value(for: key) { return (known.input, known.activations) }
    var generator = SeededGenerator(seed: 0x746f6b656e73)
    let input = generator.nearlyNormalMatrix(rows: knobs.tokens, columns: layer.weights.columns)
    let activations = Activations(
      features: layer.weights.columns, tokens: knobs.tokens, layout: knobs.layout)
    activations.load(input)
    return (input, activations)
  }

  /// The best dense kernel of this machine for the shape, packed once a layer and checked.
  func denseSide(_ layer: Layer, _ knobs: Knobs) throws(LaboratoryError) -> DenseSide {
    try denseSide(layer, knobs, sharedInput(layer, knobs))
  }

  private func denseSide(
    _ layer: Layer, _ knobs: Knobs, _ shared: (input: Matrix, activations: Activations)
  ) throws(LaboratoryError) -> DenseSide {
    let key = DenseKey(shape: ContestKey(layer, knobs), layer: ObjectIdentifier(layer))
    if let known = densePackings.value(for: key) { return known }
    let winner = fastestDense(
      weights: layer.weights, bias: layer.bias, tokens: knobs.tokens, threads: knobs.threads,
      layout: knobs.layout)
    var kernels = [winner]
    if knobs.cache == .cold {
      let wanted = copyCount(of: layer.bytes)
      while kernels.count < wanted {
        kernels.append(
          fastestDense(
            weights: layer.weights, bias: layer.bias, tokens: knobs.tokens, threads: knobs.threads,
            layout: knobs.layout))
      }
    }
    let side = DenseSide(
      layer: layer, kernels: kernels, input: shared.input, activations: shared.activations)
    _ = try check(
      Contender([winner], input: shared.activations, threads: knobs.threads),
      weights: layer.weights, mask: nil, bias: layer.bias, input: shared.input, tensor: layer.name)
    densePackings.store(side, for: key, cost: layer.bytes * kernels.count)
    return side
  }

  /// Packs, and says how long it took: the median of five times, or of as many as begin within 10 ms.
  private func pack(
    _ layer: Layer, _ pruned: PrunedLayer, _ knobs: Knobs, once: Bool = false
  ) throws(LaboratoryError) -> (kernel: any LinearKernel, nanoseconds: Double) {
    let clock = MonotonicClock()
    var times: [Double] = []
    while true {
      let start = clock.now()
      let kernel: any LinearKernel
      do {
        kernel = try packSparse(
          weights: pruned.weights, mask: pruned.mask, pattern: knobs.pattern,
          order: Layer.order(of: pruned), bias: layer.bias, tokens: knobs.tokens,
          dtype: knobs.dtype, layout: knobs.layout)
      } catch { throw .kernel(error) }
      times.append(Double(clock.now() - start))
      if once || times.count == 5 || times.reduce(0, +) > 1e7 {
        return (kernel, Statistics.median(times))
      }
    }
  }

  /// Copies that together are twice the last-level cache, within half a gigabyte and 1024 copies.
  private func copyCount(of bytes: Int) -> Int {
    let cache = max(machine.l3Bytes, 8 << 20)
    let bytes = max(bytes, 1)
    return max(2, min(2 * cache / bytes + 1, (512 << 20) / bytes, 1024))
  }

  /// Compares one fresh output with the reference on as many tokens as cost about 8 million
  /// multiplications: always the first, the last, and between them every panel position in turn.
  ///
  /// - Returns: the largest absolute difference.
  func check(
    _ contender: Contender, weights: Matrix, mask: Mask?, bias: [Float]?, input: Matrix,
    tensor: String
  ) throws(LaboratoryError) -> Double {
    let output = contender.freshOutput()
    let kept = max(mask?.count ?? weights.count, 1)
    let tokens = Self.checkedTokens(of: input.rows, atMost: max(3, 8_000_000 / kept))
    let some = input.rows(tokens)
    let agreement = Agreement(
      of: output.rows(tokens),
      with: referenceProduct(weights: weights, mask: mask, bias: bias, x: some),
      within: tolerance(weights: weights, mask: mask, bias: bias, x: some))
    if let wrong = agreement.firstWrong {
      throw .wrongResult(
        kernel: contender.kernels[0].name, tensor: tensor, token: tokens[wrong.token],
        output: wrong.output, error: agreement.maxAbsError)
    }
    return agreement.maxAbsError
  }

  /// `count` of `tokens` positions: first, last, and others 33 apart, so that every lane of a panel and
  /// every panel is met sooner or later. Ascending.
  static func checkedTokens(of tokens: Int, atMost count: Int) -> [Int] {
    if tokens <= count { return Array(0..<tokens) }
    var chosen: Set<Int> = [0, tokens - 1]
    var position = 0
    while chosen.count < count {
      position = (position + 33) % tokens
      if !chosen.insert(position).inserted { position += 1 }
    }
    return chosen.sorted()
  }
}

extension Matrix {
  /// The rows at these positions, in this order.
  fileprivate func rows(_ positions: [Int]) -> Matrix {
    guard positions.count < rows else { return self }
    var result = Matrix(rows: positions.count, columns: columns)
    for (row, position) in positions.enumerated() {
      result.values.replaceSubrange(
        row * columns..<(row + 1) * columns,
        with: values[position * columns..<(position + 1) * columns])
    }
    return result
  }
}
