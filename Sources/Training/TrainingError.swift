/// Why training cannot start or go on; weights are always left as the last good step made them.
public enum TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A layer to be trained does not exist, is named twice, or its mask or weights do not fit.
  case layer(name: String, reason: String)
  /// A batch that cannot be trained on.
  case batch(step: Int, reason: String)
  /// The loss or the gradient is no number; nothing was changed by this step.
  case notFinite(what: String, step: Int, texts: Int, tokens: Int, learningRate: Double)
  /// A state of another trainer.
  case state(name: String, reason: String)
  /// A setting out of its range.
  case setting(name: String, reason: String)
  /// A mask that cannot be chosen; the pruning's own sentence.
  case pruning(String)

  public var description: String {
    switch self {
    case .layer(let name, let reason): "layer \"\(name)\" cannot be trained: \(reason)"
    case .batch(let step, let reason): "the batch of step \(step) cannot be used: \(reason)"
    case .notFinite(let what, let step, let texts, let tokens, let rate):
      "the \(what) of step \(step) is no number (batch of \(texts) texts of \(tokens) tokens, "
        + "learning rate \(rate)); the weights of step \(step - 1) are kept: go on from there "
        + "with a learning rate of \(rate / 4) or a tighter clip"
    case .state(let name, let reason):
      "the checkpoint does not belong to this training: \(name): \(reason)"
    case .setting(let name, let reason): "\(name): \(reason)"
    case .pruning(let sentence): sentence
    }
  }
}
