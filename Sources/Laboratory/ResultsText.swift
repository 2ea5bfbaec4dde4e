public import Experiments

/// Results in other forms than CSV.
public enum ResultsText {
  /// An array of objects, one a row, with the known cells under their column names; one row a line.
  public static func json(_ rows: [ResultRow]) throws(JSONTextError) -> String {
    var lines: [String] = []
    for row in rows { lines.append(try JSONText.encode(row)) }
    return "[" + lines.joined(separator: ",\n ") + "]\n"
  }

  /// A table for people: what was asked for, what it costs, what it gains.
  public static func markdown(_ rows: [ResultRow]) -> String {
    let columns: [(title: String, text: (ResultRow) -> String)] = [
      ("tensor", { $0[.tensor].text }), ("pattern", { $0[.pattern].text }),
      ("zeros", { number($0[.sparsityAchieved], scale: 100, places: 1) + " %" }),
      ("tokens", { $0[.tokens].text }), ("threads", { $0[.threads].text }),
      ("kept energy", { number($0[.keptEnergy], places: 3) }),
      ("output error", { number($0[.outputError], places: 3) }),
      ("dense µs", { number($0[.denseNs], scale: 1e-3, places: 1) }),
      ("sparse µs", { number($0[.sparseNs], scale: 1e-3, places: 1) }),
      ("speedup", { number($0[.speedup], places: 2) }),
      (
        "95 % interval",
        { number($0[.speedupLow], places: 2) + " to " + number($0[.speedupHigh], places: 2) }
      ),
      ("verdict", { $0[.verdict] == .missing ? $0[.status].text : $0[.verdict].text }),
    ]
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    return line(columns.map(\.title)) + line(columns.map { _ in "---" })
      + rows.map { row in line(columns.map { escaped($0.text(row)) }) }.joined()
  }

  private static func number(_ cell: ResultCell, scale: Double = 1, places: Int) -> String {
    cell.number.map { NumberText.fixed($0 * scale, places) } ?? "–"
  }

  /// A bar or a line end in a cell would end it.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "|": result += "\\|"
      case "\n", "\r": result += " "
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
