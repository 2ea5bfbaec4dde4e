public import Experiments
import Synchronization
public import Tensors

/// A layer whose units have been scored once: any sparsity then costs a selection, not a scoring.
///
/// Holds what a pattern, a criterion (or a regularizer's proximal step) and a layout decide about a
/// tensor before the amount is known.
public final class ScoredLayer: Sendable {
  public let tensor: String
  public let pattern: Pattern
  public let criterion: Criterion
  /// Original order, `[outputs, inputs]`.
  public let weights: Matrix

  let order: MatrixOrder
  /// The weights in the layout of the pattern.
  let arranged: Matrix
  let scores: ElementScores
  let grid: UnitGrid?
  /// Mean score per weight of each unit, or its critical strength under a penalty; empty for N:M and
  /// where rows are dropped first. Nil where the units are single weights: those are worked out.
  private let storedScores: [Float]?
  var unitScores: [Float] { storedScores ?? scores.table() }
  let penalty: Penalty?
  let rowsShare: Double
  let inputEnergy: [Float]?
  let totals: WeightSums
  let largest: Float
  let sumScale: Float

  /// What the first cut finds out and every later one uses.
  private let codes = Mutex<CodeIndex?>(nil)
  private let unitSums = Mutex<UnitSums?>(nil)
  private let histogram = Mutex<ScoreHistogram?>(nil)
  private let sample = Mutex<ScoreSample?>(nil)
  /// Weights from which scores of single ones are worked out in each pass, and not kept.
  static let scannedWeights = 1 << 15
  /// Weights from which the sums of units are kept.
  static let indexedWeights = 1 << 18
  /// Units from which an index beats a pass over their scores.
  static let indexedUnits = 1 << 17

  /// Bytes held beyond the weights themselves.
  var bytes: Int {
    (order.isIdentity ? 0 : 4 * weights.count) + 4 * (storedScores?.count ?? 0)
      + (codes.withLock { $0?.bytes } ?? 0) + (unitSums.withLock { $0?.bytes } ?? 0)
      + (histogram.withLock { $0?.bytes } ?? 0) + (sample.withLock { $0?.bytes } ?? 0)
  }

  init(
    source: LayerSource, pattern: Pattern, criterion: Criterion, regularizer: Regularizer,
    order: MatrixOrder, rowsShare: Double, seed: UInt64
  ) throws(PruningError) {
    tensor = source.tensor
    self.pattern = pattern
    self.criterion = criterion
    weights = source.weights
    inputEnergy = source.statistics?.inputEnergy
    totals = source.totals
    largest = source.largest
    sumScale = source.sumScale
    self.order = order
    arranged = order.apply(source.weights)
    self.rowsShare = rowsShare
    scores = ElementScores(
      weights: arranged, rule: try source.rule(criterion, order: order, seed: seed),
      largest: source.largest)
    grid = pattern.grid(rows: arranged.rows, columns: arranged.columns)
    if regularizer != .none, let grid {
      let plain = Penalty(regularizer, grid: grid)
      let penalty = plain.isReweighted ? plain.reweighted(by: arranged) : plain
      self.penalty = penalty
      storedScores = penalty.criticalStrengths(of: arranged)
    } else {
      penalty = nil
      if let grid, grid.blockRows == 1, grid.blockColumns == 1, !pattern.countsWeights,
        weights.count >= Self.scannedWeights
      {
        storedScores = nil
      } else if let grid, rowsShare == 0 || !pattern.countsWeights {
        storedScores = try Self.unitScores(scores, grid, criterion, order, source)
      } else {
        storedScores = []
      }
    }
  }

  /// Mean scores per weight; under obs the exact form for blocks wider than one input.
  private static func unitScores(
    _ scores: ElementScores, _ grid: UnitGrid, _ criterion: Criterion, _ order: MatrixOrder,
    _ source: LayerSource
  ) throws(PruningError) -> [Float] {
    guard criterion == .obs, grid.blockColumns > 1 else { return scores.means(of: grid) }
    let inverse = try source.inverse(for: "criterion obs")
    return exactBlockScores(
      scores.weights, grid: grid, inverse: order.apply(symmetric: inverse), scale: scores.scale)
  }

  // MARK: Amounts

  /// The decision at a requested sparsity.
  func decision(sparsity: Double) throws(PruningError) -> Decision {
    guard sparsity >= 0, sparsity <= 1 else {
      throw .sparsityOutOfRange(pattern: pattern, requested: sparsity)
    }
    if let fixed = pattern.fixedSparsity {
      guard abs(sparsity - fixed) < 1e-9 else {
        throw .sparsityOutOfRange(pattern: pattern, requested: sparsity)
      }
    } else {
      let range = pattern.sparsityRange
      guard sparsity >= range.lowerBound - 1e-12, sparsity <= range.upperBound + 1e-12 else {
        throw .sparsityOutOfRange(pattern: pattern, requested: sparsity)
      }
    }
    guard grid != nil else { return groupDecision() }
    let units = pattern.unitSparsity(for: sparsity)
    let tiles = arrangement(unitSparsity: units)
    return decision(tiles, keeping: tiles.count(toKeep: units, pattern: pattern, of: weights.count))
  }

  /// The decision that keeps exactly `count` units (for thresholds shared by several layers).
  func decision(keepingUnits count: Int) -> Decision {
    guard grid != nil else { return groupDecision() }
    return decision(arrangement(unitSparsity: 0), keeping: count)
  }

  /// The decision of a penalty at a fraction of the strength that empties the layer.
  func decision(lambda fraction: Double) throws(PruningError) -> Decision {
    guard fraction >= 0, fraction.isFinite else { throw .lambdaOutOfRange(fraction) }
    guard penalty != nil, let grid else { throw .lambdaNeedsUnits(pattern: pattern) }
    let emptying = unitScores.max() ?? 0
    let strength = fraction >= 1 ? emptying : Float(fraction) * emptying
    let cut = fraction == 0 ? Cut.everything : Cut.above(strength)
    let arranged = Arrangement(order: order, grid: grid, scores: unitScores, elements: scores)
    var result = decision(arranged, cut: cut)
    result.strength = fraction > 1 ? Float(fraction) * emptying : strength
    result.emptying = emptying
    return result
  }

  // MARK: Units

  /// A layout with its units and their scores.
  struct Arrangement {
    var order: MatrixOrder
    /// The rows of the layer's layout that form the units; nil is all of them.
    var survivors: [Int]?
    var grid: UnitGrid
    /// Empty for single weights whose scores are not kept.
    var scores: [Float]
    var elements: ElementScores
  }

  /// With a share of the sparsity on whole rows, those rows go first and the survivors, in order, form
  /// the tiles; else what was scored at the start.
  private func arrangement(unitSparsity: Double) -> Arrangement {
    let grid = grid!
    guard pattern.countsWeights, rowsShare > 0, penalty == nil else {
      return Arrangement(order: order, grid: grid, scores: storedScores ?? [], elements: scores)
    }
    let rowGrid = UnitGrid(
      rows: arranged.rows, columns: arranged.columns, blockRows: 1, blockColumns: arranged.columns)
    let rowScores = scores.means(of: rowGrid)
    // The share of rows to keep is (1-s)^α.
    let dropped = 1 - power(1 - unitSparsity, rowsShare)
    let kept = unitsKept(of: arranged.rows, sparsity: dropped)
    let cut = Cut(keeping: kept, of: rowScores)
    let survivors = rowScores.indices.filter { cut.keeps(rowScores[$0], at: $0) }
    guard !survivors.isEmpty else {
      return Arrangement(
        order: order, grid: grid, scores: [Float](repeating: 0, count: grid.count),
        elements: scores)
    }
    let original = survivors.map { order.rows?[$0] ?? $0 }
    let selection = MatrixOrder(rows: survivors)
    let left = ElementScores(
      weights: selection.apply(arranged), rule: scores.rule, largest: largest)
    let smaller = pattern.grid(rows: survivors.count, columns: arranged.columns)!
    return Arrangement(
      order: MatrixOrder(rows: original, columns: order.columns), survivors: survivors,
      grid: smaller,
      scores: left.means(of: smaller), elements: left)
  }

  private func decision(_ arrangement: Arrangement, keeping count: Int) -> Decision {
    if storedScores == nil { return scannedDecision(arrangement, keeping: count) }
    if let indexed = indexedDecision(arrangement, keeping: count) { return indexed }
    let cut = Cut(keeping: count, of: arrangement.scores)
    var result = decision(arrangement, cut: cut)
    if penalty != nil {
      // The strength that leaves exactly these: the largest one among what goes.
      var strength: Float = 0
      for (unit, score) in arrangement.scores.enumerated() where !cut.keeps(score, at: unit) {
        strength = max(strength, score)
      }
      result.strength = strength
      result.emptying = arrangement.scores.max() ?? 0
    }
    return result
  }

  /// Single weights, ranked in one pass over them.
  private func scannedDecision(_ arrangement: Arrangement, keeping count: Int) -> Decision {
    let grid = arrangement.grid
    func decision(_ mask: Mask, _ cut: Cut, _ sums: WeightSums?) -> Decision {
      Decision(
        mask: order.restore(mask, originalRows: weights.rows), order: order, grid: grid,
        unitScores: [], cut: cut, units: grid.count,
        unitsKept: max(0, min(count, grid.count)), sums: sums)
    }
    if count <= 0 || count >= grid.count {
      return decision(
        Mask(rows: grid.rows, columns: grid.columns, keepingAll: count > 0),
        count > 0 ? .everything : .nothing, nil)
    }
    let known = histogram.withLock { histogram in
      let known = histogram ?? ScoreHistogram(scores)
      histogram = known
      return known
    }
    let found = scan(scores, order).keepBest(count, beyond: nil) { _ in known.bracket(count) }
    return decision(found.mask, found.cut, found.sums)
  }

  private func scan(_ elements: ElementScores, _ order: MatrixOrder) -> ScoreScan {
    ScoreScan(
      elements: elements, inputEnergy: inputEnergy.map { order.apply(columnValues: $0) },
      sumScale: sumScale)
  }

  /// The decision from the index of many units; nil where there is none to be had.
  private func indexedDecision(_ arrangement: Arrangement, keeping count: Int) -> Decision? {
    let grid = arrangement.grid
    guard penalty == nil, arrangement.survivors == nil, grid.count >= Self.indexedUnits,
      count > 0, count < grid.count
    else { return nil }
    let energies = inputEnergy.map { order.apply(columnValues: $0) }
    let index = codes.withLock { codes in
      let index =
        codes
        ?? CodeIndex(
          grid: grid, scores: arrangement.scores, weights: arranged, inputEnergy: energies,
          scale: sumScale)
      codes = index
      return index
    }
    let found = index.select(
      count, scores: arrangement.scores, weights: arranged, inputEnergy: energies,
      scale: sumScale, withSums: keepsUnitsWhole)
    return decision(
      arrangement, Mask(grid: grid, units: found.units), cut: found.cut, unitsKept: count,
      sums: found.sums)
  }

  /// Whether what is kept is the units that a cut keeps, no more and no less.
  private var keepsUnitsWhole: Bool {
    switch pattern.base {
    case .block, .row, .column, .tile: true
    case .nm, .tileElement, .tileVector: false
    }
  }

  /// The sums of a cut over large units, without looking at the weights again.
  private func indexedSums(_ arrangement: Arrangement, cut: Cut) -> WeightSums? {
    guard weights.count >= Self.indexedWeights, arrangement.survivors == nil,
      arrangement.scores.count * 4 <= weights.count
    else { return nil }
    guard keepsUnitsWhole else { return nil }
    let sums = unitSums.withLock { sums in
      let known =
        sums
        ?? UnitSums(
          arranged, grid: arrangement.grid,
          inputEnergy: inputEnergy.map { order.apply(columnValues: $0) }, largest: largest)
      sums = known
      return known
    }
    return sums.kept(by: cut, scores: arrangement.scores)
  }

  private func decision(_ arrangement: Arrangement, cut: Cut) -> Decision {
    decision(
      arrangement, Mask(grid: arrangement.grid, scores: arrangement.scores, cut: cut), cut: cut,
      unitsKept: cut.count(in: arrangement.scores),
      sums: indexedSums(arrangement, cut: cut))
  }

  /// What the pattern makes of the units that a cut keeps.
  private func decision(
    _ arrangement: Arrangement, _ units: Mask, cut: Cut, unitsKept: Int, sums: WeightSums?
  ) -> Decision {
    var (mask, sums, order) = (units, sums, arrangement.order)
    switch pattern.base {
    case .tileElement(_, let overlay):
      // Weights of dropped rows may come back too, so the overlay sees the whole layout.
      order = self.order
      mask = MatrixOrder(rows: arrangement.survivors).restore(mask, originalRows: arranged.rows)
      (mask, sums) = overlaid(mask, overlay)
    case .tileVector:
      (mask, sums) = scan(arrangement.elements, order).thinTwoOfFour(mask)
    default: break
    }
    return Decision(
      mask: order.restore(mask, originalRows: weights.rows), order: arrangement.order,
      grid: arrangement.grid, unitScores: arrangement.scores, cut: cut,
      units: arrangement.scores.count, unitsKept: unitsKept, sums: sums)
  }

  /// Brings back the best `overlay·N` of the pruned weights.
  private func overlaid(_ mask: Mask, _ overlay: Double) -> (Mask, WeightSums?) {
    let pruned = weights.count - mask.kept
    let back = min(Int((overlay * Double(weights.count) + 1e-6).rounded(.down)), pruned)
    if back == 0 { return (mask, nil) }
    if back == pruned {
      return (Mask(rows: mask.rows, columns: mask.columns, keepingAll: true), nil)
    }
    let known = sample.withLock { sample in
      let known = sample ?? ScoreSample(scores, seed: 1)
      sample = known
      return known
    }
    let found = scan(scores, order).keepBest(back, beyond: mask) { attempt in
      known.bracket(back, beyond: mask, attempt: attempt)
    }
    return (found.mask, found.sums)
  }

  /// N:M: nothing to rank across groups.
  private func groupDecision() -> Decision {
    guard case .nm(let kept, let group) = pattern.base else { preconditionFailure("not N:M") }
    let chosen: (mask: Mask, sums: WeightSums?) =
      kept == 2 && group == 4
      ? scan(scores, order).thinTwoOfFour(nil)
      : (GroupChoice.mask(scores, kept: kept, group: group), nil)
    let groups = arranged.rows * ((arranged.columns + group - 1) / group)
    return Decision(
      mask: order.restore(chosen.mask, originalRows: weights.rows), order: order, grid: nil,
      unitScores: [], cut: .everything, units: groups, unitsKept: groups, sums: chosen.sums)
  }
}

extension ScoredLayer.Arrangement {
  /// How many units stay at a sparsity of `total` weights (those of the whole matrix).
  ///
  /// Blocks are counted by number. Tile columns are counted by weights: the shortest prefix of the
  /// ranking that holds all the weights that are to be kept.
  func count(toKeep sparsity: Double, pattern: Pattern, of total: Int) -> Int {
    guard pattern.countsWeights else { return unitsKept(of: grid.count, sparsity: sparsity) }
    let target = unitsKept(of: total, sparsity: sparsity)
    let full = grid.blockRows * grid.blockColumns
    if grid.rows % grid.blockRows == 0 { return min(grid.count, (target + full - 1) / full) }
    // The last tile is lower: its columns bring fewer weights. The count lies between all full and
    // all low; weights held by the best `count` units rise with `count`.
    var (low, high) = (0, scores.count)
    while low < high {
      let middle = (low + high) / 2
      let cut = Cut(keeping: middle, of: scores)
      var held = 0
      for unit in scores.indices where cut.keeps(scores[unit], at: unit) { held += grid.size(unit) }
      if held >= target { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
