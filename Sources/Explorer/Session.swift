public import Experiments

/// The first line of a session file.
public struct SessionHeader: Hashable, Sendable {
  /// Version of the format.
  public var version: Int
  public var tool: String
  /// Host identity, empty if unknown.
  public var machine: String
  public var width: Int
  public var height: Int

  public init(
    tool: String = toolVersion, machine: String = "", width: Int, height: Int, version: Int = 1
  ) {
    self.version = version
    self.tool = tool
    self.machine = machine
    self.width = width
    self.height = height
  }

  /// With its line break.
  public var line: String {
    "# sparsity-tui session \(version)  tool=\(tool)"
      + (machine.isEmpty ? "" : " machine=\(machine)") + " size=\(width)x\(height)\n"
  }
}

/// One thing that happened, and when.
public struct SessionEntry: Hashable, Sendable {
  /// Since the session began.
  public var seconds: Double
  public var content: SessionContent

  public init(seconds: Double, content: SessionContent) {
    self.seconds = seconds
    self.content = content
  }

  /// With its line break: `1.204 tensor NAME` or `4.120 = measurement {…}`.
  /// - Throws: `JSONTextError` when a result cannot be written.
  public func line() throws(JSONTextError) -> String {
    let time = NumberText.fixed(max(0, seconds), 3)
    switch content {
    case .command(let command): return "\(time) \(command.text)\n"
    case .result(let result): return "\(time) = \(try result.text())\n"
    }
  }
}

extension RecordedResult {
  /// The word that stands before the value.
  public var kind: String {
    switch self {
    case .measurement: "measurement"
    case .row: "row"
    case .cell: "cell"
    case .swept: "swept"
    case .sensitivity: "sensitivity"
    case .path: "path"
    case .crossover: "crossover"
    case .model: "model"
    case .machine: "machine"
    case .trainingStarted: "training-started"
    case .training: "training"
    case .trained: "trained"
    case .ended: "ended"
    }
  }

  func text() throws(JSONTextError) -> String {
    let json: String
    switch self {
    case .measurement(let value): json = try JSONText.encode(value)
    case .row(let value): json = try JSONText.encode(value)
    case .cell(let value), .swept(let value): json = try JSONText.encode(value)
    case .sensitivity(let value): json = try JSONText.encode(value)
    case .path(let value): json = try JSONText.encode(value)
    case .crossover(let value): json = try JSONText.encode(value)
    case .model(let value): json = try JSONText.encode(value)
    case .machine(let value): json = try JSONText.encode(value)
    case .trainingStarted(let value): json = try JSONText.encode(value)
    case .training(let value): json = try JSONText.encode(value)
    case .trained(let value): json = try JSONText.encode(value)
    case .ended(let value): json = try JSONText.encode(value)
    }
    return "\(kind) \(json)"
  }

  init(kind: some StringProtocol, json: some StringProtocol) throws(JSONTextError) {
    switch kind {
    case "measurement": self = .measurement(try JSONText.decode(Measurement.self, from: json))
    case "row": self = .row(try JSONText.decode(ResultRow.self, from: json))
    case "cell": self = .cell(try JSONText.decode(SweepProgress.self, from: json))
    case "swept": self = .swept(try JSONText.decode(SweepProgress.self, from: json))
    case "sensitivity": self = .sensitivity(try JSONText.decode(SensitivityCurve.self, from: json))
    case "path": self = .path(try JSONText.decode(RegularizationPath.self, from: json))
    case "crossover": self = .crossover(try JSONText.decode(Crossover.self, from: json))
    case "model": self = .model(try JSONText.decode(ModelReport.self, from: json))
    case "machine": self = .machine(try JSONText.decode(MachineInfo.self, from: json))
    case "training-started":
      self = .trainingStarted(try JSONText.decode(TrainingStart.self, from: json))
    case "training": self = .training(try JSONText.decode(TrainingProgress.self, from: json))
    case "trained": self = .trained(try JSONText.decode(TrainingResult.self, from: json))
    case "ended": self = .ended(try JSONText.decode(EndedJob.self, from: json))
    default: throw JSONTextError("unknown kind of result '\(kind)'")
    }
  }
}
