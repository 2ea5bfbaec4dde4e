internal import Glibc
internal import Synchronization

/// A flag that ends a piece of work from outside.
final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  func cancel() { flag.store(true, ordering: .releasing) }
  var isCancelled: Bool { flag.load(ordering: .acquiring) }
}

/// One piece of work in a worker's queue.
struct Job: Sendable {
  /// The run it belongs to; several jobs may serve one run.
  var run: Int
  /// Jobs of one slot replace each other while they wait.
  var slot: Slot
  var cancellation: Cancellation
  var body: @Sendable (Cancellation) -> Void

  enum Slot: Hashable, Sendable {
    case open, prune, quality, picture, reorderedPicture, weight, measure, machine
    /// Never replaced.
    case long(Int)
  }
}

/// A thread of our own with a queue. The thread starts with the first job and sleeps when there is none.
///
/// Not Swift concurrency: its pool has as many threads as processors, and a solver that holds one
/// for a second would hold up whatever else waits for it.
final class Worker: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  // All below only under the mutex.
  private var queue: [Job] = []
  private var running: Job?
  private var thread: pthread_t?
  private var isClosing = false
  /// Of the thread, whoever starts it.
  private let nice: Int32

  /// - Parameter steps: how much more urgent the thread is than the one that makes this.
  init(urgentBy steps: Int32 = 0) {
    nice = ThreadPriority.current - steps
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Queues a job. One of the same slot that still waits is replaced; with `interrupting` one of the same
  /// slot that runs is told to end.
  func submit(_ job: Job, interrupting: Bool = false) {
    locked {
      guard !isClosing else { return }
      for waiting in queue where waiting.slot == job.slot { waiting.cancellation.cancel() }
      queue.removeAll { $0.slot == job.slot }
      if interrupting, let running, running.slot == job.slot { running.cancellation.cancel() }
      queue.append(job)
      if thread == nil { start() }
      pthread_cond_signal(condition)
    }
  }

  /// Drops the waiting jobs that match and tells a running one to end.
  func cancel(where matches: (Job) -> Bool) {
    locked {
      for job in queue where matches(job) { job.cancellation.cancel() }
      queue.removeAll(where: matches)
      if let running, matches(running) { running.cancellation.cancel() }
    }
  }

  /// The first waiting job that matches, taken out of the queue: for a long job that lets others in.
  func takeWaiting(where matches: (Job) -> Bool) -> Job? {
    locked { queue.firstIndex(where: matches).map { queue.remove(at: $0) } }
  }

  func hasWaiting(where matches: (Job) -> Bool) -> Bool {
    locked { queue.contains(where: matches) }
  }

  /// Ends everything and waits for the thread.
  func close() {
    let waiting = locked { () -> pthread_t? in
      isClosing = true
      for job in queue { job.cancellation.cancel() }
      queue.removeAll()
      running?.cancellation.cancel()
      pthread_cond_broadcast(condition)
      defer { thread = nil }
      return thread
    }
    guard let waiting else { return }
    if pthread_equal(waiting, pthread_self()) != 0 {
      pthread_detach(waiting)
    } else {
      pthread_join(waiting, nil)
    }
  }

  private func start() {
    let box = Unmanaged.passRetained(self)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 8 << 20)
    var created = pthread_t()
    let code = pthread_create(&created, &attributes, workerMain, box.toOpaque())
    pthread_attr_destroy(&attributes)
    guard code == 0 else {
      box.release()
      return
    }
    thread = created
  }

  fileprivate func run() {
    ThreadPriority.set(nice)
    while true {
      let job = locked { () -> Job? in
        while queue.isEmpty, !isClosing { pthread_cond_wait(condition, mutex) }
        guard !queue.isEmpty else { return nil }
        running = queue.removeFirst()
        return running
      }
      guard let job else { return }
      job.body(job.cancellation)
      locked { running = nil }
    }
  }
}

private func workerMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<Worker>.fromOpaque(context!).takeRetainedValue().run()
  return nil
}
