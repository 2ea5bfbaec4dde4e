internal import CTerminal
internal import Glibc

/// Signals as readable events: blocked in every thread started after this, read from one
/// descriptor in the same `poll` as the keys, so that no handler races with anything.
struct SignalSource: ~Copyable {
  let descriptor: Int32
  private var mask = sigset_t()
  private var before = sigset_t()

  init(_ numbers: [Int32]) {
    sigemptyset(&mask)
    for number in numbers { sigaddset(&mask, number) }
    pthread_sigmask(SIG_BLOCK, &mask, &before)
    descriptor = signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
  }

  /// What has arrived, and whether the keyboard sent it.
  func read() -> [(number: Int32, isFromKeyboard: Bool)] {
    var arrived: [(Int32, Bool)] = []
    var info = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    while Glibc.read(descriptor, &info, size) == size {
      arrived.append((Int32(info.ssi_signo), nc_from_terminal(&info)))
    }
    return arrived
  }

  /// Stops the process as Ctrl-Z would, and returns when it is continued; the SIGCONT that did it
  /// is not read as an event.
  ///
  /// By SIGTSTP and not SIGSTOP: the kernel drops the former for an orphaned process group, which
  /// nobody could continue. This returns at once then.
  func stopProcess() {
    var stop = sigset_t()
    sigemptyset(&stop)
    sigaddset(&stop, SIGTSTP)
    let handler = signal(SIGTSTP, SIG_DFL)
    raise(SIGTSTP)
    pthread_sigmask(SIG_UNBLOCK, &stop, nil)  // stops here
    pthread_sigmask(SIG_BLOCK, &stop, nil)
    signal(SIGTSTP, handler)
    var resumed = sigset_t()
    sigemptyset(&resumed)
    sigaddset(&resumed, SIGCONT)
    var now = timespec(tv_sec: 0, tv_nsec: 0)
    sigtimedwait(&resumed, nil, &now)
  }

  func finish() {
    close(descriptor)
    var before = before
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
