public import Experiments

/// A result that a session keeps, so that it can be shown again without measuring.
public enum RecordedResult: Hashable, Sendable {
  case measurement(Measurement)
  /// A measurement as a row of results.
  case row(ResultRow)
  case cell(SweepProgress)
  case swept(SweepProgress)
  case sensitivity(SensitivityCurve)
  case path(RegularizationPath)
  case crossover(Crossover)
  case model(ModelReport)
  case machine(MachineInfo)
  case trainingStarted(TrainingStart)
  /// A training at one of its evaluations.
  case training(TrainingProgress)
  case trained(TrainingResult)
  /// A long job that ended without a result: its name and why.
  case ended(EndedJob)
}

/// How a job ended that gave no last result.
public struct EndedJob: Codable, Hashable, Sendable {
  public var job: String
  public var reason: String

  public init(job: String, reason: String) {
    self.job = job
    self.reason = reason
  }
}

/// What one line of a session says.
public enum SessionContent: Hashable, Sendable {
  case command(Command)
  case result(RecordedResult)
}
