/// How long and how finely a pair is timed.
public struct TimingPlan: Codable, Hashable, Sendable {
  /// Calls are batched until one sample lasts this long.
  public var sampleNs = 100_000.0
  /// Untimed running of each side beforehand: caches, branch predictors, clock frequency.
  public var warmUpNs = 3_000_000.0
  /// Untimed calls of a side before each of its samples, so that it finds its own data in the caches and not
  /// the other side's: so many, or as few as last `untimedNs`. 0 for none.
  ///
  /// One call does not do where data come from the third-level cache, which keeps what the second lets go:
  /// 1x1 of 3072x768 at 0.9 and 128 tokens is 4.7x as fast as dense right behind a dense call, 5.1x after one
  /// call of its own, 5.9x after three, as in calls one after the other (Zen 5, 2026-11).
  public var untimedCalls = 3
  public var untimedNs = 1_000_000.0
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

  /// For the same thing against itself: enough rounds for an interval of about a per cent. What one side
  /// leaves in the caches is what the other one wants.
  public static var sameAgainstSame: TimingPlan {
    var plan = cell
    plan.untimedCalls = 0
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

  /// The same plan for sides that are to find nothing of theirs in the caches.
  public var cold: TimingPlan {
    var plan = self
    plan.untimedCalls = 0
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
