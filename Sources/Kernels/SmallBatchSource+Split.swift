import Tensors

extension SmallBatchSource {
  /// Weight by weight, kept ones only: for activations that are not finite. `x` and `y` are panels
  /// `[features][width]`; lanes from `lanes` on become 0.
  func multiplyExactly(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, bias: [Float]?, width: Int,
    lanes: Int
  ) {
    for row in 0..<weights.rows {
      for lane in 0..<width { y[row * width + lane] = lane < lanes ? bias?[row] ?? 0 : 0 }
      for column in 0..<columns where mask[row, column] {
        let full = weights[row, column]
        let weight = halves ? Float(bitPattern: UInt32(bf16(full)) << 16) : full
        for lane in 0..<lanes {
          y[row * width + lane].addProduct(weight, x[column * width + lane])
        }
      }
    }
  }
}

extension SmallBatchSource {
  /// The same layout with fewer weights.
  init(_ source: SmallBatchSource, mask: Mask) {
    weights = source.weights
    self.mask = mask
    halves = source.halves
    rows = source.rows
    columnOrder = source.columnOrder
    var words: [UInt64] = []
    let perRow = mask.wordsPerRow
    for row in source.rows { words += mask.words[row * perRow..<(row + 1) * perRow] }
    self.words = words
    orderedWords = words
  }
}

extension Mask {
  /// The weights of columns that `height` (at most 63) consecutive rows of the order keep at least half
  /// of, and the others.
  func split(rows order: [Int], height: Int) -> (dense: Mask, rest: Mask) {
    var dense = Mask(rows: rows, columns: columns)
    var rest = self
    for first in stride(from: 0, to: order.count, by: height) {
      let members = order[first..<min(first + height, order.count)]
      for word in 0..<wordsPerRow {
        // Rows that keep each of 64 columns, counted in bit planes: the lowest bits first.
        var planes = InlineArray<6, UInt64>(repeating: 0)
        for row in members {
          var carry = words[row * wordsPerRow + word]
          for plane in 0..<6 {
            (planes[plane], carry) = (planes[plane] ^ carry, planes[plane] & carry)
          }
        }
        let least = (members.count + 1) / 2
        var (more, equal): (UInt64, UInt64) = (0, .max)
        for plane in stride(from: 5, through: 0, by: -1) {
          let wanted: UInt64 = least >> plane & 1 == 1 ? .max : 0
          more |= equal & planes[plane] & ~wanted
          equal &= ~(planes[plane] ^ wanted)
        }
        let chosen = more | equal
        for row in members {
          dense.words[row * wordsPerRow + word] = words[row * wordsPerRow + word] & chosen
          rest.words[row * wordsPerRow + word] &= ~chosen
        }
      }
    }
    return (dense, rest)
  }
}
