public import Experiments

extension ModelExperiment {
  /// Trains the model under masks as a plan says; the model itself stays as it is.
  ///
  /// - Parameters:
  ///   - isCancelled: asked between steps; true ends the run with nothing but its checkpoint.
  ///     `surroundings.steering` stops it with the best so far.
  ///   - progress: called with what is being done before and after the steps.
  ///   - send: gets `trainingStarted` once and `training` about ten times a second.
  /// - Returns: the best evaluated student: figures, files, and a row of results.
  /// - Throws: `request` for a plan or an output that cannot be; `unreadable` for the text; `training`
  ///   when the loss is no number; `cancelled`.
  public func train(
    _ plan: TrainingPlan, _ surroundings: TrainingSurroundings = TrainingSurroundings(),
    isCancelled: () -> Bool = { false }, progress: (String) -> Void = { _ in },
    send: (Answer) -> Void = { _ in }
  ) throws(LaboratoryError) -> TrainingResult {
    if let output = plan.output {
      try TrainingExport.check(
        output, replacing: surroundings.replaces || surroundings.resumes)
      if surroundings.resumes { try TrainingRun.checkCheckpoint(of: output) }
    }
    let run = try TrainingRun(self, plan, surroundings, isCancelled, progress)
    if surroundings.resumes { try run.resume() }
    send(.trainingStarted(run.start))
    try run.run(isCancelled, send: send)
    let result = try run.finish(isCancelled, progress)
    if !result.cancelled { run.removeCheckpoint() }
    return result
  }
}
