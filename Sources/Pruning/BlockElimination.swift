import Kernels
import Tensors

/// Block OBC: of every row of blocks the block that costs least is eliminated, the other weights of the
/// row answer, and so on until nothing is left; the order then gives a mask for any sparsity.
///
/// With `F = H'⁻¹` restricted to the columns still there, eliminating block `b` costs
/// `Σ_rows w_b (F_bb)⁻¹ w_bᵀ` and changes `w` by `-w_b (F_bb)⁻¹ F_b:` and `F` by `-F_:b (F_bb)⁻¹ F_b:`
/// (Frantar, Singh & Alistarh 2022, sections 4 and 5).
///
/// How it is carried out is ours. A block's columns are eliminated one by one, which gives the same `w`
/// and `F`; that makes the elimination of a row of blocks a Cholesky factorisation of `H'⁻¹` whose pivots
/// are chosen by cost. As in a blocked one, eight rank-one updates of `F` wait until they are applied in
/// one sweep, while the diagonal blocks, which costs need, and `w` are kept up to date.
/// Everything is in double precision: hundreds of updates follow one another.
struct BlockElimination {
  /// Widest input: the working copy of the inverse takes `8·inputs²` bytes.
  static let widestInput = 4096

  /// The order in which every row of blocks loses its blocks, and what each elimination costs.
  struct Trace: Sendable {
    let grid: UnitGrid
    /// `[unitRows, unitColumns]`: the block column that goes at each step.
    var order: [UInt32] = []
    /// What it costs, as a mean per weight of the block.
    var costs: [Float] = []

    /// Rows of blocks that are eliminated by now.
    var done: Int { order.count / grid.unitColumns }

    /// The units that stay when units go, cheapest next step first, until `stop` says so. Rows of blocks
    /// that are not eliminated yet keep theirs.
    ///
    /// Steps of one row of blocks keep their order whatever they cost; of equal ones the lower row goes
    /// first.
    /// - Parameter mayGo: whether a unit of so many weights may still go.
    /// - Complexity: O(steps · log unitRows).
    func kept(while mayGo: (Int) -> Bool) -> [Bool] {
      var kept = [Bool](repeating: true, count: grid.count)
      let width = grid.unitColumns
      var next = [Int](repeating: 0, count: grid.unitRows)
      var heap = Heap()
      for row in 0..<done { heap.push(costs[row * width], row) }
      while let row = heap.top {
        let step = row * width + next[row]
        let unit = row * width + Int(order[step])
        guard mayGo(grid.size(unit)) else { break }
        kept[unit] = false
        next[row] += 1
        if next[row] < width { heap.replaceTop(costs[step + 1]) } else { heap.pop() }
      }
      return kept
    }
  }

  private let grid: UnitGrid
  private let inverse: Matrix

  /// - Parameters:
  ///   - grid: the units, over `[outputs, inputs]`.
  ///   - inverse: `H'⁻¹ [inputs, inputs]`, columns in the units' layout.
  init(grid: UnitGrid, inverse: Matrix) {
    self.grid = grid
    self.inverse = inverse
  }

  /// Eliminates everything, one row of blocks after the other.
  ///
  /// - Parameter progress: called after each row of blocks with what is known by then; false cancels.
  /// - Returns: nil when cancelled.
  /// - Complexity: for each row of blocks `inputs³/3` multiplications and additions, and
  ///   `(inputs/width)²/2` block costs of `width³/6 + height·width²/2`.
  func trace(of weights: Matrix, progress: (Trace) -> Bool) -> Trace? {
    var trace = Trace(grid: grid)
    for unitRow in 0..<grid.unitRows {
      let rows = grid.rowRange(unitRow)
      var front = EliminationFront(
        weights: weights, rows: rows, grid: grid, inverse: inverse)
      for _ in 0..<grid.unitColumns {
        let (block, cost) = front.cheapest { _ in true }!
        front.eliminate(block)
        trace.order.append(UInt32(block))
        trace.costs.append(Float(cost / Double(rows.count * grid.columnRange(block).count)))
      }
      if !progress(trace) { return nil }
    }
    return trace
  }

  /// The same for whole rows, where nothing is left to answer: a row of units costs `Σ_rows w H' wᵀ`.
  ///
  /// Through the inverse that would be a factorisation as wide as the layer for each of its rows.
  /// - Complexity: one product, `2·outputs·inputs²` FLOP.
  static func trace(ofRows weights: Matrix, grid: UnitGrid, damped: Matrix) -> Trace {
    let costs = Product.multiply(weights, damped).rowProducts(weights)
    var trace = Trace(grid: grid)
    for unitRow in 0..<grid.unitRows {
      let rows = grid.rowRange(unitRow)
      trace.order.append(0)
      trace.costs.append(
        Float(costs[rows].reduce(0, +) / Double(rows.count * weights.columns)))
    }
    return trace
  }

  /// N:M by elimination: in every row the cheapest weight goes whose group still has too many.
  ///
  /// - Returns: nil when cancelled.
  func mask(
    of weights: Matrix, kept: Int, group: Int, progress: (Int, Mask) -> Bool
  ) -> Mask? {
    var mask = Mask(rows: weights.rows, columns: weights.columns, keepingAll: true)
    let columns = weights.columns
    for row in 0..<weights.rows {
      var front = EliminationFront(
        weights: weights, rows: row..<row + 1, grid: grid, inverse: inverse)
      var left = stride(from: 0, to: columns, by: group).map { min(group, columns - $0) }
      while let (column, _) = front.cheapest(where: { left[$0 / group] > kept }) {
        front.eliminate(column)
        left[column / group] -= 1
        mask[row, column] = false
      }
      if !progress(row + 1, mask) { return nil }
    }
    return mask
  }
}

/// The rows of blocks by what their next step costs, the cheapest on top, the lower row where costs are
/// equal.
private struct Heap {
  private var entries: [(cost: Float, row: Int)] = []

  var top: Int? { entries.first?.row }

  private static func precedes(_ a: (cost: Float, row: Int), _ b: (cost: Float, row: Int)) -> Bool {
    a.cost < b.cost || (a.cost == b.cost && a.row < b.row)
  }

  mutating func push(_ cost: Float, _ row: Int) {
    entries.append((cost, row))
    var place = entries.count - 1
    while place > 0, Self.precedes(entries[place], entries[(place - 1) / 2]) {
      entries.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func replaceTop(_ cost: Float) {
    entries[0].cost = cost
    sink()
  }

  mutating func pop() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    sink()
  }

  private mutating func sink() {
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < entries.count {
        if Self.precedes(entries[child], entries[least]) { least = child }
      }
      if least == place { return }
      entries.swapAt(place, least)
      place = least
    }
  }
}
