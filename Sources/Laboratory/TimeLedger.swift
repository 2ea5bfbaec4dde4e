internal import Benchmarking
internal import Synchronization

/// Time that went into what measurements are made of, so that a sweep can say how much of it did.
final class TimeLedger: Sendable {
  private let nanoseconds = Atomic<UInt64>(0)
  private let clock = MonotonicClock()

  /// Runs `body` on the account.
  func spend<Value, Problem: Error>(
    _ body: () throws(Problem) -> Value
  ) throws(Problem) -> Value {
    let start = clock.now()
    defer { nanoseconds.wrappingAdd(clock.now() - start, ordering: .relaxed) }
    return try body()
  }

  var seconds: Double { Double(nanoseconds.load(ordering: .relaxed)) * 1e-9 }
}
