/// Paths of characters that have to meet without gaps. All positions are tenths of a unit, so that
/// they are exact decimals in the file.
enum SVGShapes {
  /// Width of a cell in tenths, and height in units.
  static let column = 84
  static let row = 18

  /// Whether neighbours of this block make one rectangle.
  static func joins(_ scalar: Unicode.Scalar) -> Bool {
    0x2580...0x2588 ~= scalar.value || 0x2591...0x2593 ~= scalar.value
  }

  static func block(_ scalar: Unicode.Scalar, _ from: Int, _ to: Int, _ y: Int) -> String {
    let left = from * column
    let width = (to - from) * column
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

  /// Braille and box lines; nil for what is text.
  static func path(_ scalar: Unicode.Scalar, _ x: Int, _ y: Int) -> String? {
    if 0x2800...0x28ff ~= scalar.value { return braille(scalar.value - 0x2800, x, y) }
    guard let arms = lines[scalar] else { return nil }
    let (left, top) = (x * column, y * row * 10)
    let (half, middle) = (column / 2, row * 5)
    let weight = arms.isHeavy ? 26 : 10
    // Arms overlap in the middle, so that corners are closed.
    var path = ""
    for arm in arms.directions {
      switch arm {
      case "l": path += rectangle(left, top + middle - weight / 2, half + weight / 2, weight)
      case "r":
        path += rectangle(
          left + half - weight / 2, top + middle - weight / 2, column - half + weight / 2, weight)
      case "u": path += rectangle(left + half - weight / 2, top, weight, middle + weight / 2)
      default:
        path += rectangle(
          left + half - weight / 2, top + middle - weight / 2, weight,
          row * 10 - middle + weight / 2)
      }
    }
    return path
  }

  private static let lines: [Unicode.Scalar: (directions: String, isHeavy: Bool)] = {
    let arms = ["lr", "ud", "rd", "ld", "ru", "lu", "udr", "udl", "lrd", "lru", "lrud"]
    var lines: [Unicode.Scalar: (directions: String, isHeavy: Bool)] = [:]
    for (characters, isHeavy) in [("─│┌┐└┘├┤┬┴┼", false), ("━┃┏┓┗┛┣┫┳┻╋", true)] {
      for (scalar, directions) in zip(characters.unicodeScalars, arms) {
        lines[scalar] = (directions, isHeavy)
      }
    }
    return lines
  }()

  static func braille(_ bits: UInt32, _ x: Int, _ y: Int) -> String {
    var path = ""
    for bit in 0..<8 where bits >> UInt32(bit) & 1 != 0 {
      let across = bit < 6 ? bit / 3 : bit - 6
      let down = bit < 6 ? bit % 3 : 3
      path += rectangle(
        x * column + across * column / 2 + 12, y * row * 10 + down * row * 10 / 4 + 13,
        18, 18)
    }
    return path
  }

  static func rectangle(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> String {
    "M\(decimal(x)) \(decimal(y))h\(decimal(width))v\(decimal(height))h-\(decimal(width))z"
  }

  static func decimal(_ tenths: Int) -> String {
    tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
