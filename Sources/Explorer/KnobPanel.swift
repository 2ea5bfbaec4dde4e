internal import CellUI
internal import Experiments

/// Everything that can be turned, what owns the mask marked.
enum KnobPanel {
  private static let nameWidth = 12
  /// Lines below the knobs that say what the chosen one does.
  static let explanationLines = 6

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let focused = state.panel == .knobs && state.page == .mask
    let order = KnobSteps.order
    let lines = max(0, rect.height - 2)
    let start = offset(state, lines)
    let note =
      order.count > lines ? "\((order.firstIndex(of: state.knob) ?? 0) + 1)/\(order.count)" : ""
    let inside = frame.box(rect, title: "Knobs", note: note, theme: theme, focused: focused)
    for (line, knob) in order.dropFirst(start).prefix(lines).enumerated() {
      let y = inside.y + line
      let isChosen = knob == state.knob
      if isChosen {
        frame[inside.x, y] = Cell("▸", focused ? theme.accent.with(.bold) : theme.muted)
      }
      frame.put(
        knob.rawValue, x: inside.x + 1, y: y, style: isChosen ? theme.title : theme.muted,
        maxWidth: nameWidth)
      value(
        &frame, knob, valueRect(inside, y), inside, state, chosen: isChosen && focused)
    }
    let spare = lines - order.count
    if spare >= 5 {
      frame.rule(
        x: inside.x, y: inside.y + order.count + 1, width: inside.width, style: theme.border)
      explanation(
        &frame,
        Rect(
          x: inside.x + 1, y: inside.y + order.count + 2, width: inside.width - 2,
          height: spare - 2), state)
    }
    frame.scrollBar(
      offset: start, visible: lines, total: order.count, x: rect.maxX - 1, y: inside.y,
      height: lines, theme: theme)
  }

  private static func valueRect(_ inside: Rect, _ y: Int) -> Rect {
    Rect(x: inside.x + nameWidth + 1, y: y, width: inside.width - nameWidth - 1, height: 1)
  }

  /// A slider starts after the longer of the two names that have one, to be as long as it can.
  private static func sliderRect(_ inside: Rect, _ y: Int) -> Rect {
    let name = Knob.sparsity.rawValue.count + 2
    return Rect(x: inside.x + name, y: y, width: inside.width - name - 1, height: 1)
  }

  private static func value(
    _ frame: inout Frame, _ knob: Knob, _ rect: Rect, _ inside: Rect, _ state: State, chosen: Bool
  ) {
    let theme = state.theme
    let style = chosen ? theme.accent.with(.bold) : theme.text
    switch knob {
    case .sparsity, .lambda:
      let owns =
        knob == .sparsity
        ? state.knobs.amount.sparsity != nil || state.knobs.pattern.fixedSparsity != nil
        : state.knobs.amount.lambda != nil
      let text = amountText(knob, state)
      let rect = sliderRect(inside, rect.y)
      let track = rect.width - 6
      if let position = KnobSteps.position(knob, state), track >= 3 {
        frame.slider(position, x: rect.x, y: rect.y, width: track, theme: theme, focused: chosen)
        if !owns {
          frame.restyle(Rect(x: rect.x, y: rect.y, width: track, height: 1)) { $0 = theme.muted }
        }
      }
      frame.put(
        text, x: rect.x, y: rect.y, width: rect.width, alignment: .right,
        style: owns ? style : theme.muted, onlyTextFrom: max(track, 0))
    default:
      let isDefault = state.knobs.text(of: knob) != shownText(knob, state)
      // Values end at the right edge, so that a long one may start under a short name.
      let room = rect.maxX - inside.x - knob.rawValue.count - 2 - (chosen ? 4 : 1)
      let text = fitted(shownText(knob, state), room)
      let width = min(room, CellText.width(text))
      let end = rect.maxX - (chosen ? 2 : 1)
      if chosen {
        frame.put("◂", x: end - width - 2, y: rect.y, style: theme.key)
        frame.put("▸", x: rect.maxX - 1, y: rect.y, style: theme.key)
      }
      frame.put(
        text, x: end - width, y: rect.y, style: isDefault && !chosen ? theme.muted : style,
        maxWidth: room)
    }
  }

  /// The longest form of a value that fits: penalties have short names too.
  private static func fitted(_ text: String, _ room: Int) -> String {
    guard CellText.width(text) > room else { return text }
    let short = text.replacing("reweighted", with: "rw").replacing("-lasso", with: "")
    return short
  }

  /// What the chosen knob does, where there is room for it.
  private static func explanation(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let knob = state.knob
    var text = "\(knob.rawValue): \(knob.help)."
    if let choices = knob.choices {
      text = "\(knob.rawValue): \(knob.help): \(choices.joined(separator: ", "))."
    }
    if knob == .sparsity, state.knobs.amount.lambda != nil {
      text += " λ owns the mask now; turning this takes it back."
    }
    if knob == .lambda, state.knobs.amount.lambda == nil {
      text += " The sparsity owns the mask now; turning this takes it."
    }
    frame.putWrapped(text, in: rect, style: state.theme.muted)
  }

  /// Six characters beside a slider: `0.312`, `3.4e-4`.
  private static func short(_ value: Double) -> String {
    let text = Figures.plain(value, digits: 3)
    guard CellText.width(text) > 6, value > 0, value < 1 else { return text }
    var (mantissa, exponent) = (value, 0)
    while mantissa < 0.995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    return NumberText.fixed(mantissa, 1) + "e\(exponent)"
  }

  private static func amountText(_ knob: Knob, _ state: State) -> String {
    if knob == .lambda {
      return (state.knobs.amount.lambda ?? state.summary.value?.lambda).map(short)
        ?? Figures.missing
    }
    if let wanted = state.knobs.requestedSparsity {
      return Wording.percent(wanted).replacing(" ", with: "")
    }
    return state.summary.value.map { NumberText.fixed($0.achievedSparsity * 100, 1) + "%" } ?? "…"
  }

  /// What is in force: a default shows what it came to.
  private static func shownText(_ knob: Knob, _ state: State) -> String {
    switch knob {
    case .criterion:
      state.knobs.criterion?.rawValue ?? state.summary.value?.criterion.rawValue ?? "…"
    case .regularizer: state.knobs.effectiveRegularizer.rawValue
    default: state.knobs.text(of: knob) ?? Figures.missing
    }
  }

  static func offset(_ state: State, _ lines: Int) -> Int {
    let at = KnobSteps.order.firstIndex(of: state.knob) ?? 0
    return Table.offset(0, showing: at, visible: lines, count: KnobSteps.order.count)
  }

  // MARK: The mouse

  static func knob(atY y: Int, _ state: State, _ layout: ScreenLayout) -> Knob? {
    let line = y - layout.knobs.y - 1
    let index = offset(state, layout.knobLines) + line
    guard line >= 0, line < layout.knobLines, KnobSteps.order.indices.contains(index) else {
      return nil
    }
    return KnobSteps.order[index]
  }

  /// A press on a slider sets it, on the left half of another value turns it down, on the right up.
  static func turn(
    atX x: Int, _ knob: Knob, _ state: State, _ layout: ScreenLayout
  ) -> [Command] {
    let rect = valueRect(layout.knobs.inset(1, 1), 0)
    if knob == .sparsity { return slide(toX: x, state, layout, knob: knob) }
    guard x >= rect.x else { return [] }
    return [.turn(x < rect.x + rect.width / 2 ? -1 : 1)]
  }

  static func slide(
    toX x: Int, _ state: State, _ layout: ScreenLayout, knob: Knob? = nil
  ) -> [Command] {
    guard (knob ?? state.knob) == .sparsity, state.knobs.pattern.fixedSparsity == nil else {
      return []
    }
    let rect = sliderRect(layout.knobs.inset(1, 1), 0)
    let track = rect.width - 6
    guard track > 1, x >= rect.x, x < rect.x + track else { return [] }
    let range = state.knobs.pattern.sparsityRange
    let wanted = (Double(x - rect.x) / Double(track - 1) * 100).rounded() / 100
    let value = min(max(wanted, range.lowerBound), range.upperBound)
    return [.set(.sparsity, NumberText.shortest(value))]
  }
}

extension Frame {
  /// Right-aligned text that leaves what stands left of `onlyTextFrom` cells.
  mutating func put(
    _ text: String, x: Int, y: Int, width: Int, alignment: Alignment, style: Style,
    onlyTextFrom start: Int
  ) {
    let size = min(CellText.width(text), width - start)
    put(text, x: x + width - size, y: y, style: style, maxWidth: size)
  }
}
