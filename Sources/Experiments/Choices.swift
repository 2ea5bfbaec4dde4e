/// How a weight's importance is scored; the lowest scores are pruned first.
public enum Criterion: String, Codable, Hashable, Sendable, CaseIterable {
  /// `w²`: the textbook baseline.
  case magnitude
  /// `|w|`.
  case l1
  /// `w² · H_jj`, `H = XᵀX/n` over calibration activations (Sun et al. 2023). Needs activations.
  case wanda
  /// `w² / (H'⁻¹)_jj`; for blocks the exact form `w_b ((H'⁻¹)_bb)⁻¹ w_bᵀ`. Needs activations.
  case obs
  /// Seeded noise: the floor every criterion is held against.
  case random

  public var needsActivations: Bool { self == .wanda || self == .obs }
}

/// The penalty whose strength λ sets, over the pattern's own units.
public enum Regularizer: String, Codable, Hashable, Sendable, CaseIterable {
  case none
  case l1
  case groupLasso = "group-lasso"
  case sparseGroupLasso = "sparse-group-lasso"
  case reweightedL1 = "reweighted-l1"
  case reweightedGroupLasso = "reweighted-group-lasso"
}

/// How the mask and the weights behind it are found once a pattern is chosen.
public enum Solve: String, Codable, Hashable, Sendable, CaseIterable {
  /// One shot: the lowest scores go, or under a penalty one proximal step (`H = I`); exact and instant.
  case prox
  /// The layer's outputs on calibration activations are reconstructed under a penalty.
  case reconstruct
  /// Columns from left to right, each pruned weight's error passed on to the columns that follow
  /// (SparseGPT, Frantar & Alistarh 2023). Needs activations and a sparsity.
  case sweep
  /// The block that costs least goes, the rest answers, and so on to the end (block OBC, Frantar et al.
  /// 2022). Needs activations and a sparsity.
  case obc

  /// Whether weights are eliminated one after the other by second-order cost, which is then the
  /// criterion; there is no penalty in it.
  public var isGreedy: Bool { self == .sweep || self == .obc }
}

/// Over what the threshold that reaches a sparsity is taken.
public enum Scope: String, Codable, Hashable, Sendable, CaseIterable { case layer, global }

/// Which axes `/tetris` may reorder.
public enum ReorderAxes: String, Codable, Hashable, Sendable, CaseIterable {
  case both, rows, columns
}

/// How stored weights are represented in the timed kernels; accumulation is always F32.
public enum WeightType: String, Codable, Hashable, Sendable, CaseIterable { case f32, bf16 }

/// The layout of activations going in and coming out.
public enum ActivationLayout: String, Codable, Hashable, Sendable, CaseIterable {
  case panels
  case tokenMajor = "token-major"
}

/// Whether weights are in cache when a sample starts.
public enum CacheState: String, Codable, Hashable, Sendable, CaseIterable { case warm, cold }

/// What decides how much is pruned: whichever was set last.
public enum Amount: Codable, Hashable, Sendable {
  /// Fraction of zeros, 0...1.
  case sparsity(Double)
  /// Strength of the regularizer as a fraction of the λ that empties the layer, 0...1.
  case lambda(Double)

  public var sparsity: Double? { if case .sparsity(let value) = self { value } else { nil } }
  public var lambda: Double? { if case .lambda(let value) = self { value } else { nil } }
}
