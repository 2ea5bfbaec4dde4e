extension Frame {
  /// The frame as an SVG picture whose text is text: it can be searched, selected and read aloud.
  ///
  /// Block and braille characters are drawn as shapes, because fonts leave gaps between them. A cell
  /// is 8.4 x 18 units for a font of 14. `foreground` and `background` (0xRRGGBB) stand for the
  /// terminal's own.
  public func svg(foreground: UInt32 = 0xe5e5e5, background: UInt32 = 0x121212, title: String = "")
    -> String
  {
    var picture = SVGPicture(foreground: foreground, background: background)
    for y in 0..<height {
      var x = 0
      while x < width {
        let style = self[x, y].style
        var end = x
        while end < width, self[end, y].style == style { end += 1 }
        picture.run(self, x, end, y, style)
        x = end
      }
    }
    let (w, h) = (SVGPicture.decimal(width * SVGPicture.columnTenths), height * SVGPicture.row)
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)">
      <title>\(SVGPicture.escaped(title))</title>
      <style>text{font:14px "DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre}</style>
      <rect width="100%" height="100%" fill="\(SVGPicture.hex(background))"/>
      \(picture.backgrounds.joined(separator: "\n"))
      <g shape-rendering="crispEdges">
      \(picture.shapes.joined(separator: "\n"))
      </g>
      \(picture.texts.joined(separator: "\n"))
      </svg>

      """
  }
}

private struct SVGPicture {
  /// Tenths of a unit, so that positions are exact decimals.
  static let columnTenths = 84
  static let row = 18
  let foreground: UInt32
  let background: UInt32
  var backgrounds: [String] = []
  var shapes: [String] = []
  var texts: [String] = []

  init(foreground: UInt32, background: UInt32) {
    self.foreground = foreground
    self.background = background
  }

  mutating func run(_ frame: Frame, _ start: Int, _ end: Int, _ y: Int, _ style: Style) {
    var ink = color(style.foreground, foreground)
    var paper = color(style.background, background)
    if style.attributes.contains(.reverse) { swap(&ink, &paper) }
    if style.attributes.contains(.dim) { ink = Self.mixed(ink, paper) }
    let left = start * Self.columnTenths
    if paper != background {
      backgrounds.append(
        "<rect x=\"\(Self.decimal(left))\" y=\"\(y * Self.row)\" width=\""
          + "\(Self.decimal((end - start) * Self.columnTenths))\" height=\"\(Self.row)\" "
          + "fill=\"\(Self.hex(paper))\"/>")
    }
    var path = ""
    var shades: [String] = []
    var text = ""
    var textStart = start
    var solid: (scalar: Unicode.Scalar, from: Int)?
    func flushSolid(_ x: Int) {
      guard let run = solid else { return }
      let shape = Self.block(run.scalar, run.from, x, y)
      if 0x2591...0x2593 ~= run.scalar.value {
        let tint = Self.mixed(ink, paper, sixteenths: 4 * (run.scalar.value - 0x2590))
        shades.append("<path fill=\"\(Self.hex(tint))\" d=\"\(shape)\"/>")
      } else {
        path += shape
      }
      solid = nil
    }
    for x in start..<end {
      let scalar = frame.glyph(x, y)
      let isBlock = scalar.map { 0x2580...0x2593 ~= $0.value } ?? false
      if let run = solid, run.scalar != scalar || !Self.joins(run.scalar) { flushSolid(x) }
      if isBlock, let scalar, solid == nil { solid = (scalar, x) }
      if let scalar, 0x2801...0x28ff ~= scalar.value {
        path += Self.braille(scalar.value - 0x2800, x, y)
      }
      let isShape = isBlock || (scalar.map { 0x2800...0x28ff ~= $0.value } ?? false)
      if isShape || scalar == " " && text.isEmpty {
        put(text, style, ink, textStart, x, y)
        text = ""
        textStart = x + 1
      } else if let scalar {
        text.unicodeScalars.append(scalar)
      }
    }
    flushSolid(end)
    put(text, style, ink, textStart, end, y)
    shapes += shades
    if !path.isEmpty { shapes.append("<path fill=\"\(Self.hex(ink))\" d=\"\(path)\"/>") }
  }

  private mutating func put(
    _ text: String, _ style: Style, _ ink: UInt32, _ start: Int, _ end: Int, _ y: Int
  ) {
    var text = text
    var end = end
    while text.last == " ", !style.attributes.contains(.underline) {
      text.removeLast()
      end -= 1
    }
    guard !text.isEmpty else { return }
    var attributes = ""
    if style.attributes.contains(.bold) { attributes += " font-weight=\"bold\"" }
    if style.attributes.contains(.underline) { attributes += " text-decoration=\"underline\"" }
    texts.append(
      "<text x=\"\(Self.decimal(start * Self.columnTenths))\" y=\"\(y * Self.row + 14)\" "
        + "textLength=\"\(Self.decimal((end - start) * Self.columnTenths))\" "
        + "fill=\"\(Self.hex(ink))\"\(attributes)>\(Self.escaped(text))</text>")
  }

  private func color(_ color: Color, _ standard: UInt32) -> UInt32 {
    if case .indexed(let index) = color { Palette.rgb(index) } else { standard }
  }

  /// Whether neighbours of this block make one rectangle.
  private static func joins(_ scalar: Unicode.Scalar) -> Bool {
    0x2580...0x2588 ~= scalar.value || 0x2591...0x2593 ~= scalar.value
  }

  private static func block(_ scalar: Unicode.Scalar, _ from: Int, _ to: Int, _ y: Int) -> String {
    let left = from * columnTenths
    let width = (to - from) * columnTenths
    let top = y * row * 10
    let all = row * 10
    switch scalar.value {
    case 0x2580: return rectangle(left, top, width, all / 2)
    case 0x2590: return rectangle(left + width / 2, top, width - width / 2, all)
    case 0x2581...0x2588:
      let filled = all * Int(scalar.value - 0x2580) / 8
      return rectangle(left, top + all - filled, width, filled)
    case 0x2591...0x2593: return rectangle(left, top, width, all)
    default: return rectangle(left, top, width * Int(0x2590 - scalar.value) / 8, all)
    }
  }

  private static func braille(_ bits: UInt32, _ x: Int, _ y: Int) -> String {
    var path = ""
    for bit in 0..<8 where bits >> UInt32(bit) & 1 != 0 {
      let column = bit < 6 ? bit / 3 : bit - 6
      let line = bit < 6 ? bit % 3 : 3
      path += rectangle(
        x * columnTenths + column * columnTenths / 2 + 12, y * row * 10 + line * row * 10 / 4 + 13,
        18, 18)
    }
    return path
  }

  private static func rectangle(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> String {
    "M\(decimal(x)) \(decimal(y))h\(decimal(width))v\(decimal(height))h-\(decimal(width))z"
  }

  static func decimal(_ tenths: Int) -> String {
    tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  static func hex(_ rgb: UInt32) -> String {
    let digits = String(rgb & 0xffffff, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.count) + digits
  }

  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.unicodeScalars.append(CellText.shown(scalar).scalar)
      }
    }
    return escaped
  }

  private static func mixed(_ a: UInt32, _ b: UInt32) -> UInt32 {
    mixed(a, b, sixteenths: 10)
  }

  /// `sixteenths` of `a` on `b`, channel by channel.
  private static func mixed(_ a: UInt32, _ b: UInt32, sixteenths: UInt32) -> UInt32 {
    var result: UInt32 = 0
    for shift: UInt32 in [0, 8, 16] {
      let upper = (a >> shift & 255) * sixteenths
      let lower = (b >> shift & 255) * (16 - sixteenths)
      result |= ((upper + lower) / 16) << shift
    }
    return result
  }
}
