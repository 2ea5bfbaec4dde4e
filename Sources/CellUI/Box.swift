extension Frame {
  /// A box with a title in its upper edge and a note at the right of it; the inside is cleared.
  /// Returns the rectangle inside. A title is cut before a note is dropped last.
  @discardableResult
  public mutating func box(
    _ rect: Rect, title: String = "", note: String = "", theme: Theme, focused: Bool = false
  ) -> Rect {
    box(rect, title: [Span(title, theme.title)], note: note, theme: theme, focused: focused)
  }

  /// The same with a title of several styles.
  @discardableResult
  public mutating func box(
    _ rect: Rect, title: [Span], note: String = "", theme: Theme, focused: Bool = false
  ) -> Rect {
    let inside = rect.inset(1, 1)
    guard rect.width >= 2, rect.height >= 2 else { return inside }
    fill(rect, Cell(" ", theme.text))
    let style = focused ? theme.borderFocused : theme.border
    // Focus shows in the lines too, not in their colour alone.
    let (across, down, corners): (Unicode.Scalar, Unicode.Scalar, [Unicode.Scalar]) =
      focused ? ("━", "┃", ["┏", "┓", "┗", "┛"]) : ("─", "│", ["┌", "┐", "└", "┘"])
    for x in rect.x + 1..<rect.maxX - 1 {
      self[x, rect.y] = Cell(across, style)
      self[x, rect.maxY - 1] = Cell(across, style)
    }
    for y in rect.y + 1..<rect.maxY - 1 {
      self[rect.x, y] = Cell(down, style)
      self[rect.maxX - 1, y] = Cell(down, style)
    }
    self[rect.x, rect.y] = Cell(corners[0], style)
    self[rect.maxX - 1, rect.y] = Cell(corners[1], style)
    self[rect.x, rect.maxY - 1] = Cell(corners[2], style)
    self[rect.maxX - 1, rect.maxY - 1] = Cell(corners[3], style)

    var room = rect.width - 4
    let noteWidth = CellText.width(note)
    if noteWidth > 0, noteWidth + 9 <= room {
      put(" \(note) ", x: rect.maxX - 4 - noteWidth, y: rect.y, style: theme.muted)
      room -= noteWidth + 4
    }
    if room > 0, title.contains(where: { !$0.text.isEmpty }) {
      self[rect.x + 1, rect.y] = Cell(" ", style)
      let end = put(title, x: rect.x + 2, y: rect.y, maxWidth: room)
      self[end, rect.y] = Cell(" ", style)
    }
    return inside
  }

  /// A box in the middle of `area` that hides what is under it. Returns the rectangle inside.
  @discardableResult
  public mutating func popup(
    width: Int, height: Int, in area: Rect, title: String, note: String = "", theme: Theme
  ) -> Rect {
    let rect = area.centered(width: width, height: height)
    return box(rect, title: title, note: note, theme: theme, focused: true)
  }

  /// A line across, from `x`, `width` cells long.
  public mutating func rule(x: Int, y: Int, width: Int, style: Style) {
    for column in x..<x + max(0, width) { self[column, y] = Cell("─", style) }
  }
}
