internal import Benchmarking
public import Experiments
internal import Kernels

extension Laboratory {
  /// Times the best dense kernel of a tensor against itself, again and again.
  ///
  /// Each trial is what a measurement makes to judge the machine's noise, but for up to a second where its
  /// interval stays wide: at 95 % confidence about one in twenty calls a difference that is none, on a quiet
  /// machine no more. A trial ends by the width of its interval, never by where it lies. Tokens, threads, layout and cache
  /// are taken from `knobs`; the seed of the order of the two sides grows by one from trial to trial.
  ///
  /// - Parameter progress: called after each trial with the number of those that are done.
  /// - Returns: the ratios with their 95 % intervals; fewer than `trials` when it was cancelled.
  /// - Throws: when there is no such tensor, or no time was taken before it was cancelled.
  public func sameAgainstSame(
    tensor: String, knobs: Knobs, trials: Int, isCancelled: () -> Bool = { false },
    progress: (Int) -> Void = { _ in }
  ) throws(LaboratoryError) -> [Interval] {
    let side = try workbench.denseSide(try workbench.layer(tensor), knobs)
    let dense = Contender(side.kernels, input: side.activations, threads: knobs.threads)
    var plan = TimingPlan.sameAgainstSame.longer(by: 10)
    plan.minimumRounds = TimingPlan.sameAgainstSame.minimumRounds
    var ratios: [Interval] = []
    while ratios.count < trials {
      plan.seed = knobs.seed &+ UInt64(ratios.count)
      let benchmark = PairedBenchmark(
        plan: plan, disturbances: workbench.disturbances, watch: workbench.watch)
      let timing = benchmark.run(
        dense.run, against: dense.run, isCancelled: isCancelled)
      guard let timing, timing.end != .cancelled else { break }
      ratios.append(timing.ratio)
      progress(ratios.count)
    }
    if ratios.isEmpty, trials > 0 { throw .cancelled }
    return ratios
  }
}
