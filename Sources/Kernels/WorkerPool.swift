import Glibc
import Intrinsics
import Synchronization

/// Threads that wait for short work by spinning: about 1 µs to fork and join.
///
/// A worker spins for about a millisecond after its last job, then sleeps, so an idle program uses no
/// CPU; the first job after that pays the wake-up (some 20 µs). The caller is worker 0. Measured on two
/// cores of a Zen 5 (2026-11): spinning 1.0 µs of overhead, condition variable 18 µs, Dispatch and task
/// groups 5 to 35 µs, so that two threads pay from about 4 µs of work on.
public final class WorkerPool: @unchecked Sendable {
  public static let shared = WorkerPool()

  /// `sequence · 256 + participants`: the number of workers travels with the sequence, so a worker that
  /// is not wanted never looks at a job that may already be the next one.
  private let ticket = Atomic<UInt64>(0)
  private let pending = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  /// Counts the requests to sleep at once.
  private let rests = Atomic<Int>(0)
  private var job: ((Int) -> Void)?
  private var started = 1
  private var workers: [pthread_t] = []
  /// Where the last caller ran.
  private var callerCPU: Int32 = -1
  private var callers = pthread_mutex_t()
  private var lock = pthread_mutex_t()
  private var wake = pthread_cond_t()

  private static let mostWorkers = 255
  /// Pauses before sleeping: about 1 ms (a pause takes some 40 cycles on Zen 5 and 140 on Skylake).
  private static let spins = 60_000

  private init() {
    pthread_mutex_init(&callers, nil)
    pthread_mutex_init(&lock, nil)
    pthread_cond_init(&wake, nil)
  }

  /// Runs `body(0)`, …, `body(threads - 1)` at the same time and returns when all are done.
  ///
  /// Calls from several threads take turns. `body` must not call `run` itself.
  public func run(threads: Int, _ body: (Int) -> Void) {
    let wanted = min(threads, Self.mostWorkers)
    guard wanted > 1 else {
      for worker in 0..<max(1, threads) { body(worker) }
      return
    }
    pthread_mutex_lock(&callers)
    defer { pthread_mutex_unlock(&callers) }
    start(wanted)
    keepClear()
    withoutActuallyEscaping(body) { escapable in
      job = escapable
      pending.store(wanted - 1, ordering: .relaxed)
      let sequence = ticket.load(ordering: .relaxed) >> 8 &+ 1
      ticket.store(sequence << 8 | UInt64(wanted), ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(&lock)
        pthread_cond_broadcast(&wake)
        pthread_mutex_unlock(&lock)
      }
      escapable(0)
      for worker in wanted..<max(wanted, threads) { escapable(worker) }
      var spins = 0
      while pending.load(ordering: .acquiring) > 0 {
        cpu_pause()
        spins += 1
        if spins > 20_000 { sched_yield() }  // More threads than cores: let the others run.
      }
      job = nil
    }
  }

  /// Keeps the workers off the caller's processor. A woken worker is placed beside the thread that wakes it,
  /// and as both spin, neither yields: a call then took 2200 µs instead of 35, until the scheduler
  /// happened to part them (2026-11).
  private func keepClear() {
    let cpu = cpu_current()
    guard cpu != callerCPU else { return }
    callerCPU = cpu
    for worker in workers { cpu_avoid(worker, cpu) }
  }

  /// Sends spinning workers to sleep, so that another library's threads have the cores to themselves.
  public func rest() {
    rests.add(1, ordering: .relaxed)
  }

  /// Makes sure that `count` workers exist, the caller included. Callers hold `callers`.
  private func start(_ count: Int) {
    while started < count {
      let identity = Unmanaged.passRetained(WorkerIdentity(pool: self, index: started))
      var thread = pthread_t()
      let failed = pthread_create(
        &thread, nil,
        { raw in
          let worker = Unmanaged<WorkerIdentity>.fromOpaque(raw!).takeRetainedValue()
          worker.pool.work(as: worker.index)
          return nil
        }, identity.toOpaque())
      precondition(failed == 0, "no thread could be started: \(failed)")
      pthread_detach(thread)
      workers.append(thread)
      callerCPU = -1
      started += 1
    }
  }

  private func work(as index: Int) {
    // A worker that starts late must still see the ticket it was started for.
    var seen: UInt64 = 0
    while true {
      let now = nextTicket(after: seen)
      seen = now
      guard index < Int(now & 0xff) else { continue }
      job?(index)
      pending.subtract(1, ordering: .releasing)
    }
  }

  private func nextTicket(after seen: UInt64) -> UInt64 {
    let rest = rests.load(ordering: .relaxed)
    for _ in 0..<Self.spins where rests.load(ordering: .relaxed) == rest {
      let now = ticket.load(ordering: .acquiring)
      if now != seen { return now }
      cpu_pause()
    }
    pthread_mutex_lock(&lock)
    sleepers.add(1, ordering: .sequentiallyConsistent)
    var now = ticket.load(ordering: .sequentiallyConsistent)
    while now == seen {
      pthread_cond_wait(&wake, &lock)
      now = ticket.load(ordering: .sequentiallyConsistent)
    }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(&lock)
    return now
  }
}

private final class WorkerIdentity {
  let pool: WorkerPool
  let index: Int

  init(pool: WorkerPool, index: Int) {
    self.pool = pool
    self.index = index
  }
}
