internal import CellUI
internal import Experiments

/// Patterns x sparsities, measured: a heat map that fills in, and the same as a table.
enum SweepPage {
  private static let tableColumns: [ResultColumn] = [
    .sparsityAchieved, .speedup, .speedupLow, .speedupHigh, .outputError, .sparseNs, .denseNs,
    .keptEnergy, .bytesSparse, .packNs, .verdict,
  ]

  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    guard state.sweep.plan != nil else {
      introduction(&frame, layout.body, state)
      return
    }
    let (map, side) = areas(layout)
    let name = columnTitle(state.choices.sweepColumn)
    let title = [
      Span("Sweep  ", theme.title), Span(name, theme.title),
      Span("  \(subject(state))", theme.muted),
    ]
    let inside = frame.box(
      map, title: title, note: progressNote(state), theme: theme, focused: true)
    progress(&frame, Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: 1), state)
    let content = mapRect(map)
    if state.choices.sweepForm == .table {
      frame.table(table(state), in: content, theme: theme)
    } else {
      let map = heatMap(state)
      frame.heatMap(map, in: content, theme: theme)
      let spare = content.height - map.rowLabels.count - 2
      if spare >= LineChart.least.height, content.width >= LineChart.least.width {
        SweepChart.draw(
          &frame,
          Rect(x: content.x, y: content.maxY - spare, width: content.width, height: spare), state)
      }
      legend(
        &frame, Rect(x: inside.x + 1, y: inside.maxY - 1, width: inside.width - 2, height: 1), state
      )
    }
    SweepSide.draw(&frame, side, state)
  }

  private static func areas(_ layout: ScreenLayout) -> (map: Rect, side: Rect) {
    let body = layout.body
    if body.width >= 110 {
      let parts = body.columns([.share(1), .fixed(min(48, body.width / 3))])
      return (parts[0], parts[1])
    }
    let parts = body.rows([.share(1), .fixed(6)])
    return (parts[0], parts[1])
  }

  private static func mapRect(_ map: Rect) -> Rect {
    let inside = map.inset(1, 1)
    return Rect(
      x: inside.x + 1, y: inside.y + 1, width: inside.width - 2, height: inside.height - 2)
  }

  /// What can be asked, over the cells that `s` measures.
  private static func introduction(_ frame: inout Frame, _ body: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(body, title: "Sweep", theme: theme)
    let text =
      "No sweep yet. s measures 13 patterns at 6 sparsities on this matrix, each against the best "
      + "dense kernel of this machine.\n\nOther questions, typed after a colon:\n"
      + "sweep pattern=32x1,tw64 sparsity=0.5:0.95:0.05\n"
      + "sweep pattern=32x1,1x1 tokens=1,8,32,128,512\n"
      + "sweep pattern=32x1 lambda=0.01,0.03,0.1,0.3\n"
      + "sweep tensor=* pattern=32x1 sparsity=0.8"
    let width = min(72, inside.width - 4)
    let lines = CellText.wrapped(text, to: width).count
    guard let map = preview(state), inside.height >= lines + map.rowLabels.count + 4 else {
      frame.putWrapped(
        text, in: inside.centered(width: width, height: lines), style: theme.text)
      return
    }
    let area = inside.centered(width: width, height: lines + map.rowLabels.count + 4)
    frame.putWrapped(text, in: area, style: theme.text)
    frame.put(
      "speedup over dense: · is what s measures", x: area.x, y: area.y + lines + 1,
      style: theme.muted, maxWidth: width)
    frame.heatMap(
      map,
      in: Rect(
        x: area.x, y: area.y + lines + 2, width: width, height: area.height - lines - 2),
      theme: theme)
  }

  /// The usual sweep with what was timed of it one by one.
  private static func preview(_ state: State) -> HeatMap? {
    guard let cell = state.cell, let model = state.model.value, let tensor = state.tensor,
      let plan = try? SweepPlan(terms: [], around: cell, model: model)
    else { return nil }
    let known = state.resultRows.filter { $0[.tensor] == .text(tensor.name) }
    var preview = state
    preview.choices.sweepColumn = .speedup
    preview.choices.sweepSort = .model
    preview.sweep.plan = plan
    preview.sweep.cells = plan.cells
    preview.sweep.rows = plan.cells.map { cell in
      known.last { $0.matches(cell.knobs, hasActivations: tensor.hasActivations) }
    }
    var map = heatMap(preview)
    map.selected = nil
    return map
  }

  private static func subject(_ state: State) -> String {
    guard let plan = state.sweep.plan else { return "" }
    let what =
      plan.tensors.count == 1
      ? Wording.short(state.model.value?.prunable.map(\.name) ?? [])[safe: index(plan, state)]
        ?? plan.tensors[0]
      : "\(plan.tensors.count) layers"
    return "\(what)  \(plan.tokens.count == 1 ? "\(plan.tokens[0]) tokens" : "")"
  }

  private static func index(_ plan: SweepPlan, _ state: State) -> Int {
    state.model.value?.prunable.firstIndex { $0.name == plan.tensors[0] } ?? -1
  }

  private static func progressNote(_ state: State) -> String {
    "\(state.sweep.finishedCount)/\(state.sweep.cells.count)"
  }

  private static func progress(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let sweep = state.sweep
    let share = sweep.cells.isEmpty ? 0 : Double(sweep.finishedCount) / Double(sweep.cells.count)
    var text: String
    var style = theme.muted
    switch sweep.status {
    case .running:
      text = Wording.whole(share)
      if let left = sweep.progress?.remainingSeconds {
        text += "  \(Figures.duration(nanoseconds: left * 1e9)) left"
      }
      text += "  x cancels"
      style = theme.accent
    case .finished:
      text = "all measured"
      if let elapsed = sweep.progress?.elapsedSeconds {
        text += " in \(Figures.duration(nanoseconds: elapsed * 1e9))"
      }
    case .cancelled: text = "cancelled; what was measured stays, r resumes"
    case .failed(let reason):
      text = reason + "; r resumes"
      style = theme.bad
    case .none: text = ""
    }
    let width = sweep.status == .running ? max(10, rect.width - CellText.width(text) - 2) : 0
    if width > 0 { frame.gauge(share, x: rect.x, y: rect.y, width: width, theme: theme) }
    let x = rect.x + (width > 0 ? width + 2 : 0)
    frame.put(text, x: x, y: rect.y, style: style, maxWidth: rect.maxX - x)
  }

  // MARK: The heat map

  static func heatMap(_ state: State) -> HeatMap {
    let grid = SweepGrid(state)
    let column = state.choices.sweepColumn
    let known = state.sweep.rows.compactMap { $0?[column].number }
    let (low, high) = (known.min() ?? 0, known.max() ?? 1)
    let strongest = strongestSpeedup(state)
    let cells = grid.rows.indices.map { row in
      grid.columns.indices.map { place -> HeatMap.Cell in
        guard let index = grid.cell(row, place) else { return HeatMap.Cell("", .plain) }
        guard let result = state.sweep.rows[index] else {
          return .pending
        }
        if result[.status] == .text(ResultStatus.failed.rawValue) { return .failed }
        if column == .speedup, let value = result[.speedup].number {
          return .speedup(
            value, low: result[.speedupLow].number ?? value,
            high: result[.speedupHigh].number ?? value, strongest: strongest)
        }
        guard let value = result[column].number else {
          return HeatMap.Cell(Figures.missing, .plain)
        }
        let tone = high > low ? (value - low) / (high - low) : 0.5
        return HeatMap.Cell(text(column, value), .sequential(tone))
      }
    }
    return HeatMap(
      rowLabels: grid.rows.map(\.title), columnLabels: grid.columns, cells: cells,
      selected: (
        min(state.sweep.cursorRow, max(0, grid.rows.count - 1)),
        min(state.sweep.cursorColumn, max(0, grid.columns.count - 1))
      ))
  }

  /// The factor, either way, that has the deepest colour.
  private static func strongestSpeedup(_ state: State) -> Double {
    state.sweep.rows.compactMap { $0?[.speedup].number }.filter { $0 > 0 }
      .map { max($0, 1 / $0) }.max() ?? 4
  }

  static func place(
    x: Int, y: Int, _ state: State, _ layout: ScreenLayout
  ) -> (row: Int, column: Int)? {
    guard state.sweep.plan != nil, state.choices.sweepForm == .chart else { return nil }
    return heatMap(state).cell(atX: x, y: y, in: mapRect(areas(layout).map))
  }

  private static func legend(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let column = state.choices.sweepColumn
    guard column == .speedup else {
      let known = state.sweep.rows.compactMap { $0?[column].number }
      if let low = known.min(), let high = known.max() {
        frame.scaleBar(
          theme.sequential, low: text(column, low), high: text(column, high), x: rect.x, y: rect.y,
          width: min(40, rect.width - 26), theme: theme)
      }
      let rest = "· not yet  \(Figures.missing) unknown"
      frame.put(
        rest, x: rect.maxX - CellText.width(rest), y: rect.y, style: theme.muted,
        maxWidth: rect.width)
      return
    }
    var x = rect.x
    for (mark, word, value) in [
      ("▲", "faster", 0.75), ("▼", "slower", -0.75), ("≈", "not told apart", 0.0),
    ] {
      var style = theme.text
      if theme.depth == .full, case .indexed(let index) = theme.diverging.color(value) {
        style = Style(Palette.ink(on: index), on: .indexed(index))
      }
      x = frame.put(" \(mark) ", x: x, y: rect.y, style: style)
      x = frame.put(" \(word)  ", x: x, y: rect.y, style: theme.muted, maxWidth: rect.maxX - x)
    }
    let deepest = "· not yet   deepest at \(Figures.ratio(strongestSpeedup(state)))"
    let rest = CellText.width(deepest) <= rect.maxX - x ? deepest : "· not yet"
    frame.put(rest, x: x, y: rect.y, style: theme.muted, maxWidth: rect.maxX - x)
  }

  private static func table(_ state: State) -> Table {
    let theme = state.theme
    let grid = SweepGrid(state)
    let finished = state.sweep.rows.indices.filter { state.sweep.rows[$0] != nil }
    let names = finished.map { grid.title(ofCell: $0) ?? "" }
    let width = max(7, names.map { CellText.width($0) }.max() ?? 0)
    var columns = [TableColumn("pattern", .fixed(min(width, 30)), truncation: .middle)]
    columns += tableColumns.enumerated().map { index, column in
      let title = shortTitle(column)
      return TableColumn(
        title, .fixed(max(title.count, 8)), .right, dropOrder: index < 2 ? 0 : index)
    }
    let cells = zip(finished, names).map { index, name -> [TableCell] in
      let row = state.sweep.rows[index] ?? ResultRow()
      return [TableCell(name)]
        + tableColumns.map { column -> TableCell in
          if let value = row[column].number {
            guard column == .speedup else { return TableCell(text(column, value)) }
            let isFaster = row[.verdict] == .text(Verdict.faster.rawValue)
            let isSlower = row[.verdict] == .text(Verdict.slower.rawValue)
            return TableCell(
              (isFaster ? "▲" : isSlower ? "▼" : "≈") + text(column, value),
              isFaster ? theme.good : isSlower ? theme.bad : theme.warning)
          }
          return TableCell(row[column] == .missing ? Figures.missing : row[column].text)
        }
    }
    return Table(
      columns: columns, rows: cells,
      selected: cells.isEmpty ? nil : min(state.sweep.cursorRow, cells.count - 1),
      focused: true)
  }

  // MARK: The cell under the cursor

  /// The plan's cell that is chosen, in the heat map or in the table.
  static func selectedCell(_ state: State, _ grid: SweepGrid) -> Int? {
    guard state.choices.sweepForm == .table else {
      return grid.cell(state.sweep.cursorRow, state.sweep.cursorColumn)
    }
    let finished = state.sweep.rows.indices.filter { state.sweep.rows[$0] != nil }
    return finished.isEmpty ? nil : finished[min(state.sweep.cursorRow, finished.count - 1)]
  }

  /// The row of the grid that the chosen cell is in.
  static func gridRow(_ state: State, _ grid: SweepGrid) -> Int {
    guard state.choices.sweepForm == .table, let cell = selectedCell(state, grid) else {
      return state.sweep.cursorRow
    }
    return grid.rows.indices.first { row in
      grid.columns.indices.contains { grid.cell(row, $0) == cell }
    } ?? 0
  }

  // MARK: Columns

  static func columnTitle(_ column: ResultColumn) -> String {
    switch column {
    case .speedup: "speedup over dense"
    case .sparseNs: "sparse time"
    case .denseNs: "dense time"
    case .outputError: "output error (proxy)"
    case .keptEnergy: "kept energy (proxy)"
    case .keptL1: "kept L1 (proxy)"
    case .weightError: "weight error (proxy)"
    case .cosine: "cosine (proxy)"
    case .bytesSparse: "bytes stored"
    case .sparsityAchieved: "zeros"
    case .packNs: "pack time"
    case .flopsExecuted: "FLOPs executed"
    case .flopsUseful: "useful FLOPs"
    case .bytesDense: "bytes dense"
    case .nnz: "kept weights"
    case .maxAbsError: "largest difference"
    case .samples: "sample pairs"
    case .outliers: "outliers"
    case .rankCorrelation: "rank correlation (proxy)"
    case .neighbourAgreement: "neighbour agreement (proxy)"
    default: column.rawValue
    }
  }

  /// As a table's head.
  static func shortTitle(_ column: ResultColumn) -> String {
    switch column {
    case .speedupLow: "low"
    case .speedupHigh: "high"
    case .sparseNs: "sparse"
    case .denseNs: "dense"
    case .outputError: "error"
    case .weightError: "w error"
    case .bytesSparse: "bytes"
    case .packNs: "packing"
    case .flopsExecuted: "FLOPs"
    default:
      columnTitle(column).replacing(" (proxy)", with: "").replacing(" over dense", with: "")
    }
  }

  static func format(_ column: ResultColumn) -> NumberFormat {
    switch column {
    case .speedup, .speedupLow, .speedupHigh: .ratio
    case .sparseNs, .denseNs, .packNs: .duration
    case .bytesSparse, .bytesDense: .bytes
    case .sparsityAchieved, .sparsityRequested: .percent
    case .flopsExecuted, .flopsUseful: .rate("FLOP")
    default: .plain
    }
  }

  static func text(_ column: ResultColumn, _ value: Double?) -> String {
    value.map { format(column).text($0) } ?? Figures.missing
  }
}

extension Array {
  subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
