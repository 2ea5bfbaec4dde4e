internal import Benchmarking
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors

/// How noisy the machine was for a shape, and when that was found.
struct TimedQuietness: Sendable {
  var quietness: Quietness
  var nanoseconds: UInt64
}

extension Workbench {
  /// Seconds for which one dense-against-dense comparison of a shape stands for the machine's noise.
  private static var quietnessSeconds: Double { 30 }

  /// Times a pruned layer against the best dense kernel.
  ///
  /// - Parameter report: gets estimates on the way, at most ten a second, never inside a sample.
  /// - Throws: `cancelled` when it was cancelled before there was an estimate.
  func measure(
    _ layer: Layer, _ knobs: Knobs, among tensors: [String]? = nil, plan: TimingPlan,
    keepSamples: SamplesKept = .none, isCancelled: () -> Bool,
    report: (Measurement) -> Void = { _ in }
  ) throws(LaboratoryError) -> Measurement {
    var pruned: PrunedLayer? = try prune(layer.name, knobs, among: tensors) { _ in !isCancelled() }
    return try ledger.spend { () throws(LaboratoryError) in
      let contest = try contest(layer, pruned.take()!, knobs, isCancelled: isCancelled)
      return try measure(
        contest, of: layer, knobs, plan: plan, keepSamples: keepSamples, isCancelled: isCancelled,
        report: report)
    }
  }

  /// Times what is packed and checked.
  private func measure(
    _ contest: Contest, of layer: Layer, _ knobs: Knobs, plan: TimingPlan,
    keepSamples: SamplesKept, isCancelled: () -> Bool, report: (Measurement) -> Void
  ) throws(LaboratoryError) -> Measurement {
    var plan = knobs.cache == .cold ? plan.cold : plan
    plan.seed = knobs.seed
    var frame = MeasurementFrame(
      contest: contest, knobs: knobs, machine: machine, keepSamples: keepSamples)
    let key = ContestKey(layer, knobs)
    if knownQuietness(key) == nil {
      // A first figure before the noise is looked at, which takes a tenth of a second.
      let first = PairedBenchmark(plan: plan.glimpse, disturbances: disturbances, watch: watch).run(
        contest.dense.run, against: contest.sparse.run, isCancelled: isCancelled)
      if let first { report(frame.measurement(first, isFinal: false)) }
    }
    let quietness = try quietness(of: contest, for: key, isCancelled: isCancelled)
    frame.quietness = quietness
    // Where the machine cannot tell a thing from itself, it takes longer before it claims anything.
    if !quietness.isQuiet { plan = plan.longer(by: 3) }
    let timing = PairedBenchmark(plan: plan, disturbances: disturbances, watch: watch).run(
      contest.dense.run, against: contest.sparse.run, isCancelled: isCancelled,
      progress: { report(frame.measurement($0, isFinal: false)) })
    guard let timing else { throw .cancelled }
    remember(denseNs: timing.first.estimate, for: key)
    let slowdown = slowdown(denseNs: timing.first.estimate, for: key)
    if slowdown > configuration.slowedBeyond { frame.slowdown = slowdown }
    return frame.measurement(timing, isFinal: true)
  }

  private func remember(denseNs: Double, for key: ContestKey) {
    quickestDense.store(min(denseNs, quickestDense.value(for: key) ?? .infinity), for: key)
  }

  /// How much longer dense took than at its best here: 1 where the machine gives what it can.
  ///
  /// A neighbour on the same processor or a lower clock slows sparse kernels and dense ones unequally, so that
  /// intervals are narrow about ratios that are not this kernel's. Of 236 cells of a virtual machine's
  /// bench, some 70 lay in stretches of 3 to 8 seconds in which dense took 4.5 to 28 % longer, and nearly
  /// all that were more than 8 % below an undisturbed run's were among them (2026-11).
  func slowdown(denseNs: Double, for key: ContestKey) -> Double {
    quickestDense.value(for: key).map { denseNs / $0 } ?? 1
  }

  private func knownQuietness(_ key: ContestKey) -> Quietness? {
    guard let known = quietnesses.value(for: key) else { return nil }
    let age = Double(MonotonicClock().now() - known.nanoseconds) * 1e-9
    return age < Self.quietnessSeconds ? known.quietness : nil
  }

  /// The dense side against itself, now or within the last half minute.
  private func quietness(
    of contest: Contest, for key: ContestKey, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> Quietness {
    if let known = knownQuietness(key) { return known }
    var found: Quietness?
    // A single failure may be chance (one in twenty is): only a second, longer one counts.
    for plan in [TimingPlan.sameAgainstSame, TimingPlan.sameAgainstSame.longer(by: 4)] {
      let timing = PairedBenchmark(plan: plan, disturbances: disturbances, watch: watch).run(
        contest.dense.run, against: contest.dense.run, isCancelled: isCancelled)
      guard let timing else { throw .cancelled }
      remember(denseNs: min(timing.first.estimate, timing.second.estimate), for: key)
      found = Quietness(timing)
      if found?.isQuiet == true { break }
    }
    guard let found else { throw .cancelled }
    quietnesses.store(
      TimedQuietness(quietness: found, nanoseconds: MonotonicClock().now()), for: key)
    return found
  }

  /// How one measurement that someone waits for is timed.
  var measurePlan: TimingPlan {
    var plan = TimingPlan.interactive
    plan.maximumSeconds = configuration.measureSeconds
    plan.relativeHalfWidth = configuration.measureHalfWidth
    return plan
  }

  /// How a cell of a sweep is timed.
  var cellPlan: TimingPlan {
    var plan = TimingPlan.cell
    plan.maximumSeconds = configuration.cellSeconds
    plan.relativeHalfWidth = configuration.cellHalfWidth
    return plan
  }
}

/// Which of a measurement's paired samples are handed on.
enum SamplesKept {
  case none, all
  /// So many at most, evenly spaced over the run: a session keeps the shape of their distribution in
  /// 40 kB a measurement, where all 20 000 would be 800 kB.
  case atMost(Int)

  /// `[first, second]` nanoseconds a call, in order.
  func chosen(from rounds: [PairedTiming.Round]) -> [[Double]] {
    let kept: Int
    switch self {
    case .none: return []
    case .all: kept = rounds.count
    case .atMost(let limit): kept = min(limit, rounds.count)
    }
    return (0..<kept).map {
      let round = rounds[$0 * rounds.count / kept]
      return [round.first, round.second]
    }
  }
}

/// What stays the same in all reports of one measurement.
struct MeasurementFrame {
  let contest: Contest
  /// Nil before it was looked at.
  var quietness: Quietness?
  /// How many times its best time here dense took, where that is too much.
  var slowdown: Double?
  let keepSamples: SamplesKept
  private let warnings: [String]
  private let isMachineBusy: Bool
  private let denseFlops: Double
  private let peak: Double?

  init(
    contest: Contest, knobs: Knobs, machine: MachineInfo, keepSamples: SamplesKept
  ) {
    self.contest = contest
    self.keepSamples = keepSamples
    warnings = contest.warnings + machine.advice(threads: knobs.threads)
    isMachineBusy = machine.isBusy(threads: knobs.threads)
    denseFlops = contest.denseStorage.usefulFlops
    peak =
      knobs.tokens >= 128 && knobs.cache == .warm
      ? machine.ceilings.map { $0.peakFlops * Double(knobs.threads) } : nil
  }

  func measurement(_ timing: PairedTiming, isFinal: Bool) -> Measurement {
    var warnings = warnings + [quietness?.warning].compactMap(\.self)
    if isFinal, timing.leftOut * 10 > timing.rounds.count + timing.leftOut {
      warnings.append(
        "left out \(timing.leftOut) of \(timing.rounds.count + timing.leftOut) samples, in which something "
          + "shared this core")
    } else if isFinal, timing.leftOut == 0, timing.shared * 2 > timing.rounds.count {
      warnings.append(
        Measurement.slowed
          + "in \(timing.shared) of \(timing.rounds.count) samples something shared this core (a neighbour on "
          + "it, or its clock is lower now), and not both kernels suffer alike; measure again")
    }
    if let slowdown {
      warnings.append(
        Measurement.slowed
          + "dense took \(NumberText.fixed(slowdown * 100 - 100, 0)) % longer than at its best here, so this "
          + "machine gives less now, and not to both kernels alike; measure again")
    }
    if let peak {
      let share = denseFlops / (timing.first.estimate * 1e-9) / peak
      if share < 0.85 {
        warnings.append(
          "the best dense kernel found reaches \(NumberText.fixed(share * 100, 0)) % of this core's "
            + "measured peak: a better one would make every speedup here smaller")
      }
    }
    let storage = contest.sparseStorage
    return Measurement(
      kernelDense: contest.dense.kernels[0].name, kernelSparse: contest.sparse.kernels[0].name,
      refused: contest.refused, bytesDense: contest.denseStorage.totalBytes,
      bytesSparse: storage.totalBytes, bytesValues: storage.valueBytes,
      bytesIndices: storage.indexBytes, bytesPadding: storage.paddingBytes,
      bytesActivations: storage.activationBytes, flopsUseful: storage.usefulFlops,
      flopsExecuted: storage.executedFlops, imbalance: storage.imbalance,
      packNs: contest.packNs, denseNs: timing.first, sparseNs: timing.second,
      speedup: timing.ratio, samples: timing.rounds.count, outliers: timing.outliers,
      maxAbsError: contest.maxAbsError, sameAgainstSame: quietness?.sameAgainstSame,
      isMachineBusy: isMachineBusy, isFinal: isFinal, warnings: warnings,
      rawSamples: isFinal ? keepSamples.chosen(from: timing.rounds) : [])
  }
}
