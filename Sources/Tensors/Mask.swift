/// Which weights of a matrix are kept: one bit each, rows padded to whole 64-bit words.
///
/// Bits beyond the last column of a row are always 0, so whole words can be counted.
public struct Mask: Sendable, Hashable {
  public let rows: Int
  public let columns: Int
  public let wordsPerRow: Int
  /// Row-major; bit `column & 63` of word `row · wordsPerRow + column / 64`.
  public var words: [UInt64]

  /// A mask that keeps nothing, or everything.
  public init(rows: Int, columns: Int, keepingAll: Bool = false) {
    self.rows = rows
    self.columns = columns
    wordsPerRow = (columns + 63) / 64
    words = Array(repeating: keepingAll ? .max : 0, count: wordsPerRow * rows)
    if keepingAll, columns % 64 != 0 {
      let last: UInt64 = (1 << UInt64(columns % 64)) - 1
      for row in 0..<rows { words[row * wordsPerRow + wordsPerRow - 1] = last }
    }
  }

  @inlinable
  public subscript(row: Int, column: Int) -> Bool {
    get { words[row &* wordsPerRow &+ column >> 6] >> UInt64(column & 63) & 1 == 1 }
    set {
      let word = row &* wordsPerRow &+ column >> 6
      let bit: UInt64 = 1 << UInt64(column & 63)
      if newValue { words[word] |= bit } else { words[word] &= ~bit }
    }
  }

  /// Kept weights. Complexity: O(rows · columns / 64).
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Kept weights of one row.
  public func count(row: Int) -> Int {
    words[row * wordsPerRow..<(row + 1) * wordsPerRow].reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// Fraction of zeros, 0...1.
  public var sparsity: Double {
    rows * columns == 0 ? 0 : 1 - Double(count) / Double(rows * columns)
  }
}
