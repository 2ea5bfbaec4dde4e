/// A colour by meaning of number: the terminal's own, or one of the 256 palette.
public enum Color: Hashable, Sendable {
  /// The terminal's own foreground or background.
  case standard
  /// A number of the 256-colour palette; terminals with fewer show the nearest they have.
  case indexed(UInt8)
}

/// Colours and attributes of a cell.
public struct Style: Hashable, Sendable {
  public struct Attributes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let bold = Attributes(rawValue: 1)
    public static let dim = Attributes(rawValue: 2)
    public static let underline = Attributes(rawValue: 4)
    public static let reverse = Attributes(rawValue: 8)
  }
  public var foreground: Color
  public var background: Color
  public var attributes: Attributes

  public init(
    _ foreground: Color = .standard, on background: Color = .standard,
    _ attributes: Attributes = []
  ) {
    self.foreground = foreground
    self.background = background
    self.attributes = attributes
  }
}

/// One character position: a scalar one column wide, and its style.
public struct Cell: Hashable, Sendable {
  public var scalar: Unicode.Scalar
  public var style: Style

  public init(_ scalar: Unicode.Scalar = " ", _ style: Style = Style()) {
    self.scalar = scalar
    self.style = style
  }
}

/// A screenful of cells: the one value that views make, the terminal shows and tests compare.
public struct Frame: Hashable, Sendable {
  public let width: Int
  public let height: Int
  public var cells: [Cell]

  public init(width: Int, height: Int) {
    self.width = max(0, width)
    self.height = max(0, height)
    cells = Array(repeating: Cell(), count: self.width * self.height)
  }

  /// Positions outside the frame read as blank and ignore what is written.
  public subscript(x: Int, y: Int) -> Cell {
    get {
      guard x >= 0, x < width, y >= 0, y < height else { return Cell() }
      return cells[y &* width &+ x]
    }
    set {
      guard x >= 0, x < width, y >= 0, y < height else { return }
      cells[y &* width &+ x] = newValue
    }
  }

  /// The characters, one line a row, trailing blanks cut.
  public var text: String {
    var lines: [String] = []
    for y in 0..<height {
      var scalars = String.UnicodeScalarView()
      var end = 0
      for x in 0..<width {
        guard let scalar = glyph(x, y) else { continue }
        scalars.append(scalar)
        if scalar != " " { end = scalars.count }
      }
      lines.append(String(String.UnicodeScalarView(scalars.prefix(end))))
    }
    return lines.joined(separator: "\n")
  }
}

/// A rectangle of cells.
public struct Rect: Hashable, Sendable {
  public var x: Int
  public var y: Int
  public var width: Int
  public var height: Int

  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = max(0, width)
    self.height = max(0, height)
  }

  public func contains(x px: Int, y py: Int) -> Bool {
    px >= x && px < x + width && py >= y && py < y + height
  }
}
