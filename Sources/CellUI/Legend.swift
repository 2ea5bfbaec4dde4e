/// A marker and what it stands for.
public struct LegendEntry: Hashable, Sendable {
  public var marker: Unicode.Scalar
  public var label: String
  public var style: Style
  public init(_ marker: Unicode.Scalar, _ label: String, _ style: Style) {
    self.marker = marker
    self.label = label
    self.style = style
  }
}

extension Frame {
  /// Entries on one line, two blanks apart, as many as fit; returns the column after them.
  @discardableResult
  public mutating func legend(
    _ entries: [LegendEntry], x: Int, y: Int, width: Int, theme: Theme
  ) -> Int {
    var column = x
    for entry in entries {
      guard column + 2 + CellText.width(entry.label) <= x + width else { break }
      self[column, y] = Cell(entry.marker, entry.style)
      column = put(entry.label, x: column + 2, y: y, style: theme.muted) + 2
    }
    return column
  }

  /// A colour map from `low` to `high` with both values, `width` cells in all; shades of ink where
  /// there are no colours.
  public mutating func scaleBar(
    _ map: ColorMap, low: String, high: String, x: Int, y: Int, width: Int, theme: Theme
  ) {
    let bar = width - CellText.width(low) - CellText.width(high) - 2
    guard bar > 0 else { return }
    let start = put(low, x: x, y: y, style: theme.muted) + 1
    for step in 0..<bar {
      let fraction = bar > 1 ? Double(step) / Double(bar - 1) : 1
      self[start + step, y] =
        theme.depth == .full && theme.glyphs != .ascii
        ? Cell("█", Style(map.color(fraction), on: map.color(fraction)))
        : Cell(Shade.character(fraction, theme.glyphs), theme.text)
    }
    put(high, x: start + bar + 1, y: y, style: theme.muted)
  }
}
