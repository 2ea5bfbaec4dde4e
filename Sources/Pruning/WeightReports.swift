public import Experiments
import Tensors

extension LayerPruner {
  /// What lies at one weight under these knobs: its unit, score, rank, and why it is kept or pruned.
  ///
  /// `row` and `column` are in the original order.
  /// - Throws: As `prune`; `shape` for a position outside the matrix.
  public func report(
    row: Int, column: Int, knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(PruningError) -> WeightReport {
    guard (0..<weights.rows).contains(row), (0..<weights.columns).contains(column) else {
      throw .shape(
        tensor: tensor, expected: "a position in \(weights.rows)x\(weights.columns)",
        found: "row \(row), column \(column)")
    }
    if knobs.solve.isGreedy {
      return try greedyReport(row: row, column: column, knobs: knobs, progress: progress)
    }
    let layer = try scoredLayer(knobs, progress: progress).scored
    let decision = try decide(layer, knobs)
    let value = weights[row, column]
    let kept = decision.mask[row, column]
    let place = decision.order.position(row: row, column: column)
    guard let grid = decision.grid else {
      return groupReport(row, column, value, kept, place, layer)
    }
    guard let position = place.row else {
      return WeightReport(
        row: row, column: column, value: value, kept: false, unit: "row \(row), dropped whole",
        score: 0, rank: decision.units, units: decision.units, threshold: 0,
        reason: "its whole row was dropped before tiles were formed")
    }
    let unit = grid.unit(row: position, column: place.column)
    let unitScores = decision.unitScores.isEmpty ? layer.unitScores : decision.unitScores
    let own = unitScores[unit]
    var rank = 1
    for (other, score) in unitScores.enumerated()
    where score > own || (score == own && other < unit) { rank += 1 }
    var least = Float.infinity
    for (other, score) in unitScores.enumerated()
    where decision.cut.keeps(score, at: other) { least = min(least, score) }
    let unitKept = decision.cut.keeps(own, at: unit)
    let scale = layer.penalty == nil ? layer.scores.unit : 1
    let threshold = least.isFinite ? Double(least) * scale : 0
    return WeightReport(
      row: row, column: column, value: value, kept: kept,
      unit: name(of: unit, grid: grid, pattern: knobs.pattern), score: Double(own) * scale,
      rank: rank, units: decision.units, threshold: threshold,
      reason: reason(
        rank: rank, of: decision, unitKept: unitKept, kept: kept, pattern: knobs.pattern))
  }

  /// Under a greedy solver: its mask, with the second-order scores before the first elimination.
  private func greedyReport(
    row: Int, column: Int, knobs: Knobs, progress: (PruningSummary) -> Bool
  ) throws(PruningError) -> WeightReport {
    let kept = try prune(knobs, progress: progress).mask[row, column]
    var before = knobs
    before.solve = .prox
    before.criterion = .obs
    var report = try report(row: row, column: column, knobs: before, progress: progress)
    report.kept = kept
    report.reason =
      "solve \(knobs.solve.rawValue) \(kept ? "kept" : "eliminated") it; score and rank are those before "
      + "the first elimination, and every one changes the others"
    return report
  }

  private func groupReport(
    _ row: Int, _ column: Int, _ value: Float, _ kept: Bool,
    _ place: (row: Int?, column: Int), _ layer: ScoredLayer
  ) -> WeightReport {
    guard case .nm(let keep, let group) = layer.pattern.base else {
      preconditionFailure("only N:M has no grid")
    }
    var line = [Float](repeating: 0, count: weights.columns)
    let position = place.row ?? row
    line.withUnsafeMutableBufferPointer {
      layer.scores.fill(row: position, $0.baseAddress!)
    }
    let start = place.column / group * group
    let end = min(start + group, weights.columns)
    let own = line[place.column]
    var rank = 1
    for other in start..<end
    where line[other] > own || (line[other] == own && other < place.column) { rank += 1 }
    let sorted = line[start..<end].sorted(by: >)
    let unit = layer.scores.unit
    let count = end - start
    let lead = "it is number \(rank) of the \(count) weights of its group, and the best "
    return WeightReport(
      row: row, column: column, value: value, kept: kept,
      unit: "group \(start / group) of row \(position): columns \(start)-\(end - 1)"
        + (layer.order.isIdentity ? "" : " of the reordered matrix"),
      score: Double(own) * unit, rank: rank, units: count,
      threshold: Double(sorted[min(keep, count) - 1]) * unit,
      reason: lead + "\(min(keep, count)) stay")
  }

  private func name(of unit: Int, grid: UnitGrid, pattern: Pattern) -> String {
    let (unitRow, unitColumn) = (unit / grid.unitColumns, unit % grid.unitColumns)
    let rows = grid.rowRange(unitRow)
    let columns = grid.columnRange(unitColumn)
    let place = pattern.reorder == nil ? "" : " of the reordered matrix"
    func span(_ word: String, _ range: Range<Int>) -> String {
      range.count == 1
        ? "\(word) \(range.lowerBound)" : "\(word)s \(range.lowerBound)-\(range.upperBound - 1)"
    }
    switch pattern.base {
    case .block(1, 1): return "weight (\(unitRow), \(unitColumn))" + place
    case .row: return "row \(unitRow)"
    case .column: return "column \(unitColumn)"
    case .tile, .tileElement, .tileVector:
      return "tile \(unitRow), column \(unitColumn): \(span("row", rows))" + place
    case .block, .nm:
      return "block (\(unitRow), \(unitColumn)): \(span("row", rows)), \(span("column", columns))"
        + place
    }
  }

  private func reason(
    rank: Int, of decision: Decision, unitKept: Bool, kept: Bool, pattern: Pattern
  ) -> String {
    let place =
      "its unit ranks \(rank) of \(decision.units), and the best \(decision.unitsKept) stay"
    switch (pattern.base, unitKept, kept) {
    case (.tileElement, false, true):
      return place + "; the element overlay brought this weight back"
    case (.tileVector, true, false):
      return place + ", but two others of its four kept columns score higher"
    default: return place
    }
  }
}

extension MatrixOrder {
  /// Where an original position lies in this layout; no row when it was dropped.
  func position(row: Int, column: Int) -> (row: Int?, column: Int) {
    (
      rows.map { $0.firstIndex(of: row) } ?? row,
      columns.flatMap { $0.firstIndex(of: column) } ?? column
    )
  }
}
