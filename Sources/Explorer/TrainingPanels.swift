internal import CellUI
internal import Experiments

/// Where a run stands, in figures with their units.
enum TrainingFigures {
  struct Line: Hashable {
    var label: String
    var value: String
    var note = ""
    var isGood: Bool?
  }

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let training = state.training
    let title = training.plan.map { "\($0.method.rawValue) \($0.short)" } ?? "Run"
    let inside = frame.box(
      rect, title: title, note: rect.width < 30 ? "" : training.plan?.layers.rawValue ?? "",
      theme: theme)
    let area = inside.inset(1, 0)
    let (mark, word, style) = status(state)
    frame.put("\(mark) \(word)", x: area.x, y: area.y, style: style, maxWidth: area.width)
    frame.gauge(training.share, x: area.x, y: area.y + 1, width: area.width, theme: theme)
    var y = area.y + 3
    if training.latest == nil, let preparation = training.preparation, training.isActive {
      let room = Rect(x: area.x, y: area.y + 2, width: area.width, height: 3)
      y = room.y + max(1, frame.putWrapped(preparation, in: room, style: theme.muted))
    } else {
      frame.put(left(training), x: area.x, y: area.y + 2, style: theme.muted, maxWidth: area.width)
    }
    for line in lines(state) where y < area.maxY {
      frame.put(line.label, x: area.x, y: y, style: theme.muted, maxWidth: 7)
      let style =
        line.isGood.map { $0 ? theme.good : theme.bad }
        ?? (line.value == Figures.missing ? theme.muted : theme.title)
      let next = frame.put(
        line.value, x: area.x + 8, y: y, style: style, maxWidth: area.width - 8)
      if !line.note.isEmpty, next + 1 + CellText.width(line.note) <= area.maxX {
        frame.put(line.note, x: next + 1, y: y, style: theme.muted)
      }
      y += 1
    }
  }

  private static func status(_ state: State) -> (String, String, Style) {
    let theme = state.theme
    let training = state.training
    switch training.status {
    case .none: return ("○", "not started", theme.muted)
    case .preparing:
      return ("●", training.start == nil ? "getting ready" : "starting", theme.accent)
    case .running: return ("●", "training", theme.accent)
    case .paused: return ("‖", "paused; space goes on", theme.warning)
    case .stopping: return ("●", "ending with the best", theme.warning)
    case .finished:
      return training.result?.cancelled == true
        ? ("■", "stopped early", theme.warning) : ("■", "finished", theme.good)
    case .dropped: return ("✗", "dropped", theme.warning)
    case .failed: return ("✗", "failed", theme.bad)
    }
  }

  private static func left(_ training: TrainingState) -> String {
    guard let latest = training.latest else { return "" }
    let steps = "step \(Figures.count(latest.step))"
    guard training.isActive else {
      return "\(steps), \(Figures.duration(nanoseconds: latest.seconds * 1e9))"
    }
    guard let remaining = latest.remainingSeconds else { return "\(steps) of \(latest.steps)" }
    // The last step is made, and what it is worth is being worked out.
    guard remaining >= 0.5 else { return "\(steps), ending" }
    return "\(steps), \(Figures.duration(nanoseconds: remaining * 1e9)) left"
  }

  static func lines(_ state: State) -> [Line] {
    let training = state.training
    guard let latest = training.latest else { return waitingLines(training) }
    let last = training.result?.best ?? training.evaluations.last
    var lines: [Line] = []
    let start = training.start
    let gain = last.flatMap { point in start.map { point.cosine - $0.refitCosine } }
    lines.append(
      Line(
        label: "cosine", value: last.map { Figures.fixed($0.cosine, 3) } ?? Figures.missing,
        note: gain.map { $0 > 0 ? "+\(Figures.fixed($0, 3)) won" : "\(Figures.fixed($0, 3)) lost" }
          ?? "",
        isGood: gain.map { $0 > 0 }))
    lines.append(
      Line(
        label: "rank", value: last?.rankCorrelation.map { Figures.fixed($0, 3) } ?? Figures.missing,
        note: "correlation"))
    let target = latest.targetSparsity.map { "of \(Wording.percent($0))" } ?? ""
    lines.append(Line(label: "zeros", value: Figures.percent(latest.sparsity), note: target))
    if training.plan?.method == .prox {
      lines.append(
        Line(label: "λ", value: Figures.plain(latest.lambda), note: "of the emptying one"))
    }
    lines.append(Line(label: "loss", value: Figures.plain(latest.loss), note: "1 - cosine"))
    lines.append(Line(label: "rate", value: Figures.plain(latest.learningRate, digits: 2)))
    lines.append(
      Line(label: "grad", value: Figures.plain(latest.gradientNorm, digits: 2), note: "norm"))
    lines.append(
      Line(
        label: "speed", value: Figures.rate(latest.tokensPerSecond, "").trimmed, note: "tokens/s"))
    lines.append(
      Line(
        label: "step", value: Figures.duration(nanoseconds: latest.stepMilliseconds * 1e6),
        note: "\(Wording.whole(latest.productShare)) products"))
    lines.append(Line(label: "seen", value: Figures.count(latest.tokensSeen), note: "tokens"))
    // At 80 columns the interval of the speedup needs the place of what matters less.
    let isNarrow = state.width < 100
    if isNarrow { lines.removeAll { $0.label == "grad" || $0.label == "seen" } }
    lines += model(training, isNarrow: isNarrow)
    return lines
  }

  /// The measured speedup of the model as it stands.
  private static func model(_ training: TrainingState, isNarrow: Bool) -> [Line] {
    guard let speed = training.speedup else {
      return [Line(label: "model", value: Figures.missing, note: "not timed yet")]
    }
    let verdict = Verdict(speedup: speed)
    let line = Line(
      label: "model", value: "\(Wording.sign(verdict)) \(Figures.ratio(speed.estimate))",
      note: isNarrow ? "" : Wording.range(speed),
      isGood: verdict == .indistinguishable ? nil : verdict == .faster)
    return isNarrow ? [line, Line(label: "  95 %", value: Wording.range(speed))] : [line]
  }

  private static func waitingLines(_ training: TrainingState) -> [Line] {
    guard let start = training.start else { return [] }
    return [
      Line(label: "refit", value: Figures.fixed(start.refitCosine, 3), note: "cosine, one-shot"),
      Line(label: "zeroed", value: Figures.fixed(start.floorCosine, 3), note: "cosine, the floor"),
      Line(label: "text", value: Figures.count(start.tokens), note: "tokens"),
      Line(label: "", value: Figures.count(start.sentences), note: "sentences"),
      Line(
        label: "teacher",
        value: start.teacherSeconds > 0
          ? Figures.duration(nanoseconds: start.teacherSeconds * 1e9) : "cached"),
    ]
  }
}

extension String {
  /// Without blanks at the end.
  fileprivate var trimmed: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}

/// The plan of the next run, or what can be steered in the one that runs.
enum TrainingKnobPanel {
  private static let nameWidth = 12

  private static func offset(_ state: State, _ lines: Int) -> Int {
    let knobs = state.trainingKnobs
    let at = state.trainingKnob.flatMap { knobs.firstIndex(of: $0) } ?? 0
    return Table.offset(0, showing: at, visible: lines, count: knobs.count)
  }

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let knobs = state.trainingKnobs
    let lines = max(0, rect.height - 2)
    let start = offset(state, lines)
    let isActive = state.training.isActive
    let at = state.trainingKnob.flatMap { knobs.firstIndex(of: $0) } ?? 0
    let inside = frame.box(
      rect, title: isActive ? "Turn while it runs" : "Plan",
      note: knobs.count > lines ? "\(at + 1)/\(knobs.count)" : "", theme: theme,
      focused: state.page == .training)
    let plan = state.trainingPlan
    for (line, knob) in knobs.dropFirst(start).prefix(lines).enumerated() {
      let y = inside.y + line
      let isChosen = knob == state.trainingKnob
      if isChosen { frame[inside.x, y] = Cell("▸", theme.accent.with(.bold)) }
      let isIdle = !isActive && !knob.matters(to: plan.method)
      frame.put(
        knob == .lambda ? "λ" : knob.rawValue, x: inside.x + 1, y: y,
        style: isChosen ? theme.title : theme.muted, maxWidth: nameWidth)
      let text = isActive ? current(knob, state) : value(knob, plan)
      let room = inside.width - nameWidth - (isChosen ? 4 : 1)
      let width = min(room, CellText.width(text))
      let end = inside.maxX - (isChosen ? 2 : 1)
      if isChosen {
        frame.put("◂", x: end - width - 2, y: y, style: theme.key)
        frame.put("▸", x: inside.maxX - 1, y: y, style: theme.key)
      }
      let style =
        isIdle || text == Figures.missing
        ? theme.muted : isChosen ? theme.accent.with(.bold) : theme.text
      frame.put(
        text, x: end - width, y: y, style: style, maxWidth: room,
        truncation: knob == .text || knob == .out ? .head : .tail)
    }
    let spare = lines - knobs.count
    if spare >= 4, let knob = state.trainingKnob {
      frame.rule(
        x: inside.x, y: inside.y + knobs.count, width: inside.width, style: theme.border)
      frame.putWrapped(
        "\(knob.rawValue): \(knob.help).",
        in: Rect(
          x: inside.x + 1, y: inside.y + knobs.count + 1, width: inside.width - 2,
          height: spare - 1), style: theme.muted)
    }
    frame.scrollBar(
      offset: start, visible: lines, total: knobs.count, x: rect.maxX - 1, y: inside.y,
      height: lines, theme: theme)
  }

  static func index(atY y: Int, _ rect: Rect, _ state: State) -> Int? {
    let lines = max(0, rect.height - 2)
    let line = y - rect.y - 1
    let index = offset(state, lines) + line
    return line >= 0 && line < lines && state.trainingKnobs.indices.contains(index) ? index : nil
  }

  private static func value(_ knob: TrainingKnob, _ plan: TrainingPlan) -> String {
    switch knob {
    case .sparsity: return plan.requestedSparsity.map(Wording.percent) ?? Figures.missing
    case .rate where plan.learningRate == nil:
      return "auto \(Figures.plain(plan.effectiveLearningRate, digits: 1))"
    case .regularizer:
      return plan.effectiveRegularizer.rawValue.replacing("reweighted", with: "rw")
        .replacing("-lasso", with: "")
    case .steps: return plan.steps.map { Figures.count($0) } ?? Figures.missing
    case .minutes: return plan.minutes.map { "\(NumberText.shortest($0)) min" } ?? Figures.missing
    case .text where plan.text == nil: return "splices"
    default: return plan.text(of: knob) ?? Figures.missing
    }
  }

  /// What is in force at this step.
  private static func current(_ knob: TrainingKnob, _ state: State) -> String {
    let latest = state.training.latest
    switch knob {
    case .rate: return Figures.plain(latest?.learningRate, digits: 2)
    case .lambda: return Figures.plain(latest?.lambda ?? state.training.plan?.lambda)
    default:
      return (latest?.targetSparsity ?? state.training.plan?.requestedSparsity)
        .map(Wording.percent) ?? Figures.missing
    }
  }
}
