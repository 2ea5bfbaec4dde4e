internal import CellUI
internal import Experiments

/// The list that `?` opens: type to filter, Enter runs.
enum HelpPopup {
  static func draw(_ frame: inout Frame, _ body: Rect, _ help: HelpState, _ state: State) {
    let theme = state.theme
    let entries = HelpEntry.list(state, matching: help.field.text)
    let width = min(100, body.width - 4)
    let height = body.height - 2
    let inside = frame.popup(
      width: width, height: height, in: body, title: "Help: \(state.page.title) page",
      note: "\(entries.count)", theme: theme)
    frame.textField(
      help.field, prompt: "filter ", x: inside.x + 1, y: inside.y, width: inside.width - 2,
      theme: theme)
    let columns = [
      TableColumn("keys", .fixed(12)), TableColumn("", .flexible(minimum: 20)),
      TableColumn("command", .fixed(width >= 90 ? 24 : 18)),
    ]
    let rows = entries.map { entry -> [TableCell] in
      let style = entry.reason == nil ? theme.text : theme.muted
      return [
        TableCell(entry.keys, entry.reason == nil ? theme.key : theme.muted),
        TableCell(entry.title, style), TableCell(entry.command.name, theme.muted),
      ]
    }
    let list = Rect(
      x: inside.x + 1, y: inside.y + 2, width: inside.width - 2, height: inside.height - 5)
    frame.rule(x: inside.x, y: inside.y + 1, width: inside.width, style: theme.border)
    frame.table(
      Table(
        columns: columns, rows: rows, selected: entries.isEmpty ? nil : help.selected,
        offset: max(0, help.selected - list.height / 2), showsTitles: false, focused: true),
      in: list, theme: theme)
    let foot = Rect(x: inside.x + 1, y: inside.maxY - 2, width: inside.width - 2, height: 2)
    if entries.isEmpty {
      frame.put("nothing matches; Esc goes back", x: foot.x, y: foot.y, style: theme.muted)
    } else if entries.indices.contains(help.selected), let reason = entries[help.selected].reason {
      frame.putWrapped("not now: \(reason)", in: foot, style: theme.warning)
    } else {
      frame.put(
        "type to filter   ↑↓ choose   Enter runs   Esc back", x: foot.x, y: foot.maxY - 1,
        style: theme.muted)
    }
  }
}

enum QuitPopup {
  static func draw(_ frame: inout Frame, _ body: Rect, _ state: State) {
    let theme = state.theme
    var lines: [String] = []
    let long = state.runs.long.filter { $0 != .measure }
    if let job = long.first {
      lines.append(
        job == .training
          ? "training is still running: leaving drops it; Esc, then x, keeps its best so far."
          : "\(job.title) is still running; what is finished stays in the session.")
    }
    if state.isDirty { lines.append("This session has results that were not saved under a name.") }
    let inside = frame.popup(
      width: min(68, body.width - 4), height: lines.count * 2 + 4, in: body, title: "Quit?",
      theme: theme)
    var y = inside.y
    for line in lines {
      y += frame.putWrapped(
        line, in: Rect(x: inside.x + 1, y: y, width: inside.width - 2, height: 2),
        style: theme.text)
    }
    frame.keyHints(
      [KeyHint("q", "quit"), KeyHint("w", "save first"), KeyHint("Esc", "stay")], x: inside.x + 1,
      y: inside.maxY - 1, width: inside.width - 2, theme: theme)
  }
}
