/// What λ leaves: one point per λ, from the strongest down.
public struct RegularizationPath: Codable, Hashable, Sendable {
  public struct Point: Codable, Hashable, Sendable {
    public var lambda: Double
    public var sparsity: Double
    public var units: Int
    /// On held-out activations, after refit where the knobs have it on.
    public var outputError: Double?
    /// The same of a random mask of this pattern and sparsity, not refitted.
    public var outputErrorRandom: Double?
    public var iterations: Int

    public init(
      lambda: Double, sparsity: Double, units: Int, outputError: Double?,
      outputErrorRandom: Double? = nil, iterations: Int
    ) {
      self.lambda = lambda
      self.sparsity = sparsity
      self.units = units
      self.outputError = outputError
      self.outputErrorRandom = outputErrorRandom
      self.iterations = iterations
    }

    /// How far the error has come from the unpruned layer (0) to the random floor (1).
    public var shareOfFloor: Double? {
      guard let outputError, let outputErrorRandom, outputErrorRandom > 0 else { return nil }
      return outputError / outputErrorRandom
    }
  }
  public var tensor: String
  /// The pattern whose units λ removes; nil in results of earlier versions.
  public var pattern: Pattern?
  public var points: [Point]
  public var isFinal: Bool

  public init(tensor: String, pattern: Pattern? = nil, points: [Point], isFinal: Bool) {
    self.tensor = tensor
    self.pattern = pattern
    self.points = points
    self.isFinal = isFinal
  }

  /// The sparsity at which the pattern breaks: where the held-out output error passes half of the way from
  /// the unpruned layer, which has none, to a random mask of the same pattern and sparsity.
  ///
  /// Between the two points where it does, along a straight line. Nil while it is not known, and where the
  /// path never gets there.
  public var breakingSparsity: Double? {
    let known = points.compactMap { point in
      point.shareOfFloor.map { (sparsity: point.sparsity, share: $0) }
    }.filter { $0.sparsity > 0 && $0.sparsity < 1 }
    let rising = known.sorted { $0.sparsity < $1.sparsity }
    var before = (sparsity: 0.0, share: 0.0)
    for point in rising {
      if point.share >= 0.5 {
        let rise = point.share - before.share
        guard rise > 0 else { return point.sparsity }
        return before.sparsity
          + (0.5 - before.share) / rise * (point.sparsity - before.sparsity)
      }
      before = point
    }
    return nil
  }
}
