internal import Synchronization

/// Tells whether this thread has its core to itself, by a short loop whose rate is known.
///
/// A neighbour on the other hardware thread of a core, which a virtual machine does not see, takes loads
/// and cache from a kernel: single rows of 768x768 at 0.9 and 128 tokens then take 139 µs instead of 108,
/// the dense rival 676 instead of 650, and an interval is narrow about a ratio that belongs to neither. A
/// loop of loads from L1 shows it within 5 µs: 460 GB/s alone, 360 to 390 beside a neighbour (Zen 5 under
/// KVM, 2026-11).
public final class CoreWatch: Sendable {
  /// Share of its best rate that the loop keeps up where nothing shares the core.
  public static let alone = 0.92

  private let rate: @Sendable () -> Double
  private let best: Mutex<Double>

  /// - Parameters:
  ///   - best: the rate on this machine undisturbed, where it is known.
  ///   - rate: runs the loop on the calling thread; higher is better.
  public init(best: Double = 0, rate: @escaping @Sendable () -> Double) {
    self.best = Mutex(best)
    self.rate = rate
  }

  func look() -> Double { rate() }

  /// Whether nothing shared the core between two looks.
  func wasAlone(_ before: Double, _ after: Double) -> Bool {
    // The lesser of two: one look alone may be interrupted in a way that makes it seem quick.
    let both = min(before, after)
    return best.withLock { best in
      best = max(best, both)
      return both >= Self.alone * best
    }
  }
}
