import CellUI
import Testing

@Suite struct TableTests {
  let theme = Theme.terminal

  func table(rows: Int, selected: Int? = nil) -> Table {
    Table(
      columns: [
        TableColumn("tensor", .flexible(minimum: 8), truncation: .head),
        TableColumn("zeros", .fixed(6), .right, dropOrder: 1),
        TableColumn("trend", .fixed(5), dropOrder: 2),
      ],
      rows: (0..<rows).map { row in
        [
          TableCell("layer.\(row).query.weight"), TableCell("\(row * 10) %"),
          TableCell(.sparkline([0, 1, 2, 3, 4], 0...4)),
        ]
      }, selected: selected, focused: true)
  }

  @Test func columnsAlignAndTheEndOfNamesStays() {
    var frame = Frame(width: 33, height: 4)
    frame.table(table(rows: 3), in: frame.bounds, theme: theme)
    #expect(
      frame.text == """
        tensor                zeros trend
        layer.0.query.weight    0 % ▁▃▅▇█
        layer.1.query.weight   10 % ▁▃▅▇█
        layer.2.query.weight   20 % ▁▃▅▇█
        """)
  }

  @Test func columnsDropInTheirOrder() {
    var frame = Frame(width: 18, height: 2)
    frame.table(table(rows: 1), in: frame.bounds, theme: theme)
    #expect(frame.text == "tensor       zeros\n…ery.weight    0 %")
    frame = Frame(width: 10, height: 2)
    frame.table(table(rows: 1), in: frame.bounds, theme: theme)
    #expect(frame.text == "tensor\n…ry.weight")
  }

  @Test func chosenRowIsScrolledIntoSight() {
    var frame = Frame(width: 40, height: 5)
    frame.table(table(rows: 100, selected: 50), in: frame.bounds, theme: theme)
    #expect(frame.text.contains("50.query") && !frame.text.contains("51.query"))
    #expect(frame[0, 4].style.attributes.contains(.reverse))
    #expect(!frame[0, 3].style.attributes.contains(.reverse))
    #expect(frame[39, 2].scalar == "█")
  }

  @Test func rowUnderTheMouseIsTheRowDrawnThere() {
    for selected in [0, 3, 50, 99] {
      var frame = Frame(width: 40, height: 7)
      let table = table(rows: 100, selected: selected)
      let rect = Rect(x: 0, y: 1, width: 40, height: 6)
      frame.table(table, in: rect, theme: theme)
      let lines = frame.text.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(table.row(atY: 1, in: rect) == nil)
      for y in 2..<7 {
        let row = table.row(atY: y, in: rect)
        #expect(row != nil && lines[y].contains(".\(row!).query"))
      }
    }
    #expect(table(rows: 1).row(atY: 3, in: Rect(x: 0, y: 0, width: 9, height: 9)) == nil)
  }

  @Test func offsetIsTheNearestThatShowsTheRow() {
    #expect(Table.offset(0, showing: 3, visible: 5, count: 10) == 0)
    #expect(Table.offset(0, showing: 7, visible: 5, count: 10) == 3)
    #expect(Table.offset(6, showing: 2, visible: 5, count: 10) == 2)
    #expect(Table.offset(9, showing: 9, visible: 5, count: 10) == 5)
    #expect(Table.offset(3, showing: 0, visible: 0, count: 0) == 0)
  }

  @Test func anySizeDrawsInside() {
    for width in 0...20 {
      for height in 0...4 {
        var frame = Frame(width: 24, height: 6)
        frame.table(
          table(rows: 9, selected: 4), in: Rect(x: 1, y: 1, width: width, height: height),
          theme: theme)
        for y in 0..<6 {
          for x in 0..<24 where x < 1 || y < 1 || x > width || y > height {
            #expect(frame[x, y] == Cell(), "\(width)x\(height) at \(x),\(y)")
          }
        }
      }
    }
  }
}
