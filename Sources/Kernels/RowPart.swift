import Experiments
import Tensors

/// Weights that no neighbouring row shares: lists row by row, cut into ranges of inputs whose
/// activations stay in L1.
///
/// Rows are dealt to chunks of equal weight (the units of threads), and within a range and chunk sorted
/// by their number of weights, so that rows of a group have equally many and loops end where the branch
/// predictor expects it. Every row of the part stands in the first range, empty or not, which starts
/// the output from the bias.
final class RowPart: Sendable {
  /// Groups of one height, as the micro-kernel takes them.
  private struct List: Sendable {
    let height: Int
    let first: [Int]
    let starts: Buffer<UInt32>
    let counts: Buffer<UInt16>
    let rowNumbers: Buffer<UInt32>

    init(_ plan: RowPlan.List) {
      height = plan.height
      first = plan.first
      starts = Buffer(plan.starts)
      counts = Buffer(plan.counts)
      rowNumbers = Buffer(plan.rowNumbers)
    }

    var bytes: Int { starts.bytes + counts.bytes + rowNumbers.bytes }
  }

  let rowCount: Int
  /// Weights of chunks `0..<q`.
  let prefix: [Int]
  /// Adds to outputs that slabs have written before.
  let accumulates: Bool
  /// Rows that are computed together.
  let height: Int
  private let kRange: Int
  /// Two panels at once, where there are two.
  let inPairs: Bool
  private let ranges: Int
  private let chunks: Int
  /// `[range · chunks + chunk]`: its first weight.
  private let firstWeight: [Int]
  private let lists: [List]
  private let offsets: Buffer<UInt16>
  let values: StoredValues
  private let kernels: MicroKernels

  /// Panels at once, rows of a group and inputs of a range.
  ///
  /// Two panels of 128 inputs, or one of 256, are 32 KiB of a 48 KiB L1. Each range costs an update of
  /// the output (a store a cycle, some 10 cycles a row), so sparse layers take longer ranges though some
  /// activations then come from L2, and very sparse ones one panel, which makes them twice as long.
  /// 768x768 at 128 tokens, µs at s = 0.8 / 0.9 / 0.95 (Zen 5 at 3.7 GHz, 2026-11):
  /// 4 rows and two panels of 128: 208 / 119 / 75.6, of 192: 209 / 117 / 69.7, of 256: 236 / 124 / 69.4;
  /// 8 rows and one panel of 256: 211 / 117 / 66.5, of 320: 218 / 119 / 67.6; 12 rows and one panel of
  /// 256: 210 / 116 / 65.4. Prefetching the outputs of the next group, or storing panels at other
  /// distances from each other: no gain or 1 to 4 % lost.
  private static func tile(
    density: Double, tokens: Int, _ set: InstructionSet
  ) -> (inPairs: Bool, height: Int, kRange: Int) {
    if tokens > 32, density >= 0.08 || set != .avx512 {
      return (true, 4, density < 0.15 ? 192 : 128)
    }
    return (false, set == .avx512 ? 8 : 4, density < 0.08 && tokens <= 32 ? 384 : 256)
  }

  private static func count(_ words: [UInt64], _ row: Int, _ wordsPerRow: Int) -> Int {
    words[row * wordsPerRow..<(row + 1) * wordsPerRow].reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// - Parameters:
  ///   - rows: original numbers; what they keep is read from `words`.
  ///   - words: of a mask, `wordsPerRow` a row.
  init(
    rows: [Int], weights: Matrix, words: [UInt64], wordsPerRow: Int, tokens: Int,
    dtype: WeightType, accumulates: Bool, instructionSet: InstructionSet
  ) {
    rowCount = rows.count
    self.accumulates = accumulates
    kernels = MicroKernels.of(instructionSet)
    let kept = rows.reduce(0) { $0 + Self.count(words, $1, wordsPerRow) }
    (inPairs, height, kRange) = Self.tile(
      density: Double(kept) / Double(max(1, rows.count * weights.columns)), tokens: tokens,
      instructionSet)
    ranges = max(1, (weights.columns + kRange - 1) / kRange)
    let wordsPerRange = kRange / 64
    let plan = RowPlan(
      rows: rows, height: height, words: words, wordsPerRow: wordsPerRow,
      wordsPerRange: wordsPerRange, ranges: ranges, keepsEmpty: !accumulates)
    chunks = plan.chunks
    prefix = plan.prefix
    firstWeight = plan.firstWeight
    lists = [List(plan.groups), List(plan.singles)]
    let total = prefix[chunks]
    let offsets = Buffer<UInt16>(count: total + 16)
    offsets.pointer.initialize(repeating: 0, count: offsets.count)
    self.offsets = offsets
    values = StoredValues(count: total, dtype: dtype) { target in
      for list in [plan.groups, plan.singles] {
        plan.fill(
          list, words: words, wordsPerRow: wordsPerRow, wordsPerRange: wordsPerRange,
          weights: weights, offsets: offsets.pointer, values: target)
      }
    }
  }

  var indexBytes: Int { lists.reduce(offsets.bytes) { $0 + $1.bytes } }
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
      let (from, to) = (range * chunks + part.lowerBound, range * chunks + part.upperBound)
      values.withFloats(firstWeight[from]..<firstWeight[to], kernels) { floats in
        for list in lists where list.first[from] < list.first[to] {
          kernels.singleRows(
            list.height, x + range * kRange * 32, xPanel, y, yPanel, panels, list.starts.pointer,
            list.counts.pointer, list.rowNumbers.pointer, offsets.pointer, floats, bias, inPairs,
            accumulates || range > 0, list.first[from], list.first[to])
        }
      }
    }
  }
}
