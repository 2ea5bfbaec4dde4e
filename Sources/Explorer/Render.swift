public import CellUI
internal import Experiments

/// The screen of a state. Draws from the state alone and remembers nothing.
/// - Complexity: O(width · height), plus the rows of results on the trade-off and layers pages.
public func render(_ state: State) -> Frame {
  var frame = Frame(width: state.width, height: state.height)
  let theme = state.theme
  frame.fill(frame.bounds, Cell(" ", theme.text))
  guard !state.isTooSmall else {
    TooSmall.draw(&frame, state)
    return frame
  }
  let layout = ScreenLayout(state)
  TitleLine.draw(&frame, layout.title, state)
  if state.cell == nil {
    StartPage.draw(&frame, layout.body, state)
  } else {
    switch state.page {
    case .mask: MaskPage.draw(&frame, state, layout)
    case .sweep: SweepPage.draw(&frame, state, layout)
    case .tradeoff: TradeOffPage.draw(&frame, state, layout)
    case .layers: LayersPage.draw(&frame, state, layout)
    case .why: WhyPage.draw(&frame, state, layout)
    case .log: LogPage.draw(&frame, state, layout)
    case .training: TrainingPage.draw(&frame, state, layout)
    }
  }
  Foot.draw(&frame, layout.foot, state)
  if case .help(let help) = state.mode { HelpPopup.draw(&frame, layout.body, help, state) }
  if state.mode == .quitting { QuitPopup.draw(&frame, layout.body, state) }
  return frame
}

/// What is shown where nothing fits: what there is and what is needed.
private enum TooSmall {
  static func draw(_ frame: inout Frame, _ state: State) {
    let theme = state.theme
    let lines = [
      "The terminal is too small:", "it has \(state.width) x \(state.height),",
      "this needs \(State.smallest.width) x \(State.smallest.height).", "Enlarge it; q quits.",
    ]
    let top = max(0, (state.height - lines.count) / 2)
    for (index, line) in lines.enumerated() {
      let style =
        index == 1 && state.width < State.smallest.width ? theme.bad : theme.text
      frame.put(
        line, x: max(0, (state.width - CellText.width(line)) / 2), y: top + index, style: style,
        maxWidth: state.width)
    }
  }
}

/// The top line: what is open, what is looked at, the machine, what runs.
enum TitleLine {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    var right: [Span] = []
    if let job = state.runs.long.last {
      var text = job.title
      if job == .sweep, let progress = state.sweep.progress, progress.total > 0 {
        text += " \(Wording.whole(Double(progress.finished) / Double(progress.total)))"
      }
      if job == .training, let share = state.training.share { text += " \(Wording.whole(share))" }
      right.append(Span("● \(text)", theme.accent))
    } else if state.isReplay {
      right.append(Span("replay", theme.warning))
    }
    if let machine = state.machine {
      let threads = state.knobs.threads
      if rect.width >= 100 {
        right.append(Span(machine.isa, theme.muted))
        right.append(Span("\(threads) thread\(threads == 1 ? "" : "s")", theme.muted))
      }
      switch state.measurement.value?.footing {
      case .steady: right.append(Span("steady ●", theme.good))
      case .busy: right.append(Span("busy ◆", theme.warning))
      case .noisy: right.append(Span("noisy ▲", theme.bad))
      case nil: break
      }
    }
    if state.isDirty {
      // A star where the word would take the name's room.
      let name = state.tensor.map { CellText.width($0.name) + 16 } ?? 0
      let used = right.reduce(0) { $0 + CellText.width($1.text) + 2 }
      let isWide =
        rect.width >= 100
        || used + name + CellText.width(state.model.value?.name ?? "") + 10 <= rect.width
      right.append(Span(isWide ? "unsaved" : "*", theme.warning))
    }
    let width = right.reduce(max(0, right.count - 1) * 2) { $0 + CellText.width($1.text) }
    var x = rect.maxX - 1 - width
    let room = x - 2
    for span in right { x = frame.put(span.text, x: x, y: rect.y, style: span.style) + 2 }

    var left: [Span] = []
    if rect.width >= 100 || state.model.value == nil {
      left = [Span("sparsity-tui", theme.title), Span("  ", theme.text)]
    }
    if let model = state.model.value {
      left.append(Span(model.name, theme.accent.with(.bold)))
      if let tensor = state.tensor {
        let size = "  \(tensor.rows)x\(tensor.columns) \(tensor.dtype.lowercased())"
        let used = left.reduce(1) { $0 + CellText.width($1.text) } + 3 + CellText.width(size)
        let name = Self.name(tensor, model, max(8, room - used))
        left += [Span(" ▸ ", theme.muted), Span(name, theme.text), Span(size, theme.muted)]
      }
    }
    frame.put(left, x: 1, y: rect.y, maxWidth: max(0, room))
  }

  /// The whole name, or what tells it from the others: the layer's number must not be cut.
  private static func name(_ tensor: TensorInfo, _ model: ModelInfo, _ width: Int) -> String {
    let whole = Wording.tail(tensor.name, .max)
    guard CellText.width(whole) > width,
      let at = model.prunable.firstIndex(where: { $0.name == tensor.name })
    else { return CellText.truncated(whole, to: width, .middle) }
    return CellText.truncated(Wording.short(model.prunable.map(\.name))[at], to: width, .middle)
  }
}

/// The page before a model is open.
private enum StartPage {
  static func draw(_ frame: inout Frame, _ body: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(body, title: "sparsity-tui", theme: theme)
    let text: String
    var style = theme.text
    switch state.model {
    case .pending, .narrowing: text = "Opening…"
    case .failed(let reason):
      text = reason
      style = theme.bad
    case .unknown, .known:
      text = "Nothing that can be pruned is open."
    }
    let area = inside.centered(width: min(70, inside.width - 4), height: 8)
    let lines = frame.putWrapped(text, in: area, style: style)
    let hint =
      ": open PATH opens a safetensors file, a model directory, .npy or .npz; : open demo the built-in model."
    frame.putWrapped(
      hint, in: Rect(x: area.x, y: area.y + lines + 1, width: area.width, height: 3),
      style: theme.muted)
  }
}

/// The bottom line: the prompt, a message, or the hints.
private enum Foot {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    if case .prompt(let prompt) = state.mode {
      PromptLine.draw(&frame, rect, prompt, state)
    } else if let message = state.message {
      let style: Style
      let mark: String
      switch message.kind {
      case .information: (style, mark) = (theme.accent, "")
      case .warning: (style, mark) = (theme.warning, "! ")
      case .error: (style, mark) = (theme.bad, "✗ ")
      }
      // A sentence longer than the line takes lines from the page above it, and gives them back.
      let lines = CellText.wrapped(mark + message.text, to: rect.width - 2).prefix(4)
      for (index, line) in lines.enumerated() {
        let y = rect.y - lines.count + 1 + index
        frame.fill(Rect(x: 0, y: y, width: rect.width, height: 1), Cell(" ", theme.text))
        frame.put(line, x: 1, y: y, style: style, maxWidth: rect.width - 2)
      }
    } else if state.isFirstRun, state.cell != nil {
      let text =
        rect.width >= 100
        ? "←/→ turn the sparsity, ↑/↓ choose another knob, s sweeps, ? shows all keys, F2 plays a tour"
        : "←/→ turn the sparsity  ↑/↓ other knobs  s sweep  ? all keys  F2 tour"
      frame.put(text, x: 1, y: rect.y, style: theme.accent, maxWidth: rect.width - 2)
    } else {
      HintLine(state).draw(&frame, y: rect.y, state)
    }
  }
}

private enum PromptLine {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ prompt: PromptState, _ state: State) {
    let theme = state.theme
    frame.textField(
      prompt.field, prompt: ":", ghost: Completion.ghost(prompt, state), x: 1, y: rect.y,
      width: rect.width - 2, theme: theme)
    var above: [(String, Style)] = []
    if let error = prompt.error {
      above = CellText.wrapped(error, to: rect.width - 4).map { ($0, theme.bad) }
    } else if let name = prompt.field.text.split(separator: " ").first,
      let entry = CommandEntry.named(String(name))
    {
      above = [("\(entry.name) \(entry.arguments)  \(entry.help)", theme.muted)]
    }
    let (_, words) = Completion.candidates(
      prompt.completionIndex == nil ? prompt.field.text : prompt.completionStem, state)
    if prompt.error == nil, !words.isEmpty, !prompt.field.text.isEmpty {
      above.insert((line(words, rect.width - 4), theme.text), at: 0)
    }
    for (index, line) in above.enumerated() {
      let y = rect.y - above.count + index
      frame.fill(Rect(x: 0, y: y, width: rect.width, height: 1), Cell(" ", theme.text))
      frame.put(line.0, x: 2, y: y, style: line.1, maxWidth: rect.width - 4)
    }
  }

  /// As many candidates as fit, and how many more there are.
  private static func line(_ words: [String], _ width: Int) -> String {
    var text = ""
    for (index, word) in words.enumerated() {
      let rest = words.count - index - 1
      let more = rest > 0 ? "  +\(rest)" : ""
      if CellText.width(text) + CellText.width(word) + 2 + more.count > width {
        return text + "  +\(rest + 1)"
      }
      text += (text.isEmpty ? "" : "  ") + word
    }
    return text
  }
}
