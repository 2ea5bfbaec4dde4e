extension Pattern: LosslessStringConvertible, CustomStringConvertible, Codable {
  /// The word for this pattern; `Pattern(parsing:)` reads it back to an equal value.
  public var description: String {
    Pattern.text(of: base) + (reorder.map { "/\($0.rawValue)" } ?? "")
  }

  public init?(_ description: String) {
    guard let pattern = try? Pattern(parsing: description) else { return nil }
    self = pattern
  }

  /// Reads a pattern word; upper and lower case are the same, `unstructured` is an alias of `1x1`.
  public init(parsing text: String) throws(PatternError) {
    let word = text.lowercased()
    let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let baseText = parts.first else { throw .unknown(text) }
    var reorder: Reorder?
    if parts.count == 2 {
      guard let known = Reorder(rawValue: String(parts[1])) else {
        throw .unknownReorder(String(parts[1]))
      }
      reorder = known
    }
    try self.init(Pattern.base(of: baseText, in: text), reorder: reorder)
  }

  static func text(of base: Base) -> String {
    switch base {
    case .block(let rows, let columns): "\(rows)x\(columns)"
    case .nm(let kept, let group): "\(kept):\(group)"
    case .row: "row"
    case .column: "column"
    case .tile(let width): "tw\(width)"
    case .tileElement(let width, let overlay): "tew\(width)+\(percent(overlay))%"
    case .tileVector(let width): "tvw\(width)"
    }
  }

  private static func base(of word: Substring, in text: String) throws(PatternError) -> Base {
    switch word {
    case "unstructured": return .block(rows: 1, columns: 1)
    case "row": return .row
    case "column": return .column
    default: break
    }
    if let (kept, group) = numbers(word, around: ":") { return .nm(kept: kept, group: group) }
    if word.hasPrefix("tew"), word.hasSuffix("%") {
      let halves = word.dropFirst(3).dropLast().split(
        separator: "+", omittingEmptySubsequences: false)
      if halves.count == 2, let width = number(halves[0]), let overlay = decimal(halves[1]) {
        return .tileElement(width: width, overlay: overlay / 100)
      }
    }
    if word.hasPrefix("tvw"), let width = number(word.dropFirst(3)) {
      return .tileVector(width: width)
    }
    if word.hasPrefix("tw"), let width = number(word.dropFirst(2)) { return .tile(width: width) }
    if let (rows, columns) = numbers(word, around: "x") {
      return .block(rows: rows, columns: columns)
    }
    throw .unknown(text)
  }

  private static func numbers(_ word: Substring, around separator: Character) -> (Int, Int)? {
    let halves = word.split(separator: separator, omittingEmptySubsequences: false)
    guard halves.count == 2, let first = number(halves[0]), let second = number(halves[1]) else {
      return nil
    }
    return (first, second)
  }

  /// Digits only, at most nine of them: `Int(_:)` alone would take "+3".
  private static func number(_ text: Substring) -> Int? {
    guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
      return nil
    }
    return Int(text)
  }

  private static func decimal(_ text: Substring) -> Double? {
    guard (1...12).contains(text.utf8.count),
      text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 })
    else { return nil }
    return Double(text)
  }

  /// A fraction as the shortest decimal percentage that reads back as the same fraction.
  private static func percent(_ fraction: Double) -> String {
    var value = fraction * 100
    let rounded = (value * 1e6).rounded() / 1e6
    if rounded / 100 == fraction { value = rounded }
    return value == value.rounded() ? String(Int(value)) : String(value)
  }

  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    do { self = try Pattern(parsing: text) } catch {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: error.description))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
