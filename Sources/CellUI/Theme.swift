/// How many colours the terminal shows.
public enum ColorDepth: Int, Hashable, Sendable, Comparable {
  case none, eight, sixteen, full
  public static func < (a: ColorDepth, b: ColorDepth) -> Bool { a.rawValue < b.rawValue }
}

/// Which characters the terminal can be trusted with.
public enum GlyphSet: Hashable, Sendable {
  /// Blocks, box lines and braille.
  case full
  /// Blocks and box lines only: the Linux console's font has no braille.
  case blocks
  case ascii
}

/// Styles by meaning. Views name a meaning; only this type knows colours.
///
/// The default takes the terminal's own foreground, background and its colours 1, 2, 5 and 6,
/// which are readable on light and on dark backgrounds alike; 3, 7 and 8 to 15 are not.
public struct Theme: Hashable, Sendable {
  public var name: String
  public var text = Style()
  /// Labels, units, what is not in focus.
  public var muted = Style(.standard, on: .standard, .dim)
  public var title = Style(.standard, on: .standard, .bold)
  public var accent = Style(.indexed(6))
  public var good = Style(.indexed(2), on: .standard, .bold)
  public var bad = Style(.indexed(1), on: .standard, .bold)
  public var warning = Style(.indexed(5))
  /// The chosen row of a list that has the keys.
  public var selection = Style(.standard, on: .standard, .reverse)
  /// The chosen row of a list that has not.
  public var selectionInactive = Style(.standard, on: .standard, .underline)
  public var border = Style(.standard, on: .standard, .dim)
  public var borderFocused = Style(.indexed(6))
  /// A key in the hint line, and what it does.
  public var key = Style(.indexed(6), on: .standard, .bold)
  public var keyLabel = Style(.standard, on: .standard, .dim)
  /// The position that a cursor marks in a picture or a chart.
  public var cursor = Style(.standard, on: .standard, [.reverse, .bold])
  public var gauge = Style(.indexed(6))
  public var gaugeRest = Style(.standard, on: .standard, .dim)
  /// Pixels that hold no kept weight, in two shades that alternate from block to block.
  public var pruned: Color = .indexed(233)
  public var prunedAlternate: Color = .indexed(235)
  /// Kept weights where magnitude is not shown.
  public var kept: Color = .indexed(80)
  /// Magnitudes and densities, low to high.
  public var sequential: ColorMap = .inferno
  /// Losses to gains around a middle.
  public var diverging: DivergingMap = .orangeBlue
  /// Colours that tell chart series apart; markers do so too.
  public var series: [Color] = [6, 5, 2, 1].map { .indexed($0) }
  public var depth: ColorDepth = .full
  public var glyphs: GlyphSet = .full

  public init(name: String) { self.name = name }

  /// The terminal's own colours.
  public static let terminal = Theme(name: "terminal")

  /// Bold and bright on black, no dim text.
  public static let highContrast: Theme = {
    var theme = Theme(name: "high-contrast")
    let black = Color.indexed(16)
    theme.text = Style(.indexed(231), on: black)
    theme.muted = Style(.indexed(252), on: black)
    theme.title = Style(.indexed(231), on: black, .bold)
    theme.accent = Style(.indexed(51), on: black, .bold)
    theme.good = Style(.indexed(48), on: black, .bold)
    theme.bad = Style(.indexed(209), on: black, [.bold, .underline])
    theme.warning = Style(.indexed(226), on: black, .bold)
    theme.selection = Style(black, on: .indexed(226), .bold)
    theme.selectionInactive = Style(.indexed(231), on: .indexed(240))
    theme.border = Style(.indexed(250), on: black)
    theme.borderFocused = Style(.indexed(226), on: black, .bold)
    theme.key = Style(.indexed(226), on: black, .bold)
    theme.keyLabel = Style(.indexed(252), on: black)
    theme.cursor = Style(black, on: .indexed(201), .bold)
    theme.gauge = Style(.indexed(51), on: black)
    theme.gaugeRest = Style(.indexed(244), on: black)
    theme.pruned = .indexed(16)
    theme.prunedAlternate = .indexed(234)
    theme.kept = .indexed(231)
    theme.sequential = .grey
    theme.series = [51, 226, 201, 48, 209, 231].map { .indexed($0) }
    return theme
  }()

  /// Blue, orange and lightness only, after Okabe and Ito's palette; no pair of red and green.
  public static let colourBlind: Theme = {
    var theme = Theme(name: "colour-blind")
    theme.accent = Style(.indexed(74))
    theme.good = Style(.indexed(32), on: .standard, .bold)
    theme.bad = Style(.indexed(166), on: .standard, [.bold, .underline])
    theme.warning = Style(.indexed(178))
    theme.borderFocused = Style(.indexed(74))
    theme.key = Style(.indexed(74), on: .standard, .bold)
    theme.gauge = Style(.indexed(32))
    theme.kept = .indexed(74)
    theme.sequential = .viridis
    theme.series = [32, 178, 37, 166, 175, 74].map { .indexed($0) }
    return theme
  }()

  public static let all: [Theme] = [.terminal, .highContrast, .colourBlind]

  /// The theme of this name; nil if there is none.
  public static func named(_ name: String) -> Theme? { all.first { $0.name == name } }

  /// The same theme for a terminal that shows fewer colours or characters.
  public func adapted(to depth: ColorDepth, _ glyphs: GlyphSet) -> Theme {
    var theme = self
    theme.depth = depth
    theme.glyphs = glyphs
    return theme
  }
}
