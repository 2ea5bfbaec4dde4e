/// A row-major matrix of 32-bit floats: element `[row, column]` stands at `row · columns + column`.
///
/// Weights are `[outputs, inputs]`, activations `[tokens, features]`.
public struct Matrix: Sendable, Hashable {
  public let rows: Int
  public let columns: Int
  public var values: [Float]

  /// - Precondition: `values.count == rows * columns`.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(
      values.count == rows * columns, "\(values.count) values do not fill \(rows)x\(columns)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// A matrix with every element equal to `value`.
  public init(rows: Int, columns: Int, repeating value: Float = 0) {
    self.rows = rows
    self.columns = columns
    values = Array(repeating: value, count: rows * columns)
  }

  @inlinable
  public subscript(row: Int, column: Int) -> Float {
    get { values[row &* columns &+ column] }
    set { values[row &* columns &+ column] = newValue }
  }

  public var count: Int { rows * columns }

  /// The transposed matrix `[columns, rows]`. Complexity: O(rows · columns), tiled for the cache.
  public func transposed() -> Matrix {
    let (rows, columns) = (rows, columns)
    let tile = 32
    let result = [Float](unsafeUninitializedCapacity: count) { target, initialized in
      values.withUnsafeBufferPointer { source in
        for top in stride(from: 0, to: rows, by: tile) {
          for left in stride(from: 0, to: columns, by: tile) {
            for row in top..<min(top + tile, rows) {
              for column in left..<min(left + tile, columns) {
                (target.baseAddress! + column * rows + row).initialize(
                  to: source[row * columns + column])
              }
            }
          }
        }
      }
      initialized = rows * columns
    }
    return Matrix(rows: columns, columns: rows, values: result)
  }

  /// The columns of a range, `[rows, range.count]`.
  ///
  /// - Precondition: the range lies within the columns.
  public func columnSlice(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns)
    var result = Matrix(rows: rows, columns: range.count)
    values.withUnsafeBufferPointer { source in
      result.values.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        for row in 0..<rows {
          (to + row * range.count).update(
            from: from + (row * columns + range.lowerBound), count: range.count)
        }
      }
    }
    return result
  }

  /// `W ∘ M`: pruned elements are exactly zero, NaN and infinities there included.
  ///
  /// - Precondition: the shapes are equal.
  public func masked(by mask: Mask) -> Matrix {
    precondition(mask.rows == rows && mask.columns == columns)
    var result = self
    result.values.withUnsafeMutableBufferPointer { values in
      for row in 0..<rows {
        for column in 0..<columns where !mask[row, column] { values[row * columns + column] = 0 }
      }
    }
    return result
  }
}

/// A seeded generator (SplitMix64): the same stream on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in [0, 1).
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Approximately standard normal: the sum of twelve uniforms less six, so that no machine's
  /// `log` or `cos` enters (exact equality everywhere; tails end at ±6).
  public mutating func gaussian() -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += uniform() }
    return sum
  }
}
