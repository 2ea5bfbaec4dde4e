/// A running SHA-256 over bytes, numbers and texts, for names that follow from content.
public struct ContentHash {
  private var sum = SHA256Sum()

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) { sum.update(bytes) }

  /// The text with its length before it, so that ["ab", "c"] and ["a", "bc"] differ.
  public mutating func update(_ text: String) {
    sum.update(text.utf8.count)
    sum.update(text)
  }

  public mutating func update(_ number: Int) { sum.update(number) }

  /// Shape and values.
  public mutating func update(_ matrix: Matrix) {
    sum.update(matrix.rows)
    sum.update(matrix.columns)
    matrix.values.withUnsafeBytes { sum.update($0) }
  }

  /// Lower-case hexadecimal, 64 digits.
  public var hexadecimal: String { sum.hexadecimal }
}
