internal import CellUI
internal import Experiments

/// What was measured of the matrix that is looked at: the masks that no other beats, in figures and
/// as a picture of the trade-off.
enum MatrixPanel {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    guard let tensor = state.tensor else { return }
    let theme = state.theme
    let points = points(tensor, state)
    let quality = qualityColumn(tensor)
    let inside = frame.box(
      rect, title: "Measured here", note: points.isEmpty ? "" : "\(points.count)", theme: theme)
    let area = inside.inset(1, 0)
    guard !points.isEmpty else {
      frame.putWrapped(
        "Nothing yet at \(state.knobs.tokens) tokens. Each mask that is timed is kept here; s "
          + "measures many.", in: area, style: theme.muted)
      return
    }
    let front = Front(points, .speedup, quality)
    let rows = front.members.reversed().map { points[$0].row }
    let least = 10
    // The picture goes first when there is little room, the figures are worth more.
    let lines =
      area.height >= least + 5 ? min(rows.count + 1, max(4, area.height - least)) : area.height
    frame.table(
      table(rows, quality, state),
      in: Rect(x: inside.x, y: area.y, width: inside.width, height: lines), theme: theme)
    let rest = Rect(
      x: area.x, y: area.y + lines + 1, width: area.width, height: area.height - lines - 1)
    if rest.height >= least - 1 {
      chart(&frame, rest, points, front, quality, state)
    } else if rest.height >= 3 {
      frame.putWrapped(
        "Not beaten by another mask measured here. 3 shows all.", in: rest, style: theme.muted)
    }
  }

  private static func qualityColumn(_ tensor: TensorInfo) -> ResultColumn {
    tensor.hasActivations ? .outputError : .weightError
  }

  /// Rows of this matrix that were timed as the knobs say: others are not comparable.
  private static func points(_ tensor: TensorInfo, _ state: State) -> [TradeOffPoint] {
    let quality = qualityColumn(tensor)
    let calibration = ResultCell(state.model.value?.calibration?.identity)
    return state.resultRows.filter { row in
      row[.tensor] == .text(tensor.name) && row.isTimed(like: state.knobs)
        && row[.speedup].number != nil && row[quality].number != nil
        && (quality != .outputError || row[.calibrationID] == calibration)
    }.map { TradeOffPoint(row: $0, source: 0) }
  }

  private static func table(
    _ rows: [ResultRow], _ quality: ResultColumn, _ state: State
  ) -> Table {
    let theme = state.theme
    let cells = rows.map { row -> [TableCell] in
      let isShown = row.matches(state.knobs, hasActivations: state.tensor?.hasActivations == true)
      let style = isShown ? theme.title : theme.text
      let faster = row[.speedup].number.map { $0 >= 1 } ?? false
      return [
        TableCell((isShown ? "▸" : " ") + row[.pattern].text, style),
        TableCell(Figures.percent(row[.sparsityAchieved].number, places: 0), style),
        TableCell(Figures.plain(row[quality].number, digits: 2), style),
        TableCell(
          (faster ? "▲" : "▼") + Figures.ratio(row[.speedup].number),
          faster ? theme.good : theme.bad),
      ]
    }
    return Table(
      columns: [
        TableColumn(" best", .flexible(minimum: 7)), TableColumn("zeros", .fixed(5), .right),
        TableColumn("error", .fixed(5), .right, dropOrder: 1),
        TableColumn("gain", .fixed(6), .right),
      ], rows: cells)
  }

  private static func chart(
    _ frame: inout Frame, _ rect: Rect, _ points: [TradeOffPoint], _ front: Front,
    _ quality: ResultColumn, _ state: State
  ) {
    let theme = state.theme
    func value(_ index: Int) -> (x: Double, y: Double) {
      let row = points[index].row
      return (row[.speedup].number ?? .nan, row[quality].number ?? .nan)
    }
    let speeds = points.indices.map { value($0).x }
    let isWide = (speeds.max() ?? 1) > 4 * (speeds.filter { $0 > 0 }.min() ?? 1)
    var chart = Chart(
      x: .init(
        "speedup", Scale(isWide ? .logarithmic : .linear, covering: speeds, including: [1]), .ratio),
      y: .init(
        SweepPage.columnTitle(quality).replacing(" (proxy)", with: ""),
        // One point alone has no range of its own: it stands between nothing lost and itself.
        Scale(
          .linear, covering: points.indices.map { value($0).y },
          including: points.count == 1 ? [0] : [])))
    chart.lines = [
      Chart.Line(
        front.members.map { Chart.Vertex(value($0).x, value($0).y) }, .steps, style: theme.accent)
    ]
    chart.verticals = [Chart.Reference(1, "dense", style: theme.muted)]
    chart.points = points.indices.map { index in
      let family = TradeOffPage.family(points[index].row)
      var style = TradeOffPage.style(family, theme)
      if !front.members.contains(index) { style.attributes.insert(.dim) }
      return Chart.Point(
        x: value(index).x, y: value(index).y, marker: TradeOffPage.markers[family] ?? "●",
        style: style)
    }
    chart.selected = points.firstIndex {
      $0.row.matches(state.knobs, hasActivations: state.tensor?.hasActivations == true)
    }
    frame.chart(chart, in: rect, theme: theme)
  }
}
