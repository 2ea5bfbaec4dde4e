/// Dots at twice the columns and four times the rows of the cells, one style a cell.
public struct BrailleCanvas: Hashable, Sendable {
  /// In cells.
  public let width: Int
  public let height: Int
  private var dots: [UInt8]
  private var styles: [Style]

  public init(width: Int, height: Int) {
    self.width = max(0, width)
    self.height = max(0, height)
    dots = Array(repeating: 0, count: self.width * self.height)
    styles = Array(repeating: Style(), count: self.width * self.height)
  }

  /// Sets a dot; (0, 0) is the upper left one. Outside nothing happens. The last style wins a cell.
  public mutating func dot(x: Int, y: Int, style: Style) {
    guard x >= 0, y >= 0, x < width * 2, y < height * 4 else { return }
    let cell = (y / 4) * width + x / 2
    // Braille numbers its dots 1-2-3 down the left, 4-5-6 down the right, 7 and 8 below.
    let bit = y % 4 == 3 ? 6 + x % 2 : y % 4 + 3 * (x % 2)
    dots[cell] |= 1 << UInt8(bit)
    styles[cell] = style
  }

  /// A straight line, both ends included; dashed draws two of every four dots. O(length), of which
  /// the part outside is skipped.
  public mutating func line(
    fromX x0: Double, y y0: Double, toX x1: Double, y y1: Double, style: Style, dashed: Bool = false
  ) {
    // Clipped first (Liang and Barsky): an axis may be zoomed so far that the ends are very far away.
    var (start, end) = (0.0, 1.0)
    let (dx, dy) = (x1 - x0, y1 - y0)
    let right = Double(width * 2) - 0.5
    let bottom = Double(height * 4) - 0.5
    for (p, q) in [(-dx, x0 + 0.5), (dx, right - x0), (-dy, y0 + 0.5), (dy, bottom - y0)] {
      if p == 0 {
        if q < 0 { return }
      } else if p < 0 {
        start = max(start, q / p)
      } else {
        end = min(end, q / p)
      }
    }
    guard start <= end else { return }
    let steps = Int((max(abs(dx), abs(dy)) * (end - start)).rounded(.up))
    for step in 0...max(0, steps) {
      if dashed, step % 4 >= 2 { continue }
      let t = start + (end - start) * (steps > 0 ? Double(step) / Double(steps) : 0)
      dot(x: Int((x0 + t * dx).rounded()), y: Int((y0 + t * dy).rounded()), style: style)
    }
  }

  /// Nil where no dot is set.
  func cell(_ x: Int, _ y: Int, _ glyphs: GlyphSet) -> Cell? {
    let bits = dots[y * width + x]
    guard bits != 0 else { return nil }
    let scalar: Unicode.Scalar
    switch glyphs {
    case .full: scalar = Unicode.Scalar(0x2800 + UInt32(bits))!
    case .ascii: scalar = Ascii.transliterated(Unicode.Scalar(0x2800 + UInt32(bits))!)
    case .blocks:
      let upper = bits & 0b0001_1011 != 0
      let lower = bits & 0b1110_0100 != 0
      scalar = upper && lower ? "█" : upper ? "▀" : "▄"
    }
    return Cell(scalar, styles[y * width + x])
  }
}

extension Frame {
  /// Draws the dots over what is there; cells without dots stay, and backgrounds do.
  public mutating func draw(_ canvas: BrailleCanvas, x: Int, y: Int, theme: Theme) {
    for row in 0..<canvas.height {
      for column in 0..<canvas.width {
        guard var cell = canvas.cell(column, row, theme.glyphs) else { continue }
        if cell.style.background == .standard {
          cell.style.background = self[x + column, y + row].style.background
        }
        self[x + column, y + row] = cell
      }
    }
  }
}
