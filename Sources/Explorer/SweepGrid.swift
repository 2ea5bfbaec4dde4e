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
    let knob = Self.axis(state)
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
      if plan.amounts.count > 1, knob != .sparsity, knob != .lambda {
        parts.append(
          cell.knobs.requestedSparsity.map(Wording.percent)
            ?? "λ \(NumberText.shortest(cell.knobs.amount.lambda ?? 0))")
      }
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
    switch state.choices.sweepSort {
    case .model: break
    case .best: sort(state)
    case .family: groupByFamily(state)
    }
  }

  /// What can lie along the columns.
  static let axes: [Knob] = [.sparsity, .lambda, .tokens, .threads]

  /// What of that has more than one value in a plan, what is swept first.
  static func varying(_ plan: SweepPlan?) -> [Knob] {
    guard let plan else { return [] }
    let amount: Knob = plan.amounts.contains { $0.lambda != nil } ? .lambda : .sparsity
    let found = [
      (amount, plan.amounts.count), (.tokens, plan.tokens.count), (.threads, plan.threads.count),
    ].filter { $0.1 > 1 }.map(\.0)
    return found.isEmpty ? [amount] : found
  }

  /// The chosen axis, if it varies, else the first that does.
  static func axis(_ state: State) -> Knob {
    let axes = varying(state.sweep.plan)
    return state.choices.sweepAxis.flatMap { axes.contains($0) ? $0 : nil } ?? axes.first
      ?? .sparsity
  }

  /// The title of the row that a cell of the plan is in.
  func title(ofCell index: Int) -> String? {
    guard let place = indices.firstIndex(of: index), !columns.isEmpty else { return nil }
    return rows[place / columns.count].title
  }

  /// Puts patterns of one family together, in the order of the trade-off's legend.
  private mutating func groupByFamily(_ state: State) {
    let ranks = rows.indices.map { row -> Int in
      let cell = columns.indices.compactMap { self.cell(row, $0) }.first
      guard let cell else { return TradeOffPage.families.count }
      return TradeOffPage.families.firstIndex(of: state.sweep.cells[cell].knobs.pattern.family)
        ?? TradeOffPage.families.count
    }
    reorder(rows.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) })
  }

  private mutating func reorder(_ order: [Int]) {
    let count = columns.count
    indices = order.flatMap { indices[$0 * count..<($0 + 1) * count] }
    rows = order.map { rows[$0] }
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
    reorder(rows.indices.sorted { best[$0] != best[$1] ? best[$0] > best[$1] : $0 < $1 })
  }

  /// The plan's cell at a place; nil where the pattern does not reach the sparsity.
  func cell(_ row: Int, _ column: Int) -> Int? {
    guard rows.indices.contains(row), columns.indices.contains(column) else { return nil }
    return indices[row * columns.count + column]
  }
}
