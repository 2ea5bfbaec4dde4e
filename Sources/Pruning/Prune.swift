public import Experiments
public import Tensors

/// Prunes one tensor as the knobs say (threshold scope `layer`), without refitting the survivors.
///
/// For one-off use; `LayerPruner` keeps scores between calls.
/// - Parameters:
///   - weights: `[outputs, inputs]`.
///   - progress: Intermediate summaries of solvers and searches; returning false cancels.
/// - Throws: A sentence about the tensor, the activations or the knobs, or `cancelled`.
public func prune(
  _ weights: Matrix, named tensor: String, knobs: Knobs, statistics: CalibrationStatistics?,
  progress: (PruningSummary) -> Bool = { _ in true }
) throws(PruningError) -> PrunedLayer {
  try LayerPruner(weights, named: tensor, statistics: statistics).prune(knobs, progress: progress)
}
