/// A figure with its 95 % interval.
public struct Interval: Codable, Hashable, Sendable {
  public var estimate: Double
  public var low: Double
  public var high: Double

  public init(estimate: Double, low: Double, high: Double) {
    self.estimate = estimate
    self.low = low
    self.high = high
  }

  /// Half the width over the estimate.
  public var relativeHalfWidth: Double {
    estimate == 0 ? .infinity : (high - low) / 2 / abs(estimate)
  }
}

/// What the interval of the paired ratio says against 1.
public enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
  case faster, slower, indistinguishable

  public init(speedup: Interval) {
    self = speedup.low > 1 ? .faster : speedup.high < 1 ? .slower : .indistinguishable
  }
}

/// The measured time of one mask against the best dense kernel, with what the storage counts.
public struct Measurement: Codable, Hashable, Sendable {
  public var kernelDense: String
  public var kernelSparse: String
  /// What was considered and not taken, with the reason, one entry each.
  public var refused: [String]
  public var bytesDense: Int
  public var bytesSparse: Int
  /// Parts of `bytesSparse`.
  public var bytesValues: Int
  public var bytesIndices: Int
  public var bytesPadding: Int
  /// Activations read and written by one call.
  public var bytesActivations: Int
  /// `2 · nonzeros · tokens`.
  public var flopsUseful: Double
  /// With padding and what dense computes.
  public var flopsExecuted: Double
  /// Largest over mean non-zeros of a thread's share, 1 is balanced.
  public var imbalance: Double
  public var packNs: Double
  public var denseNs: Interval
  public var sparseNs: Interval
  /// Median of the paired ratios dense / sparse.
  public var speedup: Interval
  public var verdict: Verdict
  /// Paired samples behind the figures.
  public var samples: Int
  public var outliers: Int
  /// Largest absolute difference from the reference of the same mask.
  public var maxAbsError: Double
  /// Dense against dense on this machine now; nil before it was taken.
  public var sameAgainstSame: Interval?
  /// Whether other programs kept the machine busy; nil where a session of an earlier version has it.
  public var isMachineBusy: Bool?
  /// False while the interval is still narrowing.
  public var isFinal: Bool
  /// Advice: noisy machine, dense kernel under its share of peak, …
  public var warnings: [String]
  /// Paired samples in order, nanoseconds a call: `[dense, sparse]`. Empty unless asked for.
  public var rawSamples: [[Double]]
  /// Which run it belongs to and what was timed; nil where a session of an earlier version has it.
  public var origin: Origin?

  /// What tells one measurement of the same cell from another.
  public struct Origin: Codable, Hashable, Sendable {
    public var runID: String
    /// `2026-11-21T12:00:00Z`.
    public var timeUTC: String
    /// Over the bytes of the tensor in its file.
    public var tensorSHA256: String

    public init(runID: String, timeUTC: String, tensorSHA256: String) {
      self.runID = runID
      self.timeUTC = timeUTC
      self.tensorSHA256 = tensorSHA256
    }
  }

  public init(
    kernelDense: String, kernelSparse: String, refused: [String] = [], bytesDense: Int,
    bytesSparse: Int, bytesValues: Int, bytesIndices: Int, bytesPadding: Int,
    bytesActivations: Int, flopsUseful: Double, flopsExecuted: Double, imbalance: Double,
    packNs: Double, denseNs: Interval, sparseNs: Interval, speedup: Interval, samples: Int,
    outliers: Int, maxAbsError: Double, sameAgainstSame: Interval? = nil,
    isMachineBusy: Bool? = nil, isFinal: Bool, warnings: [String] = [],
    rawSamples: [[Double]] = [], origin: Origin? = nil
  ) {
    self.kernelDense = kernelDense
    self.kernelSparse = kernelSparse
    self.refused = refused
    self.bytesDense = bytesDense
    self.bytesSparse = bytesSparse
    self.bytesValues = bytesValues
    self.bytesIndices = bytesIndices
    self.bytesPadding = bytesPadding
    self.bytesActivations = bytesActivations
    self.flopsUseful = flopsUseful
    self.flopsExecuted = flopsExecuted
    self.imbalance = imbalance
    self.packNs = packNs
    self.denseNs = denseNs
    self.sparseNs = sparseNs
    self.speedup = speedup
    verdict = Verdict(speedup: speedup)
    self.samples = samples
    self.outliers = outliers
    self.maxAbsError = maxAbsError
    self.sameAgainstSame = sameAgainstSame
    self.isMachineBusy = isMachineBusy
    self.isFinal = isFinal
    self.warnings = warnings
    self.rawSamples = rawSamples
    self.origin = origin
  }
}

extension Measurement {
  /// What the figures stand on: how the machine was as they were taken.
  public enum Footing: Hashable, Sendable {
    /// Dense against dense came out the same, and nothing else kept the machine busy.
    case steady
    /// Dense against dense came out the same though other programs were running.
    case busy
    /// Dense against dense did not come out the same, or the machine gave less than it can.
    case noisy
  }

  /// How a warning begins that says that the machine gave less than it can: dense was slower than at its
  /// best here, or something shared the core.
  public static let slowed = "slowed: "

  public var isSlowed: Bool { warnings.contains { $0.hasPrefix(Self.slowed) } }

  /// Nil before dense against dense was timed.
  public var footing: Footing? {
    guard let sameAgainstSame else { return nil }
    guard Self.agrees(sameAgainstSame), !isSlowed else { return .noisy }
    // Earlier sessions have it in words only.
    let isBusy = isMachineBusy ?? warnings.contains { $0.hasPrefix("the load average") }
    return isBusy ? .busy : .steady
  }

  /// Whether the same thing against itself came out the same: the interval of the ratio includes 1 and
  /// is no wider than 3 %.
  public static func agrees(_ sameAgainstSame: Interval) -> Bool {
    sameAgainstSame.low <= 1 && sameAgainstSame.high >= 1
      && sameAgainstSame.high - sameAgainstSame.low <= 0.03
  }
}
