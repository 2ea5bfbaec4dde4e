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
  private let ranges: Int
  private let chunks: Int
  /// `[range · chunks + chunk]`: first segment.
  private let firstSegment: [Int]
  private let starts: Buffer<UInt32>
  private let rowNumbers: Buffer<UInt32>
  private let offsets: Buffer<UInt16>
  private let values: StoredValues
  private let kernels: MicroKernels

  /// Inputs of a range: two panels of 128 are 32 KiB of a 48 KiB L1.
  static let inputsPerRange = 128

  /// - Parameters:
  ///   - rows: original numbers; what they keep is read from `words`.
  ///   - words: of a mask, `wordsPerRow` a row.
  init(
    rows: [Int], weights: Matrix, words: [UInt64], wordsPerRow: Int, dtype: WeightType,
    accumulates: Bool, kernels: MicroKernels
  ) {
    rowCount = rows.count
    self.accumulates = accumulates
    self.kernels = kernels
    kRange = Self.inputsPerRange
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
    let offsets = Buffer<UInt16>(count: total)
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
          offsets.pointer, floats, bias, accumulates || range > 0, from, to)
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
    // Twelve chunks deal evenly to 2, 3, 4 and 6 threads; at least 32 rows each keep the sort useful.
    let parts = max(1, min(12, rows.count / 32))
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
    let cuts = (0...parts).map { part in
      perRow[rows.count] > 0 ? perRow.cut(part, of: parts) : rows.count * part / parts
    }
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
}
