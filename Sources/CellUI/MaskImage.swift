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
    if let level = level(x, y, theme) { return .indexed(theme.sequential.steps[level]) }
    if density[y * width + x] > 0 { return theme.kept }
    return isOddBlock(x, y) ? theme.prunedAlternate : theme.pruned
  }

  /// The step of the map for a pixel with something kept; nil for one without, and where all that is kept
  /// has one colour.
  private func level(_ x: Int, _ y: Int, _ theme: Theme) -> Int? {
    guard x < width, y < height else { return nil }
    let kept = density[y * width + x]
    let count = theme.sequential.steps.count
    guard kept > 0 else { return nil }
    switch coloring {
    case .plain where kept >= 128: return nil
    case .magnitude where !magnitude.isEmpty:
      let dark = Self.darkest(theme)
      return dark + Int(keptSize(x, y) * 255) * (count - dark) / 256
    default: return Int(kept) * count / 256
    }
  }

  /// The map's darkest steps look like nothing at all; what is kept must not.
  private static func darkest(_ theme: Theme) -> Int { theme.sequential.steps.count / 4 }

  /// The colours of the first `columns` pixels of a row and of those below them, which share cells.
  ///
  /// Neighbours that fit in three steps of the map are drawn as the middle one, and two shades of pruned
  /// blocks over each other as the upper one: no pixel is more than one step off, which is not to be seen
  /// at this size, and every change of colour costs eleven bytes on the wire. With the filter of what
  /// ncurses writes this takes a mask of 140x42 cells from 23 to MEASURED140 kB, one of 200x60 from 33 to MEASURED200.
  func colors(row y: Int, columns: Int, _ theme: Theme) -> [(upper: Color, lower: Color)] {
    var colors = (0..<columns).map { (upper: color($0, y, theme), lower: color($0, y + 1, theme)) }
    let steps = theme.sequential.steps
    var run: [Int] = []
    var (low, high, sum, count) = (0, steps.count - 1, 0, 0)
    func close() {
      if count > 0 {
        let mean = Int((Double(sum) / Double(count)).rounded())
        let joined = Color.indexed(steps[min(max(mean, low), high)])
        for x in run {
          if level(x, y, theme) != nil { colors[x].upper = joined }
          if level(x, y + 1, theme) != nil { colors[x].lower = joined }
        }
      }
      run.removeAll(keepingCapacity: true)
      (low, high, sum, count) = (0, steps.count - 1, 0, 0)
    }
    for x in 0..<columns {
      let levels = [level(x, y, theme), level(x, y + 1, theme)].compactMap(\.self)
      guard let least = levels.min(), let most = levels.max() else {
        let isPruned = density[y * width + x] == 0
        if isPruned, y + 1 < height, density[(y + 1) * width + x] == 0 {
          colors[x].lower = colors[x].upper
        }
        continue
      }
      // Two far apart in one cell keep their own colours.
      guard most - least <= 2 else {
        close()
        continue
      }
      if max(low, most - 1) > min(high, least + 1) { close() }
      (low, high) = (max(low, most - 1), min(high, least + 1))
      run.append(x)
      sum += levels.reduce(0, +)
      count += levels.count
    }
    close()
    return colors
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
    let isColored = theme.depth == .full && theme.glyphs != .ascii
    let columns = min(rect.width, image.width)
    for row in 0..<min(rect.height, (image.height + 1) / 2) {
      let colors = isColored ? image.colors(row: 2 * row, columns: columns, theme) : []
      for column in 0..<columns {
        let cell: Cell
        if isColored {
          cell = Self.colored(image, column, 2 * row, colors[column])
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
  private static func colored(
    _ image: MaskImage, _ x: Int, _ y: Int, _ colors: (upper: Color, lower: Color)
  ) -> Cell {
    let (upper, lower) = colors
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
