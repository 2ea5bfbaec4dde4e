public import Experiments

/// What timing two closures in turns found.
public struct PairedTiming: Hashable, Sendable {
  /// One round: nanoseconds a call of each side.
  public struct Round: Hashable, Sendable {
    public var first: Double
    public var second: Double

    public init(first: Double, second: Double) {
      self.first = first
      self.second = second
    }

    public var ratio: Double { first / second }
  }

  /// Why it ended.
  public enum End: String, Codable, Hashable, Sendable {
    /// Not yet: this is a report on the way.
    case running
    /// The interval is as narrow as was asked for.
    case narrow
    case timeUp
    case cancelled
  }

  /// Medians with their 95 % intervals, nanoseconds a call.
  public var first: Interval
  public var second: Interval
  /// Median of the rounds' ratios first / second.
  public var ratio: Interval
  /// Those that the figures rest on, in the order they were taken, outliers included.
  public var rounds: [Round]
  /// Rounds whose ratio lies far out; they count like the others.
  public var outliers: Int
  /// Rounds that were thrown away and repeated because something else ran meanwhile.
  public var disturbed: Int
  /// Rounds in which something shared the core.
  public var shared: Int
  /// Those of them that the figures leave out: all, or none where too few others were found.
  public var leftOut: Int
  /// Calls in one sample of each side.
  public var firstCalls: Int
  public var secondCalls: Int
  public var elapsedSeconds: Double
  public var end: End

  public var verdict: Verdict { Verdict(speedup: ratio) }
}
