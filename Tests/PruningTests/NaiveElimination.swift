import Experiments
import Tensors

/// The two greedy solvers straight from their papers, in doubles: a fresh inverse of the remaining
/// columns at every step, by Gauss and Jordan. It shares nothing with the module under test.
struct NaiveElimination {
  let damped: [[Double]]
  var weights: [[Double]]
  let rows: Int
  let columns: Int

  init(_ matrix: Matrix, damped gram: Matrix) {
    rows = matrix.rows
    columns = matrix.columns
    weights = (0..<matrix.rows).map { row in
      (0..<matrix.columns).map { Double(matrix[row, $0]) }
    }
    damped = (0..<gram.rows).map { row in (0..<gram.rows).map { Double(gram[row, $0]) } }
  }

  static func inverse(_ matrix: [[Double]]) -> [[Double]] {
    let size = matrix.count
    var work = matrix.enumerated().map { row, values in
      values + (0..<size).map { $0 == row ? 1.0 : 0 }
    }
    for pivot in 0..<size {
      let best = (pivot..<size).max { abs(work[$0][pivot]) < abs(work[$1][pivot]) }!
      work.swapAt(pivot, best)
      let scale = work[pivot][pivot]
      work[pivot] = work[pivot].map { $0 / scale }
      for row in 0..<size where row != pivot {
        let factor = work[row][pivot]
        if factor == 0 { continue }
        for column in 0..<2 * size { work[row][column] -= factor * work[pivot][column] }
      }
    }
    return work.map { Array($0[size...]) }
  }

  /// `H'⁻¹` of the listed columns only.
  func inverse(of alive: [Int]) -> [[Double]] {
    Self.inverse(alive.map { row in alive.map { damped[row][$0] } })
  }

  /// What removing `block` of one row costs while `alive` are left, and the weights after it.
  func removal(
    of block: [Int], from row: [Double], alive: [Int], inverse: [[Double]]
  ) -> (cost: Double, weights: [Double]) {
    let place = block.map { alive.firstIndex(of: $0)! }
    let small = Self.inverse(place.map { i in place.map { inverse[i][$0] } })
    var push = [Double](repeating: 0, count: block.count)
    for i in block.indices {
      for j in block.indices { push[i] += row[block[j]] * small[j][i] }
    }
    let cost = block.indices.reduce(0.0) { $0 + push[$1] * row[block[$1]] }
    var after = row
    for (index, column) in alive.enumerated() {
      for i in block.indices { after[column] -= push[i] * inverse[place[i]][index] }
    }
    for column in block { after[column] = 0 }
    return (cost, after)
  }

  /// Block OBC: the order of block columns of every row of blocks, with costs per weight.
  func trace(_ blockRows: Int, _ blockColumns: Int) -> [[(block: Int, cost: Double)]] {
    stride(from: 0, to: rows, by: blockRows).map { top in
      let members = Array(top..<min(rows, top + blockRows))
      var state = members.map { weights[$0] }
      var left = stride(from: 0, to: columns, by: blockColumns).map {
        Array($0..<min(columns, $0 + blockColumns))
      }
      var steps: [(Int, Double)] = []
      while !left.isEmpty {
        let alive = left.flatMap { $0 }.sorted()
        let inverse = inverse(of: alive)
        let costs = left.map { block in
          state.reduce(0.0) {
            $0 + removal(of: block, from: $1, alive: alive, inverse: inverse).cost
          }
        }
        let best = costs.indices.min { costs[$0] < costs[$1] }!
        state = state.map {
          removal(of: left[best], from: $0, alive: alive, inverse: inverse).weights
        }
        let size = Double(members.count * left[best].count)
        steps.append((left[best][0] / blockColumns, costs[best] / size))
        left.remove(at: best)
      }
      return steps
    }
  }

  /// Merges the orders of all rows of blocks: the cheapest next step goes, `count` times.
  static func gone(
    _ traces: [[(block: Int, cost: Double)]], count: Int
  ) -> Set<[Int]> {
    var next = [Int](repeating: 0, count: traces.count)
    var gone: Set<[Int]> = []
    for _ in 0..<count {
      let open = traces.indices.filter { next[$0] < traces[$0].count }
      let row = open.min { traces[$0][next[$0]].cost < traces[$1][next[$1]].cost }!
      gone.insert([row, traces[row][next[row]].block])
      next[row] += 1
    }
    return gone
  }

  /// N:M by elimination of one row.
  func groupMask(kept: Int, group: Int) -> Mask {
    var mask = Mask(rows: rows, columns: columns, keepingAll: true)
    for row in 0..<rows {
      var state = weights[row]
      var alive = Array(0..<columns)
      while true {
        let counts = Dictionary(grouping: alive) { $0 / group }.mapValues(\.count)
        let open = alive.filter { counts[$0 / group]! > kept }
        if open.isEmpty { break }
        let inverse = inverse(of: alive)
        let results = open.map { removal(of: [$0], from: state, alive: alive, inverse: inverse) }
        let best = results.indices.min { results[$0].cost < results[$1].cost }!
        state = results[best].weights
        mask[row, open[best]] = false
        alive.removeAll { $0 == open[best] }
      }
    }
    return mask
  }

  /// The column sweep with batches as wide as given: masks from the state at a batch's start, errors
  /// passed on column by column with the inverse of the columns from there on.
  mutating func sweep(
    _ blockRows: Int, _ blockColumns: Int, gone total: Int, batch: Int
  ) -> Mask {
    var mask = Mask(rows: rows, columns: columns, keepingAll: true)
    let unitColumns = (columns + blockColumns - 1) / blockColumns
    for start in stride(from: 0, to: columns, by: batch) {
      let end = min(columns, start + batch)
      var units: [(row: Int, columns: [Int], cost: Double)] = []
      for top in stride(from: 0, to: rows, by: blockRows) {
        for left in stride(from: start, to: end, by: blockColumns) {
          let block = Array(left..<min(columns, left + blockColumns))
          let behind = Array(left..<columns)
          let inverse = inverse(of: behind)
          let members = top..<min(rows, top + blockRows)
          let cost = members.reduce(0.0) {
            $0
              + removal(of: block, from: weights[$1], alive: behind, inverse: inverse).cost
          }
          units.append((top, block, cost / Double(members.count * block.count)))
        }
      }
      let (first, last) = (start / blockColumns, (end + blockColumns - 1) / blockColumns)
      let share = total * last / unitColumns - total * first / unitColumns
      for unit in units.sorted(by: { $0.cost < $1.cost }).prefix(share) {
        for row in unit.row..<min(rows, unit.row + blockRows) {
          for column in unit.columns { mask[row, column] = false }
        }
      }
      pass(start..<end, mask)
    }
    return mask
  }

  /// The sweep for N:M: a group is chosen when its first column is reached.
  mutating func sweep(kept: Int, group: Int) -> Mask {
    var mask = Mask(rows: rows, columns: columns, keepingAll: true)
    for start in stride(from: 0, to: columns, by: group) {
      let members = Array(start..<min(columns, start + group))
      for row in 0..<rows {
        let costs = members.map { column in
          weights[row][column] * weights[row][column]
            / inverse(of: Array(column..<columns))[0][0]
        }
        let order = members.indices.sorted { costs[$0] > costs[$1] }
        for index in order.dropFirst(kept) { mask[row, members[index]] = false }
      }
      pass(start..<members[members.count - 1] + 1, mask)
    }
    return mask
  }

  private mutating func pass(_ range: Range<Int>, _ mask: Mask) {
    for column in range {
      let behind = Array(column..<columns)
      let inverse = inverse(of: behind)
      for row in 0..<rows where !mask[row, column] {
        weights[row] =
          removal(of: [column], from: weights[row], alive: behind, inverse: inverse).weights
      }
    }
  }
}
