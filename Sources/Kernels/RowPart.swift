import Experiments
import Tensors

/// Weights that no neighbouring row shares: lists row by row, cut into ranges of inputs whose
/// activations stay in L1.
///
/// Rows are dealt to chunks of equal weight (the units of threads), and within a range and chunk sorted
/// by their number of weights, so that the loop ends where the branch predictor expects it. Every row
/// of the part has a segment in the first range, empty or not, which starts the output from the bias.
final class RowPart: Sendable {
  let rowCount: Int
  /// Weights of chunks `0..<q`.
  let prefix: [Int]
  /// Adds to outputs that slabs have written before.
  let accumulates: Bool
  private let kRange: Int
  private let inPairs: Bool
  private let ranges: Int
  private let chunks: Int
  /// `[range · chunks + chunk]`: first segment.
  private let firstSegment: [Int]
  private let starts: Buffer<UInt32>
  private let rowNumbers: Buffer<UInt32>
  private let offsets: Buffer<UInt16>
  let values: StoredValues
  private let kernels: MicroKernels

  /// Panels at once and inputs of a range.
  ///
  /// Two panels of 128 inputs, or one of 256, are 32 KiB of a 48 KiB L1. Each range costs an update of
  /// the output (some 10 cycles a row), so sparse layers take longer ranges though some activations then
  /// come from L2. Speedups at 768x768, 128 tokens, s = 0.8 / 0.9 / 0.95 (Zen 5, 2026-11):
  /// two panels of 128: 3.22 / 5.36 / 8.45, of 192: 3.12 / 5.49 / 9.05, of 256: 2.7 / 5.1 / -;
  /// one panel of 256: 3.03 / 5.38 / 9.09, of 384: 2.89 / 5.31 / 9.30.
  private static func tile(density: Double, tokens: Int) -> (inPairs: Bool, kRange: Int) {
    if tokens > 32 { return (true, density < 0.15 ? 192 : 128) }
    return (false, density < 0.08 ? 384 : 256)
  }

  private static func count(_ words: [UInt64], _ row: Int, _ wordsPerRow: Int) -> Int {
    words[row * wordsPerRow..<(row + 1) * wordsPerRow].reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// - Parameters:
  ///   - rows: original numbers; what they keep is read from `words`.
  ///   - words: of a mask, `wordsPerRow` a row.
  init(
    rows: [Int], weights: Matrix, words: [UInt64], wordsPerRow: Int, tokens: Int,
    dtype: WeightType, accumulates: Bool, kernels: MicroKernels
  ) {
    rowCount = rows.count
    self.accumulates = accumulates
    self.kernels = kernels
    let kept = rows.reduce(0) { $0 + Self.count(words, $1, wordsPerRow) }
    (inPairs, kRange) = Self.tile(
      density: Double(kept) / Double(max(1, rows.count * weights.columns)), tokens: tokens)
    ranges = max(1, (weights.columns + kRange - 1) / kRange)
    let plan = RowPlan(
      rows: rows, words: words, wordsPerRow: wordsPerRow, wordsPerRange: kRange / 64,
      ranges: ranges, keepsEmpty: !accumulates)
    chunks = plan.chunks
    prefix = plan.prefix
    firstSegment = plan.firstSegment
    starts = Buffer(plan.starts)
    rowNumbers = Buffer(plan.rowNumbers)
    let total = prefix[chunks]
    let offsets = Buffer<UInt16>(count: total + 12)
    offsets.pointer.initialize(repeating: 0, count: offsets.count)
    self.offsets = offsets
    let (chunkCount, range, columns) = (chunks, kRange, weights.columns)
    values = StoredValues(count: total, dtype: dtype) { target in
      weights.values.withUnsafeBufferPointer { source in
        words.withUnsafeBufferPointer { words in
          guard let source = source.baseAddress else { return }
          var next = 0
          for q in plan.rowNumbers.indices {
            while q >= plan.firstSegment[next + 1] { next += 1 }
            let first = next / chunkCount * range
            let row = Int(plan.rowNumbers[q])
            var i = Int(plan.starts[q])
            for word in first / 64..<min(wordsPerRow, (first + range) / 64) {
              var bits = words[row &* wordsPerRow &+ word]
              while bits != 0 {
                let column = word &* 64 &+ bits.trailingZeroBitCount
                offsets.pointer[i] = UInt16(truncatingIfNeeded: (column &- first) &* 128)
                target[i] = source[row &* columns &+ column]
                i &+= 1
                bits &= bits &- 1
              }
            }
          }
        }
      }
    }
  }

  var indexBytes: Int { starts.bytes + rowNumbers.bytes + offsets.bytes }
  var valueBytes: Int { values.bytes }
  var weightCount: Int { prefix[chunks] }

  func chunks(share: Int, of shares: Int) -> Range<Int> {
    prefix.cut(share, of: shares)..<prefix.cut(share + 1, of: shares)
  }

  /// `y[rows of the chunks] = weights · x + bias`, or added to `y`, for `panels` panels.
  func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    panels: Int, chunks part: Range<Int>, bias: UnsafePointer<Float>
  ) {
    guard !part.isEmpty else { return }
    for range in 0..<ranges {
      let from = firstSegment[range * chunks + part.lowerBound]
      let to = firstSegment[range * chunks + part.upperBound]
      guard from < to else { continue }
      let weights = Int(starts.pointer[from])..<Int(starts.pointer[to])
      values.withFloats(weights, kernels) { floats in
        kernels.singleRows(
          x + range * kRange * 32, xPanel, y, yPanel, panels, starts.pointer, rowNumbers.pointer,
          offsets.pointer, floats, bias, inPairs, accumulates || range > 0, from, to)
      }
    }
  }
}

/// The order of segments of a `RowPart`: by range, chunk, and falling number of weights.
private struct RowPlan {
  var chunks: Int
  var prefix: [Int]
  var firstSegment: [Int]
  var starts: [UInt32]
  var rowNumbers: [UInt32]

  init(
    rows: [Int], words: [UInt64], wordsPerRow: Int, wordsPerRange: Int, ranges: Int,
    keepsEmpty: Bool
  ) {
    let shares = Self.shares(rows: rows.count)
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
    prefix = []
    for cut in cuts { prefix.append(perRow[cut]) }

    firstSegment = [0]
    starts = [0]
    rowNumbers = []
    rowNumbers.reserveCapacity(rows.count * ranges)
    starts.reserveCapacity(rows.count * ranges + 1)
    let most = wordsPerRange * 64
    var buckets = [[Int]](repeating: [], count: most + 1)
    for range in 0..<ranges {
      for chunk in 0..<chunks {
        for i in cuts[chunk]..<cuts[chunk + 1] {
          buckets[Int(counts[i * ranges + range])].append(i)
        }
        for count in stride(from: most, through: keepsEmpty && range == 0 ? 0 : 1, by: -1) {
          for i in buckets[count] {
            rowNumbers.append(UInt32(rows[i]))
            starts.append(starts[starts.count - 1] + UInt32(count))
          }
          buckets[count].removeAll(keepingCapacity: true)
        }
        buckets[0].removeAll(keepingCapacity: true)
        firstSegment.append(rowNumbers.count)
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
