internal import CellUI
internal import Experiments

/// Why it is as fast as it is: roofline, bytes, operations, samples, crossover, and one sentence.
enum WhyPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    let body = layout.body
    let bottom = body.height < 30 ? 6 : 8
    let parts = body.rows([.share(1), .fixed(bottom)])
    let wide = body.width >= 110
    let columns = parts[0].columns([.share(wide ? 3 : 5), .share(wide ? 2 : 4)])
    roofline(&frame, columns[0], state)
    let sides = columns[1].rows([.share(1), .fixed(max(7, parts[0].height * 2 / 5))])
    counts(&frame, sides[0], state)
    crossover(&frame, sides[1], state)
    let inside = frame.box(parts[1], title: "In a sentence", theme: theme)
    let diagnosis = state.diagnosis
    var text = diagnosis.sentence
    for finding in diagnosis.findings.dropFirst() where finding.cause != .rates {
      text += " Also: \(finding.text)."
    }
    frame.putWrapped(text.isEmpty ? "…" : text, in: inside.inset(1, 0), style: theme.text)
  }

  private static func roofline(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: "Roofline",
      note: "\(state.knobs.threads) thread\(state.knobs.threads == 1 ? "" : "s")", theme: theme)
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

  private static func counts(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(rect, title: "Bytes and operations", theme: theme)
    guard let measurement = state.measurement.value else {
      frame.put(
        state.measurement.isWaiting ? "measuring…" : "– m measures", x: inside.x + 1, y: inside.y,
        style: theme.muted)
      return
    }
    func bytes(_ count: Int) -> String { Figures.bytes(Double(count)) }
    var lines: [(String, String, Double?)] = [
      ("values", bytes(measurement.bytesValues), share(measurement.bytesValues, measurement)),
      ("indices", bytes(measurement.bytesIndices), share(measurement.bytesIndices, measurement)),
      ("padding", bytes(measurement.bytesPadding), share(measurement.bytesPadding, measurement)),
      ("activations", bytes(measurement.bytesActivations), nil),
      ("dense weights", bytes(measurement.bytesDense), nil),
      (
        "useful FLOPs", Figures.rate(measurement.flopsUseful, "FLOP"),
        measurement.flopsExecuted > 0 ? measurement.flopsUseful / measurement.flopsExecuted : nil
      ),
      ("executed", Figures.rate(measurement.flopsExecuted, "FLOP"), nil),
      ("imbalance", "\(NumberText.fixed(measurement.imbalance, 2))x", nil),
      ("kernel", measurement.kernelSparse, nil),
      ("dense kernel", measurement.kernelDense, nil),
    ]
    lines += measurement.refused.map { ("refused", $0, nil) }
    for (index, line) in lines.prefix(inside.height).enumerated() {
      let y = inside.y + index
      frame.put(line.0, x: inside.x + 1, y: y, style: theme.muted, maxWidth: 13)
      let x = frame.put(
        line.1, x: inside.x + 15, y: y, style: theme.text, maxWidth: inside.width - 16)
      if let share = line.2, inside.maxX - max(x, inside.x + 27) > 6 {
        let start = inside.x + 27
        frame.gauge(share, x: start, y: y, width: inside.maxX - start - 1, theme: theme)
      }
    }
  }

  private static func share(_ count: Int, _ measurement: Measurement) -> Double {
    measurement.bytesSparse > 0 ? Double(count) / Double(measurement.bytesSparse) : 0
  }

  /// The crossover once it was looked for; before that the samples' distribution.
  private static func crossover(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    switch state.crossover {
    case .known(let crossover), .narrowing(let crossover):
      let inside = frame.box(rect, title: "Crossover over \(crossover.axis.rawValue)", theme: theme)
      let text = CellText.wrapped(crossover.sentence, to: inside.width - 2)
      let height = inside.height - min(2, text.count)
      let known = crossover.points
      if height >= 6, !known.isEmpty {
        var chart = Chart(
          x: .init(
            crossover.axis.rawValue,
            Scale(
              crossover.axis == .tokens ? .logarithmic : .linear, covering: known.map(\.position)),
            crossover.axis == .tokens ? .plain : .percent),
          y: .init(
            "speedup", Scale(.linear, covering: known.map(\.speedup.estimate), including: [1]),
            .ratio))
        chart.points = known.map {
          Chart.Point(
            x: $0.position, y: $0.speedup.estimate,
            yInterval: min($0.speedup.low, $0.speedup.high)...max($0.speedup.low, $0.speedup.high),
            style: theme.accent)
        }
        chart.horizontals = [Chart.Reference(1, "dense", style: theme.title)]
        frame.chart(
          chart, in: Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: height),
          theme: theme)
      }
      frame.putWrapped(
        crossover.sentence.isEmpty ? "searching…" : crossover.sentence,
        in: Rect(
          x: inside.x + 1, y: inside.maxY - min(2, text.count), width: inside.width - 2, height: 2),
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
        samples(&frame, rect, state)
      }
    }
  }

  private static func samples(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(rect, title: "Samples of the ratio", theme: theme)
    let raw = state.measurement.value?.rawSamples ?? []
    let ratios = raw.compactMap { $0.count == 2 && $0[1] > 0 ? $0[0] / $0[1] : nil }
    guard let histogram = Histogram(ratios, bins: min(24, inside.width - 2)),
      let measurement = state.measurement.value, inside.height >= 4
    else {
      frame.putWrapped(
        "f searches from which sparsity this pattern wins, F from how many tokens; P draws what every "
          + "λ leaves.", in: inside.inset(1, 0), style: theme.muted)
      return
    }
    frame.histogram(
      histogram, in: inside.inset(1, 0), format: .ratio,
      marks: [(measurement.speedup.estimate, "▲"), (1, "│")], theme: theme)
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
