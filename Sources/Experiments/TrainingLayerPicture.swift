/// The mask of one layer as a small grid of tiles, each with the share of its weights that is kept and
/// the share that died since the picture before.
///
/// Shares are in 63rds and written as one letter each, so that the pictures of a whole encoder are
/// some kilobytes in a session.
public struct TrainingLayerPicture: Hashable, Sendable {
  /// Name of the weight tensor.
  public var name: String
  /// Tiles along outputs and inputs.
  public var rows: Int
  public var columns: Int
  /// `[rows, columns]`, 0...63.
  public var kept: [UInt8]
  /// `[rows, columns]`, 0...63, at least 1 where anything died; empty where nothing did.
  public var died: [UInt8]

  /// The share that is written as 1.
  public static let unit = 63

  /// - Parameters:
  ///   - kept: shares 0...1, `[rows, columns]`.
  ///   - died: the same, or empty.
  public init(name: String, rows: Int, columns: Int, kept: [Double], died: [Double] = []) {
    precondition(kept.count == rows * columns && (died.isEmpty || died.count == kept.count))
    self.name = name
    self.rows = rows
    self.columns = columns
    self.kept = kept.map { UInt8((min(max($0, 0), 1) * Double(Self.unit)).rounded()) }
    let levels = died.map { share -> UInt8 in
      share > 0 ? UInt8(max(1, (min(share, 1) * Double(Self.unit)).rounded())) : 0
    }
    self.died = levels.contains { $0 > 0 } ? levels : []
  }

  /// Tiles that fit a matrix of `rows` x `columns`: at most 12 along the shorter and 24 along the
  /// longer side, at most one a weight.
  public static func grid(rows: Int, columns: Int) -> (rows: Int, columns: Int) {
    func tiles(_ side: Int, _ other: Int) -> Int { min(side, side >= 2 * other ? 24 : 12) }
    return (tiles(rows, columns), tiles(columns, rows))
  }
}

extension TrainingLayerPicture: Codable {
  private enum Key: String, CodingKey { case name, rows, columns, kept, died }

  private static let letters = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(rows, forKey: .rows)
    try container.encode(columns, forKey: .columns)
    try container.encode(Self.text(kept), forKey: .kept)
    if !died.isEmpty { try container.encode(Self.text(died), forKey: .died) }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    name = try container.decode(String.self, forKey: .name)
    rows = try container.decode(Int.self, forKey: .rows)
    columns = try container.decode(Int.self, forKey: .columns)
    guard (0...1024).contains(rows), (0...1024).contains(columns) else {
      throw DecodingError.dataCorruptedError(
        forKey: .rows, in: container, debugDescription: "a picture has at most 1024 x 1024 tiles")
    }
    kept = try Self.levels(container, .kept, count: rows * columns)
    died =
      container.contains(.died)
      ? try Self.levels(container, .died, count: rows * columns) : []
  }

  private static func text(_ levels: [UInt8]) -> String {
    String(decoding: levels.map { letters[Int(min($0, 63))] }, as: UTF8.self)
  }

  private static func levels(
    _ container: KeyedDecodingContainer<Key>, _ key: Key, count: Int
  ) throws -> [UInt8] {
    let text = Array(try container.decode(String.self, forKey: key).utf8)
    guard text.count == count else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: container,
        debugDescription: "expected \(count) letters, one a tile, found \(text.count)")
    }
    return try text.map { letter in
      guard let level = letters.firstIndex(of: letter) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "tiles are letters of base64")
      }
      return UInt8(level)
    }
  }
}
