public import Experiments

extension MachineInfo {
  /// What on this machine may spoil a measurement, and what to do about it; empty when nothing is
  /// known to.
  ///
  /// - Parameter threads: threads that the timed product uses.
  public func advice(threads: Int = 1) -> [String] {
    var advice: [String] = []
    if let governor, governor != "performance" {
      advice.append(
        "the clock governor is '\(governor)': frequencies move while it measures; "
          + "set it to performance (cpupower frequency-set -g performance)")
    }
    if let loadAverage, isBusy(threads: threads) {
      advice.append(
        "busy: other programs are running (load average \(NumberText.fixed(loadAverage, 2)) on "
          + "\(cores) processors); close them or measure later for figures that repeat")
    }
    if let quota, quota < Double(threads) {
      advice.append(
        "the control group allows \(NumberText.fixed(quota, 2)) processors and \(threads) are asked "
          + "for: samples will be interrupted; raise the quota")
    }
    if threads > cores {
      advice.append("\(threads) threads on \(cores) processors wait for each other; use fewer")
    }
    if threadsPerCore > 1, threads * threadsPerCore > cores {
      advice.append(
        "\(threads) threads may share cores (\(threadsPerCore) hardware threads a core): "
          + "use at most \(max(1, cores / threadsPerCore))")
    }
    return advice
  }

  /// Facts that a reader of the figures should know though nothing is to be done.
  public var remarks: [String] {
    virtualMachine ? ["a virtual machine: neighbours may share its caches and clock"] : []
  }
}

/// Whether the same thing against itself comes out the same on this machine now.
public struct Quietness: Codable, Hashable, Sendable {
  /// Ratio of a closure to itself; 1 in truth.
  public var sameAgainstSame: Interval
  public var outlierShare: Double

  public init(_ timing: PairedTiming) {
    sameAgainstSame = timing.ratio
    outlierShare =
      timing.rounds.isEmpty ? 0 : Double(timing.outliers) / Double(timing.rounds.count)
  }

  /// The interval includes 1 and is no wider than 3 %.
  public var isQuiet: Bool {
    Measurement.agrees(sameAgainstSame)
  }

  /// What it means for a person; nil on a quiet machine.
  public var warning: String? {
    guard !isQuiet else { return nil }
    let low = NumberText.fixed(sameAgainstSame.low, 3)
    let high = NumberText.fixed(sameAgainstSame.high, 3)
    return "noisy: dense against itself came out at \(low) to \(high); differences of that size "
      + "mean nothing here now"
  }
}
