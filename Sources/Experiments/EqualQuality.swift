/// Whole models compared at equal quality: how fast each pattern is when its embeddings agree equally well.
///
/// At equal sparsity a finer pattern keeps more quality and a coarser one may be faster; only at equal
/// quality do the two meet in one number.
public struct EqualQuality: Hashable, Sendable {
  /// One pattern's speed at one mean cosine.
  public struct Point: Hashable, Sendable {
    public var speedup: Double
    /// Sparsity on the way between the two measured ones.
    public var sparsity: Double
    /// Whether it lies between two measured models; else it is one that was measured, of a quality
    /// above what was asked.
    public var isInterpolated: Bool
  }

  public let cosines: [Double]
  /// In the order in which they were measured.
  public let patterns: [Pattern]
  /// `[pattern][cosine]`; nil where no measured model of the pattern is that good.
  public let points: [[Point?]]

  /// - Parameter reports: of one selection of layers on the same texts; those that have no single pattern
  ///   are left out.
  ///
  /// Between two neighbours in sparsity, one above and one below the asked cosine, speedup and sparsity are
  /// taken as linear in the cosine. Where the sparsest model is still better than asked, that model
  /// stands.
  public init(_ reports: [ModelReport], cosines: [Double]) {
    var patterns: [Pattern] = []
    var measured: [Pattern: [ModelReport]] = [:]
    for report in reports where report.isUniform && !report.choices.isEmpty {
      let pattern = report.choices[0].knobs.pattern
      if measured[pattern] == nil { patterns.append(pattern) }
      measured[pattern, default: []].append(report)
    }
    self.cosines = cosines
    self.patterns = patterns
    points = patterns.map { pattern in
      let models = measured[pattern]!.sorted {
        ($0.achievedSparsity ?? 0) < ($1.achievedSparsity ?? 0)
      }
      return cosines.map { Self.point(models, $0) }
    }
  }

  private static func point(_ models: [ModelReport], _ cosine: Double) -> Point? {
    // The sparsest of the models up to which all are good enough: a lucky one behind a bad one is left out.
    guard let bad = models.firstIndex(where: { !($0.agreement.cosine >= cosine) }) else {
      return models.last.map {
        Point(
          speedup: $0.speedup.estimate, sparsity: $0.achievedSparsity ?? 0, isInterpolated: false)
      }
    }
    guard bad > 0 else { return nil }
    let (good, worse) = (models[bad - 1], models[bad])
    let share =
      (good.agreement.cosine - cosine) / (good.agreement.cosine - worse.agreement.cosine)
    func between(_ a: Double, _ b: Double) -> Double { a + share * (b - a) }
    return Point(
      speedup: between(good.speedup.estimate, worse.speedup.estimate),
      sparsity: between(good.achievedSparsity ?? 0, worse.achievedSparsity ?? 0),
      isInterpolated: true)
  }
}
