/// A whole encoder with some of its linear layers pruned, against itself unpruned.
public struct ModelReport: Codable, Hashable, Sendable {
  public var model: String
  public var modelID: String
  /// Tensors that were pruned, with their summaries in the same order.
  public var layers: [PruningSummary]
  public var knobs: Knobs
  /// End-to-end proxies on held-out sentences.
  public var agreement: EmbeddingProxies
  /// The same for the chosen layers zeroed completely: the floor.
  public var floor: EmbeddingProxies
  public var evaluationTexts: Int
  /// The timed batch.
  public var texts: Int
  public var tokens: Int
  public var threads: Int
  public var denseNs: Interval
  public var sparseNs: Interval
  public var speedup: Interval
  public var samples: Int
  /// Share of the dense time inside the chosen layers, measured: what Amdahl's bound stands on.
  public var prunedShare: Double
  /// Dense over sparse time of the chosen layers alone.
  public var layerSpeedup: Double
  /// `1 / (1 - share + share / layerSpeedup)`.
  public var amdahl: Double
  /// Nanoseconds per token and layer outside the linear layers.
  public var nonlinearNs: Double

  public init(
    model: String, modelID: String, layers: [PruningSummary], knobs: Knobs,
    agreement: EmbeddingProxies, floor: EmbeddingProxies, evaluationTexts: Int, texts: Int,
    tokens: Int, threads: Int, denseNs: Interval, sparseNs: Interval, speedup: Interval,
    samples: Int, prunedShare: Double, layerSpeedup: Double, nonlinearNs: Double
  ) {
    self.model = model
    self.modelID = modelID
    self.layers = layers
    self.knobs = knobs
    self.agreement = agreement
    self.floor = floor
    self.evaluationTexts = evaluationTexts
    self.texts = texts
    self.tokens = tokens
    self.threads = threads
    self.denseNs = denseNs
    self.sparseNs = sparseNs
    self.speedup = speedup
    self.samples = samples
    self.prunedShare = prunedShare
    self.layerSpeedup = layerSpeedup
    amdahl = 1 / (1 - prunedShare + prunedShare / layerSpeedup)
    self.nonlinearNs = nonlinearNs
  }

  public var verdict: Verdict { Verdict(speedup: speedup) }
}

/// How well embeddings agree with those of the unpruned model; nil is unknown.
public struct EmbeddingProxies: Codable, Hashable, Sendable {
  /// Mean cosine of the two embeddings of a sentence.
  public var cosine: Double
  /// Spearman correlation of the two similarity matrices.
  public var rankCorrelation: Double?
  /// Share of sentences whose nearest neighbour stays the same.
  public var neighbourAgreement: Double?

  public init(cosine: Double, rankCorrelation: Double?, neighbourAgreement: Double?) {
    self.cosine = cosine
    self.rankCorrelation = rankCorrelation
    self.neighbourAgreement = neighbourAgreement
  }
}

/// Which linear layers of an encoder.
public enum LayerSelection: String, Codable, Hashable, Sendable, CaseIterable {
  case attention
  case feedForward = "ffn"
  case all
}
