/// Results as CSV text: RFC 4180, UTF-8, decimal points, an empty cell for what is not known.
public enum ResultsCSV {
  /// The first line, with its line end.
  public static let header = ResultColumn.allCases.map(\.rawValue).joined(separator: ",") + "\r\n"

  /// One row as a line, with its line end.
  public static func line(_ row: ResultRow) -> String {
    line(row.inOrder.map(\.text))
  }

  /// Any cells as a line, quoted where needed, with its line end.
  public static func line(_ cells: [String]) -> String {
    cells.map(quoted).joined(separator: ",") + "\r\n"
  }

  /// `text` between quotes where it holds a comma, a quote, a line end, or blanks at its ends.
  static func quoted(_ text: String) -> String {
    let needsQuotes =
      text.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0D || $0 == 0x0A }
      || text.utf8.first == 0x20 || text.utf8.last == 0x20
    guard needsQuotes else { return text }
    var result = "\""
    for character in text.unicodeScalars {
      if character == "\"" { result += "\"" }
      result.unicodeScalars.append(character)
    }
    return result + "\""
  }

  /// What a results file holds.
  public struct Table: Hashable, Sendable {
    public var rows: [ResultRow] = []
    /// Bytes up to the end of the last whole line.
    public var wholeBytes = 0
    /// Bytes of a last line without its end: what a killed writer leaves. It is not in `rows`.
    public var tornBytes = 0
    /// Whether the columns are exactly those of this version, in their order.
    public var hasCurrentColumns = false
  }

  /// Reads a results file.
  ///
  /// Columns may stand in any order, be missing (their cells are then missing) or be unknown (ignored);
  /// `tensor`, `pattern` and `status` must be there. Line ends may be CR LF or LF. Complexity: O(bytes).
  /// - Throws: `ResultsCSVError` with the line and the column that are wrong.
  public static func parse(_ bytes: [UInt8]) throws(ResultsCSVError) -> Table {
    var reader = RecordReader(bytes)
    guard let names = try reader.next() else {
      if bytes.isEmpty { throw .empty }
      throw .headerCutShort
    }
    var columns: [ResultColumn?] = []
    for name in names {
      let column = ResultColumn(rawValue: name)
      if let column, columns.contains(column) { throw .duplicateColumn(name) }
      columns.append(column)
    }
    for needed in [ResultColumn.tensor, .pattern, .status] where !columns.contains(needed) {
      throw .missingColumn(needed.rawValue)
    }
    var table = Table()
    table.hasCurrentColumns = names == ResultColumn.allCases.map(\.rawValue)
    table.wholeBytes = reader.position
    while let cells = try reader.next() {
      guard cells.count == names.count else {
        throw .cellCount(line: reader.line, expected: names.count, found: cells.count)
      }
      var row = ResultRow()
      for (column, text) in zip(columns, cells) {
        guard let column else { continue }
        row[column] = try cell(text, column, line: reader.line)
      }
      table.rows.append(row)
      table.wholeBytes = reader.position
    }
    table.tornBytes = bytes.count - table.wholeBytes
    return table
  }

  private static func cell(
    _ text: String, _ column: ResultColumn, line: Int
  ) throws(ResultsCSVError) -> ResultCell {
    if text.isEmpty { return .missing }
    switch column.kind {
    case .text: return .text(text)
    case .integer:
      if let value = Int(text) { return .integer(value) }
      // Seeds reach beyond Int.
      if UInt64(text) != nil { return .text(text) }
      throw .notANumber(line: line, column: column.rawValue, found: text)
    case .number:
      guard let value = Double(text), value.isFinite else {
        throw .notANumber(line: line, column: column.rawValue, found: text)
      }
      // Counts of operations are whole numbers beyond what a cell may have been written from.
      return .number(value)
    }
  }
}

extension ResultColumn {
  public enum Kind: Hashable, Sendable { case text, integer, number }

  /// What a non-empty cell of this column holds.
  public var kind: Kind {
    switch self {
    case .schemaVersion, .threads, .rows, .cols, .tokens, .blockRows, .blockCols, .n, .m, .tile,
      .seed, .nnz, .bytesDense, .bytesSparse, .samples, .outliers:
      .integer
    case .lambda, .sparsityRequested, .sparsityAchieved, .keptL1, .keptEnergy, .weightError,
      .outputError, .cosine, .rankCorrelation, .neighbourAgreement, .flopsUseful, .flopsExecuted,
      .packNs, .denseNs, .denseNsLow, .denseNsHigh, .sparseNs, .sparseNsLow, .sparseNsHigh,
      .speedup, .speedupLow, .speedupHigh, .maxAbsError:
      .number
    default: .text
    }
  }
}

/// Why a text is no results file.
public enum ResultsCSVError: Error, Hashable, Sendable, CustomStringConvertible {
  case empty
  case headerCutShort
  case missingColumn(String)
  case duplicateColumn(String)
  case cellCount(line: Int, expected: Int, found: Int)
  case notANumber(line: Int, column: String, found: String)
  case notUTF8(line: Int)
  case strayQuote(line: Int)

  public var description: String {
    switch self {
    case .empty: "the file is empty: a results file begins with a line of column names"
    case .headerCutShort:
      "the line of column names has no end: the file was cut short before its first row"
    case .missingColumn(let name):
      "there is no column '\(name)': this is not a results file of sparsity-tui"
    case .duplicateColumn(let name): "the column '\(name)' is there twice"
    case .cellCount(let line, let expected, let found):
      "line \(line) has \(found) cells where the column names are \(expected)"
    case .notANumber(let line, let column, let found):
      "line \(line): expected a number in column '\(column)', found '\(found.prefix(40))'"
    case .notUTF8(let line): "line \(line) is no UTF-8 text"
    case .strayQuote(let line):
      "line \(line) has a quote where none may stand: quotes inside a cell are doubled, and a cell "
        + "that holds one stands between quotes"
    }
  }
}

/// Splits RFC 4180 text into records, one at a time.
private struct RecordReader {
  private let bytes: [UInt8]
  /// Behind the last whole record.
  private(set) var position = 0
  /// The line on which the last whole record began, from 1.
  private(set) var line = 0
  private var nextLine = 1

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // A byte order mark, as spreadsheets write it.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The next record that has its line end; nil behind the last one.
  mutating func next() throws(ResultsCSVError) -> [String]? {
    var cells: [String] = []
    var cell: [UInt8] = []
    var isQuoted = false
    var wasQuoted = false
    var lines = 0
    var index = position
    func text() throws(ResultsCSVError) -> String {
      guard let text = String(validating: cell, as: UTF8.self) else {
        throw .notUTF8(line: nextLine)
      }
      return text
    }
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if isQuoted {
        if byte == 0x22 {
          if index < bytes.count, bytes[index] == 0x22 {
            cell.append(byte)
            index += 1
          } else {
            isQuoted = false
            wasQuoted = true
          }
        } else {
          if byte == 0x0A { lines += 1 }
          cell.append(byte)
        }
        continue
      }
      switch byte {
      case 0x22:
        guard cell.isEmpty, !wasQuoted else { throw .strayQuote(line: nextLine) }
        isQuoted = true
      case 0x2C:
        cells.append(try text())
        cell.removeAll(keepingCapacity: true)
        wasQuoted = false
      case 0x0D where index < bytes.count && bytes[index] == 0x0A: continue
      case 0x0D where index == bytes.count: return nil
      case 0x0A:
        cells.append(try text())
        position = index
        line = nextLine
        nextLine += lines + 1
        return cells
      default:
        guard !wasQuoted else { throw .strayQuote(line: nextLine) }
        cell.append(byte)
      }
    }
    return nil
  }
}
