import Experiments
public import Tensors

/// Why a layer cannot be packed.
public enum KernelError: Error, Hashable, Sendable, CustomStringConvertible {
  case maskShape(weightRows: Int, weightColumns: Int, maskRows: Int, maskColumns: Int)
  case biasLength(expected: Int, found: Int)
  case orderLength(axis: String, expected: Int, found: Int)
  case noTokens(Int)
  case instructionSet(InstructionSet, available: [InstructionSet])

  public var description: String {
    switch self {
    case .maskShape(let weightRows, let weightColumns, let maskRows, let maskColumns):
      "the mask is \(maskRows)x\(maskColumns) but the weights are \(weightRows)x\(weightColumns): "
        + "both must have the layer's outputs x inputs"
    case .biasLength(let expected, let found):
      "the bias has \(found) values but the layer has \(expected) outputs"
    case .orderLength(let axis, let expected, let found):
      "the order of \(axis) has \(found) positions but the layer has \(expected)"
    case .noTokens(let tokens):
      "\(tokens) tokens: a layer runs on at least 1"
    case .instructionSet(let asked, let available):
      "this machine cannot run \(asked.rawValue) kernels; it has "
        + available.map(\.rawValue).joined(separator: ", ")
    }
  }
}

/// The layout in which a pattern is regular: position `i` of the layout holds the original row
/// (column) `order[i]`. Nil leaves an axis as it is.
public struct LayerOrder: Hashable, Sendable {
  public var rows: Permutation?
  public var columns: Permutation?

  public init(rows: Permutation? = nil, columns: Permutation? = nil) {
    self.rows = rows
    self.columns = columns
  }

  public static let none = LayerOrder()
}
