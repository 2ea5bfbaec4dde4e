internal import Benchmarking
internal import Experiments
internal import Kernels
internal import Pruning

extension Workbench {
  /// Carries out any request on this thread and returns its last answer.
  ///
  /// - Parameter between: called between the parts of a long request, never while something is timed.
  func perform(
    _ request: Request, isCancelled: () -> Bool, progress: (Answer) -> Void, between: () -> Void
  ) throws(LaboratoryError) -> Answer {
    let goOn = { (_: PruningSummary) -> Bool in !isCancelled() }
    switch request {
    case .open(let path): return .opened(try open(path: path))
    case .calibrate(let path): return .opened(try calibrate(path: path))
    case .prune(let tensor, let knobs):
      let masked = try masked(tensor, knobs) { summary in
        if summary.tensor == tensor { progress(.iterating(summary)) }
        return !isCancelled()
      }
      progress(.pruned(masked.summary))
      let report = try quality(tensor, knobs, isCancelled: isCancelled)
      if isCancelled() { throw .cancelled }
      return .quality(report)
    case .picture(let tensor, let knobs, let viewport, let rows, let columns, let reordered):
      return .picture(
        try picture(
          tensor, knobs, viewport, pixelRows: rows, pixelColumns: columns, reordered: reordered,
          progress: goOn))
    case .weight(let tensor, let knobs, let row, let column):
      return .weight(try weight(tensor, knobs, row: row, column: column, progress: goOn))
    case .measure(let tensor, let knobs):
      var found = try measure(
        try layer(tensor), knobs, plan: measurePlan, keepSamples: .atMost(1000),
        isCancelled: isCancelled, report: { progress(.measuring($0)) })
      found.origin = Measurement.Origin(
        runID: runName, timeUTC: timestamp(), tensorSHA256: try current().checksum(of: tensor))
      return .measured(found)
    case .sweep(let plan):
      return .swept(
        try sweep(plan, isCancelled: isCancelled, between: between) { finished in
          progress(.sweeping(finished.progress))
        })
    case .sensitivity(let tensors, let knobs, let sparsities):
      for tensor in tensors {
        progress(
          .sensitivity(
            try sensitivity(tensor, knobs, sparsities: sparsities, isCancelled: isCancelled)))
        between()
      }
      return .finished
    case .path(let tensor, let knobs):
      return .path(
        try path(
          tensor, knobs, isCancelled: isCancelled, progress: { progress(.path($0)) },
          watching: { _ in !isCancelled() }))
    case .crossover(let tensor, let knobs, let axis):
      return .crossover(
        try crossover(
          tensor, knobs, over: axis, isCancelled: isCancelled, between: between,
          progress: { progress(.crossover($0)) }))
    case .wholeModel(let choices, let knobs, let models):
      return try encode(
        choices, knobs, models: models, isCancelled: isCancelled, between: between,
        progress: progress)
    case .describeMachine:
      guard let info = describeMachine(isCancelled: isCancelled) else { throw .cancelled }
      return .machine(info)
    case .train(let plan):
      return .trained(
        try train(plan, TrainingSteering(), isCancelled: isCancelled, progress: progress))
    case .steerTraining:
      throw .request("no training runs under this number: start one first")
    }
  }

  /// The machine with its ceilings, measured now where they never were; nil when cancelled meanwhile.
  func describeMachine(isCancelled: () -> Bool) -> MachineInfo? {
    var info = machine
    if info.ceilings == nil {
      guard let ceilings = measureCeilings(isCancelled: isCancelled) else { return nil }
      self.ceilings.store(ceilings, host: info.hostID)
      info.ceilings = ceilings
    }
    return info
  }
}
