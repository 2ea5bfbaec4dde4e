internal import Glibc

/// How urgent a thread is beside others that compute. A thread inherits it from the one that starts it.
///
/// Linux keeps a nice value for each thread. To raise one takes a privilege (CAP_SYS_NICE, or a limit
/// that `ulimit -e` shows); without it everything stays as urgent as it was.
public enum ThreadPriority {
  private static var ofThisThread: Int32 { Int32(PRIO_PROCESS.rawValue) }

  /// The calling thread's nice value.
  public static var current: Int32 { getpriority(ofThisThread, 0) }

  /// Makes the calling thread more urgent by so many steps; false where that is not permitted.
  @discardableResult
  public static func raise(by steps: Int32) -> Bool { set(current - steps) }

  /// Gives the calling thread this nice value.
  @discardableResult
  public static func set(_ nice: Int32) -> Bool {
    setpriority(ofThisThread, 0, nice) == 0
  }
}
