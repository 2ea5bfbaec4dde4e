import Testing

@testable import Terminal

/// What the filter leaves out shows nowhere.
@Suite struct WireFilterTests {
  /// What a person sees of a cell: a full block hides its background, a blank shows nothing else.
  private static func look(_ cell: EmulatedScreen.Cell) -> String {
    var codes = cell.rendition.split(separator: ";")
    var colors: [String] = []
    for start in ["38", "48"] {
      if let at = codes.firstIndex(where: { $0 == start }) {
        colors.append(codes[at...].prefix(3).joined(separator: ";"))
        codes.removeSubrange(at..<min(codes.count, at + 3))
      }
    }
    colors += codes.filter { $0.count == 2 }.map(String.init)
    var attributes = codes.filter { $0.count == 1 }
    let isReversed = attributes.contains { $0 == "7" || $0 == "4" }
    let foreground = colors.first { $0.hasPrefix("3") } ?? ""
    let background = colors.first { $0.hasPrefix("4") } ?? ""
    if cell.scalar == " ", !isReversed { return " on \(background)" }
    if cell.scalar == "█", !isReversed { return "█ \(foreground) \(attributes)" }
    attributes.sort()
    return "\(cell.scalar) \(foreground) on \(background) \(attributes)"
  }

  private static func shown(_ pieces: [[UInt8]]) -> EmulatedScreen {
    var screen = EmulatedScreen(columns: 20, rows: 6)
    for piece in pieces { screen.feed(piece[...]) }
    return screen
  }

  /// A stream as ncurses writes them, and worse.
  private static func stream(_ numbers: inout SeededNumbers) -> [UInt8] {
    var text = ""
    for _ in 0..<Int.random(in: 1...60, using: &numbers) {
      func color(_ kind: Int, _ numbers: inout SeededNumbers) -> String {
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0: "\(kind)9"
        case 1: "\(kind)\(Int.random(in: 0...7, using: &numbers))"
        default: "\(kind)8;5;\([160, 166, 233, 235].randomElement(using: &numbers)!)"
        }
      }
      switch Int.random(in: 0..<16, using: &numbers) {
      case 0: text += "\u{1b}[m"
      case 1: text += "\u{1b}[0;\([1, 2, 4, 7].randomElement(using: &numbers)!)m"
      case 2: text += "\u{1b}[\(color(3, &numbers))m"
      case 3: text += "\u{1b}[\(color(4, &numbers))m"
      case 4, 5: text += "\u{1b}[\(color(3, &numbers))m\u{1b}[\(color(4, &numbers))m"
      case 6: text += "\u{1b}[39;49m"
      case 7:
        let row = Int.random(in: 1...6, using: &numbers)
        text += "\u{1b}[\(row);\(Int.random(in: 1...20, using: &numbers))H"
      case 8: text += ["\u{1b}[K", "\u{1b}[J", "\u{1b}[2J"].randomElement(using: &numbers)!
      case 9: text += "\r\n"
      default: text += [" ", "█", "▀", "a", "é", "模", "██  "].randomElement(using: &numbers)!
      }
    }
    return Array(text.utf8)
  }

  @Test func whatIsLeftShowsTheSame() {
    var raw = 0
    var sent = 0
    for seed in 1...400 {
      var numbers = SeededNumbers(seed: UInt64(seed))
      let pieces = (0..<5).map { _ in Self.stream(&numbers) }
      var filter = WireFilter()
      let shorter = pieces.map { filter.filtered($0) }
      let (before, after) = (Self.shown(pieces), Self.shown(shorter))
      #expect(
        after.cells.map { $0.map(Self.look) } == before.cells.map { $0.map(Self.look) },
        "seed \(seed)")
      #expect(after.unknown == [])
      raw += pieces.reduce(0) { $0 + $1.count }
      sent += shorter.reduce(0) { $0 + $1.count }
    }
    #expect(sent < raw * 9 / 10, "\(sent) of \(raw)")
  }

  @Test func colourThatStaysIsSentOnce() {
    var filter = WireFilter()
    _ = filter.filtered(Array("\u{1b}[m".utf8))
    let bytes = filter.filtered(
      Array("\u{1b}[38;5;160m\u{1b}[48;5;17m▀\u{1b}[38;5;160m\u{1b}[48;5;18m▀\u{1b}[39;49m".utf8))
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "\u{1b}[38;5;160;48;5;17m▀\u{1b}[48;5;18m▀\u{1b}[39;49m")
  }

  @Test func directColoursAndUnknownSequencesPass() {
    var filter = WireFilter()
    _ = filter.filtered(Array("\u{1b}[m".utf8))
    let lines = [
      "\u{1b}[38:2::1:2:3mx\u{1b}[m", "\u{1b}[58;5;3mx", "\u{1b}]52;c;eA==\u{7}", "\u{1b}[?25l",
      "\u{1b}(0q\u{1b}(B", "\u{1b}[3", "\u{1b}",
    ]
    let all = lines.map { String(decoding: filter.filtered(Array($0.utf8)), as: UTF8.self) }
    #expect(all[0] == "\u{1b}[38:2::1:2:3mx\u{1b}[39m")
    #expect(all[1].hasPrefix("\u{1b}[58;5;3m"))
    #expect(all[2...6].joined() == lines[2...6].joined(), "\(all)")
  }

  /// The Linux console's description names its font with every attribute.
  @Test func whatIsNotFollowedTakesNothingWithIt() {
    var filter = WireFilter()
    _ = filter.filtered(Array("\u{1b}[m".utf8))
    let font = filter.filtered(Array("\u{1b}[0;10;1mx\u{1b}[0;10m".utf8))
    #expect(String(decoding: font, as: UTF8.self) == "\u{1b}[1mx\u{1b}[0m")
    let crossed = filter.filtered(Array("\u{1b}[36m\u{1b}[9;1mx\u{1b}[0m".utf8))
    #expect(String(decoding: crossed, as: UTF8.self) == "\u{1b}[36m\u{1b}[9;1mx\u{1b}[0m")
  }

  /// A shell that had the terminal may have left any colour.
  @Test func afterSomebodyElseEverythingIsSentAgain() {
    var filter = WireFilter()
    _ = filter.filtered(Array("\u{1b}[31mx".utf8))
    filter.forget()
    let bytes = filter.filtered(Array("\u{1b}[31mx".utf8))
    #expect(String(decoding: bytes, as: UTF8.self) == "\u{1b}[0;31mx")
  }
}
