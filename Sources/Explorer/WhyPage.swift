internal import CellUI
internal import Experiments

/// Why it is as fast as it is: roofline, bytes, operations, samples, crossover, and one sentence.
enum WhyPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    let body = layout.body
    let diagnosis = state.diagnosis
    var text = diagnosis.sentence
    for finding in diagnosis.findings.dropFirst() where finding.cause != .rates {
      text += " Also: \(finding.text)."
    }
    // Advice after the reason, whole or not at all: a small screen needs its lines for the pictures.
    var advice = (state.measurement.value?.warnings ?? []).map {
      $0.prefix(1).uppercased() + $0.dropFirst() + "."
    }
    if let remark = state.summary.value?.remark { advice.insert("Quality: \(remark).", at: 0) }
    for sentence in advice {
      let longer = text + " " + sentence
      let lines = CellText.wrapped(longer, to: body.width - 4).count
      if lines <= max(6, body.height / 5) { text = longer }
    }
    // The sentence takes what it needs, the pictures the rest.
    let lines = CellText.wrapped(text, to: body.width - 4).count
    let parts = body.rows([.share(1), .fixed(min(max(1, lines), body.height / 3) + 2)])
    let wide = body.width >= 110
    let columns = parts[0].columns([.share(wide ? 3 : 5), .share(wide ? 2 : 4)])
    roofline(&frame, columns[0], state)
    let known = WhyCounts.lines(state)
    let counted = max(3, known.count + 2)
    let sides = columns[1].rows([
      .fixed(min(counted, columns[1].height - max(7, columns[1].height * 2 / 5))), .share(1),
    ])
    WhyCounts.draw(&frame, sides[0], known, state)
    let isSearched = state.crossover != .unknown || state.path.value != nil || state.path.isWaiting
    if sides[1].height >= 24, isSearched {
      let halves = sides[1].rows([.share(1), .share(1)])
      WhySamples.draw(&frame, halves[0], state)
      searches(&frame, halves[1], state)
    } else if !isSearched {
      WhySamples.draw(&frame, sides[1], state)
    } else {
      searches(&frame, sides[1], state)
    }
    let inside = frame.box(parts[1], title: "In a sentence", theme: theme)
    frame.putWrapped(text.isEmpty ? "…" : text, in: inside.inset(1, 0), style: theme.text)
  }

  private static func roofline(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    // A small chart may have no room for the name of its ceiling.
    let threadsText = "\(state.knobs.threads) thread\(state.knobs.threads == 1 ? "" : "s")"
    let peakText = state.machine?.ceilings.map {
      "peak \(Figures.rate($0.peakFlops * Double(state.knobs.threads), "FLOP/s")), "
    }
    let inside = frame.box(
      rect, title: "Roofline", note: (rect.width < 60 ? peakText ?? "" : "") + threadsText,
      theme: theme)
    guard let ceilings = state.machine?.ceilings else {
      frame.putWrapped(
        "The ceilings of this machine were not measured yet; doctor measures them and keeps them.",
        in: inside.inset(1, 1), style: theme.muted)
      return
    }
    var points: [Chart.Point] = []
    if let measurement = state.measurement.value, let tensor = state.tensor {
      let denseFlops =
        2 * Double(tensor.rows) * Double(tensor.columns) * Double(state.knobs.tokens)
      let denseBytes = Double(measurement.bytesDense + measurement.bytesActivations)
      let sparseBytes = Double(measurement.bytesSparse + measurement.bytesActivations)
      points = [
        Chart.Point(
          x: denseFlops / denseBytes, y: denseFlops / (measurement.denseNs.estimate * 1e-9),
          marker: "■", style: theme.title, label: "dense"),
        Chart.Point(
          x: measurement.flopsUseful / sparseBytes,
          y: measurement.flopsUseful / (measurement.sparseNs.estimate * 1e-9), marker: "●",
          style: theme.accent.with(.bold), label: "sparse"),
      ]
    }
    let threads = Double(state.knobs.threads)
    let chart = Chart.roofline(
      peak: .init("peak", ceilings.peakFlops * threads),
      bandwidths: [
        .init("L1", ceilings.l1Bandwidth * threads), .init("L2", ceilings.l2Bandwidth * threads),
        .init("L3", ceilings.l3Bandwidth * threads),
        .init("memory", ceilings.memoryBandwidth * threads),
      ].filter { $0.rate > 0 }, points: points, theme: theme)
    frame.chart(
      chart,
      in: Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height - 1),
      theme: theme)
    frame.put(
      "■ dense  ● sparse, useful FLOPs only", x: inside.x + 1,
      y: inside.maxY - 1, style: theme.muted, maxWidth: inside.width - 2)
  }

  /// The search that was asked for last.
  private static func searches(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    switch state.crossover {
    case .known(let crossover), .narrowing(let crossover):
      let inside = frame.box(rect, title: "Crossover over \(crossover.axis.rawValue)", theme: theme)
      let text = CellText.wrapped(crossover.sentence, to: inside.width - 2)
      let known = crossover.points
      let isDrawn = inside.height - min(2, text.count) >= 6 && !known.isEmpty
      let lines = min(text.count, isDrawn ? 2 : inside.height)
      let height = inside.height - lines
      let speeds = known.map(\.speedup.estimate)
      // What matters happens around 1, whatever is reached further on.
      let isWide = (speeds.max() ?? 1) > 4
      if isDrawn {
        var chart = Chart(
          x: .init(
            crossover.axis.rawValue,
            Scale(
              crossover.axis == .tokens ? .logarithmic : .linear, covering: known.map(\.position)),
            crossover.axis == .tokens ? .plain : .percent),
          y: .init(
            "speedup",
            Scale(isWide ? .logarithmic : .linear, covering: speeds, including: [1]), .ratio))
        chart.points = known.map {
          Chart.Point(
            x: $0.position, y: $0.speedup.estimate,
            yInterval: min($0.speedup.low, $0.speedup.high)...max($0.speedup.low, $0.speedup.high),
            style: theme.accent)
        }
        chart.horizontals = [Chart.Reference(1, "dense", style: theme.title)]
        if let at = crossover.at {
          // Between these two verdicts it turns: the wider the less is known.
          chart.regions = [Chart.Region(x: at.low...max(at.low, at.high), style: theme.accent)]
          chart.verticals = [Chart.Reference(at.estimate, style: theme.accent)]
        }
        frame.chart(
          chart, in: Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: height),
          theme: theme)
      }
      frame.putWrapped(
        crossover.sentence.isEmpty ? "searching…" : crossover.sentence,
        in: Rect(
          x: inside.x + 1, y: isDrawn ? inside.maxY - max(1, lines) : inside.y,
          width: inside.width - 2,
          height: max(1, lines)),
        style: theme.text)
    case .pending:
      let inside = frame.box(rect, title: "Crossover", theme: theme)
      frame.put("searching…", x: inside.x + 1, y: inside.y, style: theme.accent)
    case .failed(let reason):
      let inside = frame.box(rect, title: "Crossover", theme: theme)
      frame.putWrapped(reason, in: inside.inset(1, 0), style: theme.bad)
    case .unknown:
      if state.path.value != nil || state.path.isWaiting {
        path(&frame, rect, state)
      } else {
        let inside = frame.box(rect, title: "Crossover", theme: theme)
        frame.putWrapped(
          "f searches from which sparsity this pattern wins, F from how many tokens; P draws what "
            + "every λ leaves.", in: inside.inset(1, 0), style: theme.muted)
      }
    }
  }

  private static func path(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(rect, title: "What every λ leaves", theme: theme)
    guard let path = state.path.value, path.points.count > 1, inside.height >= 6 else {
      frame.put("solving…", x: inside.x + 1, y: inside.y, style: theme.accent)
      return
    }
    let known = path.points.filter { $0.lambda > 0 }
    var chart = Chart(
      x: .init("λ of λ max", Scale(.logarithmic, covering: known.map(\.lambda))),
      y: .init("zeros and output error", Scale(.linear, from: 0, to: 1)))
    chart.lines = [
      Chart.Line(known.map { .init($0.lambda, $0.sparsity) }, style: theme.accent),
      Chart.Line(
        known.compactMap { point in point.outputError.map { .init(point.lambda, $0) } },
        style: theme.warning, dashed: true),
    ]
    frame.chart(
      chart,
      in: Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height - 1),
      theme: theme)
    frame.put(
      "─ zeros  ╌ output error", x: inside.x + 1, y: inside.maxY - 1, style: theme.muted,
      maxWidth: inside.width - 2)
  }
}
