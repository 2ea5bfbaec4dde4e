internal import CellUI
internal import Experiments

/// A sweep as rows and columns: what varies most is laid out, the rest stands in the row's name.
struct SweepGrid {
  struct Row: Hashable {
    var title: String
    /// What the cells of this row share but for the column.
    var key: String
  }
  var rows: [Row] = []
  var columns: [String] = []
  /// Where the columns lie on the axis, ascending.
  var positions: [Double] = []
  /// What the columns are: `sparsity`, `tokens`, `threads`, `lambda`.
  var axis = "sparsity"
  /// Index of the plan's cell, row by row.
  private var indices: [Int?] = []

  init(_ state: State) {
    guard let plan = state.sweep.plan else { return }
    let knob: Knob =
      plan.tokens.count > 1 && plan.amounts.count <= 1
      ? .tokens
      : plan.threads.count > 1 && plan.amounts.count <= 1
        ? .threads : plan.amounts.contains { $0.lambda != nil } ? .lambda : .sparsity
    axis = knob.rawValue
    let names = Wording.short(plan.tensors)
    func position(_ cell: SweepCell) -> Double {
      switch knob {
      case .tokens: Double(cell.knobs.tokens)
      case .threads: Double(cell.knobs.threads)
      default: cell.knobs.amount.sparsity ?? cell.knobs.amount.lambda ?? 0
      }
    }
    for cell in state.sweep.cells where !positions.contains(position(cell)) {
      positions.append(position(cell))
    }
    positions.sort()
    columns = positions.map {
      switch knob {
      case .sparsity: Wording.percent($0)
      case .lambda: NumberText.shortest($0)
      default: NumberText.fixed($0, 0)
      }
    }
    var rowOf: [String: Int] = [:]
    for (index, cell) in state.sweep.cells.enumerated() {
      var parts = [cell.knobs.pattern.description]
      if plan.criteria.count > 1 { parts.append(cell.knobs.criterion?.rawValue ?? "default") }
      if plan.regularizers.count > 1 { parts.append(cell.knobs.regularizer.rawValue) }
      if plan.tokens.count > 1, knob != .tokens { parts.append("\(cell.knobs.tokens) tok") }
      if plan.threads.count > 1, knob != .threads { parts.append("\(cell.knobs.threads) thr") }
      if plan.dtypes.count > 1 { parts.append(cell.knobs.dtype.rawValue) }
      if plan.tensors.count > 1, let at = plan.tensors.firstIndex(of: cell.tensor) {
        parts.append(names[at])
      }
      let key = parts.joined(separator: " ")
      let row: Int
      if let known = rowOf[key] {
        row = known
      } else {
        row = rows.count
        rowOf[key] = row
        rows.append(Row(title: key, key: key))
        indices += Array(repeating: nil, count: columns.count)
      }
      if let column = positions.firstIndex(of: position(cell)) {
        indices[row * columns.count + column] = index
      }
    }
    if state.choices.isSweepSorted { sort(state) }
  }

  /// Puts the rows with the best figure of the shown column first; unknown ones last, ties in the
  /// plan's order.
  private mutating func sort(_ state: State) {
    let column = state.choices.sweepColumn
    let sign = Front.isBetterLarge(column) ? 1.0 : -1
    let best = rows.indices.map { row in
      columns.indices.compactMap { place -> Double? in
        cell(row, place).flatMap { state.sweep.rows[$0]?[column].number }.map { $0 * sign }
      }.max() ?? -.infinity
    }
    let order = rows.indices.sorted { best[$0] != best[$1] ? best[$0] > best[$1] : $0 < $1 }
    let count = columns.count
    indices = order.flatMap { indices[$0 * count..<($0 + 1) * count] }
    rows = order.map { rows[$0] }
  }

  /// The plan's cell at a place; nil where the pattern does not reach the sparsity.
  func cell(_ row: Int, _ column: Int) -> Int? {
    guard rows.indices.contains(row), columns.indices.contains(column) else { return nil }
    return indices[row * columns.count + column]
  }
}
