/// What one linear layer of an encoder becomes; a layer without a choice stays as it is.
public struct LayerChoice: Codable, Hashable, Sendable {
  /// Name of the weight tensor.
  public var tensor: String
  public var knobs: Knobs

  public init(tensor: String, knobs: Knobs) {
    self.tensor = tensor
    self.knobs = knobs
  }

  /// `32x1@0.8`, `2:4`, `8x1 lambda 0.1`.
  public var short: String {
    switch knobs.amount {
    case .lambda(let fraction): "\(knobs.pattern) lambda \(NumberText.shortest(fraction))"
    case .sparsity(let sparsity):
      knobs.pattern.fixedSparsity != nil
        ? knobs.pattern.description : "\(knobs.pattern)@\(NumberText.shortest(sparsity))"
    }
  }
}

/// Time of one linear layer inside the whole, for the timed batch.
public struct LayerTime: Codable, Hashable, Sendable {
  public var tensor: String
  /// Nanoseconds a batch, medians over some calls; with several threads sums over them.
  public var denseNs: Double
  public var sparseNs: Double

  public init(tensor: String, denseNs: Double, sparseNs: Double) {
    self.tensor = tensor
    self.denseNs = denseNs
    self.sparseNs = sparseNs
  }
}

/// The same comparison on texts of one length, where no program has any padding to save.
public struct EqualLengthTiming: Codable, Hashable, Sendable {
  public var texts: Int
  public var tokensPerText: Int
  public var denseNs: Interval
  public var sparseNs: Interval
  public var speedup: Interval

  public init(
    texts: Int, tokensPerText: Int, denseNs: Interval, sparseNs: Interval, speedup: Interval
  ) {
    self.texts = texts
    self.tokensPerText = tokensPerText
    self.denseNs = denseNs
    self.sparseNs = sparseNs
    self.speedup = speedup
  }
}

/// What all linear layers of an encoder store and do for the timed batch.
public struct ModelStorage: Codable, Hashable, Sendable {
  public var bytesDense: Int
  public var bytesSparse: Int
  public var flopsUseful: Double
  public var flopsExecuted: Double

  public init(bytesDense: Int, bytesSparse: Int, flopsUseful: Double, flopsExecuted: Double) {
    self.bytesDense = bytesDense
    self.bytesSparse = bytesSparse
    self.flopsUseful = flopsUseful
    self.flopsExecuted = flopsExecuted
  }
}

/// One linear layer pruned while all others stay as they are: one point a setting.
public struct LayerSensitivity: Codable, Hashable, Sendable {
  public struct Point: Codable, Hashable, Sendable {
    public var pattern: Pattern
    public var sparsity: Double
    /// Mean cosine of embeddings with the unpruned model's, this layer alone pruned.
    public var cosine: Double
    /// Relative output error of the layer on the same sentences.
    public var outputError: Double
    /// Time of the layer's product over its dense time.
    public var timeShare: Double

    public init(
      pattern: Pattern, sparsity: Double, cosine: Double, outputError: Double, timeShare: Double
    ) {
      self.pattern = pattern
      self.sparsity = sparsity
      self.cosine = cosine
      self.outputError = outputError
      self.timeShare = timeShare
    }
  }

  public var tensor: String
  public var points: [Point]

  public init(tensor: String, points: [Point]) {
    self.tensor = tensor
    self.points = points
  }
}
