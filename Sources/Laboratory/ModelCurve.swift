internal import Benchmarking
internal import Encoder
public import Experiments
internal import Glibc
internal import Kernels
internal import Pruning

/// What a layer could become, measured alone.
struct LayerOption: Sendable {
  var packed: PackedLayer
  /// Nanoseconds for one group of tokens.
  var ns: Double
  var outputError: Double
  /// Mean cosine of embeddings, the other layers unpruned, on sentences set apart for choosing.
  var cosine: Double
}

/// A layer's options and its dense time for one group of tokens.
struct LayerCurve: Sendable {
  var layer: EncoderLinearLayer
  var denseNs: Double
  var options: [LayerOption]
}

extension ModelExperiment {
  /// Each selected layer pruned alone with each setting: what it costs end to end and what it gains.
  ///
  /// Judged on the quarter of the calibration sentences that is set apart, so that what is chosen by these
  /// figures can be judged on held-out sentences.
  public func sensitivity(
    _ selection: LayerSelection, _ candidates: [Knobs], isCancelled: () -> Bool = { false },
    progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) -> [LayerSensitivity] {
    try curves(selection, candidates, onlyFront: false, isCancelled, progress).map { curve in
      LayerSensitivity(
        tensor: curve.layer.name,
        points: curve.options.map { option in
          LayerSensitivity.Point(
            pattern: option.packed.choice.knobs.pattern,
            sparsity: option.packed.summary.achievedSparsity, cosine: option.cosine,
            outputError: option.outputError, timeShare: option.ns / curve.denseNs)
        })
    }
  }

  /// - Parameter onlyFront: settings that another one of the layer beats in both time and output error
  ///   are dropped before the whole model is run with them: it is what takes long.
  func curves(
    _ selection: LayerSelection, _ candidates: [Knobs], onlyFront: Bool, _ isCancelled: () -> Bool,
    _ progress: (String) -> Void
  ) throws(LaboratoryError) -> [LayerCurve] {
    let chosen = layers(selection)
    var curves: [LayerCurve] = []
    for (index, layer) in chosen.enumerated() {
      progress("measuring layer \(index + 1) of \(chosen.count) alone: \(layer.name)")
      let source = try prepared(layer, of: chosen)
      var options: [LayerOption] = []
      for knobs in candidates {
        if isCancelled() { throw .cancelled }
        let pruned = try source.pruned(knobs, isCancelled: isCancelled)
        options.append(
          LayerOption(
            packed: try source.packed(pruned, knobs), ns: 0,
            outputError: source.outputError(of: pruned.weights), cosine: .nan))
      }
      let times = Self.times(
        [encoder.kernel(of: layer)] + options.map(\.packed.kernel), layer)
      for option in options.indices { options[option].ns = times[option + 1] }
      if onlyFront {
        options = ParetoFront.indices(
          gain: options.map { -$0.ns }, loss: options.map(\.outputError)
        ).map { options[$0] }.filter { $0.ns < times[0] }
      }
      for option in options.indices {
        if isCancelled() { throw .cancelled }
        options[option].cosine =
          choosing.proxies(try replacing([options[option].packed]), threads: 1).cosine
      }
      curves.append(LayerCurve(layer: layer, denseNs: times[0], options: options))
    }
    return curves
  }

  /// Median nanoseconds of each kernel for one group of tokens, the kernels in turn.
  static func times(_ kernels: [any LinearKernel], _ layer: EncoderLinearLayer) -> [Double] {
    let tokens = BERTEncoder.tokensPerGroup
    let x = Activations(features: layer.columns, tokens: tokens)
    let y = Activations(features: layer.rows, tokens: tokens)
    for index in 0..<x.count { x.pointer[index] = Float(index % 7) - 3 }
    let clock = MonotonicClock()
    var times = kernels.map { _ in [Double]() }
    for round in 0..<21 {
      for (index, kernel) in kernels.enumerated() {
        let start = clock.now()
        kernel.multiply(x, into: y, threads: 1)
        let time = Double(clock.now() - start)
        // The first call brings the weights into the caches.
        if round > 0 { times[index].append(time) }
      }
    }
    return times.map { Statistics.median($0) }
  }
}
