import CellUI

/// Understands what the test terminals' descriptions let ncurses send, and no more; anything else
/// stands in `unknown`, so that a test can insist on none.
struct EmulatedScreen {
  struct Cell: Equatable {
    var scalar: Unicode.Scalar = " "
    /// The select-graphic-rendition codes in force, such as `1;38;5;160`.
    var rendition = ""
  }

  private(set) var columns: Int
  private(set) var rows: Int
  private(set) var cells: [[Cell]]
  /// Private modes that are on: 1049 the alternate screen, 25 the cursor, 1002 the mouse …
  private(set) var modes: Set<Int> = [25]
  private(set) var unknown: [String] = []
  /// What operating system commands carried (OSC 52 is a copy).
  private(set) var commands: [String] = []
  private(set) var bytes: [UInt8] = []
  private var x = 0
  private var y = 0
  private var attributes: Set<String> = []
  private var foreground: String?
  private var background: String?
  private var pending: [UInt8] = []

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    cells = Self.blank(columns, rows)
  }

  var isAlternate: Bool { modes.contains(1049) }

  /// Everything that was sent, as text.
  var transcript: String { String(decoding: bytes, as: UTF8.self) }

  /// The rows without trailing blanks; the second column of a wide character is left out.
  var text: String {
    cells.map { row in
      var line = String(String.UnicodeScalarView(row.map(\.scalar).filter { $0 != "\0" }))
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }

  mutating func resize(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    cells = Self.blank(columns, rows)
    x = min(x, columns - 1)
    y = min(y, rows - 1)
  }

  mutating func feed(_ new: ArraySlice<UInt8>) {
    bytes += new
    pending += new
    var input = pending[...]
    while let first = input.first, let used = consume(first, input) {
      input = input.dropFirst(used)
    }
    pending = Array(input)
  }

  /// Acts on what `input` begins with and returns its length; nil if it is not complete yet.
  private mutating func consume(_ first: UInt8, _ input: ArraySlice<UInt8>) -> Int? {
    if first == 0x1b { return escape(input) }
    if first < 0x20 {
      switch first {
      case 13: x = 0
      case 10: newline()
      case 8: x = max(0, x - 1)
      case 7: break
      default: unknown.append("control \(first)")
      }
      return 1
    }
    let length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    guard input.count >= length else { return nil }
    for scalar in String(decoding: input.prefix(length), as: UTF8.self).unicodeScalars {
      print(scalar)
    }
    return length
  }

  private mutating func print(_ scalar: Unicode.Scalar) {
    let width = CellText.isWide(scalar) ? 2 : 1
    if x + width > columns {
      x = 0
      newline()
    }
    let rendition = codes.joined(separator: ";")
    cells[y][x] = Cell(scalar: scalar, rendition: rendition)
    if width == 2 { cells[y][x + 1] = Cell(scalar: "\0", rendition: rendition) }
    x += width
  }

  private mutating func newline() {
    if y < rows - 1 {
      y += 1
    } else {
      cells.removeFirst()
      cells += Self.blank(columns, 1)
    }
  }

  private mutating func escape(_ input: ArraySlice<UInt8>) -> Int? {
    guard let kind = input.dropFirst().first else { return nil }
    let body = input.dropFirst(2)
    switch kind {
    case UInt8(ascii: "["):
      guard let end = body.firstIndex(where: { 0x40...0x7e ~= $0 }) else { return nil }
      control(String(decoding: body[...end], as: UTF8.self))
      return end - input.startIndex + 1
    case UInt8(ascii: "]"):
      guard let end = body.firstIndex(of: 7) else { return nil }
      commands.append(String(decoding: body[..<end], as: UTF8.self))
      return end - input.startIndex + 1
    default:
      unknown.append("escape \(kind)")
      return 2
    }
  }

  private mutating func control(_ sequence: String) {
    let numbers = sequence.dropLast().split(separator: ";").compactMap { Int($0) }
    switch sequence.last {
    case "H":
      (y, x) = numbers.count == 2 ? (numbers[0] - 1, numbers[1] - 1) : (0, 0)
      y = min(max(0, y), rows - 1)
      x = min(max(0, x), columns - 1)
    case "J":
      if numbers.first == 2 {
        for row in 0..<rows { erase(row, from: 0) }
      } else {
        erase(y, from: x)
        for row in y + 1..<max(rows, y + 1) { erase(row, from: 0) }
      }
    case "K": erase(y, from: x)
    case "m": rendition(sequence.dropLast())
    case "h" where sequence.hasPrefix("?"): setModes(sequence, true)
    case "l" where sequence.hasPrefix("?"): setModes(sequence, false)
    default: unknown.append(sequence)
    }
  }

  private mutating func setModes(_ sequence: String, _ on: Bool) {
    for number in sequence.dropFirst().dropLast().split(separator: ";").compactMap({ Int($0) }) {
      if on { modes.insert(number) } else { modes.remove(number) }
    }
  }

  private mutating func erase(_ row: Int, from column: Int) {
    // As `bce` says: what is erased has the background.
    for place in min(column, columns)..<columns {
      cells[row][place] = Cell(rendition: background ?? "")
    }
  }

  private mutating func rendition(_ parameters: Substring) {
    var parts = parameters.split(separator: ";", omittingEmptySubsequences: false)[...]
    while let part = parts.popFirst() {
      switch Int(part) ?? 0 {
      case 0: (attributes, foreground, background) = ([], nil, nil)
      case 39: foreground = nil
      case 49: background = nil
      case 38, 48:
        let count = parts.first == "5" ? 2 : 4
        let color = ([part] + parts.prefix(count)).joined(separator: ";")
        parts = parts.dropFirst(count)
        if part == "38" { foreground = color } else { background = color }
      case 30...37, 90...97: foreground = String(part)
      case 40...47, 100...107: background = String(part)
      case 1...8: attributes.insert(String(part))
      default: unknown.append("\(part)m")
      }
    }
  }

  private var codes: [String] { attributes.sorted() + [foreground, background].compactMap(\.self) }

  private static func blank(_ columns: Int, _ rows: Int) -> [[Cell]] {
    Array(repeating: Array(repeating: Cell(), count: columns), count: rows)
  }
}
