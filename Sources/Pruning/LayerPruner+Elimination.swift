import Experiments
import Tensors

extension LayerPruner {
  /// Which elimination a kept order belongs to.
  struct TraceKey: Hashable {
    var pattern: Pattern
    var order: MatrixOrder
  }

  /// Prunes by a greedy solver: `sweep` or `obc`.
  ///
  /// The weights behind the mask are the solver's own: errors passed on along the columns, or for `obc`
  /// those with the least damped output error under the final mask, which is what its eliminations lead
  /// to. The criterion is `obs`.
  func eliminate(
    _ knobs: Knobs, watching watch: IterateWatch
  ) throws(PruningError) -> PrunedLayer {
    let start = nanoseconds()
    let sparsity = try greedySparsity(knobs)
    let layout = try layout(knobs) { summary in watch { PruningIterate(summary: summary) } }
    let order = layout?.order ?? .identity
    let grid = knobs.pattern.grid(rows: weights.rows, columns: weights.columns)
    func report(_ decided: @escaping () -> Mask, _ remark: String) -> Bool {
      watch {
        let mask = decided()
        var interim = summarized(mask, order, grid, knobs)
        interim.reordering = layout?.report
        interim.remark = remark
        interim.elapsedNs = nanoseconds() - start
        return PruningIterate(
          summary: interim, mask: mask, rowOrder: order.rows.map(Permutation.init),
          columnOrder: order.columns.map(Permutation.init))
      }
    }
    var pruned: PrunedLayer
    if knobs.solve == .sweep {
      pruned = try sweep(knobs, sparsity, order, grid, report)
    } else {
      pruned = try obc(knobs, sparsity, order, grid, report)
    }
    pruned.summary.weightError = relativeDistance(weights, pruned.weights)
    pruned.summary.reordering = layout?.report
    pruned.summary.elapsedNs = nanoseconds() - start
    return pruned
  }

  /// The sparsity that a greedy solver is to reach.
  ///
  /// - Throws: `needsActivations`, `sparsityOutOfRange`, and `solveCannot` for what it cannot decide.
  private func greedySparsity(_ knobs: Knobs) throws(PruningError) -> Double {
    let solve = knobs.solve
    guard knobs.effectiveRegularizer == .none, let sparsity = knobs.requestedSparsity else {
      throw .solveCannot(
        solve,
        reason:
          "it prunes to a sparsity and knows no penalty; set the sparsity and regularizer none, or "
          + "use solve prox or reconstruct")
    }
    guard statistics != nil else {
      throw .needsActivations(tensor: tensor, what: "solve \(solve.rawValue)")
    }
    switch knobs.pattern.base {
    case .tileElement, .tileVector:
      throw .solveCannot(
        solve,
        reason:
          "\(knobs.pattern) chooses single weights after its tiles, and an elimination cannot take "
          + "back what it passed on; use twG, RxC or N:M, or solve prox")
    case .row where solve == .sweep:
      throw .solveCannot(
        solve,
        reason:
          "a whole row leaves no column to pass its error on to; use solve obc or prox for row")
    default: break
    }
    if knobs.pattern.countsWeights, knobs.rowsShare > 0 {
      throw .solveCannot(
        solve, reason: "rows-share drops rows before there are tiles to eliminate; set rows-share 0"
      )
    }
    guard (knobs.pattern.fixedSparsity ?? sparsity).isFinite,
      knobs.pattern.fixedSparsity != nil || knobs.pattern.sparsityRange.contains(sparsity)
    else { throw .sparsityOutOfRange(pattern: knobs.pattern, requested: sparsity) }
    return knobs.pattern.fixedSparsity ?? sparsity
  }

  private func sweep(
    _ knobs: Knobs, _ sparsity: Double, _ order: MatrixOrder, _ grid: UnitGrid?,
    _ report: (@escaping () -> Mask, String) -> Bool
  ) throws(PruningError) -> PrunedLayer {
    guard let damped = statistics?.dampedGram else {
      throw .tooWide(
        tensor: tensor, inputs: weights.columns, limit: CalibrationStatistics.widestGram,
        what: "solve sweep")
    }
    let units: ColumnSweep.Units
    if let grid {
      var kept = unitsKept(of: grid.count, sparsity: sparsity)
      if knobs.pattern.countsWeights {
        let target = Double(unitsKept(of: weights.count, sparsity: sparsity))
        kept = Int((target * Double(grid.count) / Double(weights.count)).rounded(.up))
      }
      units = .grid(grid, kept: kept)
    } else if case .nm(let kept, let group) = knobs.pattern.base {
      units = .groups(kept: kept, group: group)
    } else {
      preconditionFailure("a pattern without a grid is N:M")
    }
    var sweep = ColumnSweep(
      weights: order.apply(weights),
      factor: inverseFactor(order.apply(symmetric: damped)), units: units)
    while !sweep.isFinished {
      sweep.step()
      let isWanted = report(
        { [weights] in order.restore(sweep.mask, originalRows: weights.rows) },
        "sweep: \(sweep.done) of \(weights.columns) columns decided")
      guard isWanted else { throw .cancelled(tensor: tensor) }
    }
    let mask = order.restore(sweep.mask, originalRows: weights.rows)
    return PrunedLayer(
      mask: mask, weights: order.restore(sweep.weights, originalRows: weights.rows),
      rowOrder: order.rows.map(Permutation.init), columnOrder: order.columns.map(Permutation.init),
      summary: summarized(mask, order, grid, knobs))
  }

  private func obc(
    _ knobs: Knobs, _ sparsity: Double, _ order: MatrixOrder, _ grid: UnitGrid?,
    _ report: (@escaping () -> Mask, String) -> Bool
  ) throws(PruningError) -> PrunedLayer {
    guard weights.columns <= BlockElimination.widestInput, let inverse = statistics?.dampedInverse
    else {
      throw .tooWide(
        tensor: tensor, inputs: weights.columns, limit: BlockElimination.widestInput,
        what: "solve obc")
    }
    let rows = grid?.unitRows ?? weights.rows
    func watch(_ done: Int, _ arranged: @escaping () -> Mask) -> Bool {
      report(
        { [weights] in order.restore(arranged(), originalRows: weights.rows) },
        "obc: \(done) of \(rows) rows of blocks eliminated")
    }
    let units =
      grid ?? UnitGrid(rows: weights.rows, columns: weights.columns, blockRows: 1, blockColumns: 1)
    let elimination = BlockElimination(grid: units, inverse: order.apply(symmetric: inverse))
    let arranged: Mask
    if case .nm(let kept, let group) = knobs.pattern.base {
      guard
        let mask = elimination.mask(
          of: order.apply(weights), kept: kept, group: group,
          progress: { done, mask in watch(done) { mask } })
      else { throw .cancelled(tensor: tensor) }
      arranged = mask
    } else {
      let key = TraceKey(pattern: knobs.pattern, order: order)
      var trace = cachedTrace(key)
      if trace == nil {
        // Until all rows are there, those that are share the sparsity among themselves.
        func show(_ trace: BlockElimination.Trace) -> Bool {
          watch(trace.done) { self.keptMask(trace, pattern: knobs.pattern, sparsity: sparsity) }
        }
        if let grid, grid.unitColumns == 1, let damped = statistics?.dampedGram {
          let rows = BlockElimination.trace(
            ofRows: order.apply(weights), grid: grid, damped: order.apply(symmetric: damped))
          trace = show(rows) ? rows : nil
        } else {
          trace = elimination.trace(of: order.apply(weights), progress: show)
        }
        guard let trace else { throw .cancelled(tensor: tensor) }
        rememberTrace(trace, under: key)
      }
      arranged = keptMask(trace!, pattern: knobs.pattern, sparsity: sparsity)
    }
    let mask = order.restore(arranged, originalRows: weights.rows)
    let masked = PrunedLayer(
      mask: mask, weights: weights.kept(by: mask), rowOrder: order.rows.map(Permutation.init),
      columnOrder: order.columns.map(Permutation.init),
      summary: summarized(mask, order, grid, knobs))
    return try refit(masked, original: weights, statistics: statistics)
  }

  /// Blocks are counted by number, tile columns by weights, as in every other pruning; of a trace that is
  /// not complete only what it has eliminated.
  private func keptMask(
    _ trace: BlockElimination.Trace, pattern: Pattern, sparsity: Double
  ) -> Mask {
    let kept: [Bool]
    if pattern.countsWeights {
      let rows = (0..<trace.done).reduce(0) { $0 + trace.grid.rowRange($1).count }
      var held = rows * weights.columns
      let target = unitsKept(of: held, sparsity: sparsity)
      kept = trace.kept { size in
        guard held - size >= target else { return false }
        held -= size
        return true
      }
    } else {
      let units = trace.order.count
      var left = units - unitsKept(of: units, sparsity: sparsity)
      kept = trace.kept { _ in
        left -= 1
        return left >= 0
      }
    }
    return Mask(grid: trace.grid, scores: kept.map { $0 ? 1 : 0 }, cut: .above(0))
  }

  /// The instant numbers of a mask, of the original weights.
  private func summarized(
    _ mask: Mask, _ order: MatrixOrder, _ grid: UnitGrid?, _ knobs: Knobs
  ) -> PruningSummary {
    var (units, kept) = (weights.count, mask.count)
    if let grid {
      units = grid.count
      kept = (0..<grid.count).count { unit in
        let row = grid.rowRange(unit / grid.unitColumns).lowerBound
        let column = grid.columnRange(unit % grid.unitColumns).lowerBound
        return mask[order.rows?[row] ?? row, order.columns?[column] ?? column]
      }
    } else if case .nm(_, let group) = knobs.pattern.base {
      units = weights.rows * ((weights.columns + group - 1) / group)
      kept = units
    }
    let decision = Decision(
      mask: mask, order: order, grid: grid, unitScores: [], cut: .everything, units: units,
      unitsKept: kept)
    return summary(decision, criterion: .obs, knobs: knobs)
  }
}
