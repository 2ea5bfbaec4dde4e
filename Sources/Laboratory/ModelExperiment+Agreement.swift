public import Experiments

extension ModelExperiment {
  /// Agreement of the whole model's embeddings with the unpruned one's, on held-out sentences, with all
  /// layers of a selection pruned alike. Nothing is timed.
  ///
  /// - Throws: `cancelled`; `request` for knobs that a whole model cannot follow.
  public func agreement(
    _ selection: LayerSelection, _ knobs: Knobs, isCancelled: () -> Bool = { false },
    progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) -> EmbeddingProxies {
    let packed = try prune(selection, knobs, false, isCancelled, progress)
    return evaluation.proxies(try replacing(packed), threads: 1)
  }
}
