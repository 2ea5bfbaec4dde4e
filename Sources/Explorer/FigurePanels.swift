internal import CellUI
internal import Experiments

/// What pruning costs: exact shares and named proxies, with the random mask as the floor.
enum CostPanel {
  private struct Line {
    var label: String
    var value: Awaited<Double>
    var text: (Double) -> String = { Figures.plain($0) }
    /// Where `text` does not fit.
    var short: (Double) -> String = { Figures.plain($0) }
    /// Where the random mask of the same pattern stands.
    var floor: Double?
    var isLoss = false
  }

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let hasFloor =
      state.quality.value?.outputErrorRandom != nil || state.summary.value != nil
    let floor = rect.width >= 34 ? "  ┃ random mask" : rect.width >= 27 ? "  ┃ random" : ""
    let title = [
      Span("What it costs", theme.title), Span(hasFloor ? floor : "", theme.muted),
    ]
    let inside = frame.box(rect, title: title, theme: theme)
    if case .failed(let reason) = state.summary {
      frame.putWrapped(reason, in: inside, style: theme.bad)
      return
    }
    var y = inside.y
    // While a solver is at work its remark is how far it is, which the mask's title says.
    let remark = state.summary.final?.remark ?? state.quality.value?.unavailable
    let remarkLines = remark.map { CellText.wrapped($0, to: inside.width - 1).count } ?? 0
    let shown = lines(state)
    // What the figures are worth goes before the last of them: the remark is shown whole, and where
    // it would take more than half of the room, in a few words.
    let isShort = remarkLines > inside.height / 2
    let room = inside.height - (isShort ? 1 : remarkLines)
    for line in shown.prefix(room) {
      draw(line, &frame, Rect(x: inside.x, y: y, width: inside.width, height: 1), theme)
      y += 1
    }
    let left = Rect(x: inside.x + 1, y: y, width: inside.width - 1, height: inside.maxY - y)
    if let remark, left.height > 0 {
      let few = state.summary.final?.remark == nil ? "! no activations" : "! near the random floor"
      frame.putWrapped(isShort ? few : remark, in: left, style: theme.warning)
    }
  }

  private static func lines(_ state: State) -> [Line] {
    func part<Value>(_ source: Awaited<Value>, _ get: (Value) -> Double?) -> Awaited<Double> {
      switch source {
      case .known(let value), .narrowing(let value): get(value).map { .known($0) } ?? .unknown
      case .pending: .pending
      case .unknown, .failed: .unknown
      }
    }
    let random = state.summary.value?.randomKeptEnergy
    var lines = [
      Line(
        label: "output error", value: part(state.quality) { $0.outputError },
        floor: state.quality.value?.outputErrorRandom, isLoss: true),
      Line(label: "kept energy", value: part(state.summary) { $0.keptEnergy }, floor: random),
      Line(label: "kept L1", value: part(state.summary) { $0.keptL1 }),
      Line(label: "weight error", value: part(state.summary) { $0.weightError }, isLoss: true),
    ]
    if state.tensor?.hasActivations == true {
      lines.append(Line(label: "kept wanda", value: part(state.summary) { $0.keptWandaEnergy }))
      lines.append(Line(label: "cosine", value: part(state.quality) { $0.outputCosine }))
      if state.knobs.refit {
        lines.append(
          Line(
            label: "before refit", value: part(state.quality) { $0.outputErrorUnrefitted },
            isLoss: true))
      }
    }
    if let summary = state.summary.value {
      lines.append(
        Line(
          label: "units kept", value: .known(Double(summary.unitsKept)),
          text: { Figures.count(Int($0)) + " of " + Figures.count(summary.units) },
          short: { Figures.count(Int($0)) }))
    }
    return lines
  }

  private static func draw(_ line: Line, _ frame: inout Frame, _ rect: Rect, _ theme: Theme) {
    frame.put(line.label, x: rect.x + 1, y: rect.y, style: theme.muted, maxWidth: 12)
    let x = rect.x + 14
    switch line.value {
    case .known(let value), .narrowing(let value):
      let whole = line.text(value)
      let text = CellText.width(whole) <= rect.maxX - x ? whole : line.short(value)
      frame.put(text, x: x, y: rect.y, style: theme.title, maxWidth: rect.maxX - x)
      let gaugeX = x + 6
      let floorText = line.floor.map { "random \(Figures.plain($0, digits: 2))" } ?? ""
      var width = rect.maxX - gaugeX - 1
      guard CellText.width(text) <= 5, width >= 4 else { return }
      if !floorText.isEmpty, width >= 20 {
        frame.put(
          floorText, x: rect.maxX - floorText.count - 1, y: rect.y, style: theme.muted)
        width -= 13
      } else if width >= 20 {
        width -= 13
      }
      let style =
        line.isLoss ? Style(theme.warning.foreground, on: theme.text.background) : theme.gauge
      frame.gauge(value, x: gaugeX, y: rect.y, width: width, theme: theme, style: style)
      // The random mask's place on the bar: beyond it the choice is no better than none.
      if let floor = line.floor, floor.isFinite, width > 1 {
        let mark = gaugeX + Int((min(1, max(0, floor)) * Double(width - 1)).rounded())
        frame[mark, rect.y] = Cell("┃", theme.title)
      }
    case .pending: frame.put("…", x: x, y: rect.y, style: theme.muted)
    case .unknown, .failed: frame.put(Figures.missing, x: x, y: rect.y, style: theme.muted)
    }
  }
}

/// What is gained: the measured ratio with its interval, which narrows while it is measured.
enum GainPanel {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let note =
      state.measurement.value.map { "\(state.knobs.tokens) tokens  \($0.samples) pairs" } ?? ""
    let inside = frame.box(
      rect, title: "What it gains", note: rect.width >= 44 ? note : "", theme: theme)
    let area = Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height)
    switch state.measurement {
    case .known(let measurement): figures(&frame, area, measurement, state, isFinal: true)
    case .narrowing(let measurement): figures(&frame, area, measurement, state, isFinal: false)
    case .pending: frame.put("measuring…", x: area.x, y: area.y, style: theme.accent)
    case .unknown:
      let text: String
      if state.runs.current(.sweep) != nil {
        text = "– the sweep has the machine; this mask is timed after it"
      } else if state.runs.current(.training) != nil {
        text = "– the training has the machine; this mask is timed after it"
      } else if state.isReplay {
        text = "– not measured in this session"
      } else if state.mask.forming?.isStopped == true {
        text = "– the solver was stopped; r goes on, and the finished mask is timed"
      } else if state.isSolving {
        text = "– the mask still forms; it is timed when it is there"
      } else {
        text = "– not measured yet; it starts by itself when the knobs are still (m starts it now)"
      }
      frame.putWrapped(text, in: area, style: theme.muted)
    case .failed(let reason): frame.putWrapped(reason, in: area, style: theme.bad)
    }
  }

  private static func figures(
    _ frame: inout Frame, _ area: Rect, _ measurement: Measurement, _ state: State, isFinal: Bool
  ) {
    let theme = state.theme
    let speed = measurement.speedup
    let style = Self.style(measurement.verdict, theme)
    let word =
      measurement.verdict == .indistinguishable ? "same as dense" : measurement.verdict.rawValue
    var x = frame.put(
      "\(Wording.sign(measurement.verdict)) \(Figures.ratio(speed.estimate)) \(word)", x: area.x,
      y: area.y, style: style, maxWidth: area.width)
    let range = Wording.range(speed)
    var y = area.y
    if x + 2 + range.count + 6 <= area.maxX {
      x = frame.put(range, x: x + 2, y: y, style: theme.text)
      frame.put(" 95 %", x: x, y: y, style: theme.muted)
    } else {
      y += 1
      x = frame.put(range, x: area.x, y: y, style: theme.text, maxWidth: area.width)
      frame.put(" 95 %", x: x, y: y, style: theme.muted, maxWidth: area.maxX - x)
    }
    y += 1
    whisker(
      &frame, Rect(x: area.x, y: y, width: area.width, height: 1), speed, style, theme, isFinal)
    y += 1
    var lines: [(String, String, String)] = [
      (
        "dense ", Figures.duration(nanoseconds: measurement.denseNs.estimate),
        measurement.kernelDense
      ),
      (
        "sparse", Figures.duration(nanoseconds: measurement.sparseNs.estimate),
        measurement.kernelSparse
      ),
      (
        "bytes ", Figures.bytes(Double(measurement.bytesSparse)),
        "of \(Figures.bytes(Double(measurement.bytesDense)))"
      ),
    ]
    if measurement.flopsUseful > 0, let summary = state.summary.value, summary.achievedSparsity < 1
    {
      lines.append(
        (
          "FLOPs ", "1/\(NumberText.fixed(1 / (1 - summary.achievedSparsity), 1))",
          "what the zeros allow"
        ))
    }
    lines.append(("pack  ", Figures.duration(nanoseconds: measurement.packNs), packs(measurement)))
    lines.append(
      (
        "check ", Figures.plain(measurement.maxAbsError, digits: 2),
        "largest difference from the reference"
      ))
    // Remarks stand last, whole: figures give way to them, all but dense, sparse and, where there is room,
    // the bytes. Half a sentence of advice is none: what does not fit the why page has.
    let room = area.maxY - y
    let remarks = measurement.warnings.map { "! " + $0 }
    let heights = remarks.map { CellText.wrapped($0, to: area.width).count }
    let needed = heights.reduce(0, +)
    let always = remarks.isEmpty || room > 3 ? 3 : 2
    let areWhole = always + needed <= room
    let figures = min(lines.count, max(always, room - (areWhole ? needed : 1)))
    for line in lines.prefix(figures) where y < area.maxY {
      draw(line, &frame, area, y, theme)
      y += 1
    }
    guard areWhole else {
      if y < area.maxY {
        frame.put("! remarks: press 5", x: area.x, y: y, style: theme.warning, maxWidth: area.width)
      }
      return
    }
    for (remark, height) in zip(remarks, heights) {
      let rect = Rect(x: area.x, y: y, width: area.width, height: height)
      y += frame.putWrapped(remark, in: rect, style: theme.warning)
    }
  }

  private static func draw(
    _ line: (String, String, String), _ frame: inout Frame, _ area: Rect, _ y: Int, _ theme: Theme
  ) {
    var next = frame.put(line.0 + " ", x: area.x, y: y, style: theme.muted)
    next = frame.put(line.1, x: next, y: y, style: theme.text, maxWidth: area.maxX - next)
    if next + 2 + CellText.width(line.2) <= area.maxX {
      frame.put(line.2, x: next + 2, y: y, style: theme.muted)
    }
  }

  /// After how many calls packing has paid for itself.
  static func packs(_ measurement: Measurement) -> String {
    let saved = measurement.denseNs.estimate - measurement.sparseNs.estimate
    guard saved > 0 else { return "never pays" }
    let calls = (measurement.packNs / saved).rounded(.up)
    return calls < 1e9 ? "pays after \(Figures.count(Int(calls))) call\(calls == 1 ? "" : "s")" : ""
  }

  /// The interval on a line around 1, so that it can be seen to narrow.
  private static func whisker(
    _ frame: inout Frame, _ rect: Rect, _ speed: Interval, _ style: Style, _ theme: Theme,
    _ isFinal: Bool
  ) {
    // A fixed range for neighbouring values: from 0 to the next power of two above twice the high end.
    var top = 2.0
    while top < speed.high * 1.15, top < 1024 { top *= 2 }
    let label = "0" + String(repeating: " ", count: 0)
    var x = frame.put(label, x: rect.x, y: rect.y, style: theme.muted)
    let end = "\(NumberText.fixed(top, 0))x" + (isFinal ? "" : " …")
    let width = rect.maxX - x - end.count - 2
    guard width >= 6 else { return }
    frame.interval(
      low: speed.low, middle: speed.estimate, high: speed.high, range: 0...top, x: x + 1,
      y: rect.y, width: width, style: style, theme: theme)
    let one = x + 1 + Int((1 / top * Double(width - 1)).rounded())
    if frame[one, rect.y].scalar == "·" { frame[one, rect.y] = Cell("│", theme.title) }
    x += width + 2
    frame.put(end, x: x, y: rect.y, style: theme.muted)
  }

  static func style(_ verdict: Verdict, _ theme: Theme) -> Style {
    switch verdict {
    case .faster: theme.good
    case .slower: theme.bad
    case .indistinguishable: theme.warning
    }
  }
}

/// One sentence of plain English.
enum WhyPanel {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(rect, title: "Why", note: "5 more", theme: theme)
    let diagnosis = state.diagnosis
    let area = Rect(x: inside.x + 1, y: inside.y, width: inside.width - 1, height: inside.height)
    let used = frame.putWrapped(
      diagnosis.sentence.isEmpty ? "…" : diagnosis.sentence, in: area, style: theme.text)
    var y = area.y + used
    for finding in diagnosis.findings.dropFirst() where finding.cause != .rates {
      let text = "Also: \(finding.text)."
      let lines = CellText.wrapped(text, to: area.width).count
      guard y + lines <= area.maxY else { break }
      y += frame.putWrapped(
        text, in: Rect(x: area.x, y: y, width: area.width, height: lines), style: theme.muted)
    }
    let left = area.maxY - y
    if left > BoundsList.lines {
      BoundsList.draw(
        &frame,
        Rect(x: area.x, y: y + 1, width: area.width - 1, height: BoundsList.lines), state)
    }
  }
}
