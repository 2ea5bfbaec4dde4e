import Tensors

/// The order of rows in a `RowPart`: by range of inputs, chunk, and falling number of weights; groups of
/// `height` rows first, the rows that are left one by one after them.
struct RowPlan {
  /// Groups of one height, range by range and chunk by chunk.
  struct List {
    let height: Int
    /// `[range · chunks + chunk]`: first group.
    var first = [0]
    /// Where each group's weights start.
    var starts: [UInt32] = []
    /// `[group][height]`, falling within a group.
    var counts: [UInt16] = []
    /// `[group][height]`
    var rowNumbers: [UInt32] = []

    init(height: Int) { self.height = height }
  }

  var chunks: Int
  /// Weights of chunks `0..<q`.
  var prefix: [Int]
  /// `[range · chunks + chunk]`: its first weight.
  var firstWeight = [0]
  var groups: List
  var singles = List(height: 1)

  /// - Parameters:
  ///   - rows: original numbers; what they keep is read from `words`, `wordsPerRow` a row.
  ///   - keepsEmpty: rows without a weight stand in the first range all the same.
  init(
    rows: [Int], height: Int, words: [UInt64], wordsPerRow: Int, wordsPerRange: Int, ranges: Int,
    keepsEmpty: Bool
  ) {
    let shares = Self.shares(rows: rows.count)
    let parts = shares.count - 1
    chunks = parts
    groups = List(height: height)
    var counts = [UInt16](repeating: 0, count: rows.count * ranges)
    var perRow = [0]
    perRow.reserveCapacity(rows.count + 1)
    words.withUnsafeBufferPointer { words in
      for (i, row) in rows.enumerated() {
        var total = 0
        for range in 0..<ranges {
          var count = 0
          for word in range * wordsPerRange..<min(wordsPerRow, (range + 1) * wordsPerRange) {
            count &+= words[row &* wordsPerRow &+ word].nonzeroBitCount
          }
          counts[i * ranges + range] = UInt16(count)
          total += count
        }
        perRow.append(perRow[i] + total)
      }
    }
    let total = perRow[rows.count]
    var cuts = shares.map { share in
      total > 0
        ? perRow.nearest(Int(Double(total) * share + 0.5)) : Int(Double(rows.count) * share + 0.5)
    }
    cuts[parts] = rows.count  // Empty rows at the end belong to the last chunk.
    prefix = cuts.map { perRow[$0] }

    let most = wordsPerRange * 64
    var buckets = [[Int]](repeating: [], count: most + 1)
    var sorted: [Int] = []
    for range in 0..<ranges {
      for chunk in 0..<parts {
        for i in cuts[chunk]..<cuts[chunk + 1] {
          buckets[Int(counts[i * ranges + range])].append(i)
        }
        sorted.removeAll(keepingCapacity: true)
        for count in stride(from: most, through: 0, by: -1) where !buckets[count].isEmpty {
          if count > 0 || (keepsEmpty && range == 0) { sorted += buckets[count] }
          buckets[count].removeAll(keepingCapacity: true)
        }
        let grouped = sorted.count / height * height
        var weight = firstWeight[firstWeight.count - 1]
        for (place, i) in sorted.enumerated() {
          let count = counts[i * ranges + range]
          if place < grouped {
            if place % height == 0 { groups.starts.append(UInt32(weight)) }
            groups.counts.append(count)
            groups.rowNumbers.append(UInt32(rows[i]))
          } else {
            singles.starts.append(UInt32(weight))
            singles.counts.append(count)
            singles.rowNumbers.append(UInt32(rows[i]))
          }
          weight += Int(count)
        }
        groups.first.append(groups.starts.count)
        singles.first.append(singles.starts.count)
        firstWeight.append(weight)
      }
    }
  }

  /// Writes the weights of a list and 128 times their inputs, relative to the range, to their places.
  ///
  /// A group's weights take turns, one of each row, for as many as its last row has; the rest of its
  /// rows follows row by row.
  func fill(
    _ list: List, words: [UInt64], wordsPerRow: Int, wordsPerRange: Int, weights: Matrix,
    offsets: UnsafeMutablePointer<UInt16>, values: UnsafeMutablePointer<Float>
  ) {
    let (height, columns) = (list.height, weights.columns)
    words.withUnsafeBufferPointer { words in
      weights.values.withUnsafeBufferPointer { source in
        for slot in 0..<list.first.count - 1 {
          let first = slot / chunks * wordsPerRange
          let last = min(wordsPerRow, first + wordsPerRange)
          for group in list.first[slot]..<list.first[slot + 1] {
            let start = Int(list.starts[group])
            let shared = Int(list.counts[group * height + height - 1]) * height
            var rest = start + shared
            for r in 0..<height {
              let row = Int(list.rowNumbers[group * height + r])
              var turn = start + r
              let end = start + shared
              for word in first..<last {
                var bits = words[row &* wordsPerRow &+ word]
                while bits != 0 {
                  let column = word &* 64 &+ bits.trailingZeroBitCount
                  bits &= bits &- 1
                  let place = turn < end ? turn : rest
                  if turn < end { turn &+= height } else { rest &+= 1 }
                  offsets[place] = UInt16(truncatingIfNeeded: (column &- first &* 64) &* 128)
                  values[place] = source[row &* columns &+ column]
                }
              }
            }
          }
        }
      }
    }
  }

  /// Where to cut the weights, so that 2, 3 and 4 threads (and 6, 8 and 12 on tall layers) get equal parts
  /// of few chunks: the fewer, the longer the stretches of rows with equally many weights, over which the
  /// branches of the kernel are predicted.
  private static func shares(rows: Int) -> [Double] {
    let twelfths: [Double] =
      rows < 96 ? [] : rows < 1536 ? [3, 4, 6, 8, 9] : [1, 2, 3, 4, 6, 8, 9, 10, 11]
    let eighths: [Double] = rows < 1536 ? [] : [1, 3, 5, 7]
    return [0] + (twelfths.map { $0 / 12 } + eighths.map { $0 / 8 }).sorted() + [1]
  }
}
