public import Experiments
public import Tensors

/// One tensor after pruning: everything the kernels and the proxies need.
public struct PrunedLayer: Sendable {
  /// Original order, `[outputs, inputs]`.
  public var mask: Mask
  /// The weights behind the mask: pruned ones exactly 0, survivors as the knobs made them (original,
  /// shrunk by a regularizer, or refitted). Original order.
  public var weights: Matrix
  /// With `/tetris` or `/permute`: the layout in which the pattern is regular. New position → old.
  public var rowOrder: Permutation?
  public var columnOrder: Permutation?
  public var summary: PruningSummary

  public init(
    mask: Mask, weights: Matrix, rowOrder: Permutation? = nil, columnOrder: Permutation? = nil,
    summary: PruningSummary
  ) {
    self.mask = mask
    self.weights = weights
    self.rowOrder = rowOrder
    self.columnOrder = columnOrder
    self.summary = summary
  }
}

/// What a solver has decided so far, on the way to a `MaskedLayer`.
public struct PruningIterate: Sendable {
  public var summary: PruningSummary
  /// Original order; nil while a search goes on that decides no mask.
  public var mask: Mask?
  /// As in `PrunedLayer`.
  public var rowOrder: Permutation?
  public var columnOrder: Permutation?

  public init(
    summary: PruningSummary, mask: Mask? = nil, rowOrder: Permutation? = nil,
    columnOrder: Permutation? = nil
  ) {
    self.summary = summary
    self.mask = mask
    self.rowOrder = rowOrder
    self.columnOrder = columnOrder
  }

  public init(_ layer: PrunedLayer) {
    self.init(
      summary: layer.summary, mask: layer.mask, rowOrder: layer.rowOrder,
      columnOrder: layer.columnOrder)
  }
}

/// Called after each iteration of a solver with what works the iterate out, which costs about as much
/// as an iteration: a watcher that shows thirty a second asks for those alone. False cancels.
public typealias IterateWatch = (_ iterate: () -> PruningIterate) -> Bool

/// A pruned tensor without the weights behind its mask: what a turned knob shows.
public struct MaskedLayer: Sendable {
  /// Original order, `[outputs, inputs]`.
  public var mask: Mask
  /// As in `PrunedLayer`.
  public var rowOrder: Permutation?
  public var columnOrder: Permutation?
  public var summary: PruningSummary

  public init(
    mask: Mask, rowOrder: Permutation? = nil, columnOrder: Permutation? = nil,
    summary: PruningSummary
  ) {
    self.mask = mask
    self.rowOrder = rowOrder
    self.columnOrder = columnOrder
    self.summary = summary
  }

  public init(_ layer: PrunedLayer) {
    self.init(
      mask: layer.mask, rowOrder: layer.rowOrder, columnOrder: layer.columnOrder,
      summary: layer.summary)
  }

  /// Bytes of the mask.
  public var bytes: Int { mask.words.count * 8 }
}
