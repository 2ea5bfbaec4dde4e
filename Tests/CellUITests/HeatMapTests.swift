import CellUI
import Testing

@Suite struct HeatMapTests {
  func map(selected: (row: Int, column: Int)? = nil) -> HeatMap {
    HeatMap(
      rowLabels: ["1x1", "32x1", "tw64"], columnLabels: ["0.5", "0.8", "0.9"],
      cells: [
        [.speedup(0.5, low: 0.49, high: 0.52), .speedup(1.01, low: 0.98, high: 1.04), .running],
        [.speedup(2.31, low: 2.28, high: 2.35), .speedup(8, low: 7.9, high: 8.1), .failed],
        [.pending, .pending, .pending],
      ], selected: selected)
  }

  @Test func signsTellFasterSlowerAndUndecided() {
    var frame = Frame(width: 40, height: 4)
    frame.heatMap(
      map(selected: (1, 1)), in: frame.bounds, theme: Theme.terminal.adapted(to: .none, .full))
    #expect(
      frame.text == """
                    0.5        0.8        0.9
        1x1      ▼0.50x     ≈1.01x          …
        32x1     ▲2.31x ▸   ▲8.00x◂         ✗
        tw64          ·          ·          ·
        """, "\(frame.text)")
  }

  @Test func coloursAreStrongWhereTheGainIs() {
    var frame = Frame(width: 40, height: 4)
    frame.heatMap(map(), in: frame.bounds, theme: .terminal)
    let diverging = Theme.terminal.diverging
    let layoutX = 5
    func background(_ row: Int, _ column: Int) -> Color {
      frame[layoutX + column * 11 + 2, 1 + row].style.background
    }
    #expect(background(0, 0) == diverging.color(-0.5))
    #expect(background(0, 1) == diverging.color(0))
    #expect(background(1, 1) == diverging.color(1))
    #expect(background(2, 0) == .standard)
  }

  @Test func cellUnderTheMouseIsTheCellDrawnThere() {
    let rect = Rect(x: 2, y: 3, width: 30, height: 3)
    let map = map(selected: (2, 2))  // scrolled: two of three rows fit
    #expect(map.cell(atX: 2, y: 4, in: rect) == nil)
    #expect(map.cell(atX: 8, y: 3, in: rect) == nil)
    #expect(map.cell(atX: 8, y: 4, in: rect)! == (1, 0))
    #expect(map.cell(atX: 8, y: 5, in: rect)! == (2, 0))
    #expect(map.cell(atX: 8, y: 6, in: rect) == nil)
  }

  @Test func moreThanFitsIsMarked() {
    let labels = (0..<30).map { "c\($0)" }
    let map = HeatMap(
      rowLabels: labels, columnLabels: labels,
      cells: labels.map { _ in labels.map { _ in HeatMap.Cell("1.00x", .sequential(0.5)) } },
      selected: (15, 15))
    var frame = Frame(width: 40, height: 8)
    frame.heatMap(map, in: frame.bounds, theme: .terminal)
    for mark in ["◂", "▸", "▴", "▾", "c15"] { #expect(frame.text.contains(mark), "\(frame.text)") }
  }
}
