/// Where the choice of masks stands.
struct MaskState: Hashable, Sendable {
  /// Strength of the penalty in force; 0 outside the regularized phase.
  var lambda = 0.0
}
