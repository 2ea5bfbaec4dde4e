import Experiments
import Kernels
import Tensors

/// A layout found by a search, with what it gained.
struct Layout: Sendable {
  var order: MatrixOrder
  var report: ReorderReport
}

/// Reorders rows and columns so that small scores gather into whole blocks (Ji et al., TETRIS,
/// NeurIPS 2018), before block pruning.
///
/// Alternates, from the better of the original order and the order by total score: choose the blocks
/// that stay (E), then for each axis the best exchanges of rows or columns with these blocks fixed (M).
/// Neither step can lower the kept score. What we changed: the kept mass instead of the pruned one, a
/// cache of the best move per pair of blocks, relative tolerances instead of absolute ones, ragged
/// edges, any criterion's scores, and an exact M step on request.
struct Tetris {
  private let scores: [Float]
  private let grid: UnitGrid
  private let kept: Int
  private let axes: ReorderAxes
  private let polish: Bool
  private let total: Double
  /// Items of every block row and block column: the layout, in slot order.
  private var rowMembers: [[Int]]
  private var columnMembers: [[Int]]
  private var swaps = 0

  /// - Parameters:
  ///   - scores: Row-major scores of all weights.
  ///   - kept: How many units of `grid` stay.
  init(scores: [Float], grid: UnitGrid, kept: Int, axes: ReorderAxes, polish: Bool) {
    self.scores = scores
    self.grid = grid
    self.kept = kept
    self.axes = axes
    self.polish = polish
    total = scores.reduce(0.0) { $0 + Double($1) }
    rowMembers = (0..<grid.unitRows).map { Array(grid.rowRange($0)) }
    columnMembers = (0..<grid.unitColumns).map { Array(grid.columnRange($0)) }
  }

  private var movesRows: Bool { axes != .columns && grid.blockRows > 1 && grid.unitRows > 1 }
  private var movesColumns: Bool {
    axes != .rows && grid.blockColumns > 1 && grid.unitColumns > 1
  }

  /// Searches until a round gains less than 1e-6 of the total.
  ///
  /// - Parameter progress: Called after each round with the report so far; false stops the search
  ///   with what was found, and `cancelled` is thrown by the caller.
  mutating func search(
    folding: String, progress: (ReorderReport) -> Bool
  ) -> (layout: Layout, finished: Bool) {
    let start = nanoseconds()
    let before = keptShare(chosenBlocks())
    var report = ReorderReport(
      keptBefore: before, keptAfter: before, swaps: 0, rounds: 0, elapsedNs: 0, folding: folding)
    func layout() -> Layout {
      Layout(
        order: MatrixOrder(
          rows: movesRows ? rowMembers.flatMap { $0 } : nil,
          columns: movesColumns ? columnMembers.flatMap { $0 } : nil), report: report)
    }
    guard movesRows || movesColumns, kept > 0, kept < grid.count, total > 0 else {
      return (layout(), true)
    }
    let identity = (rowMembers, columnMembers)
    sortByScore()
    var share = keptShare(chosenBlocks())
    if share <= before {
      (rowMembers, columnMembers) = identity
      share = before
    }
    var finished = true
    // The exact step starts where the greedy one has ended: it can then only add to it, while an exact
    // step from the start ends in another, at times poorer, place.
    var exact = false
    while true {
      let last = (rowMembers, columnMembers, share)
      if movesRows { improveRows(exact) }
      if movesColumns { improveColumns(exact) }
      share = keptShare(chosenBlocks())
      report.rounds += 1
      report.swaps = swaps
      if share < last.2 {
        // Only with ragged borders, whose units are ranked per weight: keep the better layout.
        (rowMembers, columnMembers, share) = last
      }
      report.keptAfter = share
      report.elapsedNs = nanoseconds() - start
      if !progress(report) {
        finished = false
        break
      }
      if share - last.2 < 1e-6 {
        if exact || !polish { break }
        exact = true
      }
    }
    report.elapsedNs = nanoseconds() - start
    return (layout(), finished)
  }

  // MARK: Sums

  /// `Σ_{j in J} S[i, j]` for every row and block column, `[rows, unitColumns]`.
  private func rowParts() -> Matrix {
    let block = Self.owner(columnMembers, count: grid.columns)
    var parts = Matrix(rows: grid.rows, columns: grid.unitColumns)
    scores.withUnsafeBufferPointer { scores in
      block.withUnsafeBufferPointer { block in
        parts.values.withUnsafeMutableBufferPointer { parts in
          for row in 0..<grid.rows {
            let source = scores.baseAddress! + row &* grid.columns
            let target = parts.baseAddress! + row &* grid.unitColumns
            for column in 0..<grid.columns { target[block[column]] += source[column] }
          }
        }
      }
    }
    return parts
  }

  /// `Σ_{i in I} S[i, j]` for every column and block row, `[unitRows, columns]`.
  private func columnParts() -> Matrix {
    var parts = Matrix(rows: grid.unitRows, columns: grid.columns)
    scores.withUnsafeBufferPointer { scores in
      parts.values.withUnsafeMutableBufferPointer { parts in
        for (block, members) in rowMembers.enumerated() {
          let target = parts.baseAddress! + block &* grid.columns
          for row in members {
            let source = scores.baseAddress! + row &* grid.columns
            for column in 0..<grid.columns { target[column] += source[column] }
          }
        }
      }
    }
    return parts
  }

  private static func owner(_ members: [[Int]], count: Int) -> [Int] {
    var owner = [Int](repeating: 0, count: count)
    for (block, items) in members.enumerated() { for item in items { owner[item] = block } }
    return owner
  }

  /// 1 for the units that stay, `[unitRows, unitColumns]`, and the score mass they hold.
  private func chosenBlocks() -> (blocks: Matrix, mass: Double) {
    let parts = rowParts()
    let count = grid.unitColumns
    var sums = [Double](repeating: 0, count: grid.count)
    for (block, members) in rowMembers.enumerated() {
      for row in members {
        for unit in 0..<count { sums[block * count + unit] += Double(parts[row, unit]) }
      }
    }
    let means = sums.indices.map { Float(sums[$0] / Double(grid.size($0))) }
    let cut = Cut(keeping: kept, of: means)
    var result = Matrix(rows: grid.unitRows, columns: count)
    var mass = 0.0
    for unit in means.indices where cut.keeps(means[unit], at: unit) {
      result.values[unit] = 1
      mass += sums[unit]
    }
    return (result, mass)
  }

  private func keptShare(_ chosen: (blocks: Matrix, mass: Double)) -> Double {
    total > 0 ? chosen.mass / total : 1
  }

  // MARK: Moves

  private mutating func sortByScore() {
    if movesRows {
      var sums = [Double](repeating: 0, count: grid.rows)
      for row in 0..<grid.rows {
        for column in 0..<grid.columns { sums[row] += Double(scores[row * grid.columns + column]) }
      }
      let order = sums.indices.sorted { (-sums[$0], $0) < (-sums[$1], $1) }
      rowMembers = (0..<grid.unitRows).map { Array(order[grid.rowRange($0)]) }
    }
    if movesColumns {
      var sums = [Double](repeating: 0, count: grid.columns)
      for row in 0..<grid.rows {
        for column in 0..<grid.columns {
          sums[column] += Double(scores[row * grid.columns + column])
        }
      }
      let order = sums.indices.sorted { (-sums[$0], $0) < (-sums[$1], $1) }
      columnMembers = (0..<grid.unitColumns).map { Array(order[grid.columnRange($0)]) }
    }
  }

  private mutating func improveRows(_ exact: Bool) {
    let worth = Product.multiply(rowParts(), chosenBlocks().blocks, transposeB: true)
    rowMembers = improved(rowMembers, worth: worth.values, exact)
  }

  private mutating func improveColumns(_ exact: Bool) {
    let worth = Product.multiply(columnParts(), transposeA: true, chosenBlocks().blocks)
    columnMembers = improved(columnMembers, worth: worth.values, exact)
  }

  private mutating func improved(_ members: [[Int]], worth: [Float], _ exact: Bool) -> [[Int]] {
    var assignment = BlockAssignment(members: members, worth: worth, least: Float(1e-7 * total))
    assignment.swapGreedily()
    if exact { assignment.polish() }
    swaps += assignment.exchanges
    return assignment.members
  }
}
