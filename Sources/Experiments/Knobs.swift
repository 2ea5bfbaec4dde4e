/// Everything a person can turn, for one layer: a complete description of a pruning and of a timing.
public struct Knobs: Codable, Hashable, Sendable {
  public var pattern: Pattern = .block(32, 1)
  public var amount: Amount = .sparsity(0.8)
  /// Nil means the default: wanda where there are activations, magnitude where there are none.
  public var criterion: Criterion?
  public var regularizer: Regularizer = .none
  public var solve: Solve = .prox
  public var refit = true
  public var scope: Scope = .layer
  /// Lowest per-layer sparsity under a global threshold.
  public var floor = 0.0
  /// Highest per-layer sparsity under a global threshold.
  public var ceiling = 1.0
  /// α of tile-wise pruning: how much of the sparsity whole rows carry, 0...1.
  public var rowsShare = 0.0
  public var reorderAxes: ReorderAxes = .both
  /// Exact assignment after the greedy reordering.
  public var polish = false
  public var tokens = 128
  public var threads = 1
  public var dtype: WeightType = .f32
  public var layout: ActivationLayout = .panels
  public var cache: CacheState = .warm
  public var seed: UInt64 = 1

  public init() {}

  /// The regularizer in force: λ without a named one takes l1 for 1x1 and group lasso for the rest.
  public var effectiveRegularizer: Regularizer {
    guard amount.lambda != nil, regularizer == .none else { return regularizer }
    return pattern.base == .block(rows: 1, columns: 1) ? .l1 : .groupLasso
  }

  /// The sparsity asked for: fixed by an N:M pattern, nil while λ owns the mask.
  public var requestedSparsity: Double? {
    if amount.lambda != nil { return nil }
    return pattern.fixedSparsity ?? amount.sparsity
  }

  /// The part of the knobs that decides the mask and the weights; timing knobs take their defaults.
  public var pruningPart: Knobs {
    var copy = self
    let plain = Knobs()
    copy.tokens = plain.tokens
    copy.threads = plain.threads
    copy.dtype = plain.dtype
    copy.layout = plain.layout
    copy.cache = plain.cache
    return copy
  }
}
