internal import CellUI
internal import Experiments

/// The rows of a sweep as lines over its axis, the one under the cursor in front: where each pattern
/// crosses dense.
enum SweepChart {
  /// Least cells that are worth a chart.
  static let least = (width: 40, height: 9)

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let grid = SweepGrid(state)
    let column = state.choices.sweepColumn
    func points(_ row: Int) -> [(x: Double, row: ResultRow)] {
      grid.columns.indices.compactMap { place in
        guard let index = grid.cell(row, place), let result = state.sweep.rows[index],
          result[column].number != nil
        else { return nil }
        return (grid.positions[place], result)
      }
    }
    let values = state.sweep.rows.compactMap { $0?[column].number }
    guard !values.isEmpty, grid.positions.count > 1 else { return }
    let isWide = (values.max() ?? 1) > 4 * (values.filter { $0 > 0 }.min() ?? 1)
    let isSpeedup = column == .speedup
    let isCount = grid.axis == "tokens" || grid.axis == "threads"
    var chart = Chart(
      x: .init(
        grid.axis, Scale(isCount ? .logarithmic : .linear, covering: grid.positions),
        isCount || grid.axis == "lambda" ? .plain : .percent),
      y: .init(
        "\(SweepPage.columnTitle(column)), every pattern; bold the row under the cursor",
        Scale(isWide ? .logarithmic : .linear, covering: values, including: isSpeedup ? [1] : []),
        SweepPage.format(column)))
    let chosen = min(state.sweep.cursorRow, grid.rows.count - 1)
    for row in grid.rows.indices where row != chosen {
      let known = points(row)
      chart.lines.append(
        Chart.Line(
          known.map { Chart.Vertex($0.x, $0.row[column].number ?? .nan) }, style: theme.muted))
    }
    let known = points(chosen)
    chart.lines.append(
      Chart.Line(
        known.map { Chart.Vertex($0.x, $0.row[column].number ?? .nan) },
        style: theme.accent.with(.bold)))
    chart.points = known.enumerated().map { index, point in
      var interval: ClosedRange<Double>?
      if isSpeedup, let low = point.row[.speedupLow].number,
        let high = point.row[.speedupHigh].number, low <= high
      {
        interval = low...high
      }
      return Chart.Point(
        x: point.x, y: point.row[column].number ?? .nan, yInterval: interval, marker: "●",
        style: theme.accent.with(.bold),
        label: index == known.count - 1 ? grid.rows[chosen].title : "")
    }
    if isSpeedup { chart.horizontals = [Chart.Reference(1, "dense", style: theme.title)] }
    frame.chart(chart, in: rect, theme: theme)
  }
}
