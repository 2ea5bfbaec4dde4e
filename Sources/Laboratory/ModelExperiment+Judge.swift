internal import Benchmarking
internal import Encoder
internal import Experiments
internal import Kernels

extension ModelExperiment {
  /// Proxies and times of a whole model.
  ///
  /// Both encoders take the same texts in interleaved pairs, tokenising and pooling included; then the same
  /// on texts of one length; then each is looked into for where the time goes.
  /// - Parameter changed: the encoder with these layers, where more than they differs from the unpruned
  ///   one.
  func judge(
    _ packed: [PackedLayer], _ question: ModelQuestion, changed: BERTEncoder? = nil,
    _ isCancelled: () -> Bool, _ progress: (String) -> Void
  ) throws(LaboratoryError) -> ModelReport {
    let (texts, threads) = (question.texts, question.knobs.threads)
    progress("encoding \(evaluation.texts.count) held-out sentences")
    let sparse: BERTEncoder
    if let changed { sparse = changed } else { sparse = try replacing(packed) }
    let agreement = evaluation.proxies(sparse, threads: threads)
    let floor = try floor(of: packed, threads: threads)
    progress("timing \(texts.count) texts")
    let timing = try pairs(question.seconds, isCancelled) { [encoder] in
      _ = encoder.encode(texts, threads: threads)
    } against: {
      _ = sparse.encode(texts, threads: threads)
    }
    let equal = try equalLength(sparse, question, isCancelled)
    let parts = ModelParts(
      dense: encoder, sparse: sparse, texts: texts, threads: threads,
      names: packed.map(\.choice.tensor))
    if let failure = encoder.readFailure { throw .unreadable(failure.description) }
    var report = ModelReport(
      model: name, modelID: encoder.modelIdentity, calibrationID: calibrationID,
      selection: question.selection, layers: packed.map(\.summary), choices: packed.map(\.choice),
      knobs: question.knobs, isSequential: question.isSequential, agreement: agreement,
      floor: floor, evaluationTexts: evaluation.texts.count, texts: texts.count,
      tokens: parts.tokens, threads: threads, denseNs: timing.first, sparseNs: timing.second,
      speedup: timing.ratio, samples: timing.rounds.count, outliers: timing.outliers,
      prunedShare: parts.share, layerSpeedup: parts.speedup, nonlinearNs: parts.nonlinear,
      layerTimes: parts.layers, equalLength: equal,
      storage: storage(of: sparse, tokens: parts.tokens, threads: threads),
      maxAbsError: packed.map(\.maxAbsError).max() ?? 0, notes: question.notes)
    report.restDenseNs = parts.restDense
    report.restSparseNs = parts.restSparse
    return report
  }

  /// Interleaved pairs of whole calls.
  func pairs(
    _ seconds: Double, _ isCancelled: () -> Bool, _ dense: () -> Void, against sparse: () -> Void
  ) throws(LaboratoryError) -> PairedTiming {
    var plan = TimingPlan()
    plan.maximumSeconds = seconds
    let timing = PairedBenchmark(plan: plan).run(dense, against: sparse, isCancelled: isCancelled)
    guard let timing, !isCancelled() else { throw .cancelled }
    return timing
  }

  private func equalLength(
    _ sparse: BERTEncoder, _ question: ModelQuestion, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> EqualLengthTiming? {
    let threads = question.knobs.threads
    guard let tokens = Self.equalized(question.texts.map { encoder.tokens($0).ids }) else {
      return nil
    }
    let timing = try pairs(question.seconds / 2, isCancelled) { [encoder] in
      _ = encoder.encode(tokens: tokens, threads: threads)
    } against: {
      _ = sparse.encode(tokens: tokens, threads: threads)
    }
    return EqualLengthTiming(
      texts: tokens.count, tokensPerText: tokens[0].count, denseNs: timing.first,
      sparseNs: timing.second, speedup: timing.ratio)
  }

  /// As many texts of the mean length, cut out of all texts' tokens laid end to end; the first and last
  /// token of each text stay first and last. Nil for one text, and where all are of one length.
  static func equalized(_ texts: [[Int32]]) -> [[Int32]]? {
    guard texts.count > 1, texts.contains(where: { $0.count != texts[0].count }),
      let first = texts[0].first, let last = texts[0].last
    else { return nil }
    let inner = texts.flatMap { $0.dropFirst().dropLast() }
    let total = texts.reduce(0) { $0 + $1.count }
    let length = (total + texts.count / 2) / texts.count
    guard length > 2, !inner.isEmpty else { return nil }
    return texts.indices.map { text in
      [first] + (0..<length - 2).map { inner[(text * (length - 2) + $0) % inner.count] } + [last]
    }
  }

  private func storage(of sparse: BERTEncoder, tokens: Int, threads: Int) -> ModelStorage {
    var sum = ModelStorage(bytesDense: 0, bytesSparse: 0, flopsUseful: 0, flopsExecuted: 0)
    for layer in encoder.layers {
      let after = sparse.kernel(of: layer).storage(tokens: tokens, threads: threads)
      sum.bytesDense +=
        encoder.kernel(of: layer).storage(tokens: tokens, threads: threads).totalBytes
      sum.bytesSparse += after.totalBytes
      sum.flopsUseful += after.usefulFlops
      sum.flopsExecuted += after.executedFlops
    }
    return sum
  }
}

/// Where the time of two encoders goes: medians of interleaved calls, since parts vary more than wholes.
struct ModelParts {
  private(set) var layers: [LayerTime] = []
  /// Of the dense time, in the named layers.
  let share: Double
  /// Of the named layers together.
  let speedup: Double
  /// Nanoseconds a token and layer outside linear layers, dense.
  let nonlinear: Double
  /// The dense total, nanoseconds.
  let total: Double
  /// Nanoseconds outside the named layers.
  let restDense: Double
  let restSparse: Double
  let tokens: Int
  static let calls = 9

  init(dense: BERTEncoder, sparse: BERTEncoder, texts: [String], threads: Int, names: [String]) {
    var (before, after): ([EncoderTimes], [EncoderTimes]) = ([], [])
    for _ in 0..<Self.calls {
      if let times = dense.encode(texts, threads: threads, timing: true).times {
        before.append(times)
      }
      if let times = sparse.encode(texts, threads: threads, timing: true).times {
        after.append(times)
      }
    }
    func median(_ calls: [EncoderTimes], _ value: (EncoderTimes) -> Double) -> Double {
      Statistics.median(calls.map(value))
    }
    func chosen(_ times: EncoderTimes) -> Double {
      names.reduce(0) { $0 + (times.linear[$1] ?? 0) }
    }
    layers = names.map { name in
      LayerTime(
        tensor: name, denseNs: median(before) { $0.linear[name] ?? 0 },
        sparseNs: median(after) { $0.linear[name] ?? 0 })
    }
    total = median(before, \.total)
    // With several streams parts are sums over them and the total is by the clock.
    share = min(1, median(before, chosen) / Double(max(1, threads)) / total)
    speedup = median(before, chosen) / max(1, median(after, chosen))
    nonlinear = median(before, \.nonlinearPerTokenAndLayer)
    let streams = Double(max(1, threads))
    restDense = median(before) { $0.total - chosen($0) / streams }
    restSparse = median(after) { $0.total - chosen($0) / streams }
    tokens = before.first?.tokens ?? 0
  }
}
