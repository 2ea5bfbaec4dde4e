import Benchmarking
import Synchronization

/// A clock that moves only when the test moves it, so that timing tests take no time.
final class MockClock: NanosecondClock {
  private let time = Atomic<UInt64>(1)
  private let onPause: @Sendable () -> Void

  init(onPause: @escaping @Sendable () -> Void = {}) { self.onPause = onPause }

  func now() -> UInt64 { time.load(ordering: .relaxed) }

  func advance(_ nanoseconds: Double) {
    time.add(UInt64(max(0, nanoseconds)), ordering: .relaxed)
  }

  func pause(nanoseconds: UInt64) {
    advance(Double(nanoseconds))
    onPause()
  }
}

/// SplitMix64 with a normal variate, the same on every machine.
struct Noise {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
  }

  mutating func gaussian() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + uniform() } }
}
