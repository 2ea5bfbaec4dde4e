import Tensors

/// One row of blocks on the way to being eliminated: its weights as they stand, and `F`, the inverse
/// restricted to the columns that are left.
///
/// Only the lower triangle of `F` is kept. Eliminated columns stay in it as zeros until a quarter of the
/// columns is gone; then what is left moves together, so the work shrinks with the cube of what is left.
struct EliminationFront {
  private let height: Int
  /// Columns of the storage, some of them perhaps eliminated; `columns[i]` is the original one.
  private var columns: [Int]
  private var isAlive: [Bool]
  /// First storage column and width of every block, by block; width 0 once eliminated.
  private var starts: [Int]
  private var widths: [Int]
  private var aliveBlocks: [Int]
  private var aliveColumns: Int
  /// `[height, columns]`.
  private var weights: [Double]
  /// Lower triangle, row-major, `stride` a row; behind by the updates in `pending`.
  private var inverse: [Double]
  private var stride: Int
  /// Up to date, whatever is pending: for each block its `[width, width]` part of `F`.
  private var diagonals: [[Double]]
  /// Scaled rows `F_j:/√F_jj` of eliminated columns that `inverse` does not know yet, `[count, columns]`.
  private var pending: [Double] = []
  private var pendingCount = 0
  private var costs: [Double]
  private static let panel = 8

  init(weights source: Matrix, rows: Range<Int>, grid: UnitGrid, inverse matrix: Matrix) {
    let total = grid.columns
    height = rows.count
    columns = Array(0..<total)
    isAlive = [Bool](repeating: true, count: total)
    let ranges = (0..<grid.unitColumns).map { grid.columnRange($0) }
    starts = ranges.map(\.lowerBound)
    widths = ranges.map(\.count)
    aliveBlocks = Array(0..<grid.unitColumns)
    aliveColumns = total
    weights = rows.flatMap { row in (0..<total).map { Double(source[row, $0]) } }
    stride = (total + 7) / 8 * 8
    inverse = [Double](repeating: 0, count: total * stride)
    for row in 0..<total {
      for column in 0...row { inverse[row * stride + column] = Double(matrix[row, column]) }
    }
    diagonals = ranges.map { range in
      range.flatMap { row in range.map { Double(matrix[max(row, $0), min(row, $0)]) } }
    }
    costs = [Double](repeating: 0, count: grid.unitColumns)
    for block in 0..<grid.unitColumns { costs[block] = cost(of: block) }
  }

  /// The cheapest block that is left and allowed, and what eliminating it costs; the first of equal ones.
  func cheapest(where isAllowed: (Int) -> Bool) -> (block: Int, cost: Double)? {
    var best: (block: Int, cost: Double)?
    for block in aliveBlocks where isAllowed(block) {
      if best == nil || costs[block] < best!.cost { best = (block, costs[block]) }
    }
    return best
  }

  /// Removes a block: the weights that are left answer.
  mutating func eliminate(_ block: Int) {
    for column in starts[block]..<starts[block] + widths[block] { eliminate(column: column) }
    aliveBlocks.removeAll { $0 == block }
    widths[block] = 0
    diagonals[block] = []
    if aliveColumns * 4 <= columns.count * 3 { compact() }
    for other in aliveBlocks { costs[other] = cost(of: other) }
  }

  private mutating func eliminate(column: Int) {
    let count = columns.count
    // Row `column` of F as it stands now.
    var row = [Double](repeating: 0, count: stride)
    inverse.withUnsafeBufferPointer { inverse in
      for index in 0...column { row[index] = inverse[column &* stride &+ index] }
      for index in column &+ 1..<max(count, column &+ 1) {
        row[index] = inverse[index &* stride &+ column]
      }
    }
    for update in 0..<pendingCount {
      let base = update &* stride
      let factor = pending[base &+ column]
      pending.withUnsafeBufferPointer { pending in
        row.withUnsafeMutableBufferPointer { row in
          for index in 0..<row.count { row[index] -= factor * pending[base &+ index] }
        }
      }
    }
    for index in 0..<count where !isAlive[index] { row[index] = 0 }
    let pivot = max(row[column], .leastNormalMagnitude)
    for line in 0..<height {
      let factor = weights[line &* count &+ column] / pivot
      weights.withUnsafeMutableBufferPointer { weights in
        row.withUnsafeBufferPointer { row in
          for index in 0..<count { weights[line &* count &+ index] -= factor * row[index] }
        }
      }
      weights[line &* count &+ column] = 0
    }
    let scale = 1 / pivot.squareRoot()
    for index in row.indices { row[index] *= scale }
    for block in aliveBlocks {
      let (first, width) = (starts[block], widths[block])
      diagonals[block].withUnsafeMutableBufferPointer { diagonal in
        for i in 0..<width {
          for j in 0..<width { diagonal[i &* width &+ j] -= row[first &+ i] * row[first &+ j] }
        }
      }
    }
    isAlive[column] = false
    aliveColumns -= 1
    pending += row
    pendingCount += 1
    if pendingCount == Self.panel { apply() }
  }

  /// Brings `inverse` up to date with what is pending.
  private mutating func apply() {
    defer {
      pending.removeAll(keepingCapacity: true)
      pendingCount = 0
    }
    if pendingCount == 0 { return }
    // A panel that is not full is filled up with zeros.
    pending += [Double](repeating: 0, count: (Self.panel - pendingCount) * stride)
    let (stride, count) = (stride, columns.count)
    inverse.withUnsafeMutableBytes { inverse in
      pending.withUnsafeBytes { pending in
        let updates = pending.baseAddress!
        func value(_ update: Int, _ index: Int) -> Double {
          updates.load(
            fromByteOffset: (update &* stride &+ index) &* 8, as: Double.self)
        }
        for row in 0..<count where isAlive[row] {
          let (f0, f1, f2, f3) = (value(0, row), value(1, row), value(2, row), value(3, row))
          let (f4, f5, f6, f7) = (value(4, row), value(5, row), value(6, row), value(7, row))
          let line = inverse.baseAddress! + row &* stride &* 8
          var offset = 0
          // The last vector may reach beyond the diagonal, into elements that nobody reads.
          while offset <= row &* 8 {
            @inline(__always) func part(_ update: Int) -> SIMD8<Double> {
              updates.loadUnaligned(
                fromByteOffset: update &* stride &* 8 &+ offset, as: SIMD8<Double>.self)
            }
            var sum = line.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
            sum -= f0 * part(0)
            sum -= f1 * part(1)
            sum -= f2 * part(2)
            sum -= f3 * part(3)
            sum -= f4 * part(4)
            sum -= f5 * part(5)
            sum -= f6 * part(6)
            sum -= f7 * part(7)
            line.storeBytes(of: sum, toByteOffset: offset, as: SIMD8<Double>.self)
            offset &+= 64
          }
        }
      }
    }
  }

  /// Moves what is left together.
  private mutating func compact() {
    apply()
    let left = columns.indices.filter { isAlive[$0] }
    let (oldStride, oldCount) = (stride, columns.count)
    stride = (left.count + 7) / 8 * 8
    var smaller = [Double](repeating: 0, count: left.count * stride)
    inverse.withUnsafeBufferPointer { inverse in
      for (row, from) in left.enumerated() {
        for column in 0...row {
          smaller[row &* stride &+ column] = inverse[from &* oldStride &+ left[column]]
        }
      }
    }
    inverse = smaller
    weights = (0..<height).flatMap { line in left.map { weights[line * oldCount + $0] } }
    var place = [Int](repeating: 0, count: oldCount)
    for (new, old) in left.enumerated() { place[old] = new }
    for block in aliveBlocks { starts[block] = place[starts[block]] }
    columns = left.map { columns[$0] }
    isAlive = [Bool](repeating: true, count: left.count)
  }

  /// `Σ_rows w_b (F_bb)⁻¹ w_bᵀ`.
  private func cost(of block: Int) -> Double {
    let (first, width, count) = (starts[block], widths[block], columns.count)
    if width == 1 {
      var sum = 0.0
      for line in 0..<height {
        let value = weights[line &* count &+ first]
        sum += value * value
      }
      return sum / max(diagonals[block][0], .leastNormalMagnitude)
    }
    var factor = diagonals[block]
    choleskyInPlace(&factor, size: width)
    var sum = 0.0
    var solved = [Double](repeating: 0, count: width)
    for line in 0..<height {
      for row in 0..<width {
        var value = weights[line &* count &+ first &+ row]
        for k in 0..<row { value -= factor[row &* width &+ k] * solved[k] }
        solved[row] = value / factor[row &* width &+ row]
        sum += solved[row] * solved[row]
      }
    }
    return sum
  }
}
