public import Experiments

/// Everything that is a choice: what undo and redo go through, as one value.
public struct Choices: Hashable, Sendable {
  public var tensor: String?
  public var knobs = Knobs()
  /// What only a training has; where single layers have the knob too, `knobs` has it.
  public var training = TrainingPlan()
  /// What was decided per tensor, in the order it was decided.
  public var layers: [LayerChoice] = []
  public var held: [HeldState?] = [nil, nil]
  public var coloring: MaskColoring = .magnitude
  public var form: Form = .original
  public var sweepColumn: ResultColumn = .speedup
  public var sweepForm: Form = .chart
  /// Rows of the sweep by their best figure instead of in the plan's order.
  public var isSweepSorted = false
  public var tradeOffX: ResultColumn = .speedup
  public var tradeOffY: ResultColumn = .outputError
  public var layerSort: LayerSort = .model
  public var layerFilter = ""
  public var theme = "terminal"

  public init() {}

  /// The choice for one tensor; nil leaves it dense.
  public func choice(for tensor: String) -> Knobs? {
    layers.first { $0.tensor == tensor }?.knobs
  }

  mutating func choose(_ knobs: Knobs?, for tensor: String) {
    layers.removeAll { $0.tensor == tensor }
    if let knobs { layers.append(LayerChoice(tensor: tensor, knobs: knobs)) }
  }
}

public struct LayerChoice: Hashable, Sendable {
  public var tensor: String
  public var knobs: Knobs

  public init(tensor: String, knobs: Knobs) {
    self.tensor = tensor
    self.knobs = knobs
  }
}

/// A state put aside for comparison, with what was known of it.
public struct HeldState: Hashable, Sendable {
  public var tensor: String
  public var knobs: Knobs
  public var summary: PruningSummary?
  public var quality: QualityReport?
  public var measurement: Measurement?
}

public enum MaskColoring: String, CaseIterable, Hashable, Sendable {
  case magnitude, density, plain
}

public enum LayerSort: String, CaseIterable, Hashable, Sendable {
  case model, name, size, time, error, speedup
}
