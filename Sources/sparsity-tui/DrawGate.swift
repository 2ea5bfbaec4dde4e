import Glibc

/// Holds the measuring thread between two samples until the screen has shown what it reported, so
/// that a drawing of the program's own accord never falls into a sample.
final class DrawGate: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    semaphore = .allocate(capacity: 1)
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Called by the screen after each frame.
  func drawn() {
    var waiting: Int32 = 0
    sem_getvalue(semaphore, &waiting)
    // One token is enough: whoever waits next may find a frame that is a little older than its report.
    if waiting < 1 { sem_post(semaphore) }
  }

  /// Called by a worker between samples: returns after the next frame, or after `milliseconds`.
  func wait(milliseconds: Int) {
    while sem_trywait(semaphore) == 0 {}
    var until = timespec()
    clock_gettime(CLOCK_REALTIME, &until)
    until.tv_nsec += milliseconds * 1_000_000
    until.tv_sec += until.tv_nsec / 1_000_000_000
    until.tv_nsec %= 1_000_000_000
    while sem_timedwait(semaphore, &until) != 0, errno == EINTR {}
  }
}
