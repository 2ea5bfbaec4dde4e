internal import Glibc

/// A matrix of numbers as coloured cells with their text and a sign, one cell of it chosen.
public struct HeatMap: Hashable, Sendable {
  public struct Cell: Hashable, Sendable {
    public enum Tone: Hashable, Sendable {
      /// No colour: text only.
      case plain
      /// 0 to 1 of the sequential map.
      case sequential(Double)
      /// -1 to 1 of the diverging map.
      case diverging(Double)
      /// Not there yet.
      case pending
      /// Being measured now.
      case running
      case failed
    }
    public var text: String
    public var tone: Tone
    public init(_ text: String, _ tone: Tone) {
      self.text = text
      self.tone = tone
    }

    /// A measured speedup: `▲2.31x` faster, `▼0.80x` slower, `≈1.01x` when its interval holds 1.
    /// The colour is strongest from `strongest` times on either way.
    public static func speedup(
      _ value: Double, low: Double, high: Double, strongest: Double = 4
    ) -> Cell {
      let sign = low <= 1 && high >= 1 ? "≈" : value > 1 ? "▲" : "▼"
      let tone = value > 0 ? min(1, max(-1, log2(value) / log2(max(strongest, 2)))) : -1
      return Cell(sign + Figures.ratio(value), .diverging(sign == "≈" ? 0 : tone))
    }

    public static let pending = Cell("·", .pending)
    public static let running = Cell("…", .running)
    public static let failed = Cell("✗", .failed)
  }

  public var rowLabels: [String]
  public var columnLabels: [String]
  /// `cells[row][column]`; missing ones are blank.
  public var cells: [[Cell]]
  public var selected: (row: Int, column: Int)? {
    get { selectedRow.flatMap { row in selectedColumn.map { (row, $0) } } }
    set { (selectedRow, selectedColumn) = (newValue?.row, newValue?.column) }
  }
  private var selectedRow: Int?
  private var selectedColumn: Int?
  /// The first row and column that are shown, moved so that the chosen cell is.
  public var rowOffset = 0
  public var columnOffset = 0

  public init(
    rowLabels: [String], columnLabels: [String], cells: [[Cell]],
    selected: (row: Int, column: Int)? = nil
  ) {
    self.rowLabels = rowLabels
    self.columnLabels = columnLabels
    self.cells = cells
    self.selected = selected
  }

  struct Layout {
    var labelWidth: Int
    var cellWidth: Int
    var firstRow: Int
    var firstColumn: Int
    var rows: Int
    var columns: Int
  }

  func layout(_ rect: Rect) -> Layout {
    let labels = min(rect.width / 3, rowLabels.map { CellText.width($0) }.max() ?? 0)
    let widest = cells.joined().map { CellText.width($0.text) }.max() ?? 0
    let least = max(widest, columnLabels.map { CellText.width($0) }.max() ?? 0, 3) + 1
    let room = max(0, rect.width - labels - 1)
    // Wider cells fill the room when all columns fit.
    let size = min(least + 4, max(least, columnLabels.isEmpty ? least : room / columnLabels.count))
    let rows = max(0, min(rowLabels.count, rect.height - 1))
    let columns = max(0, min(columnLabels.count, room / max(1, size)))
    return Layout(
      labelWidth: labels, cellWidth: size,
      firstRow: Table.offset(
        rowOffset, showing: selectedRow ?? rowOffset, visible: rows, count: rowLabels.count),
      firstColumn: Table.offset(
        columnOffset, showing: selectedColumn ?? columnOffset, visible: columns,
        count: columnLabels.count),
      rows: rows, columns: columns)
  }

  /// The cell of the matrix under a cell of the screen.
  public func cell(atX x: Int, y: Int, in rect: Rect) -> (row: Int, column: Int)? {
    let layout = layout(rect)
    let (dx, dy) = (x - rect.x - layout.labelWidth - 1, y - rect.y - 1)
    guard dx >= 0, dy >= 0, dx / layout.cellWidth < layout.columns, dy < layout.rows else {
      return nil
    }
    return (layout.firstRow + dy, layout.firstColumn + dx / layout.cellWidth)
  }
}

extension Frame {
  /// Draws the column labels, then a row each; scroll marks where there is more.
  public mutating func heatMap(_ map: HeatMap, in rect: Rect, theme: Theme) {
    let layout = map.layout(rect)
    let left = rect.x + layout.labelWidth + 1
    for column in 0..<layout.columns {
      let index = layout.firstColumn + column
      let chosen = map.selected?.column == index
      put(
        map.columnLabels[index], x: left + column * layout.cellWidth, y: rect.y,
        width: layout.cellWidth - 1, alignment: .right, style: chosen ? theme.title : theme.muted)
    }
    for row in 0..<layout.rows {
      let index = layout.firstRow + row
      let y = rect.y + 1 + row
      put(
        map.rowLabels[index], x: rect.x, y: y, width: layout.labelWidth, alignment: .left,
        style: map.selected?.row == index ? theme.title : theme.muted, truncation: .middle)
      guard index < map.cells.count else { continue }
      for column in 0..<layout.columns {
        let cellColumn = layout.firstColumn + column
        guard cellColumn < map.cells[index].count else { continue }
        let chosen = map.selected.map { $0 == (index, cellColumn) } ?? false
        draw(
          map.cells[index][cellColumn], x: left + column * layout.cellWidth, y: y,
          width: layout.cellWidth, chosen: chosen, theme: theme)
      }
    }
    if layout.firstColumn > 0 { self[left - 1, rect.y] = Cell("◂", theme.accent) }
    let end = left + layout.columns * layout.cellWidth
    if layout.firstColumn + layout.columns < map.columnLabels.count, end - 1 < rect.maxX {
      self[end - 1, rect.y] = Cell("▸", theme.accent)
    }
    if layout.firstRow > 0 { self[left - 1, rect.y + 1] = Cell("▴", theme.accent) }
    if layout.firstRow + layout.rows < map.rowLabels.count, layout.rows > 0 {
      self[left - 1, rect.y + layout.rows] = Cell("▾", theme.accent)
    }
  }

  private mutating func draw(
    _ cell: HeatMap.Cell, x: Int, y: Int, width: Int, chosen: Bool, theme: Theme
  ) {
    var style = theme.text
    switch cell.tone {
    case .plain: break
    case .sequential(let fraction): style = filled(theme.sequential.color(fraction), theme)
    case .diverging(let value):
      style = filled(theme.diverging.color(value), theme)
      if theme.depth < .full { style = value > 0 ? theme.good : value < 0 ? theme.bad : theme.text }
    case .pending: style = theme.muted
    case .running: style = theme.accent
    case .failed: style = theme.bad
    }
    put(cell.text, x: x, y: y, width: width - 1, alignment: .right, style: style)
    self[x + width - 1, y] = Cell(" ", chosen ? theme.text : style)
    if chosen {
      put(
        CellText.padded(cell.text, to: width - 2, .right), x: x + 1, y: y, style: theme.cursor)
      self[x, y] = Cell("▸", theme.cursor)
      self[x + width - 1, y] = Cell("◂", theme.cursor)
    }
  }

  private func filled(_ color: Color, _ theme: Theme) -> Style {
    guard theme.depth == .full, case .indexed(let index) = color else { return theme.text }
    return Style(Palette.ink(on: index), on: color)
  }
}
