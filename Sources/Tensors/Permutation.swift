/// A reordering of `count` things: position `i` of the new order holds the old element `order[i]`.
public struct Permutation: Sendable, Hashable {
  public let order: [Int]

  /// - Precondition: `order` holds each of `0..<order.count` once.
  public init(_ order: [Int]) {
    precondition(Self.isPermutation(order), "not a permutation of 0..<\(order.count)")
    self.order = order
  }

  public static func identity(_ count: Int) -> Permutation { Permutation(Array(0..<count)) }

  public static func isPermutation(_ order: [Int]) -> Bool {
    var seen = [Bool](repeating: false, count: order.count)
    for element in order {
      guard order.indices.contains(element), !seen[element] else { return false }
      seen[element] = true
    }
    return true
  }

  public var count: Int { order.count }
  public var isIdentity: Bool { order.enumerated().allSatisfy { $0 == $1 } }

  /// Maps old positions to new ones: `inverse.order[order[i]] == i`.
  public var inverse: Permutation {
    var inverse = [Int](repeating: 0, count: order.count)
    for (new, old) in order.enumerated() { inverse[old] = new }
    return Permutation(inverse)
  }
}

extension Matrix {
  /// The matrix with rows and columns in a new order: `result[i, j] = self[rows[i], columns[j]]`.
  public func reordered(rows rowOrder: Permutation?, columns columnOrder: Permutation?) -> Matrix {
    var result = Matrix(rows: rows, columns: columns)
    for row in 0..<rows {
      let source = rowOrder?.order[row] ?? row
      for column in 0..<columns {
        result[row, column] = self[source, columnOrder?.order[column] ?? column]
      }
    }
    return result
  }
}

extension Mask {
  /// The mask with rows and columns in a new order: `result[i, j] = self[rows[i], columns[j]]`.
  public func reordered(rows rowOrder: Permutation?, columns columnOrder: Permutation?) -> Mask {
    var result = Mask(rows: rows, columns: columns)
    for row in 0..<rows {
      let source = rowOrder?.order[row] ?? row
      for column in 0..<columns where self[source, columnOrder?.order[column] ?? column] {
        result[row, column] = true
      }
    }
    return result
  }
}
