public import Experiments

/// A recorded measurement beside a fresh one of the same mask.
public struct Remeasurement: Codable, Hashable, Sendable {
  public var recorded: Measurement
  public var fresh: Measurement
  public var agrees: Bool
  /// For a person: what agrees or differs, with both intervals.
  public var sentence: String

  /// How far medians of separate runs lie apart beyond what their intervals say: a run's interval knows
  /// the noise within it, not that memory lies elsewhere the next time. Ten warm runs at 128 tokens spread
  /// over 0.3 %, cold or small ones over a few per cent.
  public static let betweenRuns = 0.02

  /// They agree when the masks have equally many weights, and the intervals, each widened by
  /// `betweenRuns`, share a value.
  public init(recorded: Measurement, fresh: Measurement) {
    self.recorded = recorded
    self.fresh = fresh
    let factor = 1 + Self.betweenRuns
    let intervals =
      "recorded \(Self.text(recorded.speedup)), now \(Self.text(fresh.speedup))"
    if recorded.flopsUseful != fresh.flopsUseful {
      agrees = false
      sentence =
        "differs: another mask (\(NumberText.shortest(recorded.flopsUseful)) useful operations "
        + "recorded, \(NumberText.shortest(fresh.flopsUseful)) now); \(intervals)"
      return
    }
    agrees =
      recorded.speedup.low / factor <= fresh.speedup.high * factor
      && fresh.speedup.low / factor <= recorded.speedup.high * factor
    var notes: [String] = []
    if recorded.kernelSparse != fresh.kernelSparse {
      notes.append("sparse kernel \(recorded.kernelSparse) then, \(fresh.kernelSparse) now")
    }
    if recorded.kernelDense != fresh.kernelDense {
      notes.append("dense kernel \(recorded.kernelDense) then, \(fresh.kernelDense) now")
    }
    sentence =
      ([(agrees ? "agrees: " : "differs: ") + intervals] + notes).joined(separator: "; ")
  }

  private static func text(_ interval: Interval) -> String {
    "\(NumberText.fixed(interval.estimate, 2))x [\(NumberText.fixed(interval.low, 2)), "
      + "\(NumberText.fixed(interval.high, 2))]"
  }
}
