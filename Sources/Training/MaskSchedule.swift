public import Experiments

/// How masks are chosen while training runs. May be changed between steps.
///
/// **fixed** keeps the masks that training began with. **gradual** ranks the survivors anew every
/// `interval` steps and lets go of the lowest, along the cubic schedule of Zhu & Gupta 2017:
/// `s(p) = S·(1 - (1 - p/ramp)³)`, `p` the share of the run that is done. **prox** shrinks all units after
/// each step of Adam by the proximal operator of a penalty (reweighted proximal pruning, Guo et al.
/// 2019, decoupled from Adam's moments), until the ramp ends; what is left then trains without penalty.
public struct MaskSchedule: Hashable, Sendable {
  public enum Method: String, Hashable, Sendable { case fixed, gradual, prox }

  public var method = Method.fixed
  /// Share of zeros in the pruned layers at the end of the ramp. For `prox` it steers λ; nil leaves λ as
  /// it is given.
  public var sparsity: Double?
  /// Strength of the penalty: the whole ramp shrinks a unit on which the loss does not pull by the
  /// fraction λ of the strongest unit of its layer at the start. So 1 empties a layer that nothing
  /// holds.
  public var lambda: Double?
  public var regularizer = Regularizer.reweightedGroupLasso
  /// What `gradual` ranks by.
  public var criterion = Criterion.wanda
  /// Share of the run after which masks are final.
  public var rampShare = 0.6
  /// Steps between two rankings of `gradual`.
  public var interval = 10
  /// Largest share of a layer's units that may die in one step of `prox`, the end of the ramp aside:
  /// under a given λ large blocks die in avalanches otherwise (16x16 went from .5 to .82). The schedule
  /// itself never asks for more than 3·sparsity over the ramp's steps.
  public var capOfDying = 0.02

  public init() {}

  /// The sparsity that the schedule asks for when the fraction `progress` of the run is done.
  public func target(progress: Double) -> Double? {
    guard let sparsity else { return nil }
    guard progress < rampShare else { return sparsity }
    let left = 1 - max(0, progress) / rampShare
    return sparsity * (1 - left * left * left)
  }
}

/// Where the choice of masks stands.
struct MaskState: Hashable, Sendable {
  /// Strength of the penalty in force; 0 outside the regularized phase.
  var lambda = 0.0
  /// Progress at the last step.
  var progress = 0.0
  /// Whether the ramp is over and masks are final.
  var isFinal = false
  /// By layer name: the penalty's norm of its strongest unit as the ramp began.
  var strongest: [String: Double] = [:]
}
