import Experiments

/// Results as files: the three forms that other tools read.
enum ResultsText {
  /// Whole rows of a results file; a torn last line is left out.
  /// - Throws: `Failure` with status 4 naming the file and the line.
  static func rows(_ path: String) throws -> [ResultRow] {
    let bytes = try InputFile.read(path, limit: 1 << 30)
    do { return try ResultsCSV.parse(bytes).rows } catch {
      throw Failure(.unreadable, "\(path): \(error.description)")
    }
  }

  static func csv(_ rows: [ResultRow]) -> String {
    ResultsCSV.header + rows.map { ResultsCSV.line($0) }.joined()
  }

  /// An array of objects, one line each, without the cells that are not known.
  static func json(_ rows: [ResultRow]) throws -> String {
    try "[\n" + rows.map { try JSONText.encode($0) }.joined(separator: ",\n") + "\n]\n"
  }

  /// A table for people, with the columns that a decision needs.
  static func markdown(_ rows: [ResultRow]) -> String {
    let columns: [ResultColumn] = [
      .tensor, .pattern, .sparsityAchieved, .tokens, .threads, .outputError, .denseNs, .sparseNs,
      .speedup, .speedupLow, .speedupHigh, .verdict,
    ]
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    func cell(_ row: ResultRow, _ column: ResultColumn) -> String {
      guard case .number(let value) = row[column] else { return row[column].text }
      return NumberText.fixed(value, column == .denseNs || column == .sparseNs ? 0 : 3)
    }
    return line(columns.map(\.rawValue)) + line(columns.map { _ in "---" })
      + rows.map { row in line(columns.map { cell(row, $0) }) }.joined()
  }
}
