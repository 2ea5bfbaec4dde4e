/// What a model file or directory contains, without its weights.
public struct ModelInfo: Codable, Hashable, Sendable {
  /// As the user named it; `demo` for the built-in model.
  public var path: String
  /// Short name for titles.
  public var name: String
  /// SHA-256 over the files' headers and sizes, lower-case hexadecimal.
  public var identity: String
  public var tensors: [TensorInfo]
  /// What calibration activations there are, if any (`demo`, a file name), else nil.
  public var calibration: CalibrationInfo?
  /// Whether the encoder can run it end to end.
  public var isEncoder: Bool
  /// Features of one attention head, where the model's directory says.
  public var headSize: Int?

  public init(
    path: String, name: String, identity: String, tensors: [TensorInfo],
    calibration: CalibrationInfo? = nil, isEncoder: Bool = false, headSize: Int? = nil
  ) {
    self.path = path
    self.name = name
    self.identity = identity
    self.tensors = tensors
    self.calibration = calibration
    self.isEncoder = isEncoder
    self.headSize = headSize
  }

  /// The tensors that can be pruned: two dimensions, floating point.
  public var prunable: [TensorInfo] { tensors.filter(\.isPrunable) }
}

/// One tensor's header.
public struct TensorInfo: Codable, Hashable, Sendable {
  public var name: String
  /// As in the file: `F32`, `F16`, `BF16`, `I64`, …
  public var dtype: String
  public var shape: [Int]
  public var bytes: Int
  /// Whether calibration activations of this tensor's input exist.
  public var hasActivations: Bool

  public init(
    name: String, dtype: String, shape: [Int], bytes: Int, hasActivations: Bool = false
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
    self.hasActivations = hasActivations
  }

  public var isFloat: Bool { dtype == "F32" || dtype == "F16" || dtype == "BF16" }
  public var isPrunable: Bool { isFloat && shape.count == 2 && shape[0] > 0 && shape[1] > 0 }
  /// Outputs; 0 unless the tensor has two dimensions.
  public var rows: Int { shape.count == 2 ? shape[0] : 0 }
  /// Inputs; 0 unless the tensor has two dimensions.
  public var columns: Int { shape.count == 2 ? shape[1] : 0 }
  /// A weight of a linear layer, by its name: two dimensions and not an embedding table.
  public var isLinearWeight: Bool { isPrunable && !name.lowercased().contains("embedding") }
}

/// Calibration activations: which, and how many rows each half has.
public struct CalibrationInfo: Codable, Hashable, Sendable {
  public var identity: String
  public var source: String
  public var calibrationRows: Int
  public var evaluationRows: Int

  public init(identity: String, source: String, calibrationRows: Int, evaluationRows: Int) {
    self.identity = identity
    self.source = source
    self.calibrationRows = calibrationRows
    self.evaluationRows = evaluationRows
  }
}
