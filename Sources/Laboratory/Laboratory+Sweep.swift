public import Experiments

extension Laboratory {
  /// The machine as it is now, with ceilings where they were measured before: at once.
  public var machine: MachineInfo { workbench.machine }

  /// The open model; nil before one is open.
  public var model: ModelInfo? { (try? workbench.current())?.info }

  /// Checks a plan against the open model and says how large it is.
  ///
  /// - Throws: `noSuchTensor`, `notPrunable`, `nothingToSweep`, `noShard`, `noModelOpen`.
  public func estimate(
    _ plan: SweepPlan, options: SweepOptions = SweepOptions()
  ) throws(LaboratoryError) -> SweepEstimate {
    try workbench.estimate(plan, options: options)
  }

  /// Measures a plan on this thread.
  ///
  /// - Parameter cell: gets every finished cell as it comes; a row that is not final will come again.
  /// - Returns: how far it came. Being cancelled is no error.
  public func sweep(
    _ plan: SweepPlan, options: SweepOptions = SweepOptions(),
    isCancelled: () -> Bool = { false }, cell: (FinishedCell) -> Void
  ) throws(LaboratoryError) -> SweepProgress {
    try workbench.sweep(plan, options: options, isCancelled: isCancelled, cell: cell)
  }

  /// The description that stands beside a sweep's results.
  ///
  /// - Parameter revision: the revision that was built, where the caller knows it.
  public func meta(
    for plan: SweepPlan, options: SweepOptions = SweepOptions(), revision: String? = nil
  ) throws(LaboratoryError) -> ResultsMeta {
    let info = try workbench.current().info
    return ResultsMeta(
      started: timestamp(), machine: workbench.machine,
      model: ResultsMeta.Model(
        path: info.path, identity: info.identity, calibration: info.calibration),
      plan: plan, shard: options.shard.map { "\($0.index)/\($0.count)" },
      timing: ResultsMeta.Timing(
        cellSeconds: workbench.configuration.cellSeconds,
        cellHalfWidth: workbench.configuration.cellHalfWidth), revision: revision)
  }

  /// Measures a recorded result again and compares.
  public func remeasure(
    _ recorded: Measurement, tensor: String, knobs: Knobs, isCancelled: () -> Bool = { false }
  ) throws(LaboratoryError) -> Remeasurement {
    let answer = try perform(.measure(tensor: tensor, knobs: knobs), isCancelled: isCancelled)
    guard case .measured(let fresh) = answer else { throw .cancelled }
    return Remeasurement(recorded: recorded, fresh: fresh)
  }
}
