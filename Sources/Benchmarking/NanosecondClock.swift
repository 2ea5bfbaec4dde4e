internal import Glibc

/// Where timestamps come from: the machine's monotonic clock, or a test's own.
public protocol NanosecondClock: Sendable {
  /// Nanoseconds since an arbitrary start, never going back.
  func now() -> UInt64
  /// Lets about `nanoseconds` pass without using the processor.
  func pause(nanoseconds: UInt64)
}

/// `CLOCK_MONOTONIC`: 21 ns a reading with a 20 ns step on the virtual machine it was tried on, so a
/// sample of 100 µs is read to 0.04 %. The time-stamp counter is 4 ns quicker with its fences, which
/// such batches do not notice.
public struct MonotonicClock: NanosecondClock {
  public init() {}

  public func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  public func pause(nanoseconds: UInt64) {
    var time = timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    nanosleep(&time, nil)
  }
}
