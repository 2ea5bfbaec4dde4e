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
    for height in [8, 4, 2] where candidates[0].estimate(mask).time > Self.regular(mask) {
      candidates.append(Bands(rows: split(rows, height)))
    }
    candidates.append(singles)
    let times = candidates.map { $0.estimate(mask) }
    let fastest = times.indices.min { times[$0].time < times[$1].time } ?? 0
    // A second pass over the output has costs that the estimate does not see: demand a clear gain.
    if times[fastest].isSplit, times[fastest].time > 0.9 * times[candidates.count - 1].time {
      return singles
    }
    return candidates[fastest]
  }

  private static func suggested(mask: Mask, pattern: Pattern, rows: [Int], kept: [Int]) -> Bands {
    let empty = Set(rows).subtracting(kept)
    let dropped = rows.filter(empty.contains).map { [$0] }
    switch pattern.base {
    case .block(let height, _):
      return Self.findsItself(height: height, mask)
        ? Bands(rows: rows.map { [$0] }) : Bands(rows: split(rows, height))
    // Single rows find what they share, tiles too, and an overlay costs no second pass over the output:
    // tew64+5% at 128 tokens takes 158 µs at 0.8 and 90 at 0.9, slabs and an overlay 163 and 93. What is
    // left over tw64, 33 % at 0.9, is the overlay's own weights, which meet as many loads as those of
    // 1x1 at 0.95: 57 µs beside the 33 of the tiles.
    case .nm, .tileVector, .tileElement: return Bands(rows: rows.map { [$0] })
    case .row: return Bands(rows: split(kept, 8) + dropped)
    case .column: return Bands(rows: split(rows, 8))
    case .tile(let width): return Bands(rows: split(kept, width) + dropped)
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

  /// Blocks whose rows the kernel of single rows puts together as well as slabs would or better. Share of the
  /// peak at 128 tokens and 0.5 / 0.8 / 0.9 / 0.95, slabs and single rows: 2x1 84 / 75 / 66 / 50 and 98 /
  /// 92 / 80 / 72 %; 4x1 89 / 90 / 88 / 86 and 96 / 93 / 85 / 61 % (Zen 5, 2026-11).
  private static func findsItself(height: Int, _ mask: Mask) -> Bool {
    height == 2 || height == 4 && Double(mask.count) > 0.3 * Double(mask.rows * mask.columns)
  }

  /// Share of the FMA peak that a band of 2 rows and more reaches, from measurements at 128 tokens.
  private static let efficiency = [0, 0, 0.66, 0.8, 0.91, 0.92, 0.93, 0.92, 0.93]

  /// The same of single rows that share as much as random ones, which depends on how many weights they
  /// have between two updates of the output.
  private static func singleEfficiency(density: Double) -> Double {
    density > 0.4 ? 0.84 : density > 0.15 ? 0.74 : density > 0.08 ? 0.65 : 0.56
  }

  /// Time in units of one kept weight at the peak, and whether rows of slabs keep weights of their own.
  private func estimate(_ mask: Mask) -> (time: Double, isSplit: Bool) {
    var (time, rest, second) = (0.0, 0, 0)
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
      if band.count == 1 {
        rest += total
        continue
      }
      time += Double(shared * band.count) / Self.efficiency[band.count]
      rest += total - shared * band.count
      if total > shared * band.count { second += band.count }
    }
    let density = Double(rest) / Double(max(1, mask.rows * mask.columns))
    time += Double(rest) / Self.singleEfficiency(density: density) + 4 * Double(second)
    return (time, second > 0)
  }

  /// The time of a mask that packs perfectly, with some slack.
  private static func regular(_ mask: Mask) -> Double { Double(mask.count) / 0.75 }
}
