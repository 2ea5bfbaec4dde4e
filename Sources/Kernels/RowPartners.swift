/// Rows of one range of inputs put together by twos and fours so that they share many inputs.
///
/// Greedy: each row takes the best of the next rows that keep equally many inputs, then each two rows
/// the best of the next twos. Equal numbers matter more than one more shared input, since what a row has
/// beyond the others costs a loop of its own.
struct RowPartners {
  struct Group {
    /// Places in the sorted rows.
    var members: InlineArray<4, Int>
    /// Words of four entries: inputs that all four share, and inputs that the first two and the other
    /// two share; see `singleRows`.
    var fours: Int
    var twos: Int
    /// Inputs of the first.
    var most: Int
  }

  private struct Pair {
    var first: Int
    var second: Int
    var shared: Int
  }

  private static let rowWindow = 48
  private static let pairWindow = 16

  /// Bits of the rows, in sorted order.
  private var bits: [UInt64] = []
  /// Bits that two rows share.
  private var common: [UInt64] = []
  private var pairs: [Pair] = []
  private var groups: [Group] = []

  /// Groups in falling order of what they share, so that the loops of neighbours are of one length, and
  /// the places of at most three rows that are left.
  ///
  /// - Parameters:
  ///   - counts: inputs that each row keeps in the range, falling.
  ///   - words: of a row in the range.
  ///   - row: where they begin.
  mutating func groups(
    counts: [Int], words: Int, row: (Int) -> UnsafePointer<UInt64>
  ) -> (groups: [Group], left: [Int]) {
    bits.removeAll(keepingCapacity: true)
    for place in counts.indices {
      bits.append(contentsOf: UnsafeBufferPointer(start: row(place), count: words))
    }
    var left = pairUp(counts, words)
    left += joinPairs(counts, words)
    groups.sort {
      ($0.fours, $0.twos, $0.most, $0.members[0]) > ($1.fours, $1.twos, $1.most, $1.members[0])
    }
    return (groups, left)
  }

  /// Returns the row that finds no partner.
  private mutating func pairUp(_ counts: [Int], _ words: Int) -> [Int] {
    pairs.removeAll(keepingCapacity: true)
    common.removeAll(keepingCapacity: true)
    var open = Array(counts.indices)
    open.withUnsafeMutableBufferPointer { open in
      bits.withUnsafeBufferPointer { bits in
        for head in stride(from: 0, to: open.count - 1, by: 2) {
          let (row, count) = (open[head], counts[open[head]])
          var (best, most) = (head + 1, -1)
          for place in head + 1..<min(open.count, head + 1 + Self.rowWindow) {
            if counts[open[place]] != count, place > head + 1 { break }
            let shared = Self.shared(bits, row, open[place], words)
            if shared > most { (best, most) = (place, shared) }
            if shared >= count || count < 2 { break }
          }
          open.swapAt(head + 1, best)
          pairs.append(Pair(first: row, second: open[head + 1], shared: most))
          for word in 0..<words {
            common.append(bits[row &* words &+ word] & bits[open[head + 1] &* words &+ word])
          }
        }
      }
    }
    return open.count % 2 == 0 ? [] : [open[open.count - 1]]
  }

  /// Returns the rows of the two that find no others.
  private mutating func joinPairs(_ counts: [Int], _ words: Int) -> [Int] {
    groups.removeAll(keepingCapacity: true)
    var open = Array(pairs.indices)
    open.withUnsafeMutableBufferPointer { open in
      common.withUnsafeBufferPointer { common in
        for head in stride(from: 0, to: open.count - 1, by: 2) {
          let pair = pairs[open[head]]
          var (best, most, byFour) = (head + 1, -1, 0)
          for place in head + 1..<min(open.count, head + 1 + Self.pairWindow) {
            let other = pairs[open[place]]
            if counts[other.second] != counts[pair.first], place > head + 1 { break }
            let shared = Self.shared(common, open[head], open[place], words) & ~3
            // Loads saved: three for an input of four rows, one for each two.
            let gain = 3 * shared + 2 * (min(pair.shared, other.shared) - shared)
            if gain > most { (best, most, byFour) = (place, gain, shared) }
            if pair.shared == 0 { break }
          }
          open.swapAt(head + 1, best)
          let other = pairs[open[head + 1]]
          groups.append(
            Group(
              members: [pair.first, pair.second, other.first, other.second], fours: byFour / 4,
              twos: (min(pair.shared, other.shared) - byFour) / 2, most: counts[pair.first]))
        }
      }
    }
    guard open.count % 2 == 1 else { return [] }
    let pair = pairs[open[open.count - 1]]
    return [pair.first, pair.second]
  }

  @inline(__always)
  private static func shared(
    _ bits: UnsafeBufferPointer<UInt64>, _ a: Int, _ b: Int, _ words: Int
  ) -> Int {
    var count = 0
    for word in 0..<words {
      count &+= (bits[a &* words &+ word] & bits[b &* words &+ word]).nonzeroBitCount
    }
    return count
  }
}
