internal import Benchmarking
public import Experiments
internal import Pruning
internal import Synchronization

/// Carries requests through prune, pack, check, time and judge.
///
/// `submit` queues a request for worker threads and answers through `deliver`; `perform` carries one out
/// on the calling thread. Three threads, started with their first job and asleep when idle: one for what
/// must come within a frame (open, prune, picture, weight), one for the proxies that follow a pruning, and
/// one for what takes long (measurements, sweeps). Only that last one times, so two timings never meet;
/// work on the others interrupts its samples, which are thrown away and repeated.
public final class Laboratory: Sendable {
  let workbench: Workbench
  private let deliver: @Sendable (Answer, RunID) -> Void
  /// More urgent than what computes beside it, where that is permitted: somebody waits for each answer.
  private let instant = Worker(urgentBy: 5)
  private let judging = Worker()
  private let long = Worker()
  /// Of the trainings that run or wait.
  private let trainings = Mutex<[RunID: TrainingSteering]>([:])
  /// What the iterates of solvers are drawn for.
  let windows = Mutex(ShownWindows())

  /// - Parameter deliver: called on worker threads, in order for each run, never after `close`.
  public init(
    configuration: LaboratoryConfiguration,
    deliver: @escaping @Sendable (Answer, RunID) -> Void = { _, _ in }
  ) {
    workbench = Workbench(configuration)
    self.deliver = deliver
  }

  /// Cancels everything and waits until the threads have ended.
  public func close() {
    for worker in [instant, judging, long] { worker.close() }
  }

  /// Throws away the sample that is being taken: call it when a frame is drawn.
  public func disturb() { workbench.disturbances.raise() }

  /// Sentences for a person that no answer has a place for, such as a damaged cache; each once.
  public func takeNotices() -> [String] { workbench.notices.take() }

  /// Ends a run: it gets no more answers. A waiting one never starts; a running one stops between samples
  /// or iterations.
  public func cancel(_ run: RunID) {
    for worker in [instant, judging, long] { worker.cancel { $0.run == run } }
    trainings.withLock { $0[run] = nil }
  }

  /// Queues a request.
  ///
  /// A request replaces a waiting one of the same kind, which then gets no answer; a new pruning also ends
  /// one that runs, and the proxies of the one before. A measurement that is asked for while a sweep runs
  /// is taken between two of its cells.
  public func submit(_ request: Request, run: RunID) {
    switch request {
    case .open, .calibrate:
      for worker in [instant, judging, long] { worker.cancel { $0.slot != .machine } }
      submit(request, run, .open, to: instant)
    case .prune:
      judging.cancel { _ in true }
      submit(request, run, .prune, to: instant, interrupting: true)
    case .picture(_, _, _, _, _, let reordered):
      windows.withLock {
        if reordered { $0.reordered = request } else { $0.original = request }
      }
      submit(request, run, reordered ? .reorderedPicture : .picture, to: instant)
    case .weight: submit(request, run, .weight, to: instant)
    case .measure:
      // Peaks can wait: they are looked up again when nothing else is to be timed.
      submit(request, run, .measure, to: long)
    case .sweep, .sensitivity, .path, .crossover, .wholeModel:
      submit(request, run, .long(run), to: long)
    case .train:
      // Known before it starts, so that what is turned while it waits is not lost.
      trainings.withLock { $0[run] = TrainingSteering() }
      submit(request, run, .long(run), to: long)
    case .steerTraining(let change):
      if let training = trainings.withLock({ $0[run] }) {
        training.steer(change)
      } else {
        deliver(.failed("no training runs any more: start one with train"), run)
      }
    case .describeMachine: submitMachine(run)
    }
  }

  private func submit(
    _ request: Request, _ run: RunID, _ slot: Job.Slot, to worker: Worker,
    interrupting: Bool = false
  ) {
    let isInstant = worker === instant
    let job = Job(run: run, slot: slot, cancellation: Cancellation()) { cancellation in
      if isInstant { self.workbench.disturbances.begin() }
      self.answer(request, run, cancellation)
      if isInstant { self.workbench.disturbances.end() }
    }
    worker.submit(job, interrupting: interrupting)
  }

  /// Carries a request out on this thread and delivers what comes.
  private func answer(_ request: Request, _ run: RunID, _ cancellation: Cancellation) {
    let send: (Answer) -> Void = { answer in
      if !cancellation.isCancelled { self.deliver(answer, run) }
    }
    do throws(LaboratoryError) {
      if case .prune(let tensor, let knobs) = request {
        let watch = formingWatch(tensor, knobs, cancellation, run: run)
        let masked = try workbench.masked(watching: watch, tensor, knobs)
        send(.pruned(masked.summary))
        judge(tensor, knobs, run, after: cancellation)
        return
      }
      if case .path(let tensor, let knobs) = request {
        let watch = formingWatch(tensor, knobs, cancellation, run: run)
        let path = try workbench.path(
          tensor, knobs, isCancelled: { cancellation.isCancelled },
          progress: { send(.path($0)) }, watching: watch)
        send(.path(path))
        return
      }
      if case .train(let plan) = request {
        let steering = trainings.withLock { $0[run] } ?? TrainingSteering()
        defer { trainings.withLock { $0[run] = nil } }
        let result = try workbench.train(
          plan, steering, isCancelled: { cancellation.isCancelled }, progress: send)
        send(.trained(result))
        return
      }
      send(
        try workbench.perform(
          request, isCancelled: { cancellation.isCancelled }, progress: send,
          between: { self.measureWaiting() }))
    } catch {
      if error.kind != .cancelled { send(.failed(error.description)) }
    }
  }

  /// Delivers what comes before an answer.
  func send(_ answer: Answer, _ run: RunID) { deliver(answer, run) }

  /// Queues the proxies of a pruning; at once where there is nothing to compute.
  private func judge(
    _ tensor: String, _ knobs: Knobs, _ run: RunID,
    after pruning: Cancellation
  ) {
    let job = Job(run: run, slot: .quality, cancellation: Cancellation()) { cancellation in
      let isCancelled = { cancellation.isCancelled || pruning.isCancelled }
      self.workbench.disturbances.begin()
      let report = try? self.workbench.quality(
        tensor, knobs, isCancelled: isCancelled)
      self.workbench.disturbances.end()
      if let report, !isCancelled() { self.deliver(.quality(report), run) }
    }
    if pruning.isCancelled { return }
    judging.submit(job, interrupting: true)
  }

  /// Between two cells of a sweep: measurements that someone waits for.
  private func measureWaiting() {
    while let job = long.takeWaiting(where: { $0.slot == .measure }) { job.body(job.cancellation) }
  }

  /// The machine's description. Its ceilings take a second to measure the first time, and give way to
  /// anything else that waits.
  private func submitMachine(_ run: RunID) {
    let job = Job(run: run, slot: .machine, cancellation: Cancellation()) { cancellation in
      let gaveWay = { self.long.hasWaiting { $0.slot != .machine } }
      let info = self.workbench.describeMachine {
        cancellation.isCancelled || gaveWay()
      }
      if let info {
        if !cancellation.isCancelled { self.deliver(.machine(info), run) }
      } else if !cancellation.isCancelled {
        self.submitMachine(run)
      }
    }
    long.submit(job)
  }

  /// Carries a request out on this thread.
  ///
  /// - Parameter progress: gets what precedes the answer: iterates, estimates, finished cells, and for a
  ///   pruning the summary before the proxies, which are then the answer.
  /// - Returns: the last answer.
  public func perform(
    _ request: Request, isCancelled: () -> Bool = { false }, progress: (Answer) -> Void = { _ in }
  ) throws(LaboratoryError) -> Answer {
    try workbench.perform(request, isCancelled: isCancelled, progress: progress, between: {})
  }
}
