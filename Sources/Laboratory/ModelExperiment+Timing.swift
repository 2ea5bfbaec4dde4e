internal import Benchmarking
internal import Encoder
internal import Experiments

extension ModelExperiment {
  /// Times both encoders on the same texts in interleaved pairs, tokenising and pooling included, then
  /// looks once into each for where the time goes.
  func report(
    _ sparse: BERTEncoder, _ chosen: [EncoderLinearLayer], _ summaries: [PruningSummary],
    _ knobs: Knobs, _ texts: [String], _ agreement: EmbeddingProxies, _ floor: EmbeddingProxies,
    _ seconds: Double, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> ModelReport {
    var plan = TimingPlan()
    plan.maximumSeconds = seconds
    let timing = PairedBenchmark(plan: plan).run(
      { _ = self.encoder.encode(texts, threads: knobs.threads) },
      against: { _ = sparse.encode(texts, threads: knobs.threads) }, isCancelled: isCancelled)
    guard let timing, !isCancelled() else { throw .cancelled }

    // Parts vary more than the whole; the median of some calls is taken of each.
    let names = Set(chosen.map(\.name))
    func parts(_ encoder: BERTEncoder) -> (
      chosen: Double, total: Double, other: Double, tokens: Int
    ) {
      let calls = (0..<9).compactMap { _ in
        encoder.encode(texts, threads: knobs.threads, timing: true).times
      }
      func median(_ value: (EncoderTimes) -> Double) -> Double {
        calls.map(value).sorted()[calls.count / 2]
      }
      return (
        median { times in names.reduce(0) { $0 + (times.linear[$1] ?? 0) } },
        median(\.total), median(\.nonlinearPerTokenAndLayer), calls[0].tokens
      )
    }
    let dense = parts(encoder)
    let pruned = parts(sparse)
    // With several streams parts are sums over them and the total is by the clock.
    let streams = max(1, Double(knobs.threads))
    return ModelReport(
      model: name, modelID: encoder.modelIdentity, layers: summaries, knobs: knobs,
      agreement: agreement, floor: floor, evaluationTexts: evaluation.count, texts: texts.count,
      tokens: dense.tokens, threads: knobs.threads, denseNs: timing.first, sparseNs: timing.second,
      speedup: timing.ratio, samples: timing.rounds.count,
      prunedShare: min(1, dense.chosen / streams / dense.total),
      layerSpeedup: dense.chosen / pruned.chosen, nonlinearNs: dense.other)
  }
}
