/// How long and how finely a pair is timed.
public struct TimingPlan: Codable, Hashable, Sendable {
  /// Calls are batched until one sample lasts this long.
  public var sampleNs = 100_000.0
  /// Untimed running of each side beforehand: caches, branch predictors, clock frequency.
  public var warmUpNs = 3_000_000.0
  /// Rounds that are taken in any case, unless the time is up.
  public var minimumRounds = 31
  public var maximumRounds = 20_000
  /// Half the ratio's interval over the ratio at which it is narrow enough.
  public var relativeHalfWidth = 0.005
  /// Seconds after which it ends, narrow or not. Six rounds are always taken.
  public var maximumSeconds = 2.0
  /// Seconds that the first six rounds may be held up by other work of this process; after that they are
  /// taken beside it, so that a first estimate comes soon. Later rounds wait for as long as it runs. Waiting
  /// is not counted towards `maximumSeconds`.
  public var patienceSeconds = 0.05
  /// Least time between two reports; the first comes as soon as there is an interval.
  public var reportSeconds = 0.1
  /// Seed of the order of the two sides.
  public var seed: UInt64 = 1

  public init() {}

  /// For one measurement that someone waits for: half a per cent, two seconds at most.
  public static let interactive = TimingPlan()

  /// For one of many cells: one per cent, a quarter of a second at most.
  public static var cell: TimingPlan {
    var plan = TimingPlan()
    plan.relativeHalfWidth = 0.01
    plan.maximumSeconds = 0.25
    plan.warmUpNs = 1_000_000
    return plan
  }

  /// For the same thing against itself: enough rounds for an interval of about a per cent.
  public static var sameAgainstSame: TimingPlan {
    var plan = cell
    plan.relativeHalfWidth = 0.005
    plan.maximumSeconds = 0.1
    return plan
  }

  /// Six rounds and no more: a first figure within some milliseconds.
  public var glimpse: TimingPlan {
    var plan = self
    plan.maximumSeconds = 0
    plan.reportSeconds = .infinity
    return plan
  }

  /// The same plan with `factor` times the rounds and the time.
  public func longer(by factor: Int) -> TimingPlan {
    var plan = self
    plan.minimumRounds *= factor
    plan.maximumSeconds *= Double(factor)
    return plan
  }
}
