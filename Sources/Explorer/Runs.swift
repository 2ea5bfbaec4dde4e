public import Experiments

/// What a request is for. At most one of each is current; a new one replaces the old.
public enum Job: Hashable, Sendable, CaseIterable {
  case open, prune, picture, reorderedPicture, weight, measure, sweep, sensitivity, path, crossover
  case encode, training, machine

  /// Long ones, which `cancel` ends and the title line names.
  public var isLong: Bool {
    switch self {
    case .measure, .sweep, .sensitivity, .path, .crossover, .encode, .training: true
    default: false
    }
  }

  /// Whether its results are a matter of time and machine, so that a replay takes them from the record.
  public var isMeasured: Bool { isLong || self == .machine }

  public var title: String {
    switch self {
    case .open: "opening"
    case .prune: "pruning"
    case .picture, .reorderedPicture, .weight: "drawing"
    case .measure: "measuring"
    case .sweep: "sweep"
    case .sensitivity: "sensitivity"
    case .path: "path over λ"
    case .crossover: "crossover"
    case .encode: "whole model"
    case .training: "training"
    case .machine: "machine"
    }
  }
}

/// The requests that are under way, by their numbers.
public struct Runs: Hashable, Sendable {
  private struct Entry: Hashable, Sendable {
    var job: Job
    var run: RunID
  }
  private var entries: [Entry] = []
  private var last: RunID = 0

  public init() {}

  /// A number for a new run, which becomes the current one of its job.
  mutating func start(_ job: Job) -> RunID {
    last += 1
    entries.removeAll { $0.job == job }
    entries.append(Entry(job: job, run: last))
    return last
  }

  mutating func end(_ job: Job) { entries.removeAll { $0.job == job } }

  /// The job that run belongs to; nil for a run that was cancelled or replaced.
  public func job(of run: RunID) -> Job? { entries.first { $0.run == run }?.job }

  public func current(_ job: Job) -> RunID? { entries.first { $0.job == job }?.run }

  /// The long jobs under way, oldest first.
  public var long: [Job] { entries.map(\.job).filter(\.isLong) }
}
