import Experiments
import Tensors

/// Groups of 1 to 8 output rows that are computed together because they share inputs.
///
/// Inputs that all rows of a band keep are stored once for the band; what remains is stored row by row
/// and added afterwards. So any grouping is correct, and a good one is fast.
struct Bands {
  /// Original row numbers; each row stands in one band.
  var rows: [[Int]]

  /// The fastest of the grouping that the pattern suggests and of even groups of 8, 4, 2 and 1, by an
  /// estimate of their time: a mask need not follow its pattern, and one that is nearly full or was made
  /// for another block height packs well all the same.
  static func best(mask: Mask, pattern: Pattern, order: LayerOrder) -> Bands {
    let rows = order.rows?.order ?? Array(0..<mask.rows)
    let kept = rows.filter { mask.count(row: $0) > 0 }
    var candidates = [suggested(mask: mask, pattern: pattern, rows: rows, kept: kept)]
    let singles = Bands(rows: rows.map { [$0] })
    for height in [8, 4, 2] where candidates[0].estimate(mask) > Self.regular(mask) {
      candidates.append(Bands(rows: split(rows, height)))
    }
    candidates.append(singles)
    let times = candidates.map { $0.estimate(mask) }
    let fastest = times.indices.min { times[$0] < times[$1] } ?? 0
    // A second pass over the output has costs that the estimate does not see: demand a clear gain.
    if times[fastest] > 0.9 * times[candidates.count - 1] { return singles }
    return candidates[fastest]
  }

  private static func suggested(mask: Mask, pattern: Pattern, rows: [Int], kept: [Int]) -> Bands {
    let empty = Set(rows).subtracting(kept)
    let dropped = rows.filter(empty.contains).map { [$0] }
    switch pattern.base {
    case .block(let height, _): return Bands(rows: split(rows, height))
    case .nm, .tileVector: return Bands(rows: rows.map { [$0] })
    case .row: return Bands(rows: split(kept, 8) + dropped)
    case .column: return Bands(rows: split(rows, 8))
    case .tile(let width): return Bands(rows: split(kept, width) + dropped)
    case .tileElement(let width, _): return similar(mask: mask, rows: rows, tile: width)
    }
  }

  /// Chunks of `height` in order, each cut into nearly equal bands of at most 8.
  static func split(_ rows: [Int], _ height: Int) -> [[Int]] {
    var bands: [[Int]] = []
    for start in stride(from: 0, to: rows.count, by: height) {
      let chunk = rows[start..<min(rows.count, start + height)]
      let parts = (chunk.count + 7) / 8
      for part in 0..<parts {
        let (from, to) = (chunk.count * part / parts, chunk.count * (part + 1) / parts)
        bands.append(Array(chunk[start + from..<start + to]))
      }
    }
    return bands
  }

  /// Tiles whose rows also keep some elements of their own, and between which rows were dropped: each row
  /// takes the next rows with which it has more than half of its inputs in common.
  private static func similar(mask: Mask, rows: [Int], tile: Int) -> Bands {
    let counts = rows.map { mask.count(row: $0) }
    var taken = [Bool](repeating: false, count: rows.count)
    var bands: [[Int]] = []
    for first in rows.indices where !taken[first] {
      var band = [rows[first]]
      taken[first] = true
      for next in first + 1..<min(rows.count, first + 1 + 2 * max(8, tile)) where !taken[next] {
        if band.count == min(8, tile) { break }
        let shared = mask.shared(rows[first], rows[next])
        if shared * 2 > min(counts[first], counts[next]) {
          band.append(rows[next])
          taken[next] = true
        }
      }
      bands.append(band)
    }
    return Bands(rows: bands)
  }

  /// Share of the FMA peak that a band of this height reaches, from measurements at 128 tokens.
  private static let efficiency = [0, 0.62, 0.78, 0.85, 0.91, 0.92, 0.93, 0.92, 0.93]

  /// Time in units of one kept weight at the peak.
  private func estimate(_ mask: Mask) -> Double {
    var time = 0.0
    for band in rows {
      var shared = 0
      var total = 0
      mask.words.withUnsafeBufferPointer { words in
        for word in 0..<mask.wordsPerRow {
          var all = UInt64.max
          for row in band {
            let bits = words[row &* mask.wordsPerRow &+ word]
            all &= bits
            total &+= bits.nonzeroBitCount
          }
          shared &+= all.nonzeroBitCount
        }
      }
      let rest = total - shared * band.count
      time += Double(shared * band.count) / Self.efficiency[band.count]
      if rest > 0 { time += Double(rest) / Self.efficiency[1] + 4 * Double(band.count) }
    }
    return time
  }

  /// The time of a mask that packs perfectly, with some slack.
  private static func regular(_ mask: Mask) -> Double { Double(mask.count) / 0.75 }
}

extension Mask {
  /// Inputs that both rows keep.
  fileprivate func shared(_ a: Int, _ b: Int) -> Int {
    var count = 0
    for word in 0..<wordsPerRow {
      count += (words[a * wordsPerRow + word] & words[b * wordsPerRow + word]).nonzeroBitCount
    }
    return count
  }
}
