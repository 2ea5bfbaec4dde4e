/// How the mask of a training comes about. The CSV's `solve` is `train-` and the raw value.
public enum TrainingMethod: String, Codable, Hashable, Sendable, CaseIterable {
  /// One-shot mask and refit first; then only the survivors are trained.
  case fixed
  /// The mask grows along a cubic schedule while the weights train (Zhu & Gupta 2017).
  case gradual
  /// A proximal step of the regularizer behind every step of the optimiser: whole units shrink, die
  /// and stay dead; the last part of the run trains the survivors without the penalty.
  case prox

  /// The word in the `solve` column of results.
  public var solve: String { "train-\(rawValue)" }
}

/// A training of the open encoder: which layers, how sparse, for how long.
public struct TrainingPlan: Codable, Hashable, Sendable {
  public var layers: LayerSelection = .attention
  public var pattern: Pattern = .block(8, 1)
  /// Share of zeros to end at; nil where λ owns the mask.
  public var sparsity: Double? = 0.8
  /// Strength of the regularizer as a fraction of the one that empties the layer; nil where a target
  /// sparsity steers it.
  public var lambda: Double?
  public var regularizer: Regularizer = .none
  public var method: TrainingMethod = .fixed
  public var criterion: Criterion = .wanda
  /// Nil means by the rule, `effectiveLearningRate`.
  public var learningRate: Double?
  /// Optimiser steps; nil where `minutes` bound the run.
  public var steps: Int?
  /// Minutes of training, the teacher's pass not counted; nil where `steps` bound the run.
  public var minutes: Double? = 1
  public var tokensPerStep = 256
  /// Share of the run over which the learning rate rises from nought.
  public var warmUp = 0.04
  /// Share of the run after which the mask is final (gradual, prox).
  public var rampShare = 0.6
  /// Largest Euclidean norm of the gradient; longer ones are scaled down to it.
  public var clip = 1.0
  /// Weight of the hidden-state error beside `1 - cosine`.
  public var hiddenLoss = 0.0
  /// Whether feed-forward, LayerNorm and biases of layers that are not pruned train too.
  public var trainsDense = false
  /// Largest share of a layer's units that may die in one step (prox).
  public var capOfDying = 0.02
  public var seed: UInt64 = 1
  public var threads = 1
  /// Steps from one held-out evaluation to the next; 0 for about thirty over the run.
  public var evaluateEvery = 0
  /// A text file to train on, one sentence or paragraph a line; nil makes splices of the calibration
  /// sentences.
  public var text: String?
  /// Where the trained model is written; nil keeps it in memory.
  public var output: String?

  public init() {}

  /// The sparsity that is asked for: fixed by an N:M pattern, nil while λ owns the mask.
  public var requestedSparsity: Double? {
    lambda != nil ? nil : pattern.fixedSparsity ?? sparsity
  }

  /// `learningRate`, or by the rule: 1e-3 where dense weights train too, 4e-3 from a sparsity of 0.8
  /// on, 2e-3 below.
  public var effectiveLearningRate: Double {
    if let learningRate { return learningRate }
    if trainsDense { return 1e-3 }
    return (requestedSparsity ?? 0.8) >= 0.8 ? 4e-3 : 2e-3
  }

  /// The penalty in force for `prox`: reweighted l1 for single weights and reweighted group lasso for the
  /// rest, unless named. Reweighting presses on weak units more than on strong ones.
  public var effectiveRegularizer: Regularizer {
    guard regularizer == .none else { return regularizer }
    return pattern.base == .block(rows: 1, columns: 1) ? .reweightedL1 : .reweightedGroupLasso
  }

  /// What is pruned, as one word of a sweep: `8x1@0.8`, `2:4`, `8x1 lambda 0.1`.
  public var short: String {
    if let lambda { return "\(pattern) lambda \(NumberText.shortest(lambda))" }
    guard pattern.fixedSparsity == nil, let sparsity else { return pattern.description }
    return "\(pattern)@\(NumberText.shortest(sparsity))"
  }
}

/// What is changed while a training runs.
public enum TrainingSteer: Codable, Hashable, Sendable {
  case lambda(Double)
  case learningRate(Double)
  case sparsity(Double)
  case pause, resume
  /// Ends the run at the next step; it answers `trained` with the best so far.
  case stop
}
