/// Lists of inputs of slabs in the making: four words a segment, and the shared lists behind them.
struct InputLists {
  var segments: [UInt32] = []
  var indices: [UInt16] = []
  /// Inputs of all segments: their weights are this many times the height of a slab.
  var entries = 0
  private var inputs: [Int] = []

  init(bands: Int, ranges: Int) {
    segments.reserveCapacity(bands * ranges * 4)
    inputs.reserveCapacity(bands * ranges)
  }

  /// Adds the segment of one band and one range of inputs (which starts at a multiple of 64).
  ///
  /// - Parameter sameAs: the previous segment has the same list; it is stored once.
  mutating func append(
    common: [UInt64], wordOffset: Int, columns: Range<Int>, runLength: Int, sameAs previous: Bool
  ) {
    if previous, segments.count >= 4 {
      let last = Array(segments[(segments.count - 4)...])
      segments += [last[0], last[1], last[2], UInt32(entries)]
      entries += inputs[inputs.count - 1]
      inputs.append(inputs[inputs.count - 1])
      return
    }
    let start = indices.count
    let count =
      runLength > 1
      ? appendRuns(common, wordOffset, columns, runLength) : (runs: 0, singles: 0)
    let singles =
      runLength > 1 ? count.singles : appendSingles(common, wordOffset, columns)
    segments += [UInt32(start), UInt32(count.runs), UInt32(singles), UInt32(entries)]
    inputs.append(count.runs * runLength + singles)
    entries += count.runs * runLength + singles
  }

  /// Weights of the first bands over all ranges, as a running sum.
  func prefix(bands: Int, height: Int) -> [Int] {
    var sums = [0]
    for band in 0..<bands {
      var total = 0
      for segment in stride(from: band, to: inputs.count, by: max(1, bands)) {
        total += inputs[segment]
      }
      sums.append(sums[band] + total * height)
    }
    return sums
  }

  private mutating func appendSingles(
    _ common: [UInt64], _ wordOffset: Int, _ columns: Range<Int>
  ) -> Int {
    let before = indices.count
    common.withUnsafeBufferPointer { words in
      for word in columns.lowerBound / 64..<(columns.upperBound + 63) / 64 {
        var bits = words[wordOffset &+ word]
        let base = word &* 64 &- columns.lowerBound
        while bits != 0 {
          indices.append(UInt16(truncatingIfNeeded: base &+ bits.trailingZeroBitCount))
          bits &= bits &- 1
        }
      }
    }
    return indices.count - before
  }

  /// The same where runs divide the 64 inputs of a word: all runs of a word at once.
  private mutating func appendWordRuns(
    _ common: [UInt64], _ wordOffset: Int, _ columns: Range<Int>, _ runLength: Int
  ) -> (runs: Int, singles: Int) {
    let before = indices.count
    var starts: UInt64 = 0
    for place in stride(from: 0, to: 64, by: runLength) { starts |= 1 &<< UInt64(place) }
    var singles: [UInt16] = []
    common.withUnsafeBufferPointer { words in
      for word in columns.lowerBound / 64..<(columns.upperBound + 63) / 64 {
        let bits = words[wordOffset &+ word]
        if bits == 0 { continue }
        var whole = bits & starts
        for shift in 1..<runLength { whole &= bits &>> UInt64(shift) }
        var left = bits
        for shift in 0..<runLength { left &= ~(whole &<< UInt64(shift)) }
        let base = word &* 64 &- columns.lowerBound
        while whole != 0 {
          indices.append(UInt16(truncatingIfNeeded: base &+ whole.trailingZeroBitCount))
          whole &= whole &- 1
        }
        while left != 0 {
          singles.append(UInt16(truncatingIfNeeded: base &+ left.trailingZeroBitCount))
          left &= left &- 1
        }
      }
    }
    let runs = indices.count - before
    indices += singles
    return (runs, singles.count)
  }

  /// Whole runs on the grid of the blocks, then what is left one by one.
  private mutating func appendRuns(
    _ common: [UInt64], _ wordOffset: Int, _ columns: Range<Int>, _ runLength: Int
  ) -> (runs: Int, singles: Int) {
    if runLength <= 64, 64 % runLength == 0 {
      return appendWordRuns(common, wordOffset, columns, runLength)
    }
    var runs = 0
    var singles: [UInt16] = []
    common.withUnsafeBufferPointer { words in
      func keeps(_ column: Int) -> Bool {
        words[wordOffset &+ column &>> 6] &>> UInt64(column & 63) & 1 == 1
      }
      var column = columns.lowerBound
      while column < columns.upperBound {
        if words[wordOffset &+ column &>> 6] &>> UInt64(column & 63) == 0 {
          // Nothing is left in this word; a run that begins here cannot be whole.
          let past = (column &>> 6 &+ 1) &* 64
          column = min(columns.upperBound, past % runLength == 0 ? past : column &+ 1)
          continue
        }
        // Runs start on multiples of their length counted from the layer's first input.
        let next = min(columns.upperBound, (column / runLength &+ 1) &* runLength)
        var kept = column
        while kept < next, keeps(kept) { kept &+= 1 }
        if next &- column == runLength, kept == next {
          indices.append(UInt16(column &- columns.lowerBound))
          runs &+= 1
        } else {
          for single in column..<next where keeps(single) {
            singles.append(UInt16(single &- columns.lowerBound))
          }
        }
        column = next
      }
    }
    indices += singles
    return (runs, singles.count)
  }
}
