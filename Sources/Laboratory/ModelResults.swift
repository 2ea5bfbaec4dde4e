internal import Benchmarking
internal import Encoder
public import Experiments
internal import Kernels

extension ModelExperiment {
  /// The machine as it is now.
  public static var machine: MachineInfo {
    MachineProbe().describe(isa: InstructionSet.best.rawValue)
  }

  /// What stands beside a results file of whole models.
  public func meta(path: String, seconds: Double) -> ResultsMeta {
    ResultsMeta(
      started: timestamp(), machine: Self.machine,
      model: ResultsMeta.Model(
        path: path, identity: encoder.modelIdentity,
        calibration: CalibrationInfo(
          identity: calibrationID, source: "sentences", calibrationRows: calibration.count,
          evaluationRows: evaluation.texts.count)),
      plan: nil, shard: nil,
      timing: ResultsMeta.Timing(
        cellSeconds: seconds, cellHalfWidth: TimingPlan().relativeHalfWidth,
        order: "dense and sparse whole models alternate in rounds"), revision: nil)
  }

  /// A report as a row of a results file, with the run's name and the time.
  public static func row(
    _ report: ModelReport, run: String, machine: MachineInfo
  ) -> ResultRow {
    var row = ResultRow(report, machine: machine)
    row[.runID] = .text(run)
    row[.timeUTC] = .text(timestamp())
    return row
  }

  /// A name for one run, different for every run.
  public static func freshRun() -> String { freshRunName() }
}
