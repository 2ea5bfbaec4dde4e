internal import Experiments

extension State {
  /// The long ones: each keeps what it has found so far when it is cancelled.
  mutating func start(_ command: Command) throws(CommandError) -> [Effect] {
    if case .cancel = command { return cancelLatest() }
    guard let cell, let model = model.value else { return [] }
    switch command {
    case .measure:
      measurement = .pending
      return begin(.measure, .measure(tensor: cell.tensor, knobs: cell.knobs))
    case .sweep(let terms):
      let plan = try SweepPlan(terms: terms, around: cell, model: model)
      sweep = SweepState()
      sweep.plan = plan
      sweep.cells = plan.cells
      sweep.rows = Array(repeating: nil, count: plan.cells.count)
      sweep.status = .running
      page = .sweep
      var effects = stop(.measure)
      if measurement.final == nil { measurement = .unknown }
      effects += begin(.sweep, .sweep(plan))
      return effects
    case .resume:
      guard var plan = sweep.plan else { return [] }
      plan.finishedCells = sweep.rows.indices.filter { sweep.isMeasured($0) }
      sweep.status = .running
      page = .sweep
      let stopped = stop(.measure)
      if measurement.final == nil { measurement = .unknown }
      return stopped + begin(.sweep, .sweep(plan))
    case .solvePath:
      // The why page shows the search that was asked for last.
      crossover = .unknown
      path = .pending
      return stop(.crossover) + begin(.path, .path(tensor: cell.tensor, knobs: cell.knobs))
    case .sensitivity(let glob):
      let names = model.prunable.filter(\.isLinearWeight).map(\.name)
        .filter { Glob.matches(glob, $0) }
      guard !names.isEmpty else {
        throw CommandError("sensitivity \(glob): no weight of a linear layer has such a name")
      }
      // Curves of other knobs would not be comparable.
      if let name = names.first, layers.curve(name, for: knobs) == nil { layers.curves = [] }
      layers.curves.removeAll { names.contains($0.tensor) }
      layers.curveKnobs = knobs
      return begin(
        .sensitivity,
        .sensitivity(
          tensors: names, knobs: cell.knobs,
          sparsities: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]))
    case .encode(let models):
      var knobs = self.knobs
      knobs.scope = .layer
      return stop(.measure)
        + begin(
          .encode,
          .wholeModel(
            choices: choices.layers.map {
              Experiments.LayerChoice(tensor: $0.tensor, knobs: $0.knobs)
            }, knobs: knobs, models: models))
    case .crossover(let axis):
      crossover = .pending
      return begin(
        .crossover, .crossover(tensor: cell.tensor, knobs: cell.knobs, over: axis))
    default: return []
    }
  }

  private mutating func cancelLatest() -> [Effect] {
    guard let job = runs.long.last else { return [] }
    if job == .training { return cancelTraining() }
    let effects = stop(job)
    switch job {
    case .measure: if measurement.final == nil { measurement = .unknown }
    case .sweep: sweep.status = .cancelled
    case .crossover: crossover = .unknown
    case .path: if path.final == nil { path = .unknown }
    default: break
    }
    let kept = job == .sweep ? "; \(sweep.finishedCount) finished cells stay" : ""
    return effects + say("\(job.title) cancelled\(kept)")
  }
}
