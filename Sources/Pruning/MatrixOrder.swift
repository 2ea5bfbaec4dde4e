import Tensors

/// The layout in which a pattern is regular: some or all rows, and all columns, in a new order.
///
/// `rows[i]` is the original row at position `i`; rows that are not listed have been dropped whole.
/// Nil is the original order.
struct MatrixOrder: Hashable, Sendable {
  var rows: [Int]?
  var columns: [Int]?

  static let identity = MatrixOrder()

  var isIdentity: Bool { rows == nil && columns == nil }

  /// The matrix in this layout; without copying where the order is the original one.
  func apply(_ matrix: Matrix) -> Matrix {
    guard !isIdentity else { return matrix }
    let height = rows?.count ?? matrix.rows
    var result = Matrix(rows: height, columns: matrix.columns)
    let width = matrix.columns
    matrix.values.withUnsafeBufferPointer { source in
      result.values.withUnsafeMutableBufferPointer { target in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        for row in 0..<height {
          let from = source + (rows?[row] ?? row) * width
          let to = target + row * width
          if let columns {
            columns.withUnsafeBufferPointer { columns in
              for column in 0..<width { to[column] = from[columns[column]] }
            }
          } else {
            to.update(from: from, count: width)
          }
        }
      }
    }
    return result
  }

  /// One value per column, in this layout.
  func apply(columnValues values: [Float]) -> [Float] {
    guard let columns else { return values }
    return columns.map { values[$0] }
  }

  /// A symmetric `[columns, columns]` matrix with both sides in this layout's column order.
  func apply(symmetric matrix: Matrix) -> Matrix {
    guard let columns else { return matrix }
    return MatrixOrder(rows: columns, columns: columns).apply(matrix)
  }

  /// A mask of this layout brought back to the original order; dropped rows are pruned.
  func restore(_ mask: Mask, originalRows: Int) -> Mask {
    guard !isIdentity else { return mask }
    var result = Mask(rows: originalRows, columns: mask.columns)
    let words = mask.wordsPerRow
    for position in 0..<mask.rows {
      let row = rows?[position] ?? position
      if let columns {
        for word in 0..<words {
          var bits = mask.words[position * words + word]
          while bits != 0 {
            let column = columns[word * 64 + bits.trailingZeroBitCount]
            result.words[row * words + column >> 6] |= 1 << UInt64(column & 63)
            bits &= bits &- 1
          }
        }
      } else {
        for word in 0..<words {
          result.words[row * words + word] = mask.words[position * words + word]
        }
      }
    }
    return result
  }

  /// A matrix of this layout brought back to the original order; dropped rows become zero.
  func restore(_ matrix: Matrix, originalRows: Int) -> Matrix {
    guard !isIdentity else { return matrix }
    var result = Matrix(rows: originalRows, columns: matrix.columns)
    let width = matrix.columns
    matrix.values.withUnsafeBufferPointer { source in
      result.values.withUnsafeMutableBufferPointer { target in
        for position in 0..<matrix.rows {
          let from = position * width
          let to = (rows?[position] ?? position) * width
          if let columns {
            for column in 0..<width { target[to + columns[column]] = source[from + column] }
          } else {
            for column in 0..<width { target[to + column] = source[from + column] }
          }
        }
      }
    }
    return result
  }
}
