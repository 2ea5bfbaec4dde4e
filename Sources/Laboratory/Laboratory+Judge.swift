public import Experiments

extension Laboratory {
  /// Judges prunings by every layer-wise proxy, without timing any of them.
  ///
  /// What was judged before, by this run or an earlier one with the same cache directory, comes at once;
  /// each judgement is kept as soon as it is known, so a killed run is gone on with by asking again.
  /// - Parameter each: gets every cell in order; one that failed says why.
  /// - Throws: `cancelled`, and what ends the whole request.
  public func judge(
    _ cells: [SweepCell], isCancelled: () -> Bool = { false }, each: (JudgedCell) -> Void
  ) throws(LaboratoryError) {
    try workbench.judge(cells, isCancelled: isCancelled, each: each)
  }

  /// End-to-end agreement of the open model with all layers of a selection pruned alike; kept between runs
  /// as judgements are.
  ///
  /// - Parameter experiment: of the same model as the open one.
  public func agreement(
    of experiment: ModelExperiment, _ selection: LayerSelection, _ knobs: Knobs,
    isCancelled: () -> Bool = { false }, progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) -> EmbeddingProxies {
    try workbench.agreement(
      of: experiment, selection, knobs, isCancelled: isCancelled, progress: progress)
  }
}
