internal import CellUI
internal import Experiments

/// Patterns x sparsities, measured: a heat map that fills in, and the same as a table.
enum SweepPage {
  private static let tableColumns: [ResultColumn] = [
    .pattern, .sparsityAchieved, .speedup, .speedupLow, .speedupHigh, .sparseNs, .denseNs,
    .outputError, .keptEnergy, .bytesSparse, .verdict,
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
      frame.heatMap(heatMap(state), in: content, theme: theme)
      legend(
        &frame, Rect(x: inside.x + 1, y: inside.maxY - 1, width: inside.width - 2, height: 1), state
      )
    }
    cellPanel(&frame, side, state)
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

  private static func introduction(_ frame: inout Frame, _ body: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(body, title: "Sweep", theme: theme)
    let area = inside.centered(width: min(72, inside.width - 4), height: 9)
    let text =
      "No sweep yet. s measures 13 patterns at 6 sparsities on this matrix, each against the best "
      + "dense kernel of this machine.\n\nOther questions, typed after a colon:\n"
      + "sweep pattern=32x1,tw64 sparsity=0.5:0.95:0.05\n"
      + "sweep pattern=32x1,1x1 tokens=1,8,32,128,512\n"
      + "sweep tensor=* pattern=32x1 sparsity=0.8"
    frame.putWrapped(text, in: area, style: theme.text)
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
    case .cancelled: text = "cancelled; what was measured stays"
    case .failed(let reason):
      text = reason
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
    let next = state.sweep.status == .running ? state.sweep.rows.firstIndex { $0 == nil } : nil
    let cells = grid.rows.indices.map { row in
      grid.columns.indices.map { place -> HeatMap.Cell in
        guard let index = grid.cell(row, place) else { return HeatMap.Cell("", .plain) }
        guard let result = state.sweep.rows[index] else {
          return index == next ? .running : .pending
        }
        if result[.status] == .text(ResultStatus.failed.rawValue) { return .failed }
        if column == .speedup, let value = result[.speedup].number {
          return .speedup(
            value, low: result[.speedupLow].number ?? value,
            high: result[.speedupHigh].number ?? value)
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

  static func place(
    x: Int, y: Int, _ state: State, _ layout: ScreenLayout
  ) -> (row: Int, column: Int)? {
    guard state.sweep.plan != nil, state.choices.sweepForm == .chart else { return nil }
    return heatMap(state).cell(atX: x, y: y, in: mapRect(areas(layout).map))
  }

  private static func legend(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    guard state.choices.sweepColumn == .speedup else {
      frame.put(
        "dark low, bright high   · not yet   … measuring   – unknown", x: rect.x, y: rect.y,
        style: theme.muted, maxWidth: rect.width)
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
    frame.put(
      "· not yet  … measuring", x: x, y: rect.y, style: theme.muted, maxWidth: rect.maxX - x)
  }

  private static func table(_ state: State) -> Table {
    let rows = state.sweep.rows.compactMap { $0 }
    let columns = tableColumns.enumerated().map { index, column in
      TableColumn(
        column.rawValue, .fixed(max(column.rawValue.count, 9)), index == 0 ? .left : .right,
        dropOrder: index < 3 ? 0 : index)
    }
    let cells = rows.map { row in
      tableColumns.map { column -> TableCell in
        if let value = row[column].number { return TableCell(text(column, value)) }
        return TableCell(row[column] == .missing ? Figures.missing : row[column].text)
      }
    }
    return Table(
      columns: columns, rows: cells,
      selected: rows.isEmpty ? nil : min(state.sweep.cursorRow, rows.count - 1),
      focused: true)
  }

  // MARK: The cell under the cursor

  private static func cellPanel(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let grid = SweepGrid(state)
    guard let index = grid.cell(state.sweep.cursorRow, state.sweep.cursorColumn) else {
      let inside = frame.box(rect, title: "Cell", theme: theme)
      frame.putWrapped(
        "this pattern does not reach this sparsity", in: inside.inset(1, 0), style: theme.muted)
      return
    }
    let cell = state.sweep.cells[index]
    let title = "\(cell.knobs.pattern)  \(grid.columns[state.sweep.cursorColumn])"
    let inside = frame.box(rect, title: title, note: "Enter opens it", theme: theme)
    guard let row = state.sweep.rows[index] else {
      frame.put("not measured yet", x: inside.x + 1, y: inside.y, style: theme.muted)
      best(&frame, inside, state, from: inside.y + 2)
      return
    }
    var lines: [(String, String)] = []
    if let speed = row[.speedup].number, let low = row[.speedupLow].number,
      let high = row[.speedupHigh].number
    {
      lines.append(
        ("speedup", Wording.speedup(Interval(estimate: speed, low: low, high: high))))
    }
    lines += [
      ("dense", "\(text(.denseNs, row[.denseNs].number))  \(row[.kernelDense].text)"),
      ("sparse", "\(text(.sparseNs, row[.sparseNs].number))  \(row[.kernelSparse].text)"),
      ("output error", text(.outputError, row[.outputError].number)),
      ("kept energy", text(.keptEnergy, row[.keptEnergy].number)),
      ("zeros", text(.sparsityAchieved, row[.sparsityAchieved].number)),
      ("bytes", text(.bytesSparse, row[.bytesSparse].number)),
      ("pack", text(.packNs, row[.packNs].number)),
    ]
    if row[.note] != .missing { lines.append(("note", row[.note].text)) }
    let isWide = inside.height < 7
    let half = inside.width / 2
    for (index, line) in lines.enumerated() {
      let x = inside.x + 1 + (isWide && index >= inside.height ? half : 0)
      let y = inside.y + (isWide ? index % max(1, inside.height) : index)
      guard y < inside.maxY, !isWide || index < 2 * inside.height else { break }
      frame.put(line.0, x: x, y: y, style: theme.muted)
      frame.put(
        line.1, x: x + 13, y: y, style: theme.text,
        maxWidth: (isWide ? min(inside.maxX, x + half - 1) : inside.maxX) - x - 13)
    }
    if !isWide { best(&frame, inside, state, from: inside.y + lines.count + 1) }
  }

  /// What the sweep says so far, in words.
  private static func best(_ frame: inout Frame, _ inside: Rect, _ state: State, from y: Int) {
    let theme = state.theme
    let rows = state.sweep.rows.compactMap { $0 }
    guard inside.maxY - y >= 3, !rows.isEmpty else { return }
    func speed(_ row: ResultRow) -> Double { row[.speedup].number ?? 0 }
    var text = ""
    if let best = rows.max(by: { speed($0) < speed($1) }), speed(best) > 0 {
      text +=
        "Fastest: \(best[.pattern].text) at \(Figures.percent(best[.sparsityAchieved].number, places: 0)), "
        + "\(Figures.ratio(speed(best)))."
    }
    let faster = rows.count { $0[.verdict] == .text(Verdict.faster.rawValue) }
    let slower = rows.count { $0[.verdict] == .text(Verdict.slower.rawValue) }
    text += " \(faster) of \(rows.count) are faster than dense, \(slower) slower."
    let usable = rows.filter { ($0[.outputError].number ?? 1) <= 0.2 }
    if let best = usable.max(by: { speed($0) < speed($1) }), speed(best) > 0 {
      text +=
        " Within an output error of 0.2: \(best[.pattern].text) at "
        + "\(Figures.percent(best[.sparsityAchieved].number, places: 0)), \(Figures.ratio(speed(best)))."
    }
    frame.putWrapped(
      text, in: Rect(x: inside.x + 1, y: y, width: inside.width - 2, height: inside.maxY - y),
      style: theme.text)
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
    default: column.rawValue
    }
  }

  static func format(_ column: ResultColumn) -> NumberFormat {
    switch column {
    case .speedup, .speedupLow, .speedupHigh: .ratio
    case .sparseNs, .denseNs, .packNs: .duration
    case .bytesSparse, .bytesDense: .bytes
    case .sparsityAchieved, .sparsityRequested: .percent
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
