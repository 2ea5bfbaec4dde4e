internal import CellUI
internal import Experiments

/// The session so far, what undo would take back, and the two held states.
enum LogPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    let (list, side, undo) = areas(layout, state)
    let entries = state.log.entries
    let inside = frame.box(
      list, title: "Session", note: "\(entries.count) line\(entries.count == 1 ? "" : "s")",
      theme: theme, focused: true)
    if entries.isEmpty {
      frame.put("nothing done yet", x: inside.x + 1, y: inside.y, style: theme.muted)
    } else {
      frame.table(table(state), in: inside, theme: theme)
    }
    if let side { comparison(&frame, side, state) }
    if let undo { history(&frame, undo, state) }
  }

  static func place(y: Int, _ state: State, _ layout: ScreenLayout) -> (row: Int, column: Int)? {
    let list = areas(layout, state).list.inset(1, 1)
    return table(state).row(atY: y, in: list).map { ($0, 0) }
  }

  private static func areas(
    _ layout: ScreenLayout, _ state: State
  ) -> (list: Rect, side: Rect?, undo: Rect?) {
    let body = layout.body
    if body.width >= 110 {
      let parts = body.columns([.share(1), .share(1)])
      guard body.height >= 30 else { return (parts[0], parts[1], nil) }
      let halves = parts[1].rows([.share(1), .share(1)])
      return (parts[0], halves[0], halves[1])
    }
    if state.log.showsComparison || state.choices.held.contains(where: { $0 != nil }) {
      let parts = body.rows([.share(1), .fixed(min(15, body.height - 6))])
      return (parts[0], parts[1], nil)
    }
    let parts = body.rows([.share(1), .fixed(5)])
    return (parts[0], parts[1], nil)
  }

  private static func table(_ state: State) -> Table {
    let theme = state.theme
    let rows = state.log.entries.enumerated().map { index, entry -> [TableCell] in
      let (mark, style): (String, Style) =
        switch entry.kind {
        case .command: (" ", theme.text)
        case .result: ("=", theme.accent)
        case .note: ("#", theme.warning)
        case .problem: ("✗", theme.bad)
        }
      return [
        TableCell(String(index + 1), theme.muted), TableCell(mark, style),
        TableCell(entry.text, style),
      ]
    }
    let at = state.log.selected ?? rows.count - 1
    return Table(
      columns: [
        TableColumn("", .fixed(4), .right), TableColumn("", .fixed(1)),
        TableColumn("", .flexible(minimum: 20)),
      ], rows: rows, selected: max(0, at), offset: max(0, at - 10), showsTitles: false,
      focused: true)
  }

  /// What undo takes back, newest first, under what redo makes again.
  private static func history(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let (undo, redo) = (state.history.undo, state.history.redo)
    let inside = frame.box(
      rect, title: "Undo and redo", note: "\(undo.count) back, \(redo.count) on", theme: theme)
    guard !undo.isEmpty || !redo.isEmpty else {
      frame.putWrapped(
        "Nothing to undo yet: u takes back what was chosen, ^R makes it again. Measurements stay.",
        in: inside.inset(1, 0), style: theme.muted)
      return
    }
    // The nearest ones stay where there is no room for all.
    let again = redo.suffix(inside.height / 3).map(\.command)
    let back = undo.suffix(max(0, inside.height - again.count)).map(\.command).reversed()
    let lines =
      again.enumerated().map { ($1, $0 == again.count - 1 ? "^R" : "", theme.muted) }
      + back.enumerated().map { ($1, $0 == 0 ? "u" : "", $0 == 0 ? theme.text : theme.muted) }
    for (index, line) in lines.prefix(inside.height).enumerated() {
      frame.put(line.1, x: inside.x + 1, y: inside.y + index, style: theme.key)
      frame.put(
        line.0, x: inside.x + 5, y: inside.y + index, style: line.2, maxWidth: inside.width - 6)
    }
  }

  private static func comparison(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: "A against B", theme: theme, focused: state.log.showsComparison)
    let area = inside.inset(1, 0)
    guard let first = state.held(.a) ?? state.current, let second = state.held(.b) ?? state.current,
      state.choices.held.contains(where: { $0 != nil })
    else {
      let entries = state.log.entries
      let selected = state.log.selected ?? entries.count - 1
      if entries.indices.contains(selected), CellText.width(entries[selected].text) > area.width {
        frame.putWrapped(entries[selected].text, in: area, style: theme.text)
        return
      }
      let undo = state.history.undoable.map { "u takes back: \($0)" } ?? "nothing to undo"
      let redo = state.history.redoable.map { "; ^R makes again: \($0)" } ?? ""
      frame.putWrapped(
        "a and b hold a state, c compares them with each other or with what is shown; \(undo)\(redo).",
        in: area, style: theme.muted)
      return
    }
    let names = [
      state.held(.a) == nil ? "now" : "A", state.held(.b) == nil ? "now" : "B",
    ]
    let comparison = Comparison(first, second)
    let width = max(10, (area.width - 16) / 2)
    frame.put(names[0], x: area.x + 15, y: area.y, style: theme.title)
    frame.put(names[1], x: area.x + 15 + width, y: area.y, style: theme.title)
    var y = area.y + 1
    let sentence = comparison.sentence(names[0], names[1])
    let needed = CellText.wrapped(sentence, to: area.width).count
    for line in comparison.lines where y < area.maxY - needed {
      frame.put(line.name, x: area.x, y: y, style: theme.muted, maxWidth: 14)
      if line.first == line.second {
        frame.put(
          "\(line.first)  in both", x: area.x + 15, y: y, style: theme.muted,
          maxWidth: area.width - 15, truncation: .head)
        y += 1
        continue
      }
      let style = line.first == line.second ? theme.muted : theme.text
      frame.put(line.first, x: area.x + 15, y: y, style: style, maxWidth: width - 1)
      frame.put(line.second, x: area.x + 15 + width, y: y, style: style, maxWidth: width - 1)
      y += 1
    }
    frame.putWrapped(
      sentence,
      in: Rect(
        x: area.x, y: y + (area.maxY - y > needed ? 1 : 0), width: area.width,
        height: max(0, area.maxY - y)),
      style: theme.text)
  }
}

extension State {
  /// What is looked at, as if it were held.
  var current: HeldState? {
    cell.map {
      HeldState(
        tensor: $0.tensor, knobs: $0.knobs, summary: summary.final, quality: quality.final,
        measurement: measurement.final)
    }
  }
}

/// Two states side by side, and the difference in words.
struct Comparison {
  struct Line {
    var name: String
    var first: String
    var second: String
  }
  var lines: [Line] = []
  private let first: HeldState
  private let second: HeldState

  init(_ first: HeldState, _ second: HeldState) {
    (self.first, self.second) = (first, second)
    func line(_ name: String, _ text: (HeldState) -> String) {
      lines.append(Line(name: name, first: text(first), second: text(second)))
    }
    line("layer") { Wording.tail($0.tensor, 40) }
    for knob in KnobSteps.order
    where knob == .pattern || first.knobs.text(of: knob) != second.knobs.text(of: knob) {
      line(knob.rawValue) { $0.knobs.text(of: knob) ?? Figures.missing }
    }
    line("zeros") { Figures.percent($0.summary?.achievedSparsity) }
    line("output error") { Figures.plain($0.quality?.outputError) }
    line("kept energy") { Figures.plain($0.summary?.keptEnergy) }
    line("speedup") { $0.measurement.map { Wording.speedup($0.speedup) } ?? Figures.missing }
    line("sparse time") { Figures.duration(nanoseconds: $0.measurement?.sparseNs.estimate) }
    line("bytes") { Figures.bytes($0.measurement.map { Double($0.bytesSparse) }) }
  }

  /// What was chosen differently, before what came of it.
  private func differences(_ a: String, _ b: String) -> String {
    var parts: [String] = []
    if first.tensor != second.tensor { parts.append("the layer") }
    for knob in KnobSteps.order {
      let (p, q) = (first.knobs.text(of: knob), second.knobs.text(of: knob))
      guard p != q else { continue }
      parts.append("\(knob.rawValue) \(p ?? Figures.missing) against \(q ?? Figures.missing)")
    }
    guard !parts.isEmpty else { return "\(a) and \(b) are the same choice. " }
    return "\(a) and \(b) differ in \(parts.joined(separator: ", ")). "
  }

  func sentence(_ a: String, _ b: String) -> String {
    var parts: [String] = []
    if let p = first.measurement, let q = second.measurement {
      let overlap = p.sparseNs.low <= q.sparseNs.high && q.sparseNs.low <= p.sparseNs.high
      if overlap {
        parts.append("their times are not told apart")
      } else if p.sparseNs.estimate < q.sparseNs.estimate {
        parts.append(
          "\(a) is \(Figures.ratio(q.sparseNs.estimate / p.sparseNs.estimate)) as fast as \(b)"
        )
      } else {
        parts.append(
          "\(b) is \(Figures.ratio(p.sparseNs.estimate / q.sparseNs.estimate)) as fast as \(a)"
        )
      }
    } else {
      parts.append("one of them is not measured yet")
    }
    if let p = first.quality?.outputError, let q = second.quality?.outputError {
      let (better, low, high) = p < q ? (a, p, q) : (b, q, p)
      parts.append(
        p == q
          ? "their output errors are equal"
          : "\(better) has the smaller output error, \(Figures.plain(low)) against \(Figures.plain(high))"
      )
    }
    if let p = first.measurement?.bytesSparse, let q = second.measurement?.bytesSparse, p != q {
      let (smaller, low, high) = p < q ? (a, p, q) : (b, q, p)
      parts.append(
        "\(smaller) stores \(Figures.bytes(Double(low))) against \(Figures.bytes(Double(high)))")
    }
    let text = parts.joined(separator: "; ")
    return differences(a, b) + text.prefix(1).uppercased() + text.dropFirst() + "."
  }
}
