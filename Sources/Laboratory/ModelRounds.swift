internal import Benchmarking
internal import Encoder
public import Experiments

/// The unpruned encoder and pruned ones of it, timed call by call on somebody else's signal: for comparing
/// them with other programs in interleaved rounds.
public final class ModelRounds: Sendable {
  /// `dense`, then the settings in their order.
  public let names: [String]
  /// Proxies on held-out sentences, in the order of the names.
  public let agreements: [EmbeddingProxies]
  private let encoders: [BERTEncoder]
  private let texts: [String]
  private let threads: Int

  /// - Throws: what pruning throws.
  public init(
    _ experiment: ModelExperiment, _ selection: LayerSelection, _ candidates: [Knobs],
    texts: [String], threads: Int, isCancelled: () -> Bool = { false },
    progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) {
    var names = ["dense"]
    var encoders = [experiment.encoder]
    for knobs in candidates {
      let packed = try experiment.prune(selection, knobs, false, isCancelled, progress)
      encoders.append(try experiment.replacing(packed))
      names.append(LayerChoice(tensor: "*", knobs: knobs).short)
    }
    self.names = names
    self.encoders = encoders
    agreements = encoders.map { experiment.evaluation.proxies($0, threads: threads) }
    self.texts = texts
    self.threads = threads
  }

  /// Nanoseconds of one call of each encoder, in the order of the names.
  ///
  /// An untimed call goes before each timed one, so that every encoder starts with its own weights in the
  /// caches, whoever ran last.
  public func round() -> [Double] {
    let clock = MonotonicClock()
    return encoders.map { encoder in
      _ = encoder.encode(texts, threads: threads)
      let start = clock.now()
      _ = encoder.encode(texts, threads: threads)
      return Double(clock.now() - start)
    }
  }
}
