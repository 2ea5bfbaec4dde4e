import ArgumentParser
import Experiments

/// Each knob of the command language as the flag of the same name.
///
/// Those with numbers take whatever follows, so that a negative one is told of and not missed.
struct KnobOptions: ParsableArguments {
  @Option(help: "1x1, RxC, N:M, row, column, twG, tewG+D%, tvwG; then /tetris or /permute.")
  var pattern: String?
  @Option(parsing: .unconditional, help: "Share of zeros, 0 to 1.")
  var sparsity: String?
  @Option(
    parsing: .unconditional,
    help: "Regularization strength, as a fraction of the one that empties the layer.")
  var lambda: String?
  @Option(help: "magnitude, l1, wanda, obs, random; wanda where there are activations.")
  var criterion: String?
  @Option(help: "none, l1, group-lasso, sparse-group-lasso, reweighted-l1, reweighted-group-lasso.")
  var regularizer: String?
  @Option(help: "prox (one step), reconstruct (under a penalty), sweep or obc (greedy).")
  var solve: String?
  @Option(help: "on or off: re-solve the kept weights for least output error.")
  var refit: String?
  @Option(help: "layer or global: over what the threshold is taken.")
  var scope: String?
  @Option(parsing: .unconditional, help: "Lowest per-layer sparsity under a global threshold.")
  var floor: String?
  @Option(parsing: .unconditional, help: "Highest per-layer sparsity under a global threshold.")
  var ceiling: String?
  @Option(
    parsing: .unconditional, help: "Tile-wise: share of the sparsity that whole rows carry (alpha)."
  )
  var rowsShare: String?
  @Option(help: "both, rows or columns: what /tetris may reorder.")
  var reorderAxes: String?
  @Option(help: "on or off: exact assignment after the greedy reordering.")
  var polish: String?
  @Option(help: "Tokens (M) of the timed product.")
  var tokens: String?
  @Option(help: "Threads of the timed product.")
  var threads: String?
  @Option(help: "f32 or bf16: how weights are stored in the timed kernel.")
  var dtype: String?
  @Option(help: "panels or token-major: layout of the activations.")
  var layout: String?
  @Option(help: "warm or cold: weights in cache, or rotated through memory.")
  var cache: String?
  @Option(help: "Seed of random scores, orders and synthetic data.")
  var seed: String?

  /// The flags that were given, in an order in which setting them works (the pattern first, since it
  /// decides which sparsities there are).
  var given: [(knob: Knob, text: String)] {
    let all: [(Knob, String?)] = [
      (.pattern, pattern), (.sparsity, sparsity), (.lambda, lambda), (.criterion, criterion),
      (.regularizer, regularizer), (.solve, solve), (.refit, refit), (.scope, scope),
      (.floor, floor), (.ceiling, ceiling), (.rowsShare, rowsShare),
      (.reorderAxes, reorderAxes), (.polish, polish), (.tokens, tokens), (.threads, threads),
      (.dtype, dtype), (.layout, layout), (.cache, cache), (.seed, seed),
    ]
    return all.compactMap { knob, text in text.map { (knob, $0) } }
  }

  /// One setting of every knob.
  /// - Throws: `Failure` with status 2 when a value is not one the knob takes.
  func knobs() throws -> Knobs {
    guard sparsity == nil || lambda == nil else {
      throw Failure(.usage, "--sparsity and --lambda exclude each other: one of them owns the mask")
    }
    var knobs = Knobs()
    for (knob, text) in given {
      do { try knobs.set(knob, to: text) } catch { throw Failure(.usage, error.description) }
    }
    return knobs
  }
}
