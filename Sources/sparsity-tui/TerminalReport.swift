import CellUI
import Terminal

/// What `doctor` says of the terminal.
struct TerminalReport: Encodable {
  let type: String
  let problem: String?
  let isTerminal: Bool
  let columns: Int?
  let lines: Int?
  let colors: Int
  let colorsForbidden: Bool
  let unicode: Bool
  let mouse: Bool
  let alternateScreen: Bool
  let between: [String]

  init(abilities: TerminalAbilities) {
    type = abilities.type
    problem = abilities.problem
    isTerminal = abilities.isInput && abilities.isOutput
    columns = abilities.size?.width
    lines = abilities.size?.height
    colors = max(0, abilities.colorCount)
    colorsForbidden = Paths.environment("NO_COLOR") != nil
    unicode = abilities.isUnicode
    mouse = abilities.hasMouse
    alternateScreen = abilities.hasOtherScreen
    between = abilities.between
  }

  /// Label and text.
  var rows: [[String]] {
    var place = "TERM=\(type)"
    if let columns, let lines {
      place += ", \(columns)x\(lines)"
      if columns < 80 || lines < 24 { place += ", too small: the screen needs 80x24" }
    }
    if !isTerminal { place += ", standard input or output is no terminal" }
    if !between.isEmpty { place += ", through \(between.joined(separator: " and "))" }
    let shown: String =
      if colorsForbidden {
        "none (NO_COLOR)"
      } else {
        switch colors {
        case 0: "none: signs and brightness alone"
        case 1..<16: "\(colors): the eight-colour maps"
        case 16..<256: "\(colors): the sixteen-colour maps"
        case 256: "256: the full colour maps"
        default: "\(colors), direct: the full colour maps"
        }
      }
    return [
      ["terminal", place],
      ["colours", shown],
      ["characters", unicode ? "UTF-8" : "ASCII alone, as with --ascii"],
      [
        "mouse",
        mouse ? "reported" : "its description has none; everything has a key",
      ],
      ["clipboard", "y copies through OSC 52, which a terminal may refuse; nothing tells"],
    ] + (problem.map { [["", "! the screen cannot be opened: \($0)"]] } ?? [])
  }
}
