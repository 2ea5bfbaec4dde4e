import ArgumentParser
import Experiments

/// The knobs of a sweep: lists and ranges where a single value stands elsewhere.
struct SweepKnobOptions: ParsableArguments {
  @Option(
    name: [.customLong("patterns"), .customLong("pattern")],
    help: "Comma-separated: 1x1,8x1,32x1,16x16,2:4,tw64,…")
  var patterns: String?
  @Option(help: "Comma-separated or FROM:TO:STEP, such as 0.5:0.95:0.05.")
  var sparsity: String?
  @Option(help: "λ as a fraction of λ_max, comma-separated or FROM:TO:STEP; instead of --sparsity.")
  var lambda: String?
  @Option(help: "Comma-separated: magnitude, l1, wanda, obs, random.")
  var criterion: String?
  @Option(help: "Comma-separated: none, l1, group-lasso, …")
  var regularizer: String?
  @Option(help: "Comma-separated or FROM:TO:STEP.")
  var tokens: String?
  @Option(help: "Comma-separated or FROM:TO:STEP.")
  var threads: String?
  @Option(help: "Comma-separated: f32, bf16.")
  var dtype: String?
  @Option(help: "prox, reconstruct, sweep or obc.")
  var solve: String?
  @Option(help: "on or off.")
  var refit: String?
  @Option(help: "layer or global.")
  var scope: String?
  @Option(help: "Lowest per-layer sparsity under a global threshold.")
  var floor: String?
  @Option(help: "Highest per-layer sparsity under a global threshold.")
  var ceiling: String?
  @Option(help: "Tile-wise: share of the sparsity that whole rows carry.")
  var rowsShare: String?
  @Option(help: "both, rows or columns.")
  var reorderAxes: String?
  @Option(help: "on or off.")
  var polish: String?
  @Option(help: "panels or token-major.")
  var layout: String?
  @Option(help: "warm or cold.")
  var cache: String?
  @Option(help: "Seed of random scores, of the order of cells and of synthetic data.")
  var seed: String?

  /// With nothing given, for commands that fill in what they offer.
  static var empty: SweepKnobOptions {
    // Every property has a default, so an empty command line parses.
    (try? SweepKnobOptions.parse([])) ?? SweepKnobOptions()
  }

  /// The plan over `tensors`.
  /// - Throws: `Failure` with status 2 for a value that its knob does not take.
  func plan(tensors: [String]) throws -> SweepPlan {
    do { return try makePlan(tensors) } catch let error as KnobError {
      throw Failure(.usage, error.description)
    } catch let error as PatternError {
      throw Failure(.usage, error.description)
    }
  }

  private func makePlan(_ tensors: [String]) throws -> SweepPlan {
    guard sparsity == nil || lambda == nil else {
      throw Failure(.usage, "--sparsity and --lambda exclude each other: one of them owns the mask")
    }
    var base = Knobs()
    let single: [(Knob, String?)] = [
      (.solve, solve), (.refit, refit), (.scope, scope), (.floor, floor), (.ceiling, ceiling),
      (.rowsShare, rowsShare), (.reorderAxes, reorderAxes), (.polish, polish), (.layout, layout),
      (.cache, cache), (.seed, seed),
    ]
    for (knob, text) in single { if let text { try base.set(knob, to: text) } }
    var plan = SweepPlan(tensors: tensors, base: base)
    if let patterns {
      plan.patterns = try ValueList.words(patterns).map { try Pattern(parsing: $0) }
    }
    if let sparsity {
      plan.amounts = try ValueList.numbers(sparsity, of: "sparsity").map { value in
        _ = try setting(.sparsity, NumberText.shortest(value), in: Knobs())
        return .sparsity(value)
      }
    } else if let lambda {
      plan.amounts = try ValueList.numbers(lambda, of: "lambda").map { value in
        _ = try setting(.lambda, NumberText.shortest(value), in: Knobs())
        return .lambda(value)
      }
    }
    if let criterion {
      plan.criteria = try ValueList.words(criterion).map {
        try setting(.criterion, $0, in: base).criterion
      }
    }
    if let regularizer {
      plan.regularizers = try ValueList.words(regularizer).map {
        try setting(.regularizer, $0, in: base).regularizer
      }
    }
    if let tokens { plan.tokens = try integers(tokens, of: .tokens).map(\.tokens) }
    if let threads { plan.threads = try integers(threads, of: .threads).map(\.threads) }
    if let dtype {
      plan.dtypes = try ValueList.words(dtype).map { try setting(.dtype, $0, in: base).dtype }
    }
    return plan
  }

  private func setting(_ knob: Knob, _ text: String, in knobs: Knobs) throws -> Knobs {
    var knobs = knobs
    knobs.pattern = .block(32, 1)
    try knobs.set(knob, to: text)
    return knobs
  }

  private func integers(_ text: String, of knob: Knob) throws -> [Knobs] {
    try ValueList.numbers(text, of: knob.rawValue).map {
      try setting(knob, NumberText.shortest($0), in: Knobs())
    }
  }
}
