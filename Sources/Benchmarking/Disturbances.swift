internal import Synchronization

/// Says whether something else ran in this process while a sample was taken.
///
/// The screen raises it once for each frame it draws, and work that lasts is bracketed by `begin` and
/// `end`. A benchmark throws away every sample during which the mark moved, repeats it, and starts
/// none while bracketed work runs. All calls are lock-free and may come from any thread.
public final class Disturbances: Sendable {
  private let marks = Atomic<UInt64>(0)
  private let running = Atomic<Int>(0)

  public init() {}

  /// Something short just happened.
  public func raise() { marks.add(1, ordering: .acquiringAndReleasing) }

  /// Something that lasts begins; pair with `end`.
  public func begin() {
    running.add(1, ordering: .acquiringAndReleasing)
    raise()
  }

  public func end() {
    raise()
    running.subtract(1, ordering: .acquiringAndReleasing)
  }

  /// Grows with every disturbance; equal values at both ends of a sample mean a quiet sample.
  public var mark: UInt64 { marks.load(ordering: .acquiring) }

  public var isRunning: Bool { running.load(ordering: .acquiring) > 0 }
}
