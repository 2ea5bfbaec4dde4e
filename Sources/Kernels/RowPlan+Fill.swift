import Tensors

extension RowPlan {
  /// Writes the weights of a list and 128 times their inputs, relative to the range, to their places;
  /// see `singleRows` for the order.
  func fill(
    _ list: List, words: [UInt64], wordsPerRow: Int, wordsPerRange: Int, weights: Matrix,
    offsets: UnsafeMutablePointer<UInt16>, values: UnsafeMutablePointer<Float>
  ) {
    guard !list.rowNumbers.isEmpty else { return }
    words.withUnsafeBufferPointer { words in
      weights.values.withUnsafeBufferPointer { source in
        for slot in 0..<list.first.count - 1 {
          let first = slot / chunks * wordsPerRange
          let range = min(wordsPerRow, first + wordsPerRange) - first
          for group in list.first[slot]..<list.first[slot + 1] {
            var filler = GroupFiller(
              height: list.height, words: range, firstColumn: first * 64,
              offsets: offsets + Int(list.starts[2 * group]),
              values: values + Int(list.starts[2 * group + 1]))
            for r in 0..<list.height {
              let row = Int(list.rowNumbers[group * list.height + r])
              filler.take(
                r, words.baseAddress! + row * wordsPerRow + first,
                source.baseAddress! + row * weights.columns + first * 64)
            }
            filler.fill(list.counts, group * (list.height + 4))
          }
        }
      }
    }
  }
}

/// One group on its way into memory: its rows' bits, from which inputs are taken as they are written.
private struct GroupFiller {
  let height: Int
  let words: Int
  let firstColumn: Int
  var offsets: UnsafeMutablePointer<UInt16>
  var values: UnsafeMutablePointer<Float>
  /// `[row][8]`: at most 512 inputs a range.
  var bits = InlineArray<32, UInt64>(repeating: 0)
  var rows: InlineArray<4, UnsafePointer<Float>>

  init(
    height: Int, words: Int, firstColumn: Int, offsets: UnsafeMutablePointer<UInt16>,
    values: UnsafeMutablePointer<Float>
  ) {
    self.height = height
    self.words = words
    self.firstColumn = firstColumn
    self.offsets = offsets
    self.values = values
    rows = .init(repeating: UnsafePointer(values))
  }

  @inline(__always)
  mutating func take(
    _ r: Int, _ source: UnsafePointer<UInt64>, _ weights: UnsafePointer<Float>
  ) {
    for word in 0..<words { bits[unchecked: r &* 8 &+ word] = source[word] }
    rows[unchecked: r] = weights
  }

  /// Writes `count` inputs that `members` rows from `row` on share: an offset every `turn` places, the
  /// weights of all of them side by side.
  @inline(__always)
  private mutating func share(_ row: Int, _ members: Int, _ count: Int, turn: Int, at place: Int) {
    var (left, target) = (count, place)
    for word in 0..<words where left > 0 {
      var common = bits[unchecked: row &* 8 &+ word]
      for r in 1..<members { common &= bits[unchecked: (row &+ r) &* 8 &+ word] }
      var taken: UInt64 = 0
      while common != 0, left > 0 {
        let lowest = common & (0 &- common)
        let column = word &* 64 &+ common.trailingZeroBitCount
        common &-= lowest
        taken |= lowest
        left &-= 1
        offsets[target] = UInt16(truncatingIfNeeded: column &* 128)
        for r in 0..<members {
          values[target &* members &+ r] = rows[unchecked: row &+ r][column]
        }
        target &+= turn
      }
      for r in 0..<members { bits[unchecked: (row &+ r) &* 8 &+ word] &= ~taken }
    }
  }

  /// - Parameter at: where the group's numbers start in `counts`.
  @inline(__always)
  mutating func fill(_ counts: [UInt16], _ at: Int) {
    let (fours, twos) = (Int(counts[at]), Int(counts[at &+ 1]))
    if fours > 0 {
      share(0, 4, fours &* 4, turn: 1, at: 0)
      offsets += fours &* 4
      values += fours &* 16
    }
    if twos > 0 {
      share(0, 2, twos &* 2, turn: 2, at: 0)
      share(2, 2, twos &* 2, turn: 2, at: 1)
      offsets += twos &* 4
      values += twos &* 8
    }
    let shared = Int(counts[at &+ 2]) &* 4
    var rest = shared
    for r in 0..<height {
      var place = r
      for word in 0..<words {
        var left = bits[unchecked: r &* 8 &+ word]
        while left != 0 {
          let column = word &* 64 &+ left.trailingZeroBitCount
          left &= left &- 1
          let target = place < shared ? place : rest
          if place < shared { place &+= height } else { rest &+= 1 }
          offsets[target] = UInt16(truncatingIfNeeded: column &* 128)
          values[target] = rows[unchecked: r][column]
        }
      }
    }
  }
}
