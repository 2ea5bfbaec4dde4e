extension Frame {
  /// Draws axes, regions, lines, whiskers and markers, in this order. Below 12x6 cells nothing.
  public mutating func chart(_ chart: Chart, in rect: Rect, theme: Theme) {
    let area = chart.plot(in: rect)
    guard area.width >= 6, area.height >= 2 else { return }
    regions(chart, area, theme)
    axes(chart, rect, area, theme)

    var canvas = BrailleCanvas(width: area.width, height: area.height)
    let (right, bottom) = (Double(area.width * 2 - 1), Double(area.height * 4 - 1))
    for reference in chart.verticals {
      guard let fraction = chart.x.scale.fraction(reference.value) else { continue }
      let x = fraction * right
      canvas.line(fromX: x, y: 0, toX: x, y: bottom, style: reference.style, dashed: true)
    }
    for reference in chart.horizontals {
      guard let fraction = chart.y.scale.fraction(reference.value) else { continue }
      let y = (1 - fraction) * bottom
      canvas.line(fromX: 0, y: y, toX: right, y: y, style: reference.style, dashed: true)
    }
    for line in chart.lines { Self.draw(line, chart, area, &canvas) }
    for point in chart.points { Self.whiskers(point, chart, area, &canvas) }
    draw(canvas, x: area.x, y: area.y, theme: theme)
    var taken = markers(chart, rect, area, theme)
    verticalLabels(chart, area, &taken)
    horizontalLabels(chart, area, &taken)
  }

  private static func draw(
    _ line: Chart.Line, _ chart: Chart, _ area: Rect, _ canvas: inout BrailleCanvas
  ) {
    let places = line.vertices.map { chart.position($0.x, $0.y, area) }
    for (from, to) in zip(places, places.dropFirst()) {
      guard let from, let to else { continue }
      switch line.form {
      case .straight:
        canvas.line(
          fromX: from.x, y: from.y, toX: to.x, y: to.y, style: line.style, dashed: line.dashed)
      case .steps:
        canvas.line(
          fromX: from.x, y: from.y, toX: to.x, y: from.y, style: line.style, dashed: line.dashed)
        canvas.line(
          fromX: to.x, y: from.y, toX: to.x, y: to.y, style: line.style, dashed: line.dashed)
      }
    }
  }

  private static func whiskers(
    _ point: Chart.Point, _ chart: Chart, _ area: Rect, _ canvas: inout BrailleCanvas
  ) {
    if let interval = point.xInterval,
      let low = chart.position(interval.lowerBound, point.y, area),
      let high = chart.position(interval.upperBound, point.y, area)
    {
      canvas.line(fromX: low.x, y: low.y, toX: high.x, y: high.y, style: point.style)
    }
    if let interval = point.yInterval,
      let low = chart.position(point.x, interval.lowerBound, area),
      let high = chart.position(point.x, interval.upperBound, area)
    {
      canvas.line(fromX: low.x, y: low.y, toX: high.x, y: high.y, style: point.style)
    }
  }

  private mutating func regions(_ chart: Chart, _ area: Rect, _ theme: Theme) {
    for region in chart.regions {
      guard
        let low = chart.x.scale.fraction(region.x.lowerBound)
          ?? (region.x.lowerBound <= 0 ? 0 : nil),
        let high = chart.x.scale.fraction(region.x.upperBound)
      else { continue }
      let first = max(0, Int((low * Double(area.width)).rounded()))
      let last = min(area.width, Int((high * Double(area.width)).rounded()))
      guard first < last else { continue }
      for row in 0..<area.height {
        for column in first..<last where (column + 2 * row) % 4 == 0 {
          self[area.x + column, area.y + row] = Cell("·", region.style)
        }
      }
      put(
        region.label, x: area.x + first + 1, y: area.y, style: region.style,
        maxWidth: last - first - 1)
    }
  }

  private mutating func axes(_ chart: Chart, _ rect: Rect, _ area: Rect, _ theme: Theme) {
    let style = theme.border
    for row in 0..<area.height { self[area.x - 1, area.y + row] = Cell("│", style) }
    for column in 0..<area.width { self[area.x + column, area.maxY] = Cell("─", style) }
    self[area.x - 1, area.maxY] = Cell("└", style)
    put(chart.y.label, x: rect.x, y: rect.y, style: theme.muted, maxWidth: rect.width)
    put(
      chart.x.label, x: area.x, y: area.maxY + 2, width: area.width, alignment: .right,
      style: theme.muted)

    for tick in chart.y.scale.ticks(about: max(2, rect.height / 3), chart.y.format) {
      guard let fraction = chart.y.scale.fraction(tick.value), 0...1 ~= fraction else { continue }
      let row = Int(((1 - fraction) * Double(area.height * 4 - 1) / 4).rounded(.down))
      self[area.x - 1, area.y + row] = Cell("┤", style)
      put(
        tick.label, x: rect.x, y: area.y + row, width: area.x - 1 - rect.x, alignment: .right,
        style: theme.muted)
    }
    var free = rect.x
    for tick in chart.x.scale.ticks(about: max(2, area.width / 10), chart.x.format) {
      guard let fraction = chart.x.scale.fraction(tick.value), 0...1 ~= fraction else { continue }
      let column = area.x + Int((fraction * Double(area.width * 2 - 1) / 2).rounded(.down))
      self[column, area.maxY] = Cell("┴", style)
      let width = CellText.width(tick.label)
      let start = min(column - width / 2, rect.maxX - width)
      guard start >= free else { continue }
      put(tick.label, x: start, y: area.maxY + 1, style: theme.muted)
      free = start + width + 1
    }
  }

  /// Beside the line, as low as nothing is in the way.
  private mutating func verticalLabels(_ chart: Chart, _ area: Rect, _ taken: inout Set<Int>) {
    for reference in chart.verticals where !reference.label.isEmpty {
      guard let fraction = chart.x.scale.fraction(reference.value), 0...1 ~= fraction else {
        continue
      }
      let length = CellText.width(reference.label)
      let column = area.x + Int(fraction * Double(area.width - 1))
      let start = column + 1 + length <= area.maxX ? column + 1 : column - length
      let cells = max(area.x, start - 1)...start + length
      let row = (area.y..<area.maxY).last { y in
        !cells.contains { taken.contains(y * width + $0) }
      }
      guard let row else { continue }
      put(reference.label, x: start, y: row, style: reference.style)
      for column in cells { taken.insert(row * width + column) }
    }
  }

  /// Where markers and names stand already a name goes beside them, or nowhere.
  private mutating func horizontalLabels(
    _ chart: Chart, _ area: Rect, _ taken: inout Set<Int>
  ) {
    for reference in chart.horizontals where !reference.label.isEmpty {
      guard let fraction = chart.y.scale.fraction(reference.value), 0...1 ~= fraction else {
        continue
      }
      let row = area.y + Int((1 - fraction) * Double(area.height * 4 - 1) / 4)
      let length = min(area.width, CellText.width(reference.label))
      var best: (x: Int, y: Int)?
      // From the right, above the line before below it.
      search: for x in stride(from: area.maxX - length, through: area.x + 1, by: -1) {
        for y in [row - 1, row + 1]
        where y >= area.y && y < area.maxY
          && !(x - 1...x + length).contains(where: { taken.contains(y * width + $0) })
        {
          best = (x, y)
          break search
        }
      }
      guard let best else { continue }
      put(reference.label, x: best.x, y: best.y, style: reference.style, maxWidth: length)
      for column in best.x..<best.x + length { taken.insert(best.y * width + column) }
    }
  }

  /// Returns the cells that markers and their names take.
  private mutating func markers(
    _ chart: Chart, _ rect: Rect, _ area: Rect, _ theme: Theme
  ) -> Set<Int> {
    var taken: Set<Int> = []  // a label does not cover a marker, nor another label
    let places = chart.points.map { chart.cell(x: $0.x, y: $0.y, in: rect) }
    for place in places {
      if let place { taken.insert(place.y * width + place.x) }
    }
    // The marked one last and on top; its label first, so that it has the room.
    let order = chart.points.indices.filter { $0 != chart.selected }
    for index in order + (chart.selected.map { [$0] } ?? []) where chart.points.indices ~= index {
      guard let place = places[index] else { continue }
      let point = chart.points[index]
      var style = index == chart.selected ? theme.cursor : point.style
      if style.background == .standard {
        style.background = self[place.x, place.y].style.background
      }
      self[place.x, place.y] = Cell(point.marker, style)
    }
    for index in (chart.selected.map { [$0] } ?? []) + order where chart.points.indices ~= index {
      let point = chart.points[index]
      guard let place = places[index], !point.label.isEmpty else { continue }
      let length = CellText.width(point.label)
      let starts = [place.x + 2, place.x - 1 - length]
      for start in starts where start >= area.x && start + length <= area.maxX {
        let cells = (start - 1)..<(start + length + 1)
        guard cells.allSatisfy({ !taken.contains(place.y * width + $0) || $0 == place.x }) else {
          continue
        }
        put(
          point.label, x: start, y: place.y,
          style: index == chart.selected ? theme.title : point.style)
        for column in cells { taken.insert(place.y * width + column) }
        break
      }
    }
    return taken
  }
}
