/// What a model says of one tensor, without its values.
public struct TensorHeader: Hashable, Sendable {
  public var name: String
  public var dtype: DataType
  public var shape: [Int]
  /// Bytes of the values in the file.
  public var bytes: Int
  /// The file that holds it; for a synthetic model, its description.
  public var file: String
  /// Where the values begin in that file.
  public var offset: Int
  /// The first index varies fastest (NumPy's Fortran order). Safetensors are never so.
  public var isColumnMajor = false

  /// Elements, the product of the shape; 1 for a scalar.
  public var count: Int { shape.reduce(1, *) }
  /// Outputs; 0 unless the tensor has two dimensions.
  public var rows: Int { shape.count == 2 ? shape[0] : 0 }
  /// Inputs; 0 unless the tensor has two dimensions.
  public var columns: Int { shape.count == 2 ? shape[1] : 0 }
  /// Whether `Model.matrix(named:)` gives it.
  public var isMatrix: Bool { shape.count == 2 && dtype.isLoadable }

  /// The product of `shape`, or nil when it does not fit (a dimension of 0 makes it 0).
  static func product(_ shape: [Int]) -> Int? {
    if shape.contains(0) { return 0 }
    var product = 1
    for dimension in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      product = next
    }
    return product
  }
}
