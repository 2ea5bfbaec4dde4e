/// A piece of text in one style.
public struct Span: Hashable, Sendable {
  public var text: String
  public var style: Style

  public init(_ text: String, _ style: Style = Style()) {
    self.text = text
    self.style = style
  }
}

extension Style {
  /// The same with more attributes.
  public func with(_ more: Attributes) -> Style {
    Style(foreground, on: background, attributes.union(more))
  }

  /// The same on another background.
  public func on(_ color: Color) -> Style { Style(foreground, on: color, attributes) }
}

extension Cell {
  /// Stands in the second column of a wide character.
  public static let continuation: Unicode.Scalar = "\0"
}

extension Frame {
  /// Writes `text` on row `y` from column `x`, cut with an ellipsis beyond `maxWidth` columns and
  /// clipped at the frame's edges. Returns the column after it. O(length).
  @discardableResult
  public mutating func put(
    _ text: String, x: Int, y: Int, style: Style = Style(), maxWidth: Int = .max,
    truncation: Truncation = .tail
  ) -> Int {
    guard maxWidth > 0 else { return x }
    let fits = maxWidth == .max || CellText.width(text) <= maxWidth
    let text = fits ? text : CellText.truncated(text, to: maxWidth, truncation)
    var column = x
    for scalar in text.unicodeScalars {
      let (shown, width) = CellText.shown(scalar)
      switch width {
      case 0: continue
      case 1: self[column, y] = Cell(shown, style)
      default:
        if column < 0 || column + 1 >= self.width {  // half a character cannot be shown
          self[column, y] = Cell(" ", style)
          self[column + 1, y] = Cell(" ", style)
        } else {
          self[column, y] = Cell(shown, style)
          self[column + 1, y] = Cell(Cell.continuation, style)
        }
      }
      column += width
    }
    return column
  }

  /// Writes pieces one after the other; the last that fits is cut. Returns the column after them.
  @discardableResult
  public mutating func put(_ spans: [Span], x: Int, y: Int, maxWidth: Int = .max) -> Int {
    var column = x
    for span in spans {
      let left = maxWidth == .max ? Int.max : x + maxWidth - column
      guard left > 0 else { break }
      column = put(span.text, x: column, y: y, style: span.style, maxWidth: left)
    }
    return column
  }

  /// Writes `text` within `width` columns from `x`, aligned; other cells of the field become blanks.
  public mutating func put(
    _ text: String, x: Int, y: Int, width: Int, alignment: Alignment, style: Style = Style(),
    truncation: Truncation = .tail
  ) {
    put(CellText.padded(text, to: width, alignment, truncation), x: x, y: y, style: style)
  }

  /// Writes `text` wrapped to the rectangle; what does not fit is cut. Returns the lines used.
  @discardableResult
  public mutating func putWrapped(_ text: String, in rect: Rect, style: Style = Style()) -> Int {
    let lines = CellText.wrapped(text, to: rect.width)
    for (row, line) in lines.prefix(rect.height).enumerated() {
      let isCut = row == rect.height - 1 && lines.count > rect.height
      let line =
        isCut ? CellText.prefix(line, columns: rect.width - 1) + "…" : line
      put(line, x: rect.x, y: rect.y + row, style: style, maxWidth: rect.width)
    }
    return min(lines.count, rect.height)
  }

  /// Sets every cell of the rectangle.
  public mutating func fill(_ rect: Rect, _ cell: Cell = Cell()) {
    for y in max(0, rect.y)..<max(0, min(height, rect.y + rect.height), rect.y) {
      for x in rect.x..<rect.x + rect.width { self[x, y] = cell }
    }
  }

  /// Changes the style of every cell of the rectangle and leaves the characters.
  public mutating func restyle(_ rect: Rect, _ change: (inout Style) -> Void) {
    for y in rect.y..<rect.y + rect.height {
      for x in rect.x..<rect.x + rect.width where contains(x, y) {
        change(&cells[y * width + x].style)
      }
    }
  }

  /// Copies `other` with its upper left corner at (`x`, `y`).
  public mutating func put(_ other: Frame, x: Int, y: Int) {
    for row in 0..<other.height {
      for column in 0..<other.width { self[x + column, y + row] = other[column, row] }
    }
  }

  /// What the cell really shows: nil for the second column of a wide character, a blank where one
  /// half of such a character was overwritten.
  public func glyph(_ x: Int, _ y: Int) -> Unicode.Scalar? {
    let scalar = self[x, y].scalar
    if scalar == Cell.continuation {
      return x > 0 && CellText.isWide(self[x - 1, y].scalar) ? nil : " "
    }
    if CellText.isWide(scalar) {
      return x + 1 < width && self[x + 1, y].scalar == Cell.continuation ? scalar : " "
    }
    return scalar
  }

  func contains(_ x: Int, _ y: Int) -> Bool { x >= 0 && x < width && y >= 0 && y < height }

  /// The whole frame as a rectangle.
  public var bounds: Rect { Rect(x: 0, y: 0, width: width, height: height) }
}
