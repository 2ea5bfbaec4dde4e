/// Plain characters for those that a terminal without Unicode cannot show, one for one.
public enum Ascii {
  public static func transliterated(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    let value = scalar.value
    if value < 0x7f { return value < 0x20 ? " " : scalar }
    switch value {
    case 0x2800: return " "
    case 0x2801...0x28ff: return braille(value)
    case 0x2588: return "#"
    case 0x2580...0x259f: return block(value)
    case 0x2500...0x257f: return line(value)
    default: return letters[scalar] ?? "?"
    }
  }

  /// Ink by the number of dots, high or low by where they are.
  private static func braille(_ value: UInt32) -> Unicode.Scalar {
    let dots = value - 0x2800
    switch dots.nonzeroBitCount {
    case 6...8: return "#"
    case 4...5: return "*"
    default:
      let upper = dots & 0b0001_1011
      return upper == dots ? "'" : upper == 0 ? "." : ":"
    }
  }

  private static func block(_ value: UInt32) -> Unicode.Scalar {
    switch value {
    case 0x2580, 0x2594: "\""
    case 0x2581: "_"
    case 0x2582: "."
    case 0x2583: ":"
    case 0x2584: "-"
    case 0x2585: "="
    case 0x2586: "+"
    case 0x2587: "*"
    case 0x2589...0x258b: "#"
    case 0x258c...0x258f, 0x2590, 0x2595: "|"
    case 0x2591: "."
    case 0x2592: ":"
    case 0x2593: "%"
    default: "#"
    }
  }

  private static func line(_ value: UInt32) -> Unicode.Scalar {
    switch value {
    case 0x2500, 0x2504, 0x2508, 0x254c, 0x2574, 0x2576: "-"
    case 0x2501, 0x2505, 0x2509, 0x254d, 0x2550, 0x2578, 0x257a: "="
    case 0x2502, 0x2503, 0x2506, 0x2507, 0x250a, 0x250b, 0x2551, 0x254e, 0x254f, 0x2575, 0x2577,
      0x2579, 0x257b:
      "|"
    case 0x2571: "/"
    case 0x2572: "\\"
    default: "+"
    }
  }

  private static let letters: [Unicode.Scalar: Unicode.Scalar] = [
    "…": "~", "–": "-", "—": "-", "−": "-", "·": ".", "•": "*", "●": "*", "○": "o", "◆": "*",
    "◇": "o", "■": "#", "□": "o", "▲": "^", "△": "^", "▴": "^", "▼": "v", "▽": "v", "▾": "v",
    "◂": "<", "◀": "<", "◄": "<", "▸": ">", "▶": ">", "►": ">", "←": "<", "→": ">", "↑": "^",
    "↓": "v", "↔": "-", "↕": "|", "×": "x", "÷": "/", "µ": "u", "μ": "u", "λ": "l", "α": "a",
    "ρ": "r", "σ": "s", "Σ": "S", "√": "v", "≈": "~", "≤": "<", "≥": ">", "±": "+", "∞": "8",
    "°": "o", "✓": "v", "✗": "x", "✕": "x", "★": "*", "☆": "*", "⏎": "<", "⇥": ">", "«": "<",
    "»": ">", "‘": "'", "’": "'", "“": "\"", "”": "\"", "\u{a0}": " ", "²": "2", "³": "3",
    "¹": "1", "⁰": "0", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9", "⁻": "-",
    "▏": "|", "◉": "@", "◌": ".", "⚠": "!", "✦": "*", "ä": "a", "ö": "o", "ü": "u", "é": "e",
  ]
}
