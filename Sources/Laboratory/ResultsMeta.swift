public import Experiments
internal import Glibc

/// What a results file was made with: the machine, the program, the protocol, and everything that was
/// asked for. The text of `OUT.meta.json`.
public struct ResultsMeta: Codable, Hashable, Sendable {
  public var format = "sparsity-tui results"
  public var schemaVersion = ResultRow.schemaVersion
  public var toolVersion = Experiments.toolVersion
  public var compiler = compilerName
  /// The revision that was built, where the build knew it.
  public var revision: String?
  public var started: String
  public var machine: MachineInfo
  public var model: Model
  /// What was asked for, with all knobs and the seed; nil for merged files.
  public var plan: SweepPlan?
  public var shard: String?
  public var timing: Timing
  /// The files that were merged.
  public var sources: [String]?

  public struct Model: Codable, Hashable, Sendable {
    public var path: String
    public var identity: String
    public var calibration: CalibrationInfo?
  }

  /// How cells are timed.
  public struct Timing: Codable, Hashable, Sendable {
    public var cellSeconds: Double
    public var cellHalfWidth: Double
    public var interval = "order statistics of the paired ratios' median, 95 %"
    public var order = "dense and sparse alternate in rounds; cells and rounds shuffled by the seed"
  }

  /// - Throws: `badMeta` when a value cannot be written as JSON.
  func text() throws(ResultsFileError) -> String {
    do { return try JSONText.encode(self) + "\n" } catch {
      throw .badMeta("the description of this sweep", reason: error.description)
    }
  }

  init(
    started: String, machine: MachineInfo, model: Model, plan: SweepPlan?, shard: String?,
    timing: Timing, revision: String?, sources: [String]? = nil
  ) {
    self.started = started
    self.machine = machine
    self.model = model
    self.plan = plan
    self.shard = shard
    self.timing = timing
    self.revision = revision
    self.sources = sources
  }

  /// - Throws: `noMeta` when there is no such file, `badMeta` when it is none of ours.
  public init(contentsOf path: String) throws(ResultsFileError) {
    guard access(path, F_OK) == 0 else { throw .noMeta(path) }
    let bytes = try OpenText.read(path)
    do {
      self = try JSONText.decode(ResultsMeta.self, from: String(decoding: bytes, as: UTF8.self))
    } catch { throw .badMeta(path, reason: error.description) }
  }

  /// Why rows of the other do not belong with those of this one; nil when they do. Limits of time and
  /// kept samples may differ.
  func difference(from earlier: ResultsMeta) -> String? {
    if model.identity != earlier.model.identity {
      return "its model is \(earlier.model.path) (\(earlier.model.identity.prefix(12))), this one "
        + "\(model.path) (\(model.identity.prefix(12)))"
    }
    if model.calibration?.identity != earlier.model.calibration?.identity {
      return "its calibration activations are "
        + "\(earlier.model.calibration?.source ?? "none"), these "
        + (model.calibration?.source ?? "none")
    }
    if shard != earlier.shard {
      return "it is shard \(earlier.shard ?? "1/1"), this one \(shard ?? "1/1")"
    }
    if machine.hostID != earlier.machine.hostID {
      return "it was measured on another machine (\(earlier.machine.cpuModel), host "
        + "\(earlier.machine.hostID)); measure the rest there, or a shard here and merge"
    }
    guard let plan, let old = earlier.plan else { return "its plan is not known" }
    return plan.comparable == old.comparable
      ? nil : "its settings differ (see \"plan\" in its .meta.json)"
  }
}

extension SweepPlan {
  /// The plan without what may change from one run of it to the next.
  fileprivate var comparable: SweepPlan {
    var copy = self
    copy.budgetSeconds = nil
    copy.keepSamples = false
    return copy
  }
}

/// What this program was compiled with.
let compilerName: String = {
  #if compiler(>=6.4)
    "Swift 6.4 or later"
  #elseif compiler(>=6.3)
    "Swift 6.3"
  #else
    "Swift 6.2 or earlier"
  #endif
}()
