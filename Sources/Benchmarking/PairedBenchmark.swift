internal import Experiments

/// Times two closures against each other so that what the machine does meanwhile hits both.
///
/// The sides take turns in rounds; which goes first is shuffled by the plan's seed, each order once in
/// every two rounds, so that neither drift nor the place in the round favours a side. Every round
/// gives one ratio; the figure is their median with its order-statistic 95 % interval. On a machine
/// under load this repeats to 0.1 %, where one side after the other spreads over 40 % and more. Before
/// each sample its side runs untimed (`TimingPlan.untimedCalls`), so that neither pays for what the other
/// one left in the caches. Rounds in which something shared the core (`CoreWatch`) are left out where
/// enough others are found in the time.
public struct PairedBenchmark<Clock: NanosecondClock>: Sendable {
  public var plan: TimingPlan
  public var disturbances: Disturbances
  public var watch: CoreWatch?
  private let clock: Clock

  public init(
    plan: TimingPlan, disturbances: Disturbances = Disturbances(), watch: CoreWatch? = nil,
    clock: Clock
  ) {
    self.plan = plan
    self.disturbances = disturbances
    self.watch = watch
    self.clock = clock
  }

  /// Runs until the ratio's interval is narrow enough or the plan's time is up.
  ///
  /// - Parameters:
  ///   - isCancelled: asked between samples; true ends it after the current one.
  ///   - progress: called between samples, never inside one: with the first interval, then at most
  ///     once in `plan.reportSeconds`.
  /// - Returns: what was found; nil when it was cancelled before there was an interval.
  public func run(
    _ first: () -> Void, against second: () -> Void, isCancelled: () -> Bool = { false },
    progress: (PairedTiming) -> Void = { _ in }
  ) -> PairedTiming? {
    let start = clock.now()
    guard let firstCalls = warmUp(first, isCancelled), let secondCalls = warmUp(second, isCancelled)
    else { return nil }
    var session = Session(firstCalls: firstCalls.timed, secondCalls: secondCalls.timed)
    var order = RoundOrder(seed: plan.seed)
    var nextReport = 0.0
    var nextCheck = plan.minimumRounds
    var waited = 0.0
    while true {
      if isCancelled() { return session.timing(elapsed: seconds(since: start), end: .cancelled) }
      if disturbances.isRunning, session.rounds.count >= 6 || waited < plan.patienceSeconds {
        // Whatever runs now would be in the sample: wait for it, and let cancelling through.
        let before = clock.now()
        clock.pause(nanoseconds: 200_000)
        waited += seconds(since: before)
        continue
      }
      let mark = disturbances.mark
      let before = watch?.look()
      let round = take(first, firstCalls, against: second, secondCalls, swapped: order.next())
      guard disturbances.mark == mark else {
        session.disturbed += 1
        order.repeatLast()
        continue
      }
      let after = watch?.look()
      var wasAlone = true
      if let watch, let before, let after { wasAlone = watch.wasAlone(before, after) }
      session.add(round, wasAlone: wasAlone)
      let count = session.rounds.count
      let elapsed = seconds(since: start) - waited
      guard count >= 6 else {
        if count >= 2, elapsed >= nextReport, elapsed >= plan.reportSeconds {
          if let timing = session.timing(elapsed: elapsed, end: .running) { progress(timing) }
          nextReport = seconds(since: start) - waited + plan.reportSeconds
        }
        continue
      }
      let timeIsUp = elapsed >= plan.maximumSeconds || count >= plan.maximumRounds
      // Looking at the width after every round would favour lucky streaks and cost a sort each time.
      let looks = count >= nextCheck
      guard timeIsUp || looks || elapsed >= nextReport,
        let timing = session.timing(elapsed: elapsed, end: .running)
      else { continue }
      if looks {
        nextCheck = count + max(4, count / 4)
        if timing.rounds.count >= plan.minimumRounds,
          timing.ratio.relativeHalfWidth <= plan.relativeHalfWidth
        {
          return timing.ended(.narrow)
        }
      }
      if timeIsUp { return timing.ended(.timeUp) }
      if elapsed >= nextReport {
        progress(timing)
        nextReport = seconds(since: start) - waited + plan.reportSeconds
      }
    }
  }

  /// Calls of one side in a round.
  private struct Calls {
    var untimed: Int
    var timed: Int
  }

  /// Runs a side untimed, then finds how many calls make a sample; nil when cancelled.
  private func warmUp(_ body: () -> Void, _ isCancelled: () -> Bool) -> Calls? {
    let start = clock.now()
    var calls = 0
    var quickest = Double.infinity
    repeat {
      if isCancelled() { return nil }
      let before = clock.now()
      body()
      quickest = min(quickest, Double(clock.now() - before))
      calls += 1
    } while Double(clock.now() - start) < plan.warmUpNs && calls < 100_000
    func lasting(_ nanoseconds: Double) -> Int {
      max(1, Int((nanoseconds / max(quickest, 1)).rounded(.up)))
    }
    return Calls(
      untimed: min(plan.untimedCalls, lasting(plan.untimedNs)), timed: lasting(plan.sampleNs))
  }

  private func take(
    _ first: () -> Void, _ firstCalls: Calls, against second: () -> Void, _ secondCalls: Calls,
    swapped: Bool
  ) -> PairedTiming.Round {
    if swapped {
      let secondNs = sample(second, calls: secondCalls)
      return PairedTiming.Round(first: sample(first, calls: firstCalls), second: secondNs)
    }
    let firstNs = sample(first, calls: firstCalls)
    return PairedTiming.Round(first: firstNs, second: sample(second, calls: secondCalls))
  }

  private func sample(_ body: () -> Void, calls: Calls) -> Double {
    for _ in 0..<calls.untimed { body() }
    let start = clock.now()
    for _ in 0..<calls.timed { body() }
    // A sample shorter than the clock's step would make ratios of 0 and infinity.
    return Double(max(clock.now() - start, 1)) / Double(calls.timed)
  }

  private func seconds(since start: UInt64) -> Double { Double(clock.now() - start) * 1e-9 }
}

extension PairedBenchmark where Clock == MonotonicClock {
  public init(
    plan: TimingPlan, disturbances: Disturbances = Disturbances(), watch: CoreWatch? = nil
  ) {
    self.init(plan: plan, disturbances: disturbances, watch: watch, clock: MonotonicClock())
  }
}

/// Which side goes first: both orders once in every two rounds, in seeded random order.
private struct RoundOrder {
  private var generator: UInt64
  private var pending: [Bool] = []
  private var last = false

  init(seed: UInt64) { generator = seed }

  mutating func next() -> Bool {
    if pending.isEmpty {
      // SplitMix64, its top bit.
      generator &+= 0x9E37_79B9_7F4A_7C15
      var bits = generator
      bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
      bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
      pending = (bits ^ (bits >> 31)) >> 63 == 1 ? [true, false] : [false, true]
    }
    last = pending.removeLast()
    return last
  }

  /// The last round does not count: its order comes again.
  mutating func repeatLast() { pending.append(last) }
}

/// What has been taken so far.
private struct Session {
  /// Fewer say too little; then all rounds count.
  private static let leastAlone = 12

  private(set) var rounds: [PairedTiming.Round] = []
  private var alone: [PairedTiming.Round] = []
  var disturbed = 0
  let firstCalls: Int
  let secondCalls: Int

  init(firstCalls: Int, secondCalls: Int) {
    self.firstCalls = firstCalls
    self.secondCalls = secondCalls
  }

  mutating func add(_ round: PairedTiming.Round, wasAlone: Bool) {
    rounds.append(round)
    if wasAlone { alone.append(round) }
  }

  func timing(elapsed: Double, end: PairedTiming.End) -> PairedTiming? {
    let all = self.rounds.count
    let rounds = alone.count >= Self.leastAlone ? alone : self.rounds
    let ratios = rounds.map(\.ratio)
    guard let ratio = interval(ratios), let first = interval(rounds.map(\.first)),
      let second = interval(rounds.map(\.second))
    else { return nil }
    return PairedTiming(
      first: first, second: second, ratio: ratio, rounds: rounds,
      outliers: Statistics.outliers(ratios), disturbed: disturbed,
      shared: all - alone.count, leftOut: all - rounds.count, firstCalls: firstCalls,
      secondCalls: secondCalls, elapsedSeconds: elapsed, end: end)
  }

  private func interval(_ values: [Double]) -> Interval? {
    Statistics.medianInterval(values) ?? Statistics.fewValuesInterval(values)
  }
}

extension PairedTiming {
  fileprivate func ended(_ end: End) -> PairedTiming {
    var copy = self
    copy.end = end
    return copy
  }
}
