import Tensors

/// The order of rows in a `RowPart`: by range of inputs and chunk; groups of four rows that share
/// inputs first, the rows that are left one by one after them.
struct RowPlan {
  /// Groups of one height, range by range and chunk by chunk; see `singleRows` for the numbers.
  struct List {
    let height: Int
    /// `[range · chunks + chunk]`: first group.
    var first = [0]
    /// `[group][2]`: where each group's offsets and weights start.
    var starts: [UInt32] = []
    /// `[group][4 + height]`
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
  /// Offsets of all groups.
  var offsets = 0
  var groups = List(height: 4)
  var singles = List(height: 1)

  /// - Parameters:
  ///   - rows: original numbers; what they keep is read from `words`, `wordsPerRow` a row.
  ///   - keepsEmpty: rows without a weight stand in the first range all the same.
  ///   - inChunks: each row keeps to one of several chunks, which threads can take from one range to the
  ///     next without waiting; else up to 1024 rows are one chunk and have more partners to choose from.
  init(
    rows: [Int], words: [UInt64], wordsPerRow: Int, wordsPerRange: Int, ranges: Int,
    keepsEmpty: Bool, inChunks: Bool
  ) {
    let shares = inChunks ? Self.shares(rows: rows.count) : Self.tall(rows: rows.count)
    let parts = shares.count - 1
    chunks = parts
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
    var partners = RowPartners()
    var sorted: [Int] = []
    var own: [Int] = []
    var weight = 0
    words.withUnsafeBufferPointer { words in
      for range in 0..<ranges {
        let first = range * wordsPerRange
        for chunk in 0..<parts {
          for i in cuts[chunk]..<cuts[chunk + 1] {
            buckets[Int(counts[i * ranges + range])].append(i)
          }
          sorted.removeAll(keepingCapacity: true)
          own.removeAll(keepingCapacity: true)
          for count in stride(from: most, through: 0, by: -1) where !buckets[count].isEmpty {
            if count > 0 || (keepsEmpty && range == 0) {
              sorted += buckets[count]
              own += repeatElement(count, count: buckets[count].count)
            }
            buckets[count].removeAll(keepingCapacity: true)
          }
          let found = partners.groups(
            counts: own, words: min(wordsPerRow, first + wordsPerRange) - first
          ) { words.baseAddress! + rows[sorted[$0]] * wordsPerRow + first }
          for group in found.groups {
            groups.append(group, own: own, offsets: &offsets, weights: &weight)
            for r in 0..<4 {
              groups.rowNumbers.append(UInt32(rows[sorted[group.members[r]]]))
            }
          }
          for place in found.left {
            singles.append(count: own[place], offsets: &offsets, weights: &weight)
            singles.rowNumbers.append(UInt32(rows[sorted[place]]))
          }
          groups.first.append(groups.rowNumbers.count / 4)
          singles.first.append(singles.rowNumbers.count)
          firstWeight.append(weight)
        }
      }
    }
  }

  /// Equal parts of at most about 1024 rows.
  private static func tall(rows: Int) -> [Double] {
    let parts = max(1, (rows + 1023) / 1024)
    return (0...parts).map { Double($0) / Double(parts) }
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

extension RowPlan.List {
  /// The numbers of a group that shares inputs.
  fileprivate mutating func append(
    _ group: RowPartners.Group, own: [Int], offsets: inout Int, weights: inout Int
  ) {
    let shared = group.fours * 4 + group.twos * 2
    let steps = (0..<4).map { own[group.members[$0]] }.min()! - shared
    starts += [UInt32(offsets), UInt32(weights)]
    let more = (0..<4).map { own[group.members[$0]] - shared - steps }
    let left = more.reduce(0, +)
    counts += [UInt16(group.fours), UInt16(group.twos), UInt16(steps), left > 0 ? 1 : 0]
    counts += more.map { UInt16($0) }
    offsets += (group.fours + group.twos + steps) * 4 + left
    weights += shared * 4 + steps * 4 + left
  }

  /// The numbers of a row on its own.
  fileprivate mutating func append(count: Int, offsets: inout Int, weights: inout Int) {
    starts += [UInt32(offsets), UInt32(weights)]
    counts += [0, 0, UInt16(count / 4), count % 4 > 0 ? 1 : 0, UInt16(count % 4)]
    offsets += count
    weights += count
  }
}
