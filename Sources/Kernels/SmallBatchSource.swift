import Experiments
import Tensors

/// A masked layer in the order in which the formats for fewer than 16 tokens pack it.
///
/// Rows that keep nothing come last, so that the rows of tiles stand in aligned groups again when
/// tile-wise pruning has dropped some between them.
struct SmallBatchSource: Sendable {
  let weights: Matrix
  let mask: Mask
  let halves: Bool
  /// Packed position to original row.
  let rows: [Int]
  /// Layout position to original column; nil when columns stay as they are.
  let columnOrder: [Int]?
  /// Mask bits `[packed row][wordsPerRow]`, columns in original order.
  let words: [UInt64]
  /// The same with columns in the order of the layout.
  let orderedWords: [UInt64]

  var columns: Int { weights.columns }
  var wordsPerRow: Int { mask.wordsPerRow }

  init(
    weights: Matrix, mask: Mask, rows rowOrder: Permutation?, columns: Permutation?,
    dtype: WeightType
  ) {
    self.weights = weights
    self.mask = mask
    halves = dtype == .bf16
    let layout = rowOrder?.order ?? Array(0..<weights.rows)
    let perRow = mask.wordsPerRow
    let keeps = layout.map { row in
      mask.words[row * perRow..<(row + 1) * perRow].contains { $0 != 0 }
    }
    let order =
      zip(layout, keeps).filter { $1 }.map { $0.0 } + zip(layout, keeps).filter { !$1 }.map { $0.0 }
    rows = order
    var words: [UInt64] = []
    words.reserveCapacity(mask.words.count)
    for row in order { words += mask.words[row * perRow..<(row + 1) * perRow] }
    self.words = words
    if let columns, !columns.isIdentity {
      columnOrder = columns.order
      var ordered = [UInt64](repeating: 0, count: words.count)
      for (position, column) in columns.order.enumerated() {
        for row in 0..<order.count where words[row * perRow + column >> 6] >> (column & 63) & 1 == 1
        { ordered[row * perRow + position >> 6] |= 1 << UInt64(position & 63) }
      }
      orderedWords = ordered
    } else {
      columnOrder = nil
      orderedWords = words
    }
  }

  /// How long the lists of `strips` would be, without making them.
  func stripLengths(height: Int, width: Int, ordered: Bool = false) -> [Int] {
    let words = ordered ? orderedWords : words
    let perRow = wordsPerRow
    let runs = Self.runStarts(width)
    return words.withUnsafeBufferPointer { words in
      stride(from: 0, to: rows.count, by: height).map { first in
        var length = 0
        for word in 0..<perRow {
          var any: UInt64 = 0
          for row in first..<min(first + height, rows.count) { any |= words[row &* perRow &+ word] }
          length += (Self.folded(any, width) & runs).nonzeroBitCount
        }
        return length
      }
    }
  }

  /// One bit for each run of `width` columns: the lowest of its columns.
  private static func runStarts(_ width: Int) -> UInt64 {
    stride(from: 0, to: 64, by: width).reduce(0) { $0 | 1 << UInt64($1) }
  }

  /// Each run's lowest bit set where any of its bits is; what the other bits are is not said.
  private static func folded(_ bits: UInt64, _ width: Int) -> UInt64 {
    var (any, shift) = (bits, UInt64(width) / 2)
    while shift > 0 {
      any |= any >> shift
      shift /= 2
    }
    return any
  }

  /// The first columns of the aligned runs of `width` columns in which one of `height` packed rows
  /// keeps a weight, strip by strip. `width` divides 64; columns are layout columns if `ordered`.
  func strips(height: Int, width: Int, ordered: Bool, columns range: Range<Int>? = nil)
    -> StripLists
  {
    var starts = [0]
    let words = ordered ? orderedWords : words
    let perRow = wordsPerRow
    let wordRange = range.map { $0.lowerBound / 64..<($0.upperBound + 63) / 64 } ?? 0..<perRow
    let runs = Self.runStarts(width)
    let most = stripLengths(height: height, width: width, ordered: ordered).reduce(0, +)
    // Room for one at least: with none the count would be written into the empty array that all threads
    // share, a zero over a zero, which the thread sanitizer rightly reports.
    let columns = [UInt32](unsafeUninitializedCapacity: max(1, most)) { columns, count in
      words.withUnsafeBufferPointer { words in
        for first in stride(from: 0, to: rows.count, by: height) {
          let last = min(first + height, rows.count)
          for word in wordRange {
            var any: UInt64 = 0
            for row in first..<last { any |= words[row &* perRow &+ word] }
            any = Self.folded(any, width) & runs
            while any != 0 {
              columns[count] = UInt32(
                truncatingIfNeeded: word &* 64 &+ any.trailingZeroBitCount)
              count &+= 1
              any &= any &- 1
            }
          }
          starts.append(count)
        }
      }
    }
    return StripLists(columns: columns, starts: starts)
  }
}
