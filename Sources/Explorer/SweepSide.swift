internal import CellUI
internal import Experiments

/// What a sweep says so far: the cell under the cursor, the fastest within each error, and from
/// where each pattern wins.
enum SweepSide {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let grid = SweepGrid(state)
    guard let index = SweepPage.selectedCell(state, grid) else {
      let inside = frame.box(rect, title: "Cell", theme: theme)
      frame.putWrapped(
        "this pattern does not reach this sparsity", in: inside.inset(1, 0), style: theme.muted)
      return
    }
    let cell = state.sweep.cells[index]
    var title = cell.knobs.pattern.description
    if let zeros = cell.knobs.requestedSparsity { title += "  \(Wording.percent(zeros))" }
    let inside = frame.box(rect, title: title, note: "Enter opens it", theme: theme)
    let lines = figures(state.sweep.rows[index])
    if inside.height < 7 {
      twoColumns(&frame, inside, lines, theme)
      return
    }
    var y = inside.y
    for line in lines where y < inside.maxY {
      put(&frame, line, x: inside.x + 1, y: y, maxX: inside.maxX - 1, theme)
      y += 1
    }
    if let note = state.sweep.rows[index]?[.note], note != .missing {
      let room = Rect(x: inside.x + 1, y: y, width: inside.width - 2, height: inside.maxY - y)
      y += frame.putWrapped("! \(note.text)", in: room, style: theme.warning)
    }
    summary(
      &frame,
      Rect(x: inside.x + 1, y: y + 1, width: inside.width - 2, height: inside.maxY - y - 1), state)
  }

  private static func figures(_ row: ResultRow?) -> [(String, String)] {
    guard let row else { return [("", "not measured yet")] }
    var lines: [(String, String)] = []
    if let speed = row[.speedup].number, let low = row[.speedupLow].number,
      let high = row[.speedupHigh].number
    {
      lines.append(("speedup", Wording.speedup(Interval(estimate: speed, low: low, high: high))))
    }
    func text(_ column: ResultColumn) -> String { SweepPage.text(column, row[column].number) }
    lines += [
      ("dense", "\(text(.denseNs))  \(row[.kernelDense].text)"),
      ("sparse", "\(text(.sparseNs))  \(row[.kernelSparse].text)"),
      ("output error", text(.outputError)), ("kept energy", text(.keptEnergy)),
      ("zeros", text(.sparsityAchieved)), ("bytes", text(.bytesSparse)), ("pack", text(.packNs)),
    ]
    return lines
  }

  private static func put(
    _ frame: inout Frame, _ line: (String, String), x: Int, y: Int, maxX: Int, _ theme: Theme
  ) {
    frame.put(line.0, x: x, y: y, style: theme.muted)
    let start = line.0.isEmpty ? x : x + 13
    let room = maxX - start
    frame.put(
      Wording.fitting(line.1, room), x: start, y: y, style: theme.text, maxWidth: room)
  }

  private static func twoColumns(
    _ frame: inout Frame, _ inside: Rect, _ lines: [(String, String)], _ theme: Theme
  ) {
    let half = inside.width / 2
    for (index, line) in lines.prefix(2 * inside.height).enumerated() {
      let isSecond = index >= inside.height
      put(
        &frame, line, x: inside.x + 1 + (isSecond ? half : 0), y: inside.y + index % inside.height,
        maxX: isSecond ? inside.maxX : inside.x + half, theme)
    }
  }

  private static func summary(_ frame: inout Frame, _ area: Rect, _ state: State) {
    let theme = state.theme
    let rows = state.sweep.rows.compactMap { $0 }
    guard area.height >= 3, !rows.isEmpty else { return }
    func speed(_ row: ResultRow) -> Double { row[.speedup].number ?? 0 }
    let faster = rows.count { $0[.verdict] == .text(Verdict.faster.rawValue) }
    let slower = rows.count { $0[.verdict] == .text(Verdict.slower.rawValue) }
    let same = rows.count - faster - slower
    let text =
      "Of \(rows.count) measured, \(faster) are faster than dense, \(slower) slower, "
      + "\(same) not told apart."
    var y = area.y + frame.putWrapped(text, in: area, style: theme.text) + 1
    func line(_ name: String, _ text: String, _ style: Style) {
      guard y < area.maxY else { return }
      frame.put(name, x: area.x, y: y, style: theme.muted, maxWidth: 12)
      frame.put(text, x: area.x + 13, y: y, style: style, maxWidth: area.width - 13)
      y += 1
    }
    // What is not measured yet may change both.
    let soFar = state.sweep.finishedCount < state.sweep.cells.count ? ", so far" : ""
    var shown: ResultRow?
    if area.maxY - y >= 4, rows.contains(where: { $0[.outputError].number != nil }) {
      frame.put(
        "Fastest within an output error of" + soFar, x: area.x, y: y, style: theme.title,
        maxWidth: area.width)
      y += 1
      for limit in [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7] {
        let within = rows.filter { ($0[.outputError].number ?? .infinity) <= limit }
        let best = within.filter { $0[.verdict] == .text(Verdict.faster.rawValue) }
          .max { speed($0) < speed($1) }
        // A higher limit that changes nothing needs no line.
        guard best != shown || (best == nil && limit == 0.05) else { continue }
        shown = best
        let found = best.map {
          "\($0[.pattern].text)  \(Figures.percent($0[.sparsityAchieved].number, places: 0))  "
            + "▲\(Figures.ratio(speed($0)))"
        }
        line(
          NumberText.fixed(limit, 2),
          found ?? (within.isEmpty ? "nothing is as close" : "nothing is faster"),
          found == nil ? theme.muted : theme.text)
      }
      y += 1
    }
    let grid = SweepGrid(state)
    guard area.maxY - y >= 4, grid.positions.count > 1 else { return }
    frame.put("Faster than dense from" + soFar, x: area.x, y: y, style: theme.title)
    y += 1
    for (index, row) in grid.rows.enumerated() where y < area.maxY {
      let known = grid.columns.indices.compactMap { place -> (String, Bool)? in
        guard let cell = grid.cell(index, place), let result = state.sweep.rows[cell] else {
          return nil
        }
        return (grid.columns[place], result[.verdict] == .text(Verdict.faster.rawValue))
      }
      guard !known.isEmpty else { continue }
      // From where on all that follow are faster too; the curve need not rise everywhere.
      let start = known.lastIndex { !$0.1 }.map { $0 + 1 } ?? 0
      let text = start < known.count ? known[start].0 : "nowhere so far"
      line(row.title, text, start < known.count ? theme.text : theme.muted)
    }
  }
}
