/// What a training starts from, known before its first step.
public struct TrainingStart: Codable, Hashable, Sendable {
  /// Held-out mean cosine of the one-shot mask after refit: what training has to beat.
  public var refitCosine: Double
  /// The same of the chosen layers zeroed.
  public var floorCosine: Double
  /// The unpruned model against itself: 1.
  public var ceilingCosine: Double
  public var refitRankCorrelation: Double?
  public var floorRankCorrelation: Double?
  /// Seconds the teacher took over all texts; 0 where its embeddings were in the cache.
  public var teacherSeconds: Double
  /// Tokens of the training text.
  public var tokens: Int
  /// Training sentences.
  public var sentences: Int
  /// Held-out sentences, never trained on.
  public var evaluationText: Int
  /// Linear layers that are pruned, and their weights before.
  public var layers: Int
  public var weights: Int
  /// What a reader needs to know, such as that splices of few sentences generalise less.
  public var warnings: [String]

  public init(
    refitCosine: Double, floorCosine: Double, ceilingCosine: Double = 1,
    refitRankCorrelation: Double? = nil, floorRankCorrelation: Double? = nil,
    teacherSeconds: Double, tokens: Int, sentences: Int, evaluationText: Int, layers: Int,
    weights: Int, warnings: [String] = []
  ) {
    self.refitCosine = refitCosine
    self.floorCosine = floorCosine
    self.ceilingCosine = ceilingCosine
    self.refitRankCorrelation = refitRankCorrelation
    self.floorRankCorrelation = floorRankCorrelation
    self.teacherSeconds = teacherSeconds
    self.tokens = tokens
    self.sentences = sentences
    self.evaluationText = evaluationText
    self.layers = layers
    self.weights = weights
    self.warnings = warnings
  }
}

/// A training at one step. What is not known at this step is nil: held-out figures come with
/// evaluations, pictures with evaluations or about twice a second.
public struct TrainingProgress: Codable, Hashable, Sendable {
  /// Steps done.
  public var step: Int
  /// Steps the run will take; an estimate where minutes bound it.
  public var steps: Int
  /// Seconds of training so far, pauses not counted.
  public var seconds: Double
  /// Seconds to the end as it looks now.
  public var remainingSeconds: Double?
  public var tokensSeen: Int
  public var loss: Double
  public var learningRate: Double
  /// Before clipping.
  public var gradientNorm: Double
  /// Where the schedule wants the sparsity at this step.
  public var targetSparsity: Double?
  /// Share of zeros in the chosen layers together, as they are.
  public var sparsity: Double
  /// Fraction of the λ that empties the layer, while a regularizer acts.
  public var lambda: Double?
  /// Held-out mean cosine with the unpruned model's embeddings.
  public var cosine: Double?
  public var rankCorrelation: Double?
  public var tokensPerSecond: Double
  /// Share of the step's time inside matrix products, 0...1.
  public var productShare: Double
  public var stepMilliseconds: Double
  /// Measured time of the dense model over that of the model as it stands.
  public var speedup: Interval?
  /// The masks of all chosen layers; empty between pictures.
  public var layers: [TrainingLayerPicture]
  public var isPaused: Bool

  public init(
    step: Int, steps: Int, seconds: Double, remainingSeconds: Double? = nil, tokensSeen: Int,
    loss: Double, learningRate: Double, gradientNorm: Double, targetSparsity: Double? = nil,
    sparsity: Double, lambda: Double? = nil, cosine: Double? = nil,
    rankCorrelation: Double? = nil, tokensPerSecond: Double, productShare: Double,
    stepMilliseconds: Double, speedup: Interval? = nil, layers: [TrainingLayerPicture] = [],
    isPaused: Bool = false
  ) {
    self.step = step
    self.steps = steps
    self.seconds = seconds
    self.remainingSeconds = remainingSeconds
    self.tokensSeen = tokensSeen
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.targetSparsity = targetSparsity
    self.sparsity = sparsity
    self.lambda = lambda
    self.cosine = cosine
    self.rankCorrelation = rankCorrelation
    self.tokensPerSecond = tokensPerSecond
    self.productShare = productShare
    self.stepMilliseconds = stepMilliseconds
    self.speedup = speedup
    self.layers = layers
    self.isPaused = isPaused
  }
}

/// How a training ended: the figures of the model that is kept, which is the best evaluated one.
public struct TrainingResult: Codable, Hashable, Sendable {
  /// One held-out evaluation.
  public struct Point: Codable, Hashable, Sendable {
    public var step: Int
    public var seconds: Double
    public var cosine: Double
    public var rankCorrelation: Double?

    public init(step: Int, seconds: Double, cosine: Double, rankCorrelation: Double? = nil) {
      self.step = step
      self.seconds = seconds
      self.cosine = cosine
      self.rankCorrelation = rankCorrelation
    }
  }

  public var plan: TrainingPlan
  public var start: TrainingStart
  /// The last evaluation.
  public var final: Point
  /// The best one at the final sparsity, which is the model that is kept.
  public var best: Point
  public var history: [Point]
  /// Share of zeros of the kept model in the chosen layers.
  public var sparsity: Double
  public var steps: Int
  public var tokensSeen: Int
  public var seconds: Double
  /// Measured time of the dense model over that of the kept one.
  public var speedup: Interval?
  public var files: [String]
  /// Whether it was stopped before its end.
  public var cancelled: Bool
  /// The kept model as a row of results: `tensor` is `*`, `solve` is `plan.method.solve`.
  public var row: ResultRow?

  public init(
    plan: TrainingPlan, start: TrainingStart, final: Point, best: Point, history: [Point],
    sparsity: Double, steps: Int, tokensSeen: Int, seconds: Double, speedup: Interval?,
    files: [String] = [], cancelled: Bool = false, row: ResultRow? = nil
  ) {
    self.plan = plan
    self.start = start
    self.final = final
    self.best = best
    self.history = history
    self.sparsity = sparsity
    self.steps = steps
    self.tokensSeen = tokensSeen
    self.seconds = seconds
    self.speedup = speedup
    self.files = files
    self.cancelled = cancelled
    self.row = row
  }
}
