internal import CellUI

/// Lines over one axis with one of them in front: sweeps and sensitivity curves.
struct LineChart {
  struct Line {
    var title: String
    var points: [Chart.Point]
  }
  var x: Chart.Axis
  var yLabel: String
  var yFormat: NumberFormat
  var lines: [Line]
  /// Index of the line in front.
  var chosen: Int?
  /// A value that the vertical axis must hold, drawn as a line with its name.
  var reference: (value: Double, label: String)?

  /// Least cells that are worth a chart.
  static let least = (width: 40, height: 9)

  func draw(_ frame: inout Frame, _ rect: Rect, _ theme: Theme) {
    let values = lines.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
    guard !values.isEmpty, rect.width >= Self.least.width, rect.height >= Self.least.height else {
      return
    }
    let isWide = (values.max() ?? 1) > 4 * (values.filter { $0 > 0 }.min() ?? 1) && reference != nil
    var chart = Chart(
      x: x,
      y: .init(
        yLabel,
        Scale(
          isWide ? .logarithmic : .linear, covering: values,
          including: reference.map { [$0.value] } ?? []), yFormat))
    func vertices(_ line: Line) -> [Chart.Vertex] { line.points.map { Chart.Vertex($0.x, $0.y) } }
    for (index, line) in lines.enumerated() where index != chosen {
      chart.lines.append(Chart.Line(vertices(line), style: theme.muted))
      // Names at the ends, as many as find room: what a line is must not need the cursor.
      if let last = line.points.last {
        chart.points.append(
          Chart.Point(x: last.x, y: last.y, marker: "·", style: theme.muted, label: line.title))
      }
    }
    if let chosen, lines.indices.contains(chosen) {
      let style = theme.accent.with(.bold)
      chart.lines.append(Chart.Line(vertices(lines[chosen]), style: style))
      var points = lines[chosen].points.map { point in
        var point = point
        point.style = style
        return point
      }
      if !points.isEmpty { points[points.count - 1].label = lines[chosen].title }
      // First, so that its name has the room.
      chart.points = points + chart.points
    }
    if let reference {
      chart.horizontals = [Chart.Reference(reference.value, reference.label, style: theme.title)]
    }
    frame.chart(chart, in: rect, theme: theme)
  }
}
