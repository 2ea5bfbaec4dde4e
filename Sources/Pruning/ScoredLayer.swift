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

  /// Built by the first cut on a tensor of at least `indexedWeights` weights; every later cut is then
  /// independent of most of them.
  private let codes = Mutex<CodeIndex?>(nil)
  private let unitSums = Mutex<UnitSums?>(nil)
  static let indexedWeights = 1 << 18
  /// Units from which an index beats a pass over their scores.
  private static let indexedUnits = 1 << 17

  /// Bytes held beyond the weights themselves.
  var bytes: Int {
    (order.isIdentity ? 0 : 4 * weights.count) + 4 * (storedScores?.count ?? 0)
      + (codes.withLock { $0?.bytes } ?? 0) + (unitSums.withLock { $0?.bytes } ?? 0)
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
        weights.count >= Self.indexedWeights
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
    /// Empty for single weights that an index cuts.
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
    if let indexed = indexedDecision(arrangement, keeping: count) { return indexed }
    let cut = Cut(keeping: count, of: arrangement.scores)
    var result = decision(arrangement, cut: cut)
    result.sums = indexedSums(arrangement, cut: cut)
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

  /// The decision from the index of many units; nil where there is none to be had.
  private func indexedDecision(_ arrangement: Arrangement, keeping count: Int) -> Decision? {
    let grid = arrangement.grid
    guard weights.count >= Self.indexedWeights, penalty == nil, arrangement.survivors == nil,
      storedScores == nil || grid.count >= Self.indexedUnits
    else { return nil }
    switch pattern.base {
    case .block, .tile: break
    case .row, .column, .nm, .tileElement, .tileVector: return nil
    }
    if count <= 0 || count >= grid.count {
      let mask = Mask(rows: grid.rows, columns: grid.columns, keepingAll: count > 0)
      return Decision(
        mask: order.restore(mask, originalRows: weights.rows), order: order, grid: grid,
        unitScores: arrangement.scores, cut: count > 0 ? .everything : .nothing,
        units: grid.count, unitsKept: max(0, min(count, grid.count)))
    }
    let units: UnitScores =
      storedScores.map { .stored($0, columns: grid.unitColumns) } ?? .single(scores)
    let energies = inputEnergy.map { order.apply(columnValues: $0) }
    let index = codes.withLock { codes in
      let index =
        codes
        ?? CodeIndex(
          grid: grid, scores: units, weights: arranged, inputEnergy: energies, scale: sumScale)
      codes = index
      return index
    }
    let found = index.select(
      count, scores: units, weights: arranged, inputEnergy: energies, scale: sumScale)
    let mask = Mask(grid: grid, units: found.units)
    return Decision(
      mask: order.restore(mask, originalRows: weights.rows), order: order, grid: grid,
      unitScores: arrangement.scores, cut: found.cut, units: grid.count, unitsKept: count,
      sums: found.sums)
  }

  /// The sums of a cut over large units, without looking at the weights again.
  private func indexedSums(_ arrangement: Arrangement, cut: Cut) -> WeightSums? {
    guard weights.count >= Self.indexedWeights, arrangement.survivors == nil,
      arrangement.scores.count * 4 <= weights.count
    else { return nil }
    switch pattern.base {
    case .block, .row, .column, .tile: break
    case .nm, .tileElement, .tileVector: return nil
    }
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
    var mask = Mask(grid: arrangement.grid, scores: arrangement.scores, cut: cut)
    switch pattern.base {
    case .tileElement(_, let overlay):
      // Weights of dropped rows may come back too, so the overlay sees the whole layout.
      mask = MatrixOrder(rows: arrangement.survivors).restore(mask, originalRows: arranged.rows)
      overlayBest(overlay, on: &mask)
      return decision(
        arrangement, cut: cut, original: order.restore(mask, originalRows: weights.rows))
    case .tileVector:
      mask = GroupChoice.thinTwoOfFour(mask, scores: arrangement.elements)
    default: break
    }
    return decision(
      arrangement, cut: cut,
      original: arrangement.order.restore(mask, originalRows: weights.rows))
  }

  private func decision(_ arrangement: Arrangement, cut: Cut, original: Mask) -> Decision {
    Decision(
      mask: original, order: arrangement.order, grid: arrangement.grid,
      unitScores: arrangement.scores, cut: cut,
      units: arrangement.scores.count, unitsKept: cut.count(in: arrangement.scores))
  }

  /// N:M: nothing to rank across groups.
  private func groupDecision() -> Decision {
    guard case .nm(let kept, let group) = pattern.base else { preconditionFailure("not N:M") }
    let mask = GroupChoice.mask(scores, kept: kept, group: group)
    let groups = arranged.rows * ((arranged.columns + group - 1) / group)
    return Decision(
      mask: order.restore(mask, originalRows: weights.rows), order: order, grid: nil,
      unitScores: [], cut: .everything, units: groups, unitsKept: groups)
  }

  /// Brings back the best `overlay·N` of the pruned weights.
  private func overlayBest(_ overlay: Double, on mask: inout Mask) {
    let columns = mask.columns
    let wide = mask.wordsPerRow
    var table = scores.table()
    // Kept weights get the least key, pruned ones a key one above their own.
    table.withUnsafeMutableBytes { raw in
      let keys = raw.bindMemory(to: UInt32.self)
      for index in 0..<keys.count { keys[index] &+= 1 }
      mask.words.withUnsafeBufferPointer { words in
        for row in 0..<mask.rows {
          for word in 0..<wide {
            var bits = words[row &* wide &+ word]
            while bits != 0 {
              keys[row &* columns &+ word &* 64 &+ bits.trailingZeroBitCount] = 0
              bits &= bits &- 1
            }
          }
        }
      }
    }
    let pruned = weights.count - mask.count
    let back = min(Int((overlay * Double(weights.count) + 1e-6).rounded(.down)), pruned)
    let cut = Cut(keeping: back, of: table)
    let single = UnitGrid(rows: mask.rows, columns: columns, blockRows: 1, blockColumns: 1)
    let restored = Mask(grid: single, scores: table, cut: cut)
    mask.words.withUnsafeMutableBufferPointer { words in
      restored.words.withUnsafeBufferPointer { restored in
        for word in 0..<words.count { words[word] |= restored[word] }
      }
    }
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
