internal import CellUI
internal import Experiments

/// The rows of a sweep as lines over its axis, the one under the cursor in front: where each pattern
/// crosses dense.
enum SweepChart {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let grid = SweepGrid(state)
    let column = state.choices.sweepColumn
    guard grid.positions.count > 1 else { return }
    let isCount = grid.axis == "tokens" || grid.axis == "threads"
    let lines = grid.rows.indices.map { row in
      let points = grid.columns.indices.compactMap { place -> Chart.Point? in
        guard let index = grid.cell(row, place), let result = state.sweep.rows[index],
          let value = result[column].number
        else { return nil }
        var interval: ClosedRange<Double>?
        if column == .speedup, let low = result[.speedupLow].number,
          let high = result[.speedupHigh].number, low <= high
        {
          interval = low...high
        }
        return Chart.Point(x: grid.positions[place], y: value, yInterval: interval)
      }
      return LineChart.Line(title: grid.rows[row].title, points: points)
    }
    // Room at the right for the names of the lines; of shares there is nothing beyond the whole.
    let (first, last) = (grid.positions.first ?? 0, grid.positions.last ?? 1)
    let scale =
      isCount
      ? Scale(.logarithmic, covering: grid.positions, including: [last * 1.5])
      : Scale(
        .linear, from: max(0, first - (last - first) / 20),
        to: min(1, last + (last - first) * 0.23))
    LineChart(
      x: .init(
        grid.axis, scale,
        isCount || grid.axis == "lambda" ? .plain : .percent),
      yLabel: "\(SweepPage.columnTitle(column)), a line a row of the map",
      yFormat: SweepPage.format(column), lines: lines,
      chosen: min(SweepPage.gridRow(state, grid), grid.rows.count - 1),
      reference: column == .speedup ? (1, "dense") : nil
    ).draw(&frame, rect, state.theme)
  }
}
