extension Frame {
  /// The frame as an SVG picture whose text is text: it can be searched, selected and read aloud.
  ///
  /// Blocks, lines and braille are drawn as shapes, because fonts leave gaps between them. A cell
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
    let (w, h) = (SVGShapes.decimal(width * SVGShapes.column), height * SVGShapes.row)
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
    if style.attributes.contains(.dim) { ink = Self.mixed(ink, paper, sixteenths: 10) }
    let left = start * SVGShapes.column
    if paper != background {
      backgrounds.append(
        "<rect x=\"\(SVGShapes.decimal(left))\" y=\"\(y * SVGShapes.row)\" width=\""
          + "\(SVGShapes.decimal((end - start) * SVGShapes.column))\" height=\"\(SVGShapes.row)\" "
          + "fill=\"\(Self.hex(paper))\"/>")
    }
    var path = ""
    var shades: [String] = []
    var text = ""
    var textStart = start
    var solid: (scalar: Unicode.Scalar, from: Int)?
    func flushSolid(_ x: Int) {
      guard let run = solid else { return }
      let shape = SVGShapes.block(run.scalar, run.from, x, y)
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
      if let run = solid, run.scalar != scalar || !SVGShapes.joins(run.scalar) { flushSolid(x) }
      if isBlock, let scalar, solid == nil { solid = (scalar, x) }
      let other = scalar.flatMap { SVGShapes.path($0, x, y) }
      if let other { path += other }
      // Viewers may shrink blanks to one, so each stretch of text has its own place.
      let isGap = scalar == " " && (text.isEmpty || x + 1 < end && frame.glyph(x + 1, y) == " ")
      if isBlock || other != nil || isGap {
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
    if style.attributes.contains(.underline) {
      path += SVGShapes.rectangle(
        left, y * SVGShapes.row * 10 + 165, (end - start) * SVGShapes.column, 10)
    }
    if !path.isEmpty { shapes.append("<path fill=\"\(Self.hex(ink))\" d=\"\(path)\"/>") }
  }

  private mutating func put(
    _ text: String, _ style: Style, _ ink: UInt32, _ start: Int, _ end: Int, _ y: Int
  ) {
    var text = text
    var end = end
    while text.last == " " {
      text.removeLast()
      end -= 1
    }
    guard !text.isEmpty else { return }
    var attributes = ""
    if style.attributes.contains(.bold) { attributes += " font-weight=\"bold\"" }
    texts.append(
      "<text x=\"\(SVGShapes.decimal(start * SVGShapes.column))\" y=\"\(y * SVGShapes.row + 14)\" "
        + "textLength=\"\(SVGShapes.decimal((end - start) * SVGShapes.column))\" "
        + "fill=\"\(Self.hex(ink))\"\(attributes)>\(Self.escaped(text))</text>")
  }

  private func color(_ color: Color, _ standard: UInt32) -> UInt32 {
    if case .indexed(let index) = color { Palette.rgb(index) } else { standard }
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
