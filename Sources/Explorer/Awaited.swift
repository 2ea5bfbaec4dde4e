/// A value that comes later. What is shown for it is never an older one.
public enum Awaited<Value: Hashable & Sendable>: Hashable, Sendable {
  /// Not asked for.
  case unknown
  case pending
  /// An estimate that is still getting better.
  case narrowing(Value)
  case known(Value)
  case failed(String)

  public var value: Value? {
    switch self {
    case .narrowing(let value), .known(let value): value
    case .unknown, .pending, .failed: nil
    }
  }

  /// The final value only.
  public var final: Value? { if case .known(let value) = self { value } else { nil } }

  public var isWaiting: Bool {
    switch self {
    case .pending, .narrowing: true
    default: false
    }
  }
}
