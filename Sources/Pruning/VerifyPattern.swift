public import Experiments
public import Tensors

/// A place where a mask leaves its pattern.
public struct PatternViolation: Hashable, Sendable, CustomStringConvertible {
  /// In the original order.
  public var row: Int
  public var column: Int
  /// What is there and what the pattern allows.
  public var detail: String

  public var description: String { "row \(row), column \(column): \(detail)" }
}

extension Mask {
  /// The mask of the weights that are not zero.
  public init(nonzerosOf matrix: Matrix) {
    self.init(rows: matrix.rows, columns: matrix.columns)
    let wide = wordsPerRow
    matrix.values.withUnsafeBufferPointer { values in
      words.withUnsafeMutableBufferPointer { words in
        for row in 0..<matrix.rows {
          for column in 0..<matrix.columns where values[row &* matrix.columns &+ column] != 0 {
            words[row &* wide &+ column >> 6] |= 1 &<< UInt64(column & 63)
          }
        }
      }
    }
  }
}

extension Mask {
  /// Whether so many weights are gone as pruning to `sparsity` by this pattern takes.
  ///
  /// Pruning takes whole units and rounds down: `floor(s·N)` of a grid's N units go, whatever they hold
  /// at the matrix' edge, and the tile patterns, which count weights, stop less than one unit short. The
  /// last N:M group of a row, cut off by the matrix' edge, keeps more than its share.
  /// - Parameters: `rowOrder` and `columnOrder` are the layout of a reordered pattern.
  /// - Complexity: O(weights) at worst.
  public func reaches(
    sparsity: Double, _ pattern: Pattern, rowOrder: Permutation? = nil,
    columnOrder: Permutation? = nil
  ) -> Bool {
    let total = rows * columns
    let missing = sparsity * Double(total) - Double(total - count)
    if case .nm(let kept, let group) = pattern.base {
      let last = columns % group
      let surplus = Double(min(last, kept)) - Double(last * kept) / Double(group)
      return missing <= surplus * Double(rows) + 1e-6 * Double(total)
    }
    guard let grid = pattern.grid(rows: rows, columns: columns) else { return missing <= 1 }
    if pattern.countsWeights {
      let groups = if case .tileVector = pattern.base { rows } else { 0 }
      return missing < Double(grid.size(0) + groups)
    }
    let arranged = MatrixOrder(rows: rowOrder?.order, columns: columnOrder?.order).arrange(self)
    let empty = unitCounts(arranged, grid).count { $0 == 0 }
    return empty >= grid.count - unitsKept(of: grid.count, sparsity: sparsity)
  }
}

/// The first places at which a mask does not follow a pattern, none if it does.
///
/// Blocks, rows, columns and tile columns must be whole; an N:M group may hold fewer than N. For twG a
/// row that is all zero may have been dropped before the tiles were formed. For tewG+D%, whatever lies
/// outside whole tile columns is the overlay and may be D % of all weights; rows with far fewer weights than
/// others may have been dropped there and hold overlay alone. For tvwG some choice of
/// kept columns must make every group of four hold at most two.
/// - Parameters:
///   - mask: Of the nonzero weights, original order.
///   - zerosKept: So many kept weights may be zero: units with few zeros count as whole, those with the
///     fewest first, while this many zeros last.
///   - rowOrder: With `columnOrder`, the layout of a reordered pattern.
/// - Complexity: O(weights) at worst, O(words) for patterns one input wide.
public func verifyPattern(
  _ mask: Mask, _ pattern: Pattern, rowOrder: Permutation? = nil, columnOrder: Permutation? = nil,
  zerosKept: Int = 0, limit: Int = 10
) -> [PatternViolation] {
  let order = MatrixOrder(rows: rowOrder?.order, columns: columnOrder?.order)
  let arranged = order.arrange(mask)
  var found: [PatternViolation]
  switch pattern.base {
  case .nm(let kept, let group): found = groupViolations(arranged, kept, group, limit)
  case .block, .row, .column:
    let grid = pattern.grid(rows: mask.rows, columns: mask.columns)!
    found = unitViolations(arranged, grid, "block", zerosKept, limit)
  case .tile(let width):
    found = tileViolations(arranged, width, limit) { grid, mask in
      unitViolations(mask, grid, "tile column", zerosKept, limit)
    }
  case .tileElement(let width, let overlay):
    let allowed = Int((overlay * Double(mask.rows * mask.columns) + 1e-6).rounded(.down))
    found = tileViolations(arranged, width, limit) { grid, mask in
      overlayViolations(mask, grid, allowed: allowed, zerosKept, limit)
    }
    if !found.isEmpty, hasTilesBetweenSparseRows(arranged, width, allowed, zerosKept) { found = [] }
  case .tileVector(let width):
    found = tileViolations(arranged, width, limit) { grid, mask in
      vectorViolations(mask, grid, limit)
    }
  }
  for index in found.indices {
    found[index].row = order.rows?[found[index].row] ?? found[index].row
    found[index].column = order.columns?[found[index].column] ?? found[index].column
  }
  return found
}

func groupViolations(
  _ mask: Mask, _ kept: Int, _ group: Int, _ limit: Int
) -> [PatternViolation] {
  var found: [PatternViolation] = []
  for row in 0..<mask.rows {
    for start in stride(from: 0, to: mask.columns, by: group) {
      let end = min(start + group, mask.columns)
      let count = mask.count(row: row, columns: start..<end)
      guard count > kept else { continue }
      var seen = 0
      let column = (start..<end).first { column in
        if mask[row, column] { seen += 1 }
        return seen > kept
      }
      found.append(
        PatternViolation(
          row: row, column: column ?? start,
          detail: "columns \(start)-\(end - 1) hold \(count) nonzeros where \(kept) may stay"))
      if found.count == limit { return found }
    }
  }
  return found
}

/// Nonzeros of every unit, row-major.
private func unitCounts(_ mask: Mask, _ grid: UnitGrid) -> [Int] {
  var counts = [Int](repeating: 0, count: grid.count)
  for row in 0..<mask.rows {
    let first = row / grid.blockRows * grid.unitColumns
    for unit in 0..<grid.unitColumns {
      counts[first + unit] += mask.count(row: row, columns: grid.columnRange(unit))
    }
  }
  return counts
}

/// The first weight of a unit that is kept, or pruned.
private func firstPlace(
  _ mask: Mask, _ grid: UnitGrid, _ unit: Int, kept: Bool
) -> (row: Int, column: Int) {
  for row in grid.rowRange(unit / grid.unitColumns) {
    for column in grid.columnRange(unit % grid.unitColumns) where mask[row, column] == kept {
      return (row, column)
    }
  }
  return (grid.rowRange(unit / grid.unitColumns).lowerBound, 0)
}

/// Units that are neither whole nor empty, without those whose zeros are kept weights.
private func partialUnits(_ counts: [Int], _ grid: UnitGrid, _ zerosKept: Int) -> [Int] {
  let partial = counts.indices.filter { counts[$0] > 0 && counts[$0] < grid.size($0) }
  if zerosKept == 0 { return partial }
  func zeros(_ unit: Int) -> Int { grid.size(unit) - counts[unit] }
  var left = zerosKept
  var whole: Set<Int> = []
  for unit in partial.sorted(by: { (zeros($0), $0) < (zeros($1), $1) }) {
    guard zeros(unit) <= left else { break }
    left -= zeros(unit)
    whole.insert(unit)
  }
  return partial.filter { !whole.contains($0) }
}

private func unitViolations(
  _ mask: Mask, _ grid: UnitGrid, _ noun: String, _ zerosKept: Int, _ limit: Int
) -> [PatternViolation] {
  var found: [PatternViolation] = []
  let counts = unitCounts(mask, grid)
  for unit in partialUnits(counts, grid, zerosKept) {
    let (size, count) = (grid.size(unit), counts[unit])
    // The odd ones out: a few zeros in a kept unit, or a few weights in a pruned one.
    let place = firstPlace(mask, grid, unit, kept: count * 2 <= size)
    found.append(
      PatternViolation(
        row: place.row, column: place.column,
        detail: "\(noun) (\(unit / grid.unitColumns), \(unit % grid.unitColumns)) holds \(count) "
          + "nonzeros of \(size): it is neither whole nor empty"))
    if found.count == limit { break }
  }
  return found
}

/// Checks the tiles as they stand, and, if that fails, after leaving out the rows that are all zero.
private func tileViolations(
  _ mask: Mask, _ width: Int, _ limit: Int,
  _ check: (UnitGrid, Mask) -> [PatternViolation]
) -> [PatternViolation] {
  func grid(_ rows: Int) -> UnitGrid {
    UnitGrid(rows: rows, columns: mask.columns, blockRows: width, blockColumns: 1)
  }
  let plain = check(grid(mask.rows), mask)
  guard !plain.isEmpty else { return [] }
  let rows = (0..<mask.rows).filter { mask.count(row: $0) > 0 }
  guard rows.count < mask.rows, !rows.isEmpty else { return plain }
  let survivors = MatrixOrder(rows: rows).arrange(mask)
  return check(grid(rows.count), survivors).isEmpty ? [] : plain
}

/// Whether tiles are whole once the rows are left out that hold overlay alone: those below one of the
/// largest steps in the rows' counts of weights.
private func hasTilesBetweenSparseRows(
  _ mask: Mask, _ width: Int, _ allowed: Int, _ zerosKept: Int
) -> Bool {
  let counts = (0..<mask.rows).map { mask.count(row: $0) }
  let order = counts.indices.sorted { (counts[$0], $0) < (counts[$1], $1) }
  let steps = order.indices.dropFirst().sorted { a, b in
    counts[order[a]] - counts[order[a - 1]] > counts[order[b]] - counts[order[b - 1]]
  }
  return steps.prefix(8).contains { step in
    let outside = order[..<step].reduce(0) { $0 + counts[$1] }
    guard outside <= allowed else { return false }
    let survivors = MatrixOrder(rows: order[step...].sorted()).arrange(mask)
    let grid = UnitGrid(
      rows: survivors.rows, columns: mask.columns, blockRows: width, blockColumns: 1)
    return overlayViolations(survivors, grid, allowed: allowed - outside, zerosKept, 1).isEmpty
  }
}

private func overlayViolations(
  _ mask: Mask, _ grid: UnitGrid, allowed: Int, _ zerosKept: Int, _ limit: Int
) -> [PatternViolation] {
  let counts = unitCounts(mask, grid)
  let partial = partialUnits(counts, grid, zerosKept)
  let outside = partial.reduce(0) { $0 + counts[$1] }
  guard outside > allowed else { return [] }
  return partial.prefix(limit).map { unit in
    let place = firstPlace(mask, grid, unit, kept: true)
    return PatternViolation(
      row: place.row, column: place.column,
      detail: "\(outside) nonzeros lie outside whole tile columns where \(allowed) may")
  }
}

/// 2:4 along the kept columns of each tile.
///
/// Which columns were kept is not written anywhere: a kept column may have lost all its weights to the
/// 2:4 choice. So the groups are found by dynamic programming over the nonzero columns: a state is how
/// many of the group's four places are taken and by how many nonzero columns; all-zero columns in
/// between may take places or not.
private func vectorViolations(
  _ mask: Mask, _ grid: UnitGrid, _ limit: Int
) -> [PatternViolation] {
  var found: [PatternViolation] = []
  for tile in 0..<grid.unitRows {
    let rows = grid.rowRange(tile)
    let columns = (0..<mask.columns).filter { column in rows.contains { mask[$0, column] } }
    var states: Set<[Int]> = [[0, 0]]
    var before = -1
    for (index, column) in columns.enumerated() {
      var next: Set<[Int]> = []
      for state in states {
        for padding in 0...min(7, column - before - 1) {
          var (taken, own) = (state[0] + padding, state[1])
          if taken >= 4 { (taken, own) = (taken - 4, 0) }
          if taken >= 4 { continue }
          let group = columns[(index - own)...index]
          let fits = rows.allSatisfy { row in
            group.reduce(0) { $0 + (mask[row, $1] ? 1 : 0) } <= 2
          }
          guard fits else { continue }
          next.insert(taken + 1 == 4 ? [0, 0] : [taken + 1, own + 1])
        }
      }
      if next.isEmpty {
        let row = rows.first { mask[$0, column] } ?? rows.lowerBound
        found.append(
          PatternViolation(
            row: row, column: column,
            detail: "tile \(tile) holds more than two nonzeros in four kept columns"))
        if found.count == limit { return found }
        next = [[0, 0]]
      }
      states = next
      before = column
    }
  }
  return found
}
