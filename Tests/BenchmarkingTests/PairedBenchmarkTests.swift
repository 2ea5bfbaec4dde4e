import Benchmarking
import Experiments
import Synchronization
import Testing

@Suite struct PairedBenchmarkTests {
  /// A plan whose samples are single calls, so that every mock call is one sample.
  static func plan(_ change: (inout TimingPlan) -> Void = { _ in }) -> TimingPlan {
    var plan = TimingPlan()
    plan.sampleNs = 1
    plan.warmUpNs = 0
    plan.untimedCalls = 0
    change(&plan)
    return plan
  }

  @Test func exactTimesGiveTheExactRatio() throws {
    let clock = MockClock()
    let benchmark = PairedBenchmark(plan: Self.plan(), clock: clock)
    let timing = try #require(
      benchmark.run({ clock.advance(300_000) }, against: { clock.advance(100_000) }))
    #expect(timing.ratio == Interval(estimate: 3, low: 3, high: 3))
    #expect(timing.first.estimate == 300_000)
    #expect(timing.second.estimate == 100_000)
    #expect(timing.verdict == .faster)
    #expect(timing.end == .narrow)
    #expect(timing.rounds.count == 31)
    #expect(timing.outliers == 0)
  }

  @Test func shortCallsAreBatchedToASample() throws {
    let clock = MockClock()
    var plan = Self.plan()
    plan.sampleNs = 100_000
    let timing = try #require(
      PairedBenchmark(plan: plan, clock: clock)
        .run({ clock.advance(30_000) }, against: { clock.advance(700) }))
    #expect(timing.firstCalls == 4)
    #expect(timing.secondCalls == 143)
    #expect(timing.second.estimate == 700)
  }

  /// What a side finds in the caches is its own: a model of caches that hold what ran last.
  @Test(arguments: [0, 1, 3]) func aSideDoesNotPayForWhatTheOtherOneLeft(_ untimed: Int) throws {
    let clock = MockClock()
    var last: [Character] = []
    // Warm after two calls in a row, otherwise half as fast.
    func call(_ side: Character, _ nanoseconds: Double) {
      let isWarm = last.suffix(2) == [side, side]
      clock.advance(isWarm ? nanoseconds : 2 * nanoseconds)
      last = last.suffix(1) + [side]
    }
    let plan = Self.plan {
      $0.untimedCalls = untimed
      $0.warmUpNs = 1_000_000
    }
    let timing = try #require(
      PairedBenchmark(plan: plan, clock: clock)
        .run({ call("a", 300_000) }, against: { call("b", 100_000) }))
    #expect(timing.second.low == (untimed < 3 ? 200_000 : 100_000))
  }

  /// Every second round a neighbour takes half of the core from one side.
  @Test func roundsBesideANeighbourAreLeftOut() throws {
    let clock = MockClock()
    let isShared = Atomic<Bool>(false)
    let watch = CoreWatch { isShared.load(ordering: .relaxed) ? 380 : 460 }
    var calls = 0
    let timing = try #require(
      PairedBenchmark(plan: Self.plan(), watch: watch, clock: clock).run(
        { clock.advance(300_000) },
        against: {
          calls += 1
          isShared.store(calls % 4 < 2, ordering: .relaxed)
          clock.advance(isShared.load(ordering: .relaxed) ? 200_000 : 100_000)
        }))
    #expect(timing.ratio.estimate == 3)
    #expect(timing.end == .narrow)
    #expect(timing.rounds.count >= 31)
    #expect(timing.rounds.allSatisfy { $0.second == 100_000 })
    #expect(timing.shared == timing.leftOut && timing.leftOut >= 10)
  }

  @Test func withoutEnoughOtherRoundsAllCount() throws {
    let clock = MockClock()
    // One look in a thousand is undisturbed.
    let quick = Atomic<Int>(0)
    let watch = CoreWatch(best: 460) {
      quick.add(1, ordering: .relaxed).newValue % 1000 == 0 ? 460 : 380
    }
    let plan = Self.plan { $0.maximumSeconds = 0.02 }
    let timing = try #require(
      PairedBenchmark(plan: plan, watch: watch, clock: clock).run(
        {
          clock.advance(300_000)
        }, against: { clock.advance(100_000) }))
    #expect(timing.leftOut == 0)
    #expect(timing.shared == timing.rounds.count)
    #expect(timing.ratio.estimate == 3)
  }

  @Test func longCallsAreRepeatedUntimedForAMillisecondOnly() throws {
    let clock = MockClock()
    var calls: [Character] = []
    let plan = Self.plan { $0.untimedCalls = 3 }
    _ = PairedBenchmark(plan: plan, clock: clock).run(
      {
        calls.append("a")
        clock.advance(5_000_000)
      },
      against: {
        calls.append("b")
        clock.advance(400_000)
      })
    // After one call of each to warm up: one untimed and one timed, three untimed and one timed.
    let rounds = Array(calls.dropFirst(2))
    let two = rounds.prefix(12)
    #expect(two.count { $0 == "a" } == 4 && two.count { $0 == "b" } == 8)
  }

  @Test func driftThatHitsBothSidesLeavesTheRatioAlone() throws {
    let clock = MockClock()
    var calls = 0.0
    // The machine slows down fivefold during the run, by a tenth of a per cent a call.
    func slow(_ nanoseconds: Double) {
      calls += 1
      clock.advance(nanoseconds * (1 + calls * 0.001))
    }
    let plan = Self.plan {
      $0.minimumRounds = 2000
      $0.maximumSeconds = 100
    }
    let timing = try #require(
      PairedBenchmark(plan: plan, clock: clock)
        .run({ slow(200_000) }, against: { slow(100_000) }))
    #expect(abs(timing.ratio.estimate - 2) < 0.002)
    #expect(timing.first.high / timing.first.low > 1.02)
  }

  @Test func eachOrderComesOnceInEveryTwoRoundsAndTheSeedDecidesWhich() throws {
    func orders(seed: UInt64) throws -> [Bool] {
      let clock = MockClock()
      var calls: [Character] = []
      let plan = Self.plan { $0.seed = seed }
      _ = PairedBenchmark(plan: plan, clock: clock).run(
        {
          calls.append("a")
          clock.advance(1000)
        },
        against: {
          calls.append("b")
          clock.advance(1000)
        })
      // The first two calls are the warm-up.
      let timed = Array(calls.dropFirst(2))
      return stride(from: 0, to: timed.count - 1, by: 2).map { timed[$0] == "b" }
    }
    let first = try orders(seed: 1)
    #expect(first == (try orders(seed: 1)))
    #expect(first != (try orders(seed: 2)))
    for block in stride(from: 0, to: first.count - 1, by: 2) {
      #expect(first[block] != first[block + 1])
    }
  }

  @Test func noiseWithoutADifferenceIsIndistinguishable() throws {
    var noise = Noise(seed: 3)
    var calls = 0
    for trial in 0..<200 {
      let clock = MockClock()
      func body() { clock.advance(1e5 * (1 + 0.02 * noise.gaussian())) }
      let plan = Self.plan {
        $0.seed = UInt64(trial)
        $0.relativeHalfWidth = 0.01
      }
      let timing = try #require(PairedBenchmark(plan: plan, clock: clock).run(body, against: body))
      if timing.verdict != .indistinguishable { calls += 1 }
    }
    // Ten are expected of a 95 % interval; eighteen lie 2.6 standard deviations above.
    #expect(calls <= 18)
    // A rule that never calls a difference would pass the line above.
    #expect(calls >= 1)
  }

  @Test func aSmallRealDifferenceIsFoundUnderNoise() throws {
    var noise = Noise(seed: 9)
    let clock = MockClock()
    func body(_ scale: Double) { clock.advance(1e5 * scale * (1 + 0.05 * abs(noise.gaussian()))) }
    let timing = try #require(
      PairedBenchmark(plan: Self.plan(), clock: clock)
        .run({ body(0.97) }, against: { body(1) }))
    #expect(timing.verdict == .slower)
    #expect(timing.ratio.low < 0.97 && 0.97 < timing.ratio.high)
    #expect(timing.end == .narrow)
    #expect(timing.ratio.relativeHalfWidth <= 0.005)
  }

  @Test func aSpikeIsCountedButKept() throws {
    let clock = MockClock()
    var noise = Noise(seed: 2)
    var calls = 0
    let timing = try #require(
      PairedBenchmark(plan: Self.plan(), clock: clock).run(
        {
          calls += 1
          clock.advance(1e5 * (calls == 10 ? 50 : 1 + 0.001 * noise.gaussian()))
        }, against: { clock.advance(1e5 * (1 + 0.001 * noise.gaussian())) }))
    #expect(timing.outliers >= 1)
    #expect(timing.rounds.contains { $0.first > 4e6 })
    #expect(abs(timing.ratio.estimate - 1) < 0.005)
  }

  @Test func disturbedRoundsAreThrownAwayAndRepeated() throws {
    let clock = MockClock()
    let disturbances = Disturbances()
    var calls = 0
    let timing = try #require(
      PairedBenchmark(plan: Self.plan(), disturbances: disturbances, clock: clock).run(
        {
          calls += 1
          // Every third sample something is drawn, which makes it twice as slow.
          if calls % 3 == 0 { disturbances.raise() }
          clock.advance(calls % 3 == 0 ? 200_000 : 100_000)
        }, against: { clock.advance(100_000) }))
    #expect(timing.disturbed >= 10)
    #expect(timing.rounds.count == 31)
    #expect(timing.rounds.allSatisfy { $0.ratio == 1 })
  }

  @Test func nothingIsTimedWhileOtherWorkRuns() throws {
    let disturbances = Disturbances()
    let pauses = Atomic<Int>(0)
    let clock = MockClock {
      if pauses.add(1, ordering: .relaxed).newValue == 5 { disturbances.end() }
    }
    disturbances.begin()
    let timing = try #require(
      PairedBenchmark(plan: Self.plan(), disturbances: disturbances, clock: clock)
        .run({ clock.advance(1000) }, against: { clock.advance(1000) }))
    #expect(pauses.load(ordering: .relaxed) == 5)
    #expect(timing.disturbed == 0)
  }

  @Test func theFirstEstimateDoesNotWaitForever() throws {
    let disturbances = Disturbances()
    let clock = MockClock()
    disturbances.begin()
    var reported = 0
    let plan = Self.plan { $0.relativeHalfWidth = -1 }
    let timing = try #require(
      PairedBenchmark(plan: plan, disturbances: disturbances, clock: clock).run(
        { clock.advance(10_000_000) }, against: { clock.advance(10_000_000) },
        isCancelled: { reported > 0 }, progress: { _ in reported += 1 }))
    // Rounds of 20 ms: the first report comes after a few; the 50 ms of waiting are not counted.
    #expect((2...6).contains(timing.rounds.count))
    #expect(timing.elapsedSeconds < 0.2)
  }

  @Test func itEndsWhenTheTimeIsUpAndSaysSo() throws {
    var noise = Noise(seed: 4)
    let clock = MockClock()
    let plan = Self.plan {
      $0.maximumSeconds = 0.05
      $0.relativeHalfWidth = 1e-9
    }
    let timing = try #require(
      PairedBenchmark(plan: plan, clock: clock).run(
        { clock.advance(1e5 * (1 + noise.uniform())) },
        against: { clock.advance(1e5 * (1 + noise.uniform())) }))
    #expect(timing.end == .timeUp)
    #expect(timing.elapsedSeconds >= 0.05)
    #expect(timing.elapsedSeconds < 0.051)
  }

  @Test func aSlowPairStillGetsSixRounds() throws {
    let clock = MockClock()
    let plan = Self.plan { $0.maximumSeconds = 0.1 }
    var reports: [Int] = []
    let timing = try #require(
      PairedBenchmark(plan: plan, clock: clock).run(
        { clock.advance(50e6) }, against: { clock.advance(25e6) },
        progress: { reports.append($0.rounds.count) }))
    #expect(timing.rounds.count == 6)
    #expect(timing.end == .timeUp)
    // The estimate of two rounds is there at 225 ms; one is reported only after the first 100 ms.
    #expect(reports.first == 2)
  }

  @Test func reportsComeBetweenSamplesAndNotTooOften() throws {
    var noise = Noise(seed: 7)
    let clock = MockClock()
    var inside = false
    var reports: [Double] = []
    let plan = Self.plan {
      $0.maximumSeconds = 1
      $0.relativeHalfWidth = 1e-9
    }
    let timing = try #require(
      PairedBenchmark(plan: plan, clock: clock).run(
        {
          inside = true
          clock.advance(1e5 * (1 + noise.uniform()))
          inside = false
        }, against: { clock.advance(1e5) },
        progress: {
          #expect(!inside)
          #expect($0.end == .running)
          reports.append($0.elapsedSeconds)
        }))
    #expect(reports.count >= 8 && reports.count <= 11)
    #expect(try #require(reports.first) < 0.15)
    for (earlier, later) in zip(reports, reports.dropFirst()) { #expect(later - earlier >= 0.0999) }
    #expect(timing.end == .timeUp)
  }

  @Test func cancellingKeepsWhatThereIs() throws {
    let clock = MockClock()
    var calls = 0
    let plan = Self.plan { $0.relativeHalfWidth = -1 }
    let timing = PairedBenchmark(plan: plan, clock: clock).run(
      {
        calls += 1
        clock.advance(1000)
      }, against: { clock.advance(1000) }, isCancelled: { calls >= 11 })
    #expect(timing?.end == .cancelled)
    #expect(timing?.rounds.count == 10)
    let none = PairedBenchmark(plan: plan, clock: clock).run(
      { clock.advance(1) }, against: { clock.advance(1) }, isCancelled: { true })
    #expect(none == nil)
  }

  @Test func aRealClosureAgainstItselfIsMeasured() throws {
    let values = (0..<4096).map(Double.init)
    let total = Mutex(0.0)
    func body() { total.withLock { $0 += values.reduce(0, +) } }
    var plan = TimingPlan()
    plan.maximumSeconds = 0.2
    let timing = try #require(PairedBenchmark(plan: plan).run(body, against: body))
    #expect(timing.first.estimate > 0)
    #expect(timing.rounds.count >= 6)
    #expect(total.withLock { $0 } > 0)
  }
}
