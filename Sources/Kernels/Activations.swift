public import Tensors

/// Activations in the one layout of all kernels: token panels `[panel][features][width]`.
///
/// `width` is 32 tokens for 16 tokens and more, 8 for 2 to 15, and 1 for a single token. Lanes beyond
/// the last token are zero.
public final class Activations: @unchecked Sendable {
  public let features: Int
  public let tokens: Int
  /// Tokens of a panel.
  public let width: Int
  public let panels: Int
  /// `panels · features · width` floats, 64-byte aligned.
  public let pointer: UnsafeMutablePointer<Float>

  public init(features: Int, tokens: Int) {
    self.features = features
    self.tokens = tokens
    width = tokens >= 16 ? 32 : tokens >= 2 ? 8 : 1
    panels = max(1, (tokens + width - 1) / width)
    let count = max(16, panels * features * width)
    pointer = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
    pointer.initialize(repeating: 0, count: count)
  }

  deinit { pointer.deallocate() }

  /// Fills the panels from `[tokens, features]`.
  public func load(_ matrix: Matrix) {
    precondition(matrix.rows == tokens && matrix.columns == features)
    for token in 0..<tokens {
      let base = pointer + (token / width) * features * width + token % width
      for feature in 0..<features { base[feature * width] = matrix[token, feature] }
    }
  }

  /// The activations as `[tokens, features]`.
  public func matrix() -> Matrix {
    var result = Matrix(rows: tokens, columns: features)
    for token in 0..<tokens {
      let base = pointer + (token / width) * features * width + token % width
      for feature in 0..<features { result[token, feature] = base[feature * width] }
    }
    return result
  }
}
