public import Experiments
public import Tensors

/// Activations in the one layout of all kernels: token panels `[panel][features][width]`.
///
/// `width` is 32 tokens for 16 tokens and more, 8 for 2 to 15, and 1 for a single token. Lanes beyond
/// the last token are zero. Token-major activations `[tokens][features]` are the same thing with panels
/// of width 1; kernels packed for `ActivationLayout.tokenMajor` take and give these.
public final class Activations: @unchecked Sendable {
  public let features: Int
  public let tokens: Int
  public let layout: ActivationLayout
  /// Tokens of a panel.
  public let width: Int
  public let panels: Int
  /// `panels · features · width` floats, 64-byte aligned.
  public let pointer: UnsafeMutablePointer<Float>
  private let owned: Bool

  /// Zeros. Precondition: `tokens >= 1`.
  public convenience init(features: Int, tokens: Int, layout: ActivationLayout = .panels) {
    let width = Self.width(tokens: tokens, layout: layout)
    let count = max(16, (tokens + width - 1) / width * features * width)
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
    pointer.initialize(repeating: 0, count: count)
    self.init(features: features, tokens: tokens, layout: layout, pointer: pointer, owned: true)
  }

  /// A view of memory that the caller keeps alive: `panels · features · width` floats, 64-byte aligned.
  public convenience init(
    features: Int, tokens: Int, layout: ActivationLayout = .panels,
    borrowing pointer: UnsafeMutablePointer<Float>
  ) {
    self.init(features: features, tokens: tokens, layout: layout, pointer: pointer, owned: false)
  }

  /// A view of panels of 32 tokens, however few tokens there are: `panels · features · 32` floats,
  /// 64-byte aligned, that the caller keeps alive.
  public convenience init(
    features: Int, tokens: Int, borrowingPanels pointer: UnsafeMutablePointer<Float>
  ) {
    self.init(
      features: features, tokens: tokens, layout: .panels, pointer: pointer, owned: false,
      width: 32)
  }

  private init(
    features: Int, tokens: Int, layout: ActivationLayout, pointer: UnsafeMutablePointer<Float>,
    owned: Bool, width: Int? = nil
  ) {
    precondition(tokens >= 1, "\(tokens) tokens: at least 1")
    self.features = features
    self.tokens = tokens
    self.layout = layout
    self.width = width ?? Self.width(tokens: tokens, layout: layout)
    let width = self.width
    panels = (tokens + width - 1) / width
    self.pointer = pointer
    self.owned = owned
  }

  deinit { if owned { pointer.deallocate() } }

  /// Tokens of a panel for this many tokens.
  public static func width(tokens: Int, layout: ActivationLayout = .panels) -> Int {
    layout == .tokenMajor ? 1 : tokens >= 16 ? 32 : tokens >= 2 ? 8 : 1
  }

  /// Floats behind `pointer`.
  public var count: Int { panels * features * width }

  /// Fills the panels from `[tokens, features]`.
  public func load(_ matrix: Matrix) {
    precondition(matrix.rows == tokens && matrix.columns == features)
    matrix.values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { load(from: base) }
    }
  }

  /// The activations as `[tokens, features]`.
  public func matrix() -> Matrix {
    let values = [Float](unsafeUninitializedCapacity: tokens * features) { buffer, initialized in
      if let base = buffer.baseAddress { store(to: base) }
      initialized = tokens * features
    }
    return Matrix(rows: tokens, columns: features, values: values)
  }
}
