public import Experiments
import Tensors

/// What was decided about a layer: which units stay, in which layout, and the mask that follows.
struct Decision: Sendable {
  /// In the original order.
  var mask: Mask
  /// The layout in which the units are regular.
  var order: MatrixOrder
  /// The units, or nil for N:M.
  var grid: UnitGrid?
  var unitScores: [Float]
  var cut: Cut
  var units: Int
  var unitsKept: Int
  /// Sums over the kept weights, where an index had them; else a pass over the weights finds them.
  var sums: WeightSums?
  /// Strength in force and the one that empties the layer, where a regularizer decides.
  var strength: Float?
  var emptying: Float?
}

/// The share of its energy that a uniformly random mask of a pattern keeps, in expectation.
///
/// Every unit is as likely to stay as any other, so it is the share of the units (of the weights of a
/// group, for N:M) that stay, whatever the weights are.
public func expectedRandomKeptEnergy(pattern: Pattern, sparsity: Double) -> Double {
  1 - (pattern.fixedSparsity ?? min(max(sparsity, 0), 1))
}

/// The remark that belongs beside a one-shot result at this sparsity, if any.
///
/// Measured on the 24 attention matrices of a six-layer encoder: above about 0.6 for blocks and 0.75
/// for single weights, N:M and tile-vector-wise, a mask without training ends near the random floor.
func oneShotRemark(pattern: Pattern, sparsity: Double) -> String? {
  let limit: Double =
    switch pattern.base {
    case .block(1, 1), .nm, .tileVector: 0.75
    default: 0.6
    }
  guard sparsity > limit + 1e-9 else { return nil }
  return
    "above \(NumberText.shortest(limit)) a one-shot \(pattern.withoutReorder) mask ends near the "
    + "random floor; only training wins the rest back"
}
