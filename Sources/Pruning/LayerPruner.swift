public import Experiments
import Glibc
import Synchronization
public import Tensors

/// Prunes one tensor again and again as knobs turn, keeping what the last turns worked out.
///
/// Scores and layouts are cached by what decides them, so a new sparsity on the same pattern and
/// criterion is a selection and one pass over the weights. Safe to use from any thread.
public final class LayerPruner: Sendable {
  public let tensor: String
  public var weights: Matrix { source.weights }
  public var statistics: CalibrationStatistics? { source.statistics }

  let source: LayerSource

  /// What scores depend on.
  struct ScoringKey: Hashable {
    var pattern: Pattern
    var criterion: Criterion
    var regularizer: Regularizer
    var rowsShare: Double
    var seed: UInt64
    var order: MatrixOrder
  }
  private let scored = Mutex<[(key: ScoringKey, layer: ScoredLayer)]>([])
  private let solvers = Mutex<[(key: SolverKey, solver: ReconstructionSolver)]>([])
  private let layouts = Mutex<[(key: LayoutKey, layout: Layout)]>([])
  private let traces = Mutex<[(key: TraceKey, trace: BlockElimination.Trace)]>([])
  /// Scorings and layouts kept at most. Scorings hold up to a few bytes per weight, and a copy of the
  /// weights under a reordering: older ones go when they take half of the tensor's bytes and 32 MB more.
  private static let resultsKept = 4
  private var scoringBytes: Int { weights.count * 2 + 32 << 20 }

  /// - Throws: `empty`, `weightNotFinite`, `activationWidth`.
  public init(
    _ weights: Matrix, named tensor: String, statistics: CalibrationStatistics?
  ) throws(PruningError) {
    source = try LayerSource(weights, named: tensor, statistics: statistics)
    self.tensor = tensor
  }

  /// Prunes with these knobs, without refit.
  ///
  /// - Parameter progress: Called with intermediate summaries by solvers and searches; returning false
  ///   cancels.
  /// - Throws: What the knobs ask that this layer cannot give, or `cancelled`.
  public func prune(
    _ knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(PruningError) -> PrunedLayer {
    try prune(watching: { progress($0().summary) }, knobs)
  }

  /// The same, with the masks that solvers pass on the way for those who watch them form.
  /// - Throws: As `prune`.
  public func prune(
    watching watch: IterateWatch, _ knobs: Knobs
  ) throws(PruningError) -> PrunedLayer {
    if knobs.solve.isGreedy { return try eliminate(knobs, watching: watch) }
    if knobs.effectiveRegularizer != .none, knobs.solve == .reconstruct {
      return try reconstruct(knobs, watching: watch)
    }
    let start = nanoseconds()
    let layer = try scoredLayer(knobs) { summary in watch { PruningIterate(summary: summary) } }
    let decision = try decide(layer.scored, knobs)
    var pruned = assemble(decision, from: layer.scored, knobs: knobs)
    pruned.summary.reordering = layer.reordering
    pruned.summary.elapsedNs = nanoseconds() - start
    return pruned
  }

  /// The mask and the instant numbers alone, without the weights behind the mask.
  ///
  /// What a turned knob needs on screen. On large tensors it is an order of magnitude faster than
  /// `prune`, which copies the weights. With shrinkage, reconstruction or a greedy solver it takes the
  /// way of `prune`, whose weight error depends on the new weights.
  /// - Throws: As `prune`.
  public func masked(
    _ knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(PruningError) -> MaskedLayer {
    try masked(watching: { progress($0().summary) }, knobs)
  }

  /// The same, with the masks that solvers pass on the way.
  /// - Throws: As `prune`.
  public func masked(
    watching watch: IterateWatch, _ knobs: Knobs
  ) throws(PruningError) -> MaskedLayer {
    guard knobs.effectiveRegularizer == .none, !knobs.solve.isGreedy else {
      return MaskedLayer(try prune(watching: watch, knobs))
    }
    let start = nanoseconds()
    let layer = try scoredLayer(knobs) { summary in watch { PruningIterate(summary: summary) } }
    let decision = try decide(layer.scored, knobs)
    var summary = summary(decision, criterion: layer.scored.criterion, knobs: knobs)
    summary.reordering = layer.reordering
    summary.elapsedNs = nanoseconds() - start
    let reordered = knobs.pattern.reorder != nil
    return MaskedLayer(
      mask: decision.mask,
      rowOrder: reordered ? decision.order.rows.map(Permutation.init) : nil,
      columnOrder: reordered ? decision.order.columns.map(Permutation.init) : nil,
      summary: summary)
  }

  /// Mask and summary of `masked`.
  public func preview(
    _ knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(PruningError) -> (mask: Mask, summary: PruningSummary) {
    let layer = try masked(knobs, progress: progress)
    return (layer.mask, layer.summary)
  }

  /// The scores behind a set of knobs, from the cache where they are known.
  func scoredLayer(
    _ knobs: Knobs, progress: (PruningSummary) -> Bool
  ) throws(PruningError) -> (scored: ScoredLayer, reordering: ReorderReport?) {
    let regularizer = knobs.effectiveRegularizer
    if regularizer != .none, knobs.pattern.base.hasNoPenalty {
      throw .lambdaNeedsUnits(pattern: knobs.pattern)
    }
    let criterion = regularizer == .none ? try source.criterion(knobs) : usedCriterion(knobs)
    let layout = try layout(knobs, progress: progress)
    let order = layout?.order ?? .identity
    let key = ScoringKey(
      pattern: knobs.pattern, criterion: criterion, regularizer: regularizer,
      rowsShare: knobs.pattern.countsWeights && regularizer == .none ? knobs.rowsShare : 0,
      seed: criterion == .random ? knobs.seed : 0, order: order)
    if let known = cached(key) { return (known, layout?.report) }
    let fresh = try ScoredLayer(
      source: source, pattern: knobs.pattern, criterion: criterion, regularizer: regularizer,
      order: order, rowsShare: key.rowsShare, seed: knobs.seed)
    remember(fresh, under: key)
    return (fresh, layout?.report)
  }

  /// What a penalty ranks by: single magnitudes, or the norms of units; greedy solvers rank by cost.
  func usedCriterion(_ knobs: Knobs) -> Criterion {
    if knobs.solve.isGreedy { return .obs }
    return switch knobs.effectiveRegularizer {
    case .l1, .reweightedL1: .l1
    default: .magnitude
    }
  }

  func decide(_ layer: ScoredLayer, _ knobs: Knobs) throws(PruningError) -> Decision {
    switch knobs.amount {
    case .lambda(let fraction): try layer.decision(lambda: fraction)
    case .sparsity(let requested):
      try layer.decision(sparsity: knobs.pattern.fixedSparsity ?? requested)
    }
  }

  private func cached(_ key: ScoringKey) -> ScoredLayer? {
    scored.withLock { scored in
      guard let index = scored.firstIndex(where: { $0.key == key }) else { return nil }
      let entry = scored.remove(at: index)
      scored.append(entry)
      let most = scoringBytes
      while scored.count > 1, scored.reduce(0, { $0 + $1.layer.bytes }) > most {
        scored.removeFirst()
      }
      return entry.layer
    }
  }

  private func remember(_ layer: ScoredLayer, under key: ScoringKey) {
    scored.withLock { scored in
      scored.append((key, layer))
      let most = scoringBytes
      while scored.count > 1,
        scored.count > Self.resultsKept || scored.reduce(0, { $0 + $1.layer.bytes }) > most
      { scored.removeFirst() }
    }
  }

  func cachedSolver(_ key: SolverKey) -> ReconstructionSolver? {
    solvers.withLock { $0.first { $0.key == key }?.solver }
  }

  /// One problem at a time stays warm: a solver holds seven matrices of the layer's size.
  func rememberSolver(_ solver: ReconstructionSolver, under key: SolverKey) {
    solvers.withLock { $0 = [(key, solver)] }
  }

  func cachedTrace(_ key: TraceKey) -> BlockElimination.Trace? {
    traces.withLock { $0.first { $0.key == key }?.trace }
  }

  /// One order of elimination stays: it takes eight bytes a unit.
  func rememberTrace(_ trace: BlockElimination.Trace, under key: TraceKey) {
    traces.withLock { $0 = [(key, trace)] }
  }

  func cachedLayout(_ key: LayoutKey) -> Layout? {
    layouts.withLock { $0.first { $0.key == key }?.layout }
  }

  func rememberLayout(_ layout: Layout, under key: LayoutKey) {
    layouts.withLock { layouts in
      layouts.append((key, layout))
      if layouts.count > Self.resultsKept { layouts.removeFirst() }
    }
  }

  /// Mask, weights and numbers of a decision.
  func assemble(_ decision: Decision, from layer: ScoredLayer, knobs: Knobs) -> PrunedLayer {
    var weights = source.weights.kept(by: decision.mask)
    if let penalty = layer.penalty, let strength = decision.strength {
      var arranged = decision.order.apply(weights)
      penalty.shrink(&arranged, strength: strength)
      weights = decision.order.restore(arranged, originalRows: weights.rows)
    }
    var summary = summary(decision, criterion: layer.criterion, knobs: knobs)
    if layer.penalty != nil {
      summary.weightError = relativeDistance(source.weights, weights)
    }
    let reordered = knobs.pattern.reorder != nil
    return PrunedLayer(
      mask: decision.mask, weights: weights,
      rowOrder: reordered ? decision.order.rows.map(Permutation.init) : nil,
      columnOrder: reordered ? decision.order.columns.map(Permutation.init) : nil,
      summary: summary)
  }

  func summary(_ decision: Decision, criterion: Criterion, knobs: Knobs) -> PruningSummary {
    let inputEnergy = source.statistics?.inputEnergy
    let kept =
      decision.sums
      ?? WeightSums(
        source.weights, mask: decision.mask, inputEnergy: inputEnergy, scale: source.sumScale)
    let totals = source.totals
    let nonzeros = decision.mask.kept
    let energy = WeightSums.share(kept.energy, of: totals.energy)
    let density = Double(nonzeros) / Double(source.weights.count)
    return PruningSummary(
      tensor: tensor, rows: source.weights.rows, columns: source.weights.columns,
      criterion: criterion, nonzeros: nonzeros,
      requestedSparsity: knobs.requestedSparsity,
      keptL1: WeightSums.share(kept.absolute, of: totals.absolute), keptEnergy: energy,
      weightError: max(0, 1 - energy).squareRoot(),
      keptWandaEnergy: inputEnergy == nil
        ? nil : WeightSums.share(kept.wanda, of: totals.wanda),
      lambda: decision.lambdaFraction, units: decision.units, unitsKept: decision.unitsKept,
      randomKeptEnergy: expectedRandomKeptEnergy(
        pattern: knobs.pattern, sparsity: 1 - density),
      remark: oneShotRemark(pattern: knobs.pattern, sparsity: 1 - density))
  }
}

extension Decision {
  /// The strength in force as a fraction of the one that empties the layer.
  var lambdaFraction: Double? {
    guard let strength, let emptying else { return nil }
    return emptying > 0 ? Double(strength / emptying) : 0
  }
}

extension Pattern.Base {
  /// Patterns whose kept weights are not a union of units.
  var hasNoPenalty: Bool {
    switch self {
    case .nm, .tileElement, .tileVector: true
    case .block, .row, .column, .tile: false
    }
  }
}

/// `‖V − W‖ / ‖W‖`; 0 where both are zero.
func relativeDistance(_ weights: Matrix, _ other: Matrix) -> Double {
  var (distance, norm) = (0.0, 0.0)
  weights.values.withUnsafeBufferPointer { a in
    other.values.withUnsafeBufferPointer { b in
      for index in 0..<a.count {
        let difference = Double(a[index]) - Double(b[index])
        distance += difference * difference
        norm += Double(a[index]) * Double(a[index])
      }
    }
  }
  return norm > 0 ? (distance / norm).squareRoot() : 0
}

extension Matrix {
  /// `W ∘ M`, one word of the mask at a time.
  func kept(by mask: Mask) -> Matrix {
    let columns = columns
    let wide = mask.wordsPerRow
    var result = Matrix(rows: rows, columns: columns)
    values.withUnsafeBufferPointer { source in
      result.values.withUnsafeMutableBufferPointer { target in
        mask.words.withUnsafeBufferPointer { words in
          for row in 0..<rows {
            let base = row &* columns
            for word in 0..<wide {
              let bits = words[row &* wide &+ word]
              if bits == 0 { continue }
              let first = base &+ word &* 64
              let end = min(first &+ 64, base &+ columns)
              if bits == .max || bits.nonzeroBitCount == end &- first {
                for index in first..<end { target[index] = source[index] }
              } else {
                var rest = bits
                while rest != 0 {
                  let index = first &+ rest.trailingZeroBitCount
                  target[index] = source[index]
                  rest &= rest &- 1
                }
              }
            }
          }
        }
      }
    }
    return result
  }
}

/// Monotonic time.
func nanoseconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) * 1e9 + Double(now.tv_nsec)
}
