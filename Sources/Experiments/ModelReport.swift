/// A whole encoder with some of its linear layers pruned, against itself unpruned.
public struct ModelReport: Codable, Hashable, Sendable {
  public var model: String
  public var modelID: String
  /// Identifies the sentences that calibrated.
  public var calibrationID: String?
  /// Which layers could be pruned.
  public var selection: LayerSelection
  /// Tensors that were pruned, with their summaries in the same order.
  public var layers: [PruningSummary]
  /// What each of them became, in the same order.
  public var choices: [LayerChoice]
  /// What all choices share; pattern and amount only where `isUniform`.
  public var knobs: Knobs
  /// Whether later layers were calibrated behind the pruned earlier ones.
  public var isSequential: Bool
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
  public var outliers: Int
  /// Share of the dense time inside the chosen layers, measured: what Amdahl's bound stands on.
  public var prunedShare: Double
  /// Dense over sparse time of the chosen layers alone.
  public var layerSpeedup: Double
  /// `1 / (1 - share + share / layerSpeedup)`.
  public var amdahl: Double
  /// Nanoseconds per token and layer outside the linear layers.
  public var nonlinearNs: Double
  /// The chosen layers one by one, inside the whole.
  public var layerTimes: [LayerTime]
  /// On texts of equal length; nil where the batch is one text or of one length anyway.
  public var equalLength: EqualLengthTiming?
  public var storage: ModelStorage
  /// Largest absolute difference of a chosen layer's kernel from the reference of its mask.
  public var maxAbsError: Double
  /// Remarks a reader needs.
  public var notes: [String]
  /// Nanoseconds a batch outside the chosen layers, in the dense and in the sparse model. Amdahl's bound
  /// takes them for equal; nil in reports of older versions.
  public var restDenseNs: Double?
  public var restSparseNs: Double?

  public init(
    model: String, modelID: String, calibrationID: String?, selection: LayerSelection,
    layers: [PruningSummary], choices: [LayerChoice], knobs: Knobs, isSequential: Bool,
    agreement: EmbeddingProxies, floor: EmbeddingProxies, evaluationTexts: Int, texts: Int,
    tokens: Int, threads: Int, denseNs: Interval, sparseNs: Interval, speedup: Interval,
    samples: Int, outliers: Int, prunedShare: Double, layerSpeedup: Double, nonlinearNs: Double,
    layerTimes: [LayerTime], equalLength: EqualLengthTiming?, storage: ModelStorage,
    maxAbsError: Double, notes: [String] = []
  ) {
    self.model = model
    self.modelID = modelID
    self.calibrationID = calibrationID
    self.selection = selection
    self.layers = layers
    self.choices = choices
    self.knobs = knobs
    self.isSequential = isSequential
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
    self.outliers = outliers
    self.prunedShare = prunedShare
    self.layerSpeedup = layerSpeedup
    amdahl = 1 / (1 - prunedShare + prunedShare / layerSpeedup)
    self.nonlinearNs = nonlinearNs
    self.layerTimes = layerTimes
    self.equalLength = equalLength
    self.storage = storage
    self.maxAbsError = maxAbsError
    self.notes = notes
  }

  public var verdict: Verdict { Verdict(speedup: speedup) }
  /// How much of Amdahl's bound was reached.
  public var amdahlShare: Double { speedup.estimate / amdahl }
  /// Kept weights of the chosen layers.
  public var nonzeros: Int { layers.reduce(0) { $0 + $1.nonzeros } }
  /// Share of zeros in the chosen layers together; nil where none was chosen.
  public var achievedSparsity: Double? {
    let weights = layers.reduce(0) { $0 + $1.rows * $1.columns }
    return weights == 0 ? nil : 1 - Double(nonzeros) / Double(weights)
  }
  /// Whether all chosen layers have one pattern and amount.
  public var isUniform: Bool {
    choices.allSatisfy {
      $0.knobs.pattern == knobs.pattern && $0.knobs.amount == knobs.amount
    }
  }
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
