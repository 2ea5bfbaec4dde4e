/// One knob of a training: the name is the word in `train NAME=VALUE`, the flag of the subcommand, and
/// the key in a session.
public enum TrainingKnob: String, Codable, Hashable, Sendable, CaseIterable {
  case layers, pattern, sparsity, lambda, method, minutes, steps, rate, dense, hidden, tokens
  case criterion, regularizer, ramp, cap
  case warmUp = "warm-up"
  case clip, every, seed, threads, text, out

  /// What it does, in one clause.
  public var help: String {
    switch self {
    case .layers: "which linear layers are pruned: attention, ffn or all"
    case .pattern: "what is pruned together"
    case .sparsity: "share of zeros to end at, 0 to 1"
    case .lambda: "regularization strength as a fraction of the one that empties the layer (prox)"
    case .method:
      "fixed: one-shot mask, survivors train; gradual: the mask grows; prox: a penalty empties units"
    case .minutes: "minutes of training, the teacher's pass not counted"
    case .steps: "optimiser steps instead of minutes"
    case .rate: "learning rate; auto is 4e-3 from 0.8 zeros on, 2e-3 below, 1e-3 with dense weights"
    case .dense: "train feed-forward, LayerNorm and biases of layers that are not pruned too"
    case .hidden: "weight of the hidden-state error beside 1 - cosine"
    case .tokens: "tokens of one step"
    case .criterion: "how weights are scored"
    case .regularizer: "penalty that lambda scales (prox)"
    case .ramp: "share of the run after which the mask is final (gradual, prox)"
    case .cap: "largest share of a layer's units that may die in one step (prox)"
    case .warmUp: "share of the run over which the learning rate rises"
    case .clip: "largest norm of the gradient"
    case .every: "steps from one held-out evaluation to the next; auto is about thirty a run"
    case .seed: "seed of batches and of random scores"
    case .threads: "threads of the training; one gives the same bits every time"
    case .text: "text file to train on; none makes splices of the calibration sentences"
    case .out: "where the trained model is written; none keeps it in memory"
    }
  }

  /// The fixed choices, or nil where the value is free.
  public var choices: [String]? {
    switch self {
    case .layers: LayerSelection.allCases.map(\.rawValue)
    case .method: TrainingMethod.allCases.map(\.rawValue)
    case .dense: ["on", "off"]
    case .criterion: Criterion.allCases.map(\.rawValue)
    case .regularizer: Regularizer.allCases.map(\.rawValue)
    default: nil
    }
  }

  /// The knob of a single layer that means the same: both turn it.
  public var shared: Knob? {
    switch self {
    case .pattern: .pattern
    case .sparsity: .sparsity
    case .lambda: .lambda
    case .criterion: .criterion
    case .regularizer: .regularizer
    case .seed: .seed
    case .threads: .threads
    default: nil
    }
  }

  /// Whether a run by `method` looks at it.
  public func matters(to method: TrainingMethod) -> Bool {
    switch self {
    case .lambda, .regularizer, .cap: method == .prox
    case .ramp: method != .fixed
    default: true
    }
  }
}

/// One `name=value` of a training.
public struct TrainingTerm: Codable, Hashable, Sendable {
  public var knob: TrainingKnob
  public var value: String

  public init(_ knob: TrainingKnob, _ value: String) {
    self.knob = knob
    self.value = value
  }
}
