import Kernels
import Tensors

/// SparseGPT's column sweep: columns are decided from left to right, and the error that pruning a weight
/// makes is passed on to the columns of its row that are still to come.
///
/// With `UᵀU = H'⁻¹` (see `inverseFactor`), pruning `w` in column `j` changes the weights that follow by
/// `-w/U_jj·U[j, j+1...]` and costs `(w/U_jj)²`. Columns go in batches of about 128; within one, masks are
/// chosen from the weights as they stand at its start, the later columns get the whole batch's errors by
/// one matrix product (Frantar & Alistarh 2023, 3.3 and algorithm 1).
///
/// Changed from the paper: blocks of `R` outputs by `C` inputs are units too. A unit's cost is what its
/// columns cost one after the other, `Σ_rows ‖w_b·U_bb⁻¹‖²`, which is the exact block form
/// `w_b ((F⁻¹)_bb)⁻¹ w_bᵀ` of the columns not yet decided. And what is pruned in all batches together is
/// exactly what was asked, whatever the batch width.
struct ColumnSweep {
  /// What is pruned together.
  enum Units {
    /// `kept` units of a grid in all.
    case grid(UnitGrid, kept: Int)
    /// The best `kept` of each `group` consecutive columns of a row.
    case groups(kept: Int, group: Int)
  }

  private(set) var weights: Matrix
  private(set) var mask: Mask
  private let factor: Matrix
  private let units: Units
  /// Columns that are decided.
  private(set) var done = 0

  /// - Parameters:
  ///   - weights: `[outputs, inputs]`, in the layout of the units.
  ///   - factor: `U [inputs, inputs]` in the same column order.
  init(weights: Matrix, factor: Matrix, units: Units) {
    self.weights = weights
    self.factor = factor
    self.units = units
    mask = Mask(rows: weights.rows, columns: weights.columns, keepingAll: true)
  }

  var isFinished: Bool { done >= weights.columns }

  /// A whole number of units near 128 columns.
  private var batchWidth: Int {
    let unit: Int =
      switch units {
      case .grid(let grid, _): grid.blockColumns
      case .groups(_, let group): min(group, weights.columns)
      }
    return max(unit, 128 / unit * unit)
  }

  /// Decides the next batch of columns.
  ///
  /// - Complexity: `2·outputs·width·(columns that follow)` FLOP, and `outputs·width²` within.
  mutating func step() {
    let columns = done..<min(weights.columns, done + batchWidth)
    let width = columns.count
    var work = weights.block(rows: 0..<weights.rows, columns: columns)
    let local = factor.block(rows: columns, columns: columns)
    var prune = [Bool](repeating: false, count: weights.rows * width)
    if case .grid(let grid, let kept) = units {
      choose(grid, kept, columns, work, local, &prune)
    }
    var errors = Matrix(rows: weights.rows, columns: width)
    for row in 0..<weights.rows {
      work.values.withUnsafeMutableBufferPointer { work in
        errors.values.withUnsafeMutableBufferPointer { errors in
          prune.withUnsafeMutableBufferPointer { prune in
            let first = row &* width
            carry(
              work.baseAddress! + first, errors.baseAddress! + first, prune.baseAddress! + first,
              local)
          }
        }
      }
    }
    let total = weights.columns
    for row in 0..<weights.rows {
      for offset in 0..<width {
        weights.values[row &* total &+ columns.lowerBound &+ offset] =
          work.values[row &* width &+ offset]
        if prune[row &* width &+ offset] { mask[row, columns.lowerBound + offset] = false }
      }
    }
    if columns.upperBound < total {
      let later = factor.block(rows: columns, columns: columns.upperBound..<total)
      let change = Product.multiply(errors, later)
      let count = total - columns.upperBound
      weights.values.withUnsafeMutableBufferPointer { weights in
        change.values.withUnsafeBufferPointer { change in
          for row in 0..<change.count / count {
            let line = weights.baseAddress! + (row &* total &+ columns.upperBound)
            for index in 0..<count { line[index] -= change[row &* count &+ index] }
          }
        }
      }
    }
    done = columns.upperBound
  }

  /// One row through the batch: errors are passed on as they arise.
  private func carry(
    _ work: UnsafeMutablePointer<Float>, _ errors: UnsafeMutablePointer<Float>,
    _ prune: UnsafeMutablePointer<Bool>, _ local: Matrix
  ) {
    let width = local.columns
    local.values.withUnsafeBufferPointer { local in
      for column in 0..<width {
        if case .groups(let kept, let group) = units, column % group == 0 {
          chooseGroup(work, prune, local, column..<min(column + group, width), kept, width)
        }
        guard prune[column] else { continue }
        let line = local.baseAddress! + column &* width
        let error = work[column] / line[column]
        errors[column] = error
        work[column] = 0
        for later in column &+ 1..<max(width, column &+ 1) { work[later] -= error * line[later] }
      }
    }
  }

  /// The cheapest weights of one row's group go; ties stay with the lower column.
  private func chooseGroup(
    _ work: UnsafeMutablePointer<Float>, _ prune: UnsafeMutablePointer<Bool>,
    _ local: UnsafeBufferPointer<Float>, _ columns: Range<Int>, _ kept: Int, _ width: Int
  ) {
    func cost(_ column: Int) -> Float {
      let error = work[column] / local[column &* width &+ column]
      return error * error
    }
    for column in columns {
      let own = cost(column)
      var better = 0
      for other in columns where other != column {
        let rival = cost(other)
        if rival > own || (rival == own && other < column) { better += 1 }
      }
      prune[column] = better >= kept
    }
  }

  /// The batch's share of what is pruned in all: the cheapest units of the batch.
  private func choose(
    _ grid: UnitGrid, _ kept: Int, _ columns: Range<Int>, _ work: Matrix, _ local: Matrix,
    _ prune: inout [Bool]
  ) {
    let first = columns.lowerBound / grid.blockColumns
    let last = (columns.upperBound + grid.blockColumns - 1) / grid.blockColumns
    let gone = grid.count - kept
    let share = gone * last / grid.unitColumns - gone * first / grid.unitColumns
    let own = UnitGrid(
      rows: grid.rows, columns: columns.count, blockRows: grid.blockRows,
      blockColumns: grid.blockColumns)
    let costs = Self.costs(of: own, work, local)
    let cut = Cut(keeping: own.count - share, of: costs)
    for unit in costs.indices where !cut.keeps(costs[unit], at: unit) {
      for row in own.rowRange(unit / own.unitColumns) {
        for column in own.columnRange(unit % own.unitColumns) {
          prune[row * columns.count + column] = true
        }
      }
    }
  }

  /// What pruning each unit would cost, as a mean per weight.
  private static func costs(of grid: UnitGrid, _ work: Matrix, _ local: Matrix) -> [Float] {
    var sums = [Double](repeating: 0, count: grid.count)
    let width = grid.columns
    var errors = [Float](repeating: 0, count: grid.blockColumns)
    for row in 0..<grid.rows {
      let base = row / grid.blockRows * grid.unitColumns
      for unitColumn in 0..<grid.unitColumns {
        let range = grid.columnRange(unitColumn)
        var sum: Float = 0
        // e·U_bb = w_b, column by column.
        for (index, column) in range.enumerated() {
          var value = work.values[row &* width &+ column]
          for before in 0..<index {
            value -= errors[before] * local.values[(range.lowerBound &+ before) &* width &+ column]
          }
          let error = value / local.values[column &* width &+ column]
          errors[index] = error
          sum += error * error
        }
        sums[base &+ unitColumn] += Double(sum)
      }
    }
    return sums.indices.map { Float(sums[$0] / Double(grid.size($0))) }
  }
}
