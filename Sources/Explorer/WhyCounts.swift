internal import CellUI
internal import Experiments

/// What one call of the sparse kernel stores, moves and computes, and what packing for it costs.
enum WhyCounts {
  struct Line: Hashable {
    var name: String
    var text: String
    /// Of the stored bytes, or of the executed operations; nil draws no bar.
    var share: Double?
  }

  /// Empty before a first estimate.
  static func lines(_ state: State) -> [Line] {
    guard let measurement = state.measurement.value else { return [] }
    func bytes(_ count: Int) -> String { Figures.bytes(Double(count)) }
    func stored(_ name: String, _ count: Int) -> Line {
      Line(
        name: name, text: bytes(count),
        share: measurement.bytesSparse > 0 ? Double(count) / Double(measurement.bytesSparse) : 0)
    }
    var lines = [
      stored("values", measurement.bytesValues), stored("indices", measurement.bytesIndices),
    ]
    if measurement.bytesPadding > 0 { lines.append(stored("padding", measurement.bytesPadding)) }
    let useful = measurement.flopsUseful
    lines += [
      Line(name: "dense weights", text: bytes(measurement.bytesDense)),
      Line(name: "activations", text: bytes(measurement.bytesActivations)),
      Line(
        name: "useful FLOPs", text: Figures.rate(useful, ""),
        share: measurement.flopsExecuted > 0 ? useful / measurement.flopsExecuted : nil),
      Line(
        name: "packing",
        text: Figures.duration(nanoseconds: measurement.packNs) + ", "
          + GainPanel.packs(measurement)),
    ]
    if state.knobs.threads > 1 {
      lines.append(
        Line(
          name: "imbalance", text: "\(NumberText.fixed(measurement.imbalance, 2))x the mean share"))
    }
    lines += [
      Line(name: "kernel", text: measurement.kernelSparse),
      Line(name: "dense kernel", text: measurement.kernelDense),
      Line(
        name: "largest error",
        text: Figures.plain(measurement.maxAbsError, digits: 2) + "  from the reference"),
    ]
    return lines + measurement.refused.map { Line(name: "refused", text: $0) }
  }

  static func draw(_ frame: inout Frame, _ rect: Rect, _ lines: [Line], _ state: State) {
    let theme = state.theme
    let visible = rect.height - 2
    let hidden = lines.count - visible
    let inside = frame.box(
      rect, title: "Bytes and operations",
      note: hidden > 0
        ? "+\(hidden)" : rect.width >= 64 && !lines.isEmpty ? "% of stored, of executed" : "",
      theme: theme)
    guard !lines.isEmpty else {
      frame.put(
        state.measurement.isWaiting ? "measuring…" : "– m measures", x: inside.x + 1, y: inside.y,
        style: theme.muted)
      return
    }
    for (index, line) in lines.prefix(inside.height).enumerated() {
      let y = inside.y + index
      frame.put(line.name, x: inside.x + 1, y: y, style: theme.muted, maxWidth: 13)
      let room = inside.width - 16
      let x = frame.put(
        Wording.fitting(line.text, room), x: inside.x + 15, y: y, style: theme.text, maxWidth: room)
      guard let share = line.share else { continue }
      // The bar starts where all bars start; its figure stands after it where there is room.
      let start = max(x + 1, inside.x + 27)
      let figure = Wording.whole(share)
      let width = inside.maxX - start - 1
      if width >= 14 {
        frame.gauge(share, x: start, y: y, width: width - 6, theme: theme)
        frame.put(
          figure, x: inside.maxX - 6, y: y, width: 5, alignment: .right, style: theme.muted)
      } else if width >= 5 {
        frame.gauge(share, x: start, y: y, width: width, theme: theme)
      }
    }
  }
}

/// How the paired samples lie.
enum WhySamples {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let ratios = (state.measurement.value?.rawSamples ?? []).compactMap {
      $0.count == 2 && $0[1] > 0 ? $0[0] / $0[1] : nil
    }
    let inside = frame.box(
      rect, title: rect.width < 38 ? "Samples" : "Samples of the ratio",
      note: ratios.isEmpty ? "" : "\(ratios.count) pairs", theme: theme)
    var area = inside.inset(1, 0)
    // About as many bars as samples can fill.
    let bins = min(area.width, max(8, Int(Double(ratios.count).squareRoot() * 2.5)))
    guard let histogram = Histogram(fenced: ratios, bins: bins),
      let measurement = state.measurement.value, inside.height >= 4
    else {
      frame.putWrapped(
        state.measurement.isWaiting
          ? "Drawn when the measurement ends."
          : "No samples: m measures. f searches from which sparsity this pattern wins, F from how "
            + "many tokens.", in: area, style: theme.muted)
      return
    }
    if area.height >= 14, state.crossover == .unknown {
      // Room that no search has taken yet says what could.
      let hint = "f searches from which sparsity it wins, F from how many tokens; P draws every λ."
      let lines = CellText.wrapped(hint, to: area.width).count
      frame.putWrapped(
        hint, in: Rect(x: area.x, y: area.maxY - lines, width: area.width, height: lines),
        style: theme.muted)
      area.height -= lines + 1
    }
    let hasLegend = area.height >= 6
    frame.histogram(
      histogram,
      in: Rect(
        x: area.x, y: area.y, width: area.width, height: area.height - (hasLegend ? 1 : 0)),
      format: .ratio, marks: [(measurement.speedup.estimate, "▲"), (1, "┃")], theme: theme)
    if hasLegend {
      let beyond =
        histogram.below + histogram.above > 0 ? "  ◂ ▸ beyond" : ""
      // Dense is far away where nothing overlaps with it.
      let dense = histogram.low...histogram.high ~= 1 ? "  ┃ dense" : ""
      frame.put(
        "▲ median" + dense + beyond, x: area.x, y: area.maxY - 1, style: theme.muted,
        maxWidth: area.width)
    }
  }
}
