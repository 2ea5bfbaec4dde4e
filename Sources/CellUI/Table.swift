/// A column of a table.
public struct TableColumn: Hashable, Sendable {
  public enum Width: Hashable, Sendable {
    case fixed(Int)
    /// Shares what is left, with at least this many columns.
    case flexible(minimum: Int)
  }
  public var title: String
  public var width: Width
  public var alignment: Alignment
  public var truncation: Truncation
  /// When space runs out, columns of the highest number are dropped first; 0 never is.
  public var dropOrder: Int

  public init(
    _ title: String, _ width: Width, _ alignment: Alignment = .left, truncation: Truncation = .tail,
    dropOrder: Int = 0
  ) {
    self.title = title
    self.width = width
    self.alignment = alignment
    self.truncation = truncation
    self.dropOrder = dropOrder
  }
}

/// What a table shows at one place.
public struct TableCell: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    case text(String)
    case sparkline([Double?], ClosedRange<Double>?)
    case gauge(Double?)
  }
  public var content: Content
  /// Nil takes the theme's text.
  public var style: Style?

  public init(_ text: String, _ style: Style? = nil) {
    content = .text(text)
    self.style = style
  }

  public init(_ content: Content, _ style: Style? = nil) {
    self.content = content
    self.style = style
  }
}

/// Rows under titled columns, one of them chosen, with a scroll bar where there are more.
public struct Table: Hashable, Sendable {
  public var columns: [TableColumn]
  public var rows: [[TableCell]]
  public var selected: Int?
  /// The first row that is shown; `scrolled` moves it so that the chosen one is.
  public var offset: Int
  public var showsTitles: Bool
  public var focused: Bool

  public init(
    columns: [TableColumn], rows: [[TableCell]], selected: Int? = nil, offset: Int = 0,
    showsTitles: Bool = true, focused: Bool = false
  ) {
    self.columns = columns
    self.rows = rows
    self.selected = selected
    self.offset = offset
    self.showsTitles = showsTitles
    self.focused = focused
  }

  /// The offset nearest to `offset` at which row `selected` of `count` is among `visible` rows.
  public static func offset(_ offset: Int, showing selected: Int, visible: Int, count: Int) -> Int {
    guard visible > 0 else { return 0 }
    let kept = min(max(offset, selected - visible + 1), selected)
    return min(max(0, kept), max(0, count - visible))
  }

  /// The row under line `y` of the rectangle the table was drawn in; nil for titles and blanks.
  public func row(atY y: Int, in rect: Rect) -> Int? {
    let top = rect.y + (showsTitles ? 1 : 0)
    let visible = rect.maxY - top
    let start = Self.offset(
      offset, showing: selected ?? offset, visible: visible, count: rows.count)
    guard y >= top, y < rect.maxY, start + y - top < rows.count else { return nil }
    return start + y - top
  }

  /// Positions and widths of the columns that fit `width`; a blank column stands between two.
  func layout(_ width: Int) -> [(index: Int, x: Int, width: Int)] {
    var kept = Array(columns.indices)
    func minimum(_ index: Int) -> Int {
      switch columns[index].width {
      case .fixed(let size): size
      case .flexible(let minimum): minimum
      }
    }
    func needed() -> Int { kept.reduce(kept.count - 1) { $0 + minimum($1) } }
    while needed() > width,
      let victim = kept.filter({ columns[$0].dropOrder > 0 })
        .max(by: { columns[$0].dropOrder < columns[$1].dropOrder })
    {
      kept.removeAll { $0 == victim }
    }
    var spare = max(0, width - needed())
    var flexible = kept.filter { if case .flexible = columns[$0].width { true } else { false } }
      .count
    var x = 0
    return kept.map { index in
      var size = minimum(index)
      if case .flexible = columns[index].width {
        let share = spare / flexible
        size += share
        spare -= share
        flexible -= 1
      }
      size = min(size, max(0, width - x))
      defer { x += size + 1 }
      return (index, x, size)
    }
  }
}

extension Frame {
  /// Draws `table`; the last column of `rect` is the scroll bar's when there are more rows.
  public mutating func table(_ table: Table, in rect: Rect, theme: Theme) {
    let top = rect.y + (table.showsTitles ? 1 : 0)
    let visible = rect.maxY - top
    guard rect.width > 0, visible >= 0 else { return }
    let start = Table.offset(
      table.offset, showing: table.selected ?? table.offset, visible: visible,
      count: table.rows.count)
    let scrolls = table.rows.count > visible
    let layout = table.layout(rect.width - (scrolls ? 2 : 0))
    if table.showsTitles {
      for (index, x, width) in layout {
        let column = table.columns[index]
        put(
          column.title, x: rect.x + x, y: rect.y, width: width, alignment: column.alignment,
          style: theme.muted.with(.underline))
      }
    }
    for (line, row) in table.rows.dropFirst(start).prefix(visible).enumerated() {
      let y = top + line
      for (index, x, width) in layout where index < row.count {
        draw(
          row[index], x: rect.x + x, y: y, width: width, column: table.columns[index],
          theme: theme)
      }
      if start + line == table.selected {
        let chosen = table.focused ? theme.selection : theme.selectionInactive
        let bar = Rect(x: rect.x, y: y, width: rect.width - (scrolls ? 1 : 0), height: 1)
        restyle(bar) { style in
          style.attributes.remove(.dim)
          style.attributes.formUnion(chosen.attributes)
          // One bar: what colours said is also said by a sign.
          (style.foreground, style.background) = (chosen.foreground, chosen.background)
        }
      }
    }
    if scrolls {
      scrollBar(
        offset: start, visible: visible, total: table.rows.count, x: rect.maxX - 1, y: top,
        height: visible, theme: theme)
    }
  }

  private mutating func draw(
    _ cell: TableCell, x: Int, y: Int, width: Int, column: TableColumn, theme: Theme
  ) {
    switch cell.content {
    case .text(let text):
      put(
        text, x: x, y: y, width: width, alignment: column.alignment,
        style: cell.style ?? theme.text, truncation: column.truncation)
    case .sparkline(let values, let range):
      sparkline(values, x: x, y: y, width: width, range: range, style: cell.style ?? theme.accent)
    case .gauge(let fraction):
      gauge(fraction, x: x, y: y, width: width, theme: theme, style: cell.style)
    }
  }
}
