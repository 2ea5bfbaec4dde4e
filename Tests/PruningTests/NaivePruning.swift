import Experiments
import Tensors

/// A second implementation of every pattern, straight from the definitions: tables of doubles, whole
/// sorts, no words of bits. It shares nothing with the module under test.
struct NaivePruning {
  let weights: Matrix
  let scores: [[Double]]

  init(_ weights: Matrix, criterion: Criterion, factors: [Float]? = nil) {
    self.weights = weights
    scores = (0..<weights.rows).map { row in
      (0..<weights.columns).map { column in
        let w = weights[row, column]
        switch criterion {
        case .magnitude: return Double(w * w)
        case .l1: return Double(abs(w))
        case .wanda, .obs: return Double(w * w * factors![column])
        case .random: fatalError("a hash has no second definition")
        }
      }
    }
  }

  struct Unit {
    var weights: [(row: Int, column: Int)]
    var score: Double
  }

  func unit(_ rows: [Int], _ columns: Range<Int>) -> Unit {
    var members: [(Int, Int)] = []
    var sum = 0.0
    for row in rows {
      for column in columns {
        members.append((row, column))
        sum += scores[row][column]
      }
    }
    return Unit(weights: members, score: sum / Double(members.count))
  }

  func units(_ blockRows: Int, _ blockColumns: Int) -> [Unit] {
    tiles(Array(0..<weights.rows), blockRows, blockColumns)
  }

  /// Tiles over a list of rows, row-major.
  func tiles(_ rows: [Int], _ blockRows: Int, _ blockColumns: Int) -> [Unit] {
    var units: [Unit] = []
    var top = 0
    while top < rows.count {
      let own = Array(rows[top..<min(rows.count, top + blockRows)])
      var left = 0
      while left < weights.columns {
        units.append(unit(own, left..<min(weights.columns, left + blockColumns)))
        left += blockColumns
      }
      top += blockRows
    }
    return units
  }

  /// Indices by score descending, ties to the lower index.
  func ranking(_ scores: [Double]) -> [Int] {
    scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
  }

  func pruned(of count: Int, _ sparsity: Double) -> Int {
    Int((sparsity * Double(count) + 1e-6).rounded(.down))
  }

  func mask(_ pattern: Pattern, sparsity: Double, rowsShare: Double = 0) -> Mask {
    var mask = Mask(rows: weights.rows, columns: weights.columns)
    func keep(_ unit: Unit) {
      for place in unit.weights { mask[place.row, place.column] = true }
    }
    let total = weights.count
    switch pattern.base {
    case .block(let rows, let columns): keepBest(units(rows, columns), sparsity, keep)
    case .row: keepBest(units(1, weights.columns), sparsity, keep)
    case .column: keepBest(units(weights.rows, 1), sparsity, keep)
    case .nm(let kept, let group):
      for row in 0..<weights.rows {
        for start in stride(from: 0, to: weights.columns, by: group) {
          let columns = Array(start..<min(weights.columns, start + group))
          for index in ranking(columns.map { scores[row][$0] }).prefix(kept) {
            mask[row, columns[index]] = true
          }
        }
      }
    case .tile(let width):
      for unit in tileUnits(width, sparsity, rowsShare) { keep(unit) }
    case .tileElement(let width, let overlay):
      for unit in tileUnits(width, sparsity + overlay, rowsShare) { keep(unit) }
      let left = (0..<total).filter { !mask[$0 / weights.columns, $0 % weights.columns] }
      let order = ranking(left.map { scores[$0 / weights.columns][$0 % weights.columns] })
      for index in order.prefix(pruned(of: total, overlay)) {
        mask[left[index] / weights.columns, left[index] % weights.columns] = true
      }
    case .tileVector(let width):
      for unit in tileUnits(width, 1 - 2 * (1 - sparsity), rowsShare) { keep(unit) }
      var thinned = Mask(rows: weights.rows, columns: weights.columns)
      for row in 0..<weights.rows {
        let columns = (0..<weights.columns).filter { mask[row, $0] }
        for start in stride(from: 0, to: columns.count, by: 4) {
          let group = Array(columns[start..<min(columns.count, start + 4)])
          for index in ranking(group.map { scores[row][$0] }).prefix(2) {
            thinned[row, group[index]] = true
          }
        }
      }
      mask = thinned
    }
    return mask
  }

  private func keepBest(_ units: [Unit], _ sparsity: Double, _ keep: (Unit) -> Void) {
    let kept = units.count - pruned(of: units.count, sparsity)
    for index in ranking(units.map(\.score)).prefix(kept) { keep(units[index]) }
  }

  private func tileUnits(_ width: Int, _ sparsity: Double, _ rowsShare: Double) -> [Unit] {
    var rows = Array(0..<weights.rows)
    if rowsShare > 0 {
      let fraction = 1 - mathPow(1 - sparsity, rowsShare)
      let means = rows.map { scores[$0].reduce(0, +) / Double(weights.columns) }
      let kept = rows.count - pruned(of: rows.count, fraction)
      rows = ranking(means).prefix(kept).sorted()
    }
    let units = tiles(rows, width, 1)
    let target = weights.count - pruned(of: weights.count, sparsity)
    var held = 0
    var result: [Unit] = []
    for index in ranking(units.map(\.score)) where held < target {
      result.append(units[index])
      held += units[index].weights.count
    }
    return result
  }
}
