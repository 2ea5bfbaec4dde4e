public import Experiments
public import Kernels
public import Pruning
public import Tensors

/// What does not change the network but how it is trained. All may be changed between steps.
public struct TrainerSettings: Hashable, Sendable {
  /// Highest learning rate, reached after the warm-up.
  public var learningRate = 4e-3
  /// Steps of the whole run: decides warm-up and decay where `step` is not told how far it is.
  public var steps = 300
  /// Share of the run in which the learning rate rises.
  public var warmUp = 0.04
  /// Largest norm of the gradient over all weights; longer ones are shortened to it.
  public var clip = 1.0
  /// Weight of the hidden states' error beside `1 - cosine`; needs hidden states in the batch.
  public var hiddenLoss = 0.0
  public var threads = 1

  public init() {}

  /// The learning rate when the fraction `progress` of the run is done: a linear rise over the
  /// warm-up, then a linear fall to 0.
  public func rate(progress: Double) -> Double {
    let done = min(1, max(0, progress))
    if done < warmUp { return learningRate * done / warmUp }
    return warmUp < 1 ? learningRate * (1 - done) / (1 - warmUp) : learningRate
  }
}

/// A linear layer whose survivors are trained, as training begins.
public struct TrainedLayer: Sendable {
  /// Name of the weight tensor.
  public var name: String
  public var pattern: Pattern
  /// The layout in which the pattern is regular.
  public var order: LayerOrder
  public var mask: Mask
  /// `[outputs, inputs]`; what stands behind the mask is not read.
  public var weights: Matrix
  /// Of what the layer reads, for choosing masks during training; a fixed mask needs none.
  public var statistics: CalibrationStatistics?

  public init(
    name: String, pattern: Pattern, order: LayerOrder = .none, mask: Mask, weights: Matrix,
    statistics: CalibrationStatistics? = nil
  ) {
    self.name = name
    self.pattern = pattern
    self.order = order
    self.mask = mask
    self.weights = weights
    self.statistics = statistics
  }
}

/// Texts of equal length with what the teacher makes of them: nothing is padded.
public struct TrainingBatch: Sendable {
  /// At least one text; all of the same number of tokens, 1 to `maxPositions`.
  public var tokens: [[Int32]]
  /// The teacher's embeddings, `[texts, hidden]`, of any length but 0.
  public var teacher: Matrix
  /// The teacher's outputs of all layers, `[tokens of all texts, hidden]` each; needed for
  /// `hiddenLoss` only. `EncoderTrainer.hiddenStates` makes them.
  public var hidden: [Matrix]?

  public init(tokens: [[Int32]], teacher: Matrix, hidden: [Matrix]? = nil) {
    self.tokens = tokens
    self.teacher = teacher
    self.hidden = hidden
  }

  public var tokenCount: Int { tokens.reduce(0) { $0 + $1.count } }
}

/// What one step did.
public struct TrainingStep: Hashable, Sendable {
  /// From 1.
  public var step: Int
  /// Of the weights before the step, on its batch.
  public var loss: Double
  /// Mean cosine with the teacher over the batch's texts.
  public var cosine: Double
  /// Mean over layers of the hidden states' squared error over their variance; nil without them.
  public var hiddenError: Double?
  public var learningRate: Double
  /// Before clipping.
  public var gradientNorm: Double
  public var tokens: Int
  /// Share of zeros in the pruned layers after the step.
  public var sparsity: Double
  /// What the schedule of masks asks for; nil for fixed masks and a given λ.
  public var targetSparsity: Double?
  /// λ of the penalty in force; nil outside the regularized phase.
  public var lambda: Double?
  /// Weights that died in this step.
  public var died: Int
  public var seconds: StepSeconds
}

/// Where the time of a step went.
public struct StepSeconds: Hashable, Sendable {
  public var forward = 0.0
  public var backward = 0.0
  /// Clipping, Adam, and writing the weights to where the products read them.
  public var optimizer = 0.0
  /// Share of all threads' time spent in the products of linear layers, their gradients included.
  public var productShare = 0.0

  public init() {}
  public var total: Double { forward + backward + optimizer }
}
