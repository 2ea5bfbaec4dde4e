import Experiments
import Tensors

extension LayerPruner {
  /// Which problem a kept solver belongs to.
  struct SolverKey: Hashable {
    var pattern: Pattern
    var regularizer: Regularizer
    var order: MatrixOrder
  }

  /// Residual at which a solution counts as one, and iterations after which the search gives up.
  private static let tolerance: Float = 1e-3
  private static let limit = 200
  /// KKT residual up to which a solution is called converged.
  private static let optimality = 5e-3

  /// Prunes by reconstructing the layer's outputs under a penalty.
  ///
  /// Results start from the last solution of the same problem, so two of them agree to the solver's
  /// tolerance, not bit for bit; a unit on the very edge may fall either way.
  ///
  /// With λ, the blocks that it leaves are the mask. With a sparsity, λ is bisected (12 steps of 10
  /// iterations, each warm: the same masks as with 40) and the exact number of largest units stays.
  func reconstruct(
    _ knobs: Knobs, watching watch: IterateWatch
  ) throws(PruningError) -> PrunedLayer {
    let start = nanoseconds()
    let (solver, key, layout) = try solver(knobs) { summary in
      watch { PruningIterate(summary: summary) }
    }
    var work = solver
    var units = work.penalty.grid.count
    var strength: Float = 0
    switch knobs.amount {
    case .lambda(let fraction):
      guard fraction >= 0, fraction.isFinite else { throw .lambdaOutOfRange(fraction) }
      strength = Float(fraction) * work.emptying
      if fraction >= 1 {
        // Known without iterating, which would come close to zero and no further.
        work.empty(strength: strength)
      } else {
        let finished = solve(&work, strength, knobs, layout, start, watch)
        guard finished else { throw .cancelled(tensor: tensor) }
      }
      units = work.unitsAlive
    case .sparsity(let sparsity):
      guard knobs.pattern.sparsityRange.contains(sparsity) else {
        throw .sparsityOutOfRange(pattern: knobs.pattern, requested: sparsity)
      }
      units = unitsKept(of: work.penalty.grid.count, sparsity: sparsity)
      strength = try bisect(&work, toKeep: units, knobs, layout, start, watch)
    }
    rememberSolver(work, under: key)
    return pruned(
      work, strength: strength, keeping: units, knobs: knobs, layout: layout, isFinal: true,
      start: start)
  }

  /// The solver of a problem, warm from its last use where there was one.
  private func solver(
    _ knobs: Knobs, progress: (PruningSummary) -> Bool
  ) throws(PruningError) -> (ReconstructionSolver, SolverKey, Layout?) {
    guard let statistics else {
      throw .needsActivations(tensor: tensor, what: "solve reconstruct")
    }
    guard !knobs.pattern.base.hasNoPenalty else { throw .lambdaNeedsUnits(pattern: knobs.pattern) }
    guard let gram = statistics.gram else {
      throw .tooWide(
        tensor: tensor, inputs: statistics.inputs, limit: CalibrationStatistics.widestGram,
        what: "solve reconstruct")
    }
    let layout = try layout(knobs, progress: progress)
    let order = layout?.order ?? .identity
    let key = SolverKey(
      pattern: knobs.pattern, regularizer: knobs.effectiveRegularizer, order: order)
    if let known = cachedSolver(key) { return (known, key, layout) }
    let grid = knobs.pattern.grid(rows: weights.rows, columns: weights.columns)!
    let fresh = ReconstructionSolver(
      weights: order.apply(weights), gram: order.apply(symmetric: gram),
      penalty: Penalty(knobs.effectiveRegularizer, grid: grid))
    return (fresh, key, layout)
  }

  /// Solves at one λ, with two rounds of reweighting where the penalty asks for them.
  private func solve(
    _ solver: inout ReconstructionSolver, _ strength: Float, _ knobs: Knobs, _ layout: Layout?,
    _ start: Double, _ watch: IterateWatch
  ) -> Bool {
    func show(_ solver: borrowing ReconstructionSolver) -> Bool {
      let state = copy solver
      return watch {
        PruningIterate(
          pruned(
            state, strength: strength, keeping: nil, knobs: knobs, layout: layout, isFinal: false,
            start: start))
      }
    }
    let rounds = solver.penalty.isReweighted ? 3 : 1
    for round in 0..<rounds {
      if round > 0 { solver.reweight() } else { solver.resetWeights() }
      let finished = solver.solve(
        strength: strength, tolerance: Self.tolerance, limit: Self.limit, onIterate: show)
      if !finished { return false }
    }
    return true
  }

  /// The λ at which at least `units` units are left and hardly more.
  private func bisect(
    _ solver: inout ReconstructionSolver, toKeep units: Int, _ knobs: Knobs, _ layout: Layout?,
    _ start: Double, _ watch: IterateWatch
  ) throws(PruningError) -> Float {
    let top = solver.emptying
    guard top > 0, units < solver.penalty.grid.count else { return 0 }
    var reached = top
    let rounds = solver.penalty.isReweighted ? 3 : 1
    for round in 0..<rounds {
      if round > 0 { solver.reweight() } else { solver.resetWeights() }
      var (low, high) = (top * 1e-4, top)
      var best: ReconstructionSolver?
      for step in 0..<12 {
        let middle = (low * high).squareRoot()
        let finished = solver.solve(
          strength: middle, tolerance: Self.tolerance, limit: step == 0 ? 40 : 10
        ) { solver in
          let state = copy solver
          return watch {
            PruningIterate(
              pruned(
                state, strength: middle, keeping: nil, knobs: knobs, layout: layout,
                isFinal: false, start: start))
          }
        }
        guard finished else { throw .cancelled(tensor: tensor) }
        let alive = solver.unitsAlive
        if alive >= units {
          (low, reached, best) = (middle, middle, solver)
          if alive == units { break }
        } else {
          high = middle
        }
      }
      // The last solution with enough units; with none, λ is so small that all but a few stay.
      if let best { solver = best } else { reached = low }
    }
    return reached
  }

  /// The layer that a solution stands for: the mask is its live units, or the `count` largest.
  private func pruned(
    _ solver: ReconstructionSolver, strength: Float, keeping count: Int?, knobs: Knobs,
    layout: Layout?, isFinal: Bool, start: Double
  ) -> PrunedLayer {
    let grid = solver.penalty.grid
    let squares = solver.solution.squares(of: grid)
    let means = squares.indices.map { squares[$0] / Float(grid.size($0)) }
    let cut: Cut =
      count.map { Cut(keeping: $0, of: means) } ?? Cut.above(0)
    let order = layout?.order ?? .identity
    let arranged = Mask(grid: grid, scores: means, cut: cut)
    let mask = order.restore(arranged, originalRows: weights.rows)
    let decision = Decision(
      mask: mask, order: order, grid: grid, unitScores: means, cut: cut, units: grid.count,
      unitsKept: cut.count(in: means), strength: strength, emptying: solver.emptying)
    let values = order.restore(
      solver.solution.kept(by: arranged), originalRows: weights.rows)
    var summary = summary(decision, criterion: usedCriterion(knobs), knobs: knobs)
    summary.weightError = relativeDistance(weights, values)
    summary.reordering = layout?.report
    summary.solver =
      isFinal
      ? solver.report(strength: strength, tolerance: Self.optimality)
      : solver.progress
    summary.elapsedNs = nanoseconds() - start
    return PrunedLayer(
      mask: mask, weights: values, rowOrder: order.rows.map(Permutation.init),
      columnOrder: order.columns.map(Permutation.init), summary: summary)
  }
}
