internal import CellUI
internal import Experiments

/// Quality against speed: every measured mask as a point, the front as steps.
enum TradeOffPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    let points = state.tradeOffPoints
    guard !points.isEmpty else {
      let inside = frame.box(layout.body, title: title(state), theme: theme, focused: true)
      let text =
        state.resultRows.isEmpty && state.tradeOff.overlays.isEmpty
        ? "Nothing measured yet. m measures this mask, s sweeps patterns x sparsities, and "
          + ":overlay FILE.csv lays saved results over."
        : "No measured row has both \(SweepPage.columnTitle(state.choices.tradeOffY)) and "
          + "\(SweepPage.columnTitle(state.choices.tradeOffX)). v and V choose other axes."
      frame.putWrapped(
        text, in: inside.centered(width: min(64, inside.width - 4), height: 5), style: theme.muted)
      return
    }
    let (plot, side) = areas(layout)
    let inside = frame.box(
      plot, title: title(state), note: "\(points.count) point\(points.count == 1 ? "" : "s")",
      theme: theme, focused: true)
    let front = Front(points, state.choices.tradeOffX, state.choices.tradeOffY)
    var chart = chart(points, front, state)
    let area = chart.plot(in: chartRect(plot))
    for index in chart.regions.indices {
      // A name that does not fit its part of the plot would be cut.
      let end = chart.x.scale.fraction(chart.regions[index].x.upperBound) ?? 0
      let width = Int(end * Double(area.width)) - 2
      let names = ["slower than dense", "slower", ""]
      chart.regions[index].label = names.first { $0.count <= width } ?? ""
    }
    frame.chart(chart, in: chartRect(plot), theme: theme)
    legend(&frame, inside, points, front, state)
    pointPanel(&frame, side, points, front, state)
  }

  private static func title(_ state: State) -> String {
    switch state.choices.tradeOffScale {
    case .auto: "Trade-off"
    case .linear: "Trade-off  linear axes"
    case .logarithmic: "Trade-off  logarithmic axes"
    }
  }

  static func place(
    x: Int, y: Int, _ state: State, _ layout: ScreenLayout
  ) -> (row: Int, column: Int)? {
    let points = state.tradeOffPoints
    let front = Front(points, state.choices.tradeOffX, state.choices.tradeOffY)
    let chart = chart(points, front, state)
    return chart.nearestPoint(toX: x, y: y, in: chartRect(areas(layout).plot), reach: 6)
      .map { ($0, 0) }
  }

  private static func areas(_ layout: ScreenLayout) -> (plot: Rect, side: Rect) {
    let body = layout.body
    if body.width >= 110 {
      let parts = body.columns([.share(1), .fixed(min(48, body.width / 3))])
      return (parts[0], parts[1])
    }
    let parts = body.rows([.share(1), .fixed(6)])
    return (parts[0], parts[1])
  }

  private static func chartRect(_ plot: Rect) -> Rect {
    let inside = plot.inset(1, 1)
    return Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height - 1)
  }

  static let markers: [String: Unicode.Scalar] = [
    "unstructured": "○", "column strips": "●", "row strips": "◆", "blocks": "■", "N:M": "▲",
    "whole rows or columns": "□", "tile-wise": "▼",
  ]

  static let families = [
    "unstructured", "column strips", "row strips", "blocks", "N:M", "whole rows or columns",
    "tile-wise",
  ]

  static func family(_ row: ResultRow) -> String {
    Pattern(row[.pattern].text)?.family ?? "blocks"
  }

  static func style(_ family: String, _ theme: Theme) -> Style {
    let index = families.firstIndex(of: family) ?? 0
    return Style(theme.series[index % theme.series.count], on: theme.text.background)
  }

  /// A trained model looks like nothing that was pruned in one shot, whatever its pattern.
  static let trained: Unicode.Scalar = "◉"

  private static func marker(_ point: TradeOffPoint) -> Unicode.Scalar {
    if point.row.isTrained { return trained }
    return point.source == 0 ? markers[family(point.row)] ?? "●" : "×"
  }

  private static func chart(_ points: [TradeOffPoint], _ front: Front, _ state: State) -> Chart {
    let theme = state.theme
    let (x, y) = (state.choices.tradeOffX, state.choices.tradeOffY)
    func scale(_ column: ResultColumn) -> Scale {
      let values = points.compactMap { $0.row[column].number }
      let isWide = (values.max() ?? 1) > 4 * (values.filter { $0 > 0 }.min() ?? 1)
      let isQuantity: Bool
      switch column {
      case .speedup, .sparseNs, .denseNs, .packNs, .bytesSparse, .bytesDense, .flopsExecuted,
        .flopsUseful, .nnz:
        isQuantity = true
      default: isQuantity = false
      }
      let kind: Scale.Kind
      switch state.choices.tradeOffScale {
      case .auto: kind = isQuantity && isWide ? .logarithmic : .linear
      case .linear: kind = .linear
      // A logarithm has no place for zero: such an axis stays as it is.
      case .logarithmic: kind = values.allSatisfy { $0 > 0 } ? .logarithmic : .linear
      }
      return Scale(kind, covering: values, including: column == .speedup ? [1] : [])
    }
    var chart = Chart(
      x: .init(axisTitle(x), scale(x), SweepPage.format(x)),
      y: .init(axisTitle(y), scale(y), SweepPage.format(y)))
    chart.points = points.enumerated().map { index, point in
      let family = family(point.row)
      let isBest = front.members.contains(index)
      var style = Self.style(family, theme)
      if !isBest { style.attributes.insert(.dim) }
      let isKnee = index == front.knee
      let label = isBest && point.source == 0 ? (isKnee ? "★ " : "") + Self.label(point.row) : ""
      if isKnee { style.attributes.insert(.bold) }
      return Chart.Point(
        x: point.row[x].number ?? .nan, y: point.row[y].number ?? .nan,
        xInterval: interval(x, point.row), yInterval: interval(y, point.row),
        marker: marker(point), style: style, label: label)
    }
    let vertices = front.members.map {
      Chart.Vertex(points[$0].row[x].number ?? .nan, points[$0].row[y].number ?? .nan)
    }
    chart.lines = [Chart.Line(vertices, .steps, style: theme.accent)]
    if x == .speedup {
      chart.verticals = [Chart.Reference(1, style: theme.title)]
      chart.regions = [
        Chart.Region(
          x: min(chart.x.scale.low, 1)...1, style: theme.muted)
      ]
    }
    chart.selected = min(state.tradeOff.selected, points.count - 1)
    return chart
  }

  /// The 95 % interval of a measured figure.
  private static func interval(_ column: ResultColumn, _ row: ResultRow) -> ClosedRange<Double>? {
    let ends: (ResultColumn, ResultColumn)
    switch column {
    case .speedup: ends = (.speedupLow, .speedupHigh)
    case .sparseNs: ends = (.sparseNsLow, .sparseNsHigh)
    case .denseNs: ends = (.denseNsLow, .denseNsHigh)
    default: return nil
    }
    guard let low = row[ends.0].number, let high = row[ends.1].number, low <= high else {
      return nil
    }
    return low...high
  }

  private static func axisTitle(_ column: ResultColumn) -> String {
    SweepPage.columnTitle(column)
      + (Front.isBetterLarge(column) ? ", higher is better" : ", lower is better")
  }

  private static func label(_ row: ResultRow) -> String {
    let zeros = row[.sparsityAchieved].number.map { " \(NumberText.fixed($0 * 100, 0))%" } ?? ""
    return row[.pattern].text + zeros
  }

  private static func legend(
    _ frame: inout Frame, _ inside: Rect, _ points: [TradeOffPoint], _ front: Front,
    _ state: State
  ) {
    let theme = state.theme
    let present = Set(points.filter { !$0.row.isTrained }.map { family($0.row) })
    func entries(_ names: [String: String]) -> [LegendEntry] {
      var entries = families.filter(present.contains).map {
        LegendEntry(markers[$0] ?? "●", names[$0] ?? $0, style($0, theme))
      }
      if points.contains(where: \.row.isTrained) {
        entries.append(LegendEntry(trained, "trained", theme.text))
      }
      if !state.tradeOff.overlays.isEmpty {
        entries.append(LegendEntry("×", "overlay", theme.text))
      }
      entries.append(LegendEntry("─", "front", theme.accent))
      if front.knee != nil { entries.append(LegendEntry("★", "knee", theme.title)) }
      if state.choices.tradeOffX == .speedup {
        entries.append(LegendEntry("┊", "dense", theme.title))
      }
      return entries
    }
    let full = entries([:])
    let needed = full.reduce(0) { $0 + CellText.width($1.label) + 4 }
    frame.legend(
      needed <= inside.width ? full : entries(shortNames), x: inside.x + 1, y: inside.maxY - 1,
      width: inside.width - 2, theme: theme)
  }

  /// Families by the form of their pattern, where the line is short.
  private static let shortNames = [
    "unstructured": "1x1", "column strips": "Rx1", "row strips": "1xC", "blocks": "RxC",
    "whole rows or columns": "row", "tile-wise": "tile",
  ]

  private static func pointPanel(
    _ frame: inout Frame, _ rect: Rect, _ points: [TradeOffPoint], _ front: Front, _ state: State
  ) {
    let theme = state.theme
    let at = min(state.tradeOff.selected, points.count - 1)
    let row = points[at].row
    let inside = frame.box(
      rect,
      title: "\(row[.pattern].text)  \(Figures.percent(row[.sparsityAchieved].number, places: 0))",
      note: "\(at + 1)/\(points.count)", theme: theme)
    var lines: [(String, String)] = [
      (
        SweepPage.columnTitle(state.choices.tradeOffX),
        SweepPage.text(state.choices.tradeOffX, row[state.choices.tradeOffX].number)
      ),
      (
        SweepPage.columnTitle(state.choices.tradeOffY),
        SweepPage.text(state.choices.tradeOffY, row[state.choices.tradeOffY].number)
      ),
      ("layer", layerName(row[.tensor].text, state)),
      ("tokens, threads", "\(row[.tokens].text), \(row[.threads].text)"),
    ]
    if let range = interval(state.choices.tradeOffX, row), state.choices.tradeOffX == .speedup {
      lines.insert(
        (
          "95 % interval",
          Wording.range(
            Interval(
              estimate: range.lowerBound, low: range.lowerBound, high: range.upperBound))
        ), at: 1)
    }
    if row.isTrained {
      lines.append(("trained", "\(row[.solve].text), \(row[.note].text)"))
    }
    if points[at].source > 0 {
      lines.append(("from", state.tradeOff.overlays[points[at].source - 1].path))
    }
    // A flat panel has its sentence beside the figures.
    let isFlat = inside.height < 8
    let right = isFlat ? inside.x + inside.width * 3 / 5 : inside.maxX
    var y = inside.y
    for line in lines where y < inside.maxY {
      let label = frame.put(line.0, x: inside.x + 1, y: y, style: theme.muted, maxWidth: 20)
      // A long name starts earlier rather than being cut.
      let x = min(inside.x + 22, max(label + 1, right - 1 - CellText.width(line.1)))
      frame.put(
        line.1, x: x, y: y, style: theme.text, maxWidth: right - 1 - x, truncation: .middle)
      y += 1
    }
    let text = front.sentence(at, points, state)
    if isFlat {
      frame.putWrapped(
        text,
        in: Rect(x: right, y: inside.y, width: inside.maxX - right - 1, height: inside.height),
        style: theme.text)
      return
    }
    if inside.maxY - y >= 3 {
      let used = frame.putWrapped(
        text,
        in: Rect(x: inside.x + 1, y: y + 1, width: inside.width - 2, height: inside.maxY - y - 1),
        style: theme.text)
      table(
        &frame,
        Rect(
          x: inside.x + 1, y: y + used + 2, width: inside.width - 2,
          height: inside.maxY - y - used - 2), points, front, state)
    }
  }

  private static func layerName(_ name: String, _ state: State) -> String {
    if name == "*" { return "the whole model" }
    let known = state.model.value?.prunable.map(\.name) ?? []
    guard let index = known.firstIndex(of: name) else { return Wording.tail(name, 24) }
    return Wording.short(known)[index]
  }

  /// The front in figures.
  private static func table(
    _ frame: inout Frame, _ rect: Rect, _ points: [TradeOffPoint], _ front: Front, _ state: State
  ) {
    guard rect.height >= 3 else { return }
    let (x, y) = (state.choices.tradeOffX, state.choices.tradeOffY)
    let theme = state.theme
    let rows = front.members.map { index -> [TableCell] in
      let row = points[index].row
      return [
        TableCell((index == front.knee ? "★" : " ") + row[.pattern].text),
        TableCell(Figures.percent(row[.sparsityAchieved].number, places: 0)),
        TableCell(SweepPage.text(x, row[x].number)), TableCell(SweepPage.text(y, row[y].number)),
      ]
    }
    func figures(_ column: ResultColumn) -> TableColumn {
      let title = SweepPage.shortTitle(column)
      let texts = front.members.map { SweepPage.text(column, points[$0].row[column].number) }
      let widest = texts.map { CellText.width($0) }.max() ?? 0
      return TableColumn(title, .fixed(min(10, max(CellText.width(title), widest, 6))), .right)
    }
    frame.table(
      Table(
        columns: [
          TableColumn(front.knee == nil ? "front" : "front, ★ knee", .flexible(minimum: 13)),
          TableColumn("zeros", .fixed(5), .right), figures(x), figures(y),
        ], rows: rows), in: rect, theme: theme)
  }
}

extension Wording {
  /// The end of a name that tells it apart.
  static func tail(_ name: String, _ width: Int) -> String {
    let bare = name.hasSuffix(".weight") ? String(name.dropLast(7)) : name
    return CellText.truncated(bare, to: width, .head)
  }
}
