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
    keepSamples: Bool = false, isCancelled: () -> Bool, report: (Measurement) -> Void = { _ in }
  ) throws(LaboratoryError) -> Measurement {
    let pruned = try prune(layer.name, knobs, among: tensors) { _ in !isCancelled() }
    let contest = try contest(layer, pruned, knobs, isCancelled: isCancelled)
    let quietness = try quietness(
      of: contest, for: ContestKey(layer, knobs), isCancelled: isCancelled)
    var plan = plan
    plan.seed = knobs.seed
    // Where the machine cannot tell a thing from itself, it takes longer before it claims anything.
    if !quietness.isQuiet { plan = plan.longer(by: 3) }
    let frame = MeasurementFrame(
      contest: contest, knobs: knobs, quietness: quietness, machine: machine,
      keepSamples: keepSamples)
    let timing = PairedBenchmark(plan: plan, disturbances: disturbances).run(
      contest.dense.run, against: contest.sparse.run, isCancelled: isCancelled,
      progress: { report(frame.measurement($0)) })
    guard let timing else { throw .cancelled }
    return frame.measurement(timing)
  }

  /// The dense side against itself, now or within the last half minute.
  private func quietness(
    of contest: Contest, for key: ContestKey, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> Quietness {
    let clock = MonotonicClock()
    if let known = quietnesses.value(for: key),
      Double(clock.now() - known.nanoseconds) * 1e-9 < Self.quietnessSeconds
    {
      return known.quietness
    }
    var found: Quietness?
    // A single failure may be chance (one in twenty is): only a second, longer one counts.
    for plan in [TimingPlan.sameAgainstSame, TimingPlan.sameAgainstSame.longer(by: 4)] {
      let timing = PairedBenchmark(plan: plan, disturbances: disturbances).run(
        contest.dense.run, against: contest.dense.run, isCancelled: isCancelled)
      guard let timing else { throw .cancelled }
      found = Quietness(timing)
      if found?.isQuiet == true { break }
    }
    guard let found else { throw .cancelled }
    quietnesses.store(
      TimedQuietness(quietness: found, nanoseconds: clock.now()), for: key)
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

/// What stays the same in all reports of one measurement.
struct MeasurementFrame {
  let contest: Contest
  let quietness: Quietness
  let keepSamples: Bool
  private let warnings: [String]
  private let denseFlops: Double
  private let peak: Double?

  init(
    contest: Contest, knobs: Knobs, quietness: Quietness, machine: MachineInfo, keepSamples: Bool
  ) {
    self.contest = contest
    self.quietness = quietness
    self.keepSamples = keepSamples
    warnings =
      contest.warnings + [quietness.warning].compactMap(\.self)
      + machine.advice(threads: knobs.threads)
    denseFlops = contest.denseStorage.usefulFlops
    peak =
      knobs.tokens >= 128 && knobs.cache == .warm
      ? machine.ceilings.map { $0.peakFlops * Double(knobs.threads) } : nil
  }

  func measurement(_ timing: PairedTiming) -> Measurement {
    var warnings = warnings
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
      maxAbsError: contest.maxAbsError, sameAgainstSame: quietness.sameAgainstSame,
      isFinal: timing.end != .running, warnings: warnings,
      rawSamples: keepSamples ? timing.rounds.map { [$0.first, $0.second] } : [])
  }
}
