/// A picture of a mask, two pixels a cell: what is kept, and how large it is.
///
/// Pixel `[y, x]` stands at `y * width + x` of the row-major planes.
public struct MaskImage: Hashable, Sendable {
  public enum Coloring: Hashable, Sendable {
    /// Kept share by the sequential map.
    case density
    /// Magnitude by the sequential map where something is kept, dark elsewhere.
    case magnitude
    /// Kept or not.
    case plain
  }
  /// The block grid in pixels: the corner of one block and the size of all.
  public struct Grid: Hashable, Sendable {
    public var x: Double
    public var y: Double
    public var width: Double
    public var height: Double
    public init(x: Double, y: Double, width: Double, height: Double) {
      self.x = x
      self.y = y
      self.width = width
      self.height = height
    }
  }

  public var width: Int
  public var height: Int
  /// Kept share of each pixel's weights, 0 to 255.
  public var density: [UInt8]
  /// Magnitude of each pixel's weights, 0 to 255; empty means unknown.
  public var magnitude: [UInt8]
  public var coloring: Coloring
  public var grid: Grid?

  public init(
    width: Int, height: Int, density: [UInt8], magnitude: [UInt8] = [],
    coloring: Coloring = .magnitude, grid: Grid? = nil
  ) {
    precondition(density.count == width * height, "density must hold width x height pixels")
    precondition(
      magnitude.isEmpty || magnitude.count == width * height,
      "magnitude must be empty or hold width x height pixels")
    self.width = width
    self.height = height
    self.density = density
    self.magnitude = magnitude
    self.coloring = coloring
    self.grid = grid
  }

  /// Pixels that a rectangle shows: what to ask a picture for.
  public static func pixels(in rect: Rect) -> (columns: Int, rows: Int) {
    (rect.width, rect.height * 2)
  }

  /// 0 to 1: how much ink a pixel deserves where there are no colours.
  func ink(_ x: Int, _ y: Int) -> Double {
    guard x < width, y < height else { return 0 }
    let kept = density[y * width + x]
    guard kept > 0 else { return 0 }
    if coloring == .magnitude, !magnitude.isEmpty {
      return max(0.01, keptSize(x, y))
    }
    return Double(kept) / 255
  }

  func color(_ x: Int, _ y: Int, _ theme: Theme) -> Color {
    guard x < width, y < height else { return theme.text.background }
    let kept = density[y * width + x]
    if kept == 0 { return isOddBlock(x, y) ? theme.prunedAlternate : theme.pruned }
    switch coloring {
    case .plain: return kept >= 128 ? theme.kept : theme.sequential.color(byte: kept)
    case .density: return theme.sequential.color(byte: kept)
    case .magnitude:
      guard !magnitude.isEmpty else { return theme.sequential.color(byte: kept) }
      // The map's darkest steps look like nothing at all; what is kept must not.
      let steps = theme.sequential.steps
      let dark = steps.count / 4
      let level = Int(keptSize(x, y) * 255) * (steps.count - dark) / 256
      return .indexed(steps[dark + level])
    }
  }

  /// The colours of a pixel and of the one below it, which share a cell. Neighbouring steps of the map are
  /// drawn as the higher one, and two shades of pruned blocks as the upper one: a step is not to be seen
  /// at this size, and every change of colour costs ten bytes on the wire. With the filter of what
  /// ncurses writes this takes a mask of 140x42 cells from 23 to 17 kB.
  func colors(_ x: Int, _ y: Int, _ theme: Theme) -> (upper: Color, lower: Color) {
    let (upper, lower) = (color(x, y, theme), color(x, y + 1, theme))
    guard upper != lower, y + 1 < height else { return (upper, lower) }
    let isKept = density[y * width + x] > 0
    guard isKept == (density[(y + 1) * width + x] > 0) else { return (upper, lower) }
    guard isKept else { return (upper, upper) }
    let steps = theme.sequential.steps
    guard case .indexed(let first) = upper, case .indexed(let second) = lower,
      let one = steps.firstIndex(of: first), let other = steps.firstIndex(of: second),
      abs(one - other) == 1
    else { return (upper, lower) }
    let joined = Color.indexed(steps[max(one, other)])
    return (joined, joined)
  }

  /// 0 to 1, by the square root of the root mean square of the pixel's weights with the pruned ones as
  /// zeros, as if both kinds were equally large: a pixel of which one weight in twenty is left must not
  /// shine like a full one. The root spreads the many small weights over most of the map.
  private func keptSize(_ x: Int, _ y: Int) -> Double {
    let place = y * width + x
    let share = (Double(density[place]) / 255).squareRoot()
    return (Double(magnitude[place]) / 255 * share).squareRoot()
  }

  private func isOddBlock(_ x: Int, _ y: Int) -> Bool {
    guard let grid, grid.width >= 2, grid.height >= 2 else { return false }
    let column = ((Double(x) + 0.5 - grid.x) / grid.width).rounded(.down)
    let row = ((Double(y) + 0.5 - grid.y) / grid.height).rounded(.down)
    return (Int(column) + Int(row)) % 2 != 0
  }
}

extension Frame {
  /// Draws `image` from the rectangle's upper left corner, one pixel a half cell; without at least
  /// 256 colours as shades of ink, one cell for two pixels.
  public mutating func mask(_ image: MaskImage, in rect: Rect, theme: Theme) {
    for row in 0..<min(rect.height, (image.height + 1) / 2) {
      for column in 0..<min(rect.width, image.width) {
        let cell: Cell
        if theme.depth == .full, theme.glyphs != .ascii {
          cell = Self.colored(image, column, 2 * row, theme)
        } else {
          let upper = image.ink(column, 2 * row)
          let lower = image.ink(column, 2 * row + 1)
          cell = Self.inked(upper, lower, theme)
        }
        self[rect.x + column, rect.y + row] = cell
      }
    }
  }

  /// The character says what is kept, so that the picture survives as plain text.
  private static func colored(_ image: MaskImage, _ x: Int, _ y: Int, _ theme: Theme) -> Cell {
    let (upper, lower) = image.colors(x, y, theme)
    let isKept = image.ink(x, y) > 0
    if y + 1 >= image.height {  // half a cell is left over; a foreground cannot be the terminal's
      return Cell(isKept ? "▀" : " ", Style(upper, on: isKept ? lower : upper))
    }
    switch (isKept, image.ink(x, y + 1) > 0) {
    case (false, false):
      return Cell(upper == lower ? " " : "▄", Style(lower, on: upper))
    case (false, true): return Cell("▄", Style(lower, on: upper))
    case (true, true) where upper == lower: return Cell("█", Style(upper, on: lower))
    case (true, _): return Cell("▀", Style(upper, on: lower))
    }
  }

  private static func inked(_ upper: Double, _ lower: Double, _ theme: Theme) -> Cell {
    if theme.glyphs != .ascii {
      if upper > 0, lower == 0 { return Cell("▀", theme.text) }
      if upper == 0, lower > 0 { return Cell("▄", theme.text) }
    }
    return Cell(Shade.character((upper + lower) / 2, theme.glyphs), theme.text)
  }

  /// Kept shares along an edge of a mask, one cell a value, as colours or as shades.
  public mutating func margin(
    _ density: [UInt8], x: Int, y: Int, vertical: Bool, length: Int, theme: Theme
  ) {
    for step in 0..<max(0, length) {
      // Several values share a cell when there are more of them than cells.
      let first = step * density.count / max(1, length)
      let last = max(first + 1, (step + 1) * density.count / max(1, length))
      guard last <= density.count else { break }
      let mean = density[first..<last].reduce(0) { $0 + Int($1) } / (last - first)
      let fraction = Double(mean) / 255
      let place = vertical ? (x, y + step) : (x + step, y)
      if vertical {
        self[place.0, place.1] =
          theme.depth == .full && theme.glyphs != .ascii
          ? Cell(" ", Style(.standard, on: theme.sequential.color(fraction)))
          : Cell(Shade.character(fraction, theme.glyphs), theme.text)
      } else {
        let index = fraction > 0 ? 1 + CellUI.step(fraction, count: 8) : 0
        self[place.0, place.1] =
          theme.glyphs == .ascii
          ? Cell(Shade.character(fraction, .ascii), theme.text)
          : Cell(Bars.vertical[index], theme.accent)
      }
    }
  }
}
