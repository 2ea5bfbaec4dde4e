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

  /// Lets the calling thread run before all that merely computes, where that is permitted (CAP_SYS_NICE, or
  /// the limit that `ulimit -r` shows), else makes it more urgent. For a thread that works a few
  /// milliseconds at a time. Threads that it starts do not inherit it.
  ///
  /// Keys at 140x42 on two processors with a load of 12, two endless loops and a sweep among it: the 99th
  /// percentile of their frames came after 14 ms, with a nice value of -10 after 24 ms (2026-11, 133 keys).
  public static func goFirst() {
    let resetOnFork: Int32 = 0x4000_0000
    var parameters = sched_param()
    parameters.sched_priority = 1
    if sched_setscheduler(0, SCHED_RR | resetOnFork, &parameters) != 0 { raise(by: 10) }
  }

  /// Gives the calling thread this nice value.
  @discardableResult
  public static func set(_ nice: Int32) -> Bool {
    setpriority(ofThisThread, 0, nice) == 0
  }
}
