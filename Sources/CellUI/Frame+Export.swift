extension Frame {
  /// The same for the same cells in every process, unlike `hashValue`: FNV-1a over characters and
  /// styles. For recorded frames and tests.
  public var fingerprint: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ value: UInt32) {
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        hash = (hash ^ UInt64(value >> shift & 255)) &* 0x100_0000_01b3
      }
    }
    func code(_ color: Color) -> UInt32 {
      if case .indexed(let index) = color { UInt32(index) } else { 256 }
    }
    add(UInt32(width))
    add(UInt32(height))
    for cell in cells {
      add(cell.scalar.value)
      add(code(cell.style.foreground) << 9 | code(cell.style.background))
      add(UInt32(cell.style.attributes.rawValue))
    }
    return hash
  }

  /// Lines with escape sequences for a terminal of 256 colours; without any for `depth` none.
  public func ansi(_ depth: ColorDepth = .full) -> String {
    var text = ""
    for y in 0..<height {
      var style = Style()
      for x in 0..<width {
        guard let scalar = glyph(x, y) else { continue }
        if depth != .none, self[x, y].style != style {
          style = self[x, y].style
          text += Self.sequence(style, depth)
        }
        text.unicodeScalars.append(scalar)
      }
      if style != Style() { text += "\u{1b}[0m" }
      text += "\n"
    }
    return text
  }

  private static func sequence(_ style: Style, _ depth: ColorDepth) -> String {
    var codes = ["0"]
    if style.attributes.contains(.bold) { codes.append("1") }
    if style.attributes.contains(.dim) { codes.append("2") }
    if style.attributes.contains(.underline) { codes.append("4") }
    if style.attributes.contains(.reverse) { codes.append("7") }
    for (color, base) in [(style.foreground, 30), (style.background, 40)] {
      guard case .indexed(let index) = color else { continue }
      switch depth {
      case .full: codes.append("\(base + 8);5;\(index)")
      case .sixteen:
        let near = Int(Palette.nearest(index, of: 16))
        codes.append("\(near < 8 ? base + near : base + 52 + near)")
      default: codes.append("\(base + Int(Palette.nearest(index, of: 8)))")
      }
    }
    return "\u{1b}[" + codes.joined(separator: ";") + "m"
  }
}
