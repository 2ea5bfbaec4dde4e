/// What one pruning of one tensor costs by every layer-wise proxy; nothing in it was timed but itself.
public struct Judgement: Codable, Hashable, Sendable {
  /// The criterion that was really used.
  public var criterion: Criterion
  public var nonzeros: Int
  public var sparsity: Double
  public var keptL1: Double
  public var keptEnergy: Double
  public var weightError: Double
  /// `Σ m·w²·H_jj / Σ w²·H_jj` over calibration activations; nil without them.
  public var keptWandaEnergy: Double?
  /// `√(tr(ΔHΔᵀ)/tr(WHWᵀ))` on held-out activations, of the weights as the pruning left them.
  public var outputError: Double?
  /// The same after the kept weights were re-solved; nil where that was not asked for.
  public var outputErrorRefitted: Double?
  public var elapsedNs: Double

  public init(
    criterion: Criterion, nonzeros: Int, sparsity: Double, keptL1: Double, keptEnergy: Double,
    weightError: Double, keptWandaEnergy: Double? = nil, outputError: Double? = nil,
    outputErrorRefitted: Double? = nil, elapsedNs: Double = 0
  ) {
    self.criterion = criterion
    self.nonzeros = nonzeros
    self.sparsity = sparsity
    self.keptL1 = keptL1
    self.keptEnergy = keptEnergy
    self.weightError = weightError
    self.keptWandaEnergy = keptWandaEnergy
    self.outputError = outputError
    self.outputErrorRefitted = outputErrorRefitted
    self.elapsedNs = elapsedNs
  }

  /// The error of what the knobs ask for: after refit where it was asked for.
  public var headlineError: Double? { outputErrorRefitted ?? outputError }
}

/// A cell of a plan with its judgement, or why there is none.
public struct JudgedCell: Codable, Hashable, Sendable {
  public var cell: SweepCell
  public var judgement: Judgement?
  /// For a person; nil where there is a judgement.
  public var failure: String?

  public init(cell: SweepCell, judgement: Judgement?, failure: String? = nil) {
    self.cell = cell
    self.judgement = judgement
    self.failure = failure
  }
}

/// A layer-wise figure that may stand in for a dearer one.
public enum Proxy: String, Codable, Hashable, Sendable, CaseIterable {
  case keptL1 = "kept L1"
  case keptEnergy = "kept energy"
  case weightError = "weight error"
  case wandaEnergy = "kept wanda energy"
  case outputError = "held-out output error"
  case sparsity

  /// The figure of a judgement; nil where it is unknown.
  public func value(_ judgement: Judgement) -> Double? {
    switch self {
    case .keptL1: judgement.keptL1
    case .keptEnergy: judgement.keptEnergy
    case .weightError: judgement.weightError
    case .wandaEnergy: judgement.keptWandaEnergy
    case .outputError: judgement.headlineError
    case .sparsity: judgement.sparsity
    }
  }

  /// Whether more of it is better: agreement is positive when a proxy ranks as quality does.
  public var risesWithQuality: Bool {
    switch self {
    case .keptL1, .keptEnergy, .wandaEnergy: true
    case .weightError, .outputError, .sparsity: false
    }
  }
}

/// How a proxy ranks settings compared with a dearer measure of quality.
public struct ProxyAgreement: Codable, Hashable, Sendable {
  public var proxy: Proxy
  /// What it is held against: `held-out output error`, `end-to-end cosine`.
  public var target: String
  /// Over what ranks are taken: `all settings`, `sparsity 0.5`, `one criterion`.
  public var among: String
  /// Mean of Spearman correlations, positive where the proxy ranks as the target does; nil where there
  /// were fewer than three settings or no differences.
  public var correlation: Double?
  /// Settings in each ranking (their mean), and rankings that were averaged.
  public var settings: Int
  public var rankings: Int

  public init(
    proxy: Proxy, target: String, among: String, correlation: Double?, settings: Int,
    rankings: Int
  ) {
    self.proxy = proxy
    self.target = target
    self.among = among
    self.correlation = correlation
    self.settings = settings
    self.rankings = rankings
  }
}
