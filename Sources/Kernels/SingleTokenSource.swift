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
    var lists = StripLists()
    let words = ordered ? orderedWords : words
    let perRow = wordsPerRow
    let wordRange = range.map { $0.lowerBound / 64..<($0.upperBound + 63) / 64 } ?? 0..<perRow
    let runs = Self.runStarts(width)
    words.withUnsafeBufferPointer { words in
      for first in stride(from: 0, to: rows.count, by: height) {
        let last = min(first + height, rows.count)
        for word in wordRange {
          var any: UInt64 = 0
          for row in first..<last { any |= words[row &* perRow &+ word] }
          any = Self.folded(any, width) & runs
          while any != 0 {
            lists.columns.append(UInt32(word &* 64 &+ any.trailingZeroBitCount))
            any &= any &- 1
          }
        }
        lists.starts.append(lists.columns.count)
      }
    }
    return lists
  }
}

/// Lists of columns, one for each strip.
struct StripLists: Sendable {
  var columns: [UInt32] = []
  var starts: [Int] = [0]

  var count: Int { starts.count - 1 }
  func length(_ strip: Int) -> Int { starts[strip + 1] - starts[strip] }

  /// Strips put together into groups of `size`, as steps of `entries` columns: groups in descending
  /// order of steps, so that trip counts change seldom and are predicted. Strips are sorted by
  /// length first where that saves more than 3 % of the steps (outputs then leave the kernel out of
  /// order).
  func groups(of size: Int, entries: Int) -> [StripGroup] {
    let natural = grouped(Array(0..<count), size, entries)
    guard size > 1 else { return natural.sorted { $0.steps > $1.steps } }
    let byLength = (0..<count).sorted { (length($0), $1) > (length($1), $0) }
    let sorted = grouped(byLength, size, entries)
    let (plain, saved) = (
      natural.reduce(0) { $0 + $1.steps }, sorted.reduce(0) { $0 + $1.steps }
    )
    return Double(saved) < 0.97 * Double(plain) ? sorted : natural.sorted { $0.steps > $1.steps }
  }

  private func grouped(_ order: [Int], _ size: Int, _ entries: Int) -> [StripGroup] {
    stride(from: 0, to: order.count, by: size).map { first in
      let strips = Array(order[first..<min(first + size, order.count)])
      let longest = strips.map { length($0) }.max() ?? 0
      return StripGroup(strips: strips, steps: (longest + entries - 1) / entries)
    }
  }
}

/// Strips that run side by side for as many steps as the longest needs.
struct StripGroup: Sendable {
  var strips: [Int]
  var steps: Int
}

/// Memory of a packed format: 64-byte aligned, with a register's length to spare at the end.
final class PackedBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  var bytes: Int { count * MemoryLayout<Element>.stride }

  init(count: Int) {
    self.count = count
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Element>.stride + 64, alignment: 64)
    raw.initializeMemory(
      as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride + 64)
    pointer = raw.assumingMemoryBound(to: Element.self)
  }

  convenience init(_ elements: [Element]) {
    self.init(count: elements.count)
    for (i, element) in elements.enumerated() { pointer[i] = element }
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}

/// Stored weights: F32 or BF16, zero where nothing was put.
final class PackedWeights: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  let count: Int
  let halves: Bool
  /// Kept weights among the stored ones.
  private(set) var kept = 0
  var bytesPerWeight: Int { halves ? 2 : 4 }

  init(count: Int, halves: Bool) {
    self.count = count
    self.halves = halves
    let bytes = count * (halves ? 2 : 4) + 64
    pointer = .allocate(byteCount: bytes, alignment: 64)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }

  deinit { pointer.deallocate() }

  @inline(__always)
  func put(_ weight: Float, at place: Int) {
    kept &+= 1
    if halves {
      pointer.storeBytes(of: bf16(weight), toByteOffset: place &* 2, as: UInt16.self)
    } else {
      pointer.storeBytes(of: weight, toByteOffset: place &* 4, as: Float.self)
    }
  }
}
