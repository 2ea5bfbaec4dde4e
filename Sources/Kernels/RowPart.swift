import Experiments
import Tensors

/// Weights that no neighbouring row shares: lists row by row, cut into ranges of inputs whose
/// activations stay in L1.
///
/// Within a range rows stand in groups of four that keep equally many inputs and share what they can, and
/// groups in the order of those numbers, so that loops end where the branch predictor expects it. Every
/// row of the part stands in the first range, empty or not, which starts the output from the bias.
///
/// For few panels rows are dealt to chunks of equal weight, the units of threads. From four panels on,
/// which two threads share between them, up to 1024 rows are one chunk, as more candidates share more: at
/// 128 tokens and 768x768 four chunks take 4 % longer at 0.8 (1x1), 7 % at 0.9 (1x8). More threads than
/// that split each range anew and wait for each other after it. Taller layers go through all ranges chunk
/// by chunk, so that the outputs that are added to from range to range stay in L2.
final class RowPart: Sendable {
  /// Groups of one height, as the micro-kernel takes them.
  fileprivate struct List: Sendable {
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
  private let kRange: Int
  /// Two panels at once, where there are two.
  let inPairs: Bool
  private let ranges: Int
  private let chunks: Int
  /// Whether threads take chunks of rows through all ranges; else `runTogether` is for them.
  let isInChunks: Bool
  /// `[range · chunks + chunk]`: its first weight.
  private let firstWeight: [Int]
  private let lists: [List]
  private let offsets: Buffer<UInt16>
  let values: StoredValues
  private let kernels: MicroKernels
  /// Whether weights and offsets are more than the second-level cache keeps from one call to the next. Asking
  /// for what it holds would only take time.
  private var streamsWeights: Bool {
    !values.isWidened && values.bytes + offsets.bytes > 2 << 20
  }

  /// Panels at once and inputs of a range.
  ///
  /// Two panels of 128 inputs, or one of 256, are 32 KiB of a 48 KiB L1. Each range costs an update of
  /// the output (a store a cycle, some 10 cycles a row), so very sparse layers take longer ranges though
  /// some activations then come from L2. Short ranges also let rows share more. 768x768 at 128 tokens, µs
  /// with two panels of 128 / 192 / 256 inputs, and with one of 256 in groups of eight rows: 1x1 at 0.9: 99 /
  /// 102 / 103 / 103, at 0.95: 68 / 57 / 58 / 60; 1x8 at 0.9: 84 / 89 / 105 / 96, at 0.95: 47 / 51 / 59 / 52;
  /// 1x32 at 0.9: 75 / 77 / 81 (least of three runs, Zen 5 at 3.7 GHz, 2026-11).
  private static func tile(
    density: Double, tokens: Int, _ set: InstructionSet
  ) -> (inPairs: Bool, kRange: Int) {
    if tokens > 32 { return (true, density < 0.08 ? 192 : 128) }
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
    dtype: WeightType, accumulates: Bool, instructionSet: InstructionSet
  ) {
    rowCount = rows.count
    self.accumulates = accumulates
    isInChunks = tokens <= 96
    kernels = MicroKernels.of(instructionSet)
    let kept = rows.reduce(0) { $0 + Self.count(words, $1, wordsPerRow) }
    (inPairs, kRange) = Self.tile(
      density: Double(kept) / Double(max(1, rows.count * weights.columns)), tokens: tokens,
      instructionSet)
    ranges = max(1, (weights.columns + kRange - 1) / kRange)
    let wordsPerRange = kRange / 64
    let plan = RowPlan(
      rows: rows, words: words, wordsPerRow: wordsPerRow, wordsPerRange: wordsPerRange,
      ranges: ranges, keepsEmpty: !accumulates, inChunks: isInChunks)
    chunks = plan.chunks
    prefix = plan.prefix
    firstWeight = plan.firstWeight
    lists = [List(plan.groups), List(plan.singles)]
    let offsets = Buffer<UInt16>(count: plan.offsets + 16)
    offsets.pointer.initialize(repeating: 0, count: offsets.count)
    self.offsets = offsets
    values = StoredValues(count: prefix[chunks], dtype: dtype) { target in
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

  /// What to ask for while a range is worked on.
  enum Ahead { case nothing, nextRange, nextPanels }

  /// `y[rows of the chunks] = weights · x + bias`, or added to `y`, for `panels` panels.
  func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    panels: Int, chunks part: Range<Int>, bias: UnsafePointer<Float>, ahead: Ahead = .nothing
  ) {
    guard !part.isEmpty else { return }
    func multiply(_ range: Int, _ part: Range<Int>) {
      let (from, to) = (range * chunks + part.lowerBound, range * chunks + part.upperBound)
      values.withFloats(firstWeight[from]..<firstWeight[to], kernels) { floats in
        for list in lists {
          self.multiply(
            list, list.first[from]..<list.first[to], floats, range, x, xPanel, y, yPanel, panels,
            bias, ahead)
        }
      }
    }
    if isInChunks {
      for range in 0..<ranges { multiply(range, part) }
    } else {
      for chunk in part { for range in 0..<ranges { multiply(range, chunk..<chunk + 1) } }
    }
  }

  /// The same for all rows, on several threads that share out each range.
  func runTogether(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    panels: Int, threads: Int, bias: UnsafePointer<Float>
  ) {
    nonisolated(unsafe) let (x, y, bias) = (x, y, bias)
    let (groups, singles) = (lists[0], lists[1])
    for place in 0..<chunks * ranges {
      let (chunk, range) = (place / ranges, place % ranges)
      let (from, to) = (range * chunks + chunk, range * chunks + chunk + 1)
      let all = groups.first[from]..<groups.first[to]
      // Single rows, three at most, stand behind the groups' weights.
      let rest = singles.first[from]..<singles.first[to]
      let end =
        rest.isEmpty ? firstWeight[to] : Int(singles.starts.pointer[2 * rest.lowerBound + 1])
      WorkerPool.shared.run(threads: threads) { worker in
        let (first, last) = (
          groups.cut(all, end: end, worker, of: threads),
          groups.cut(all, end: end, worker + 1, of: threads)
        )
        if first < last {
          let weights = groups.weight(first)..<(last < all.upperBound ? groups.weight(last) : end)
          values.withFloats(weights, kernels) {
            multiply(groups, first..<last, $0, range, x, xPanel, y, yPanel, panels, bias)
          }
        }
        if worker == threads - 1, !rest.isEmpty {
          values.withFloats(end..<firstWeight[to], kernels) {
            multiply(singles, rest, $0, range, x, xPanel, y, yPanel, panels, bias)
          }
        }
      }
    }
  }

  private func multiply(
    _ list: List, _ groups: Range<Int>, _ floats: UnsafePointer<Float>, _ range: Int,
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    _ panels: Int, _ bias: UnsafePointer<Float>, _ ahead: Ahead = .nothing
  ) {
    guard !groups.isEmpty else { return }
    // The next range, or the first one of the panels that come after these.
    let isLast = range == ranges - 1
    let distance = isLast ? panels * xPanel - range * kRange * 32 : kRange * 32
    let inputs = min(kRange, xPanel / 32 - (isLast ? 0 : (range + 1) * kRange))
    let asks = ahead == .nextPanels || ahead == .nextRange && !isLast
    kernels.singleRows(
      list.height, x + range * kRange * 32, xPanel, y, yPanel, panels, list.starts.pointer,
      list.counts.pointer, list.rowNumbers.pointer, offsets.pointer, floats, bias, inPairs,
      accumulates || range > 0, distance, asks ? 2 * inputs : 0, streamsWeights,
      groups.lowerBound, groups.upperBound)
  }
}

extension RowPart.List {
  /// Where the weights of a group start.
  fileprivate func weight(_ group: Int) -> Int { Int(starts.pointer[2 * group + 1]) }

  /// The group at which `share / shares` of the weights of `groups` begins.
  ///
  /// - Parameter end: where their weights end.
  fileprivate func cut(_ groups: Range<Int>, end: Int, _ share: Int, of shares: Int) -> Int {
    if share <= 0 || groups.isEmpty { return groups.lowerBound }
    if share >= shares { return groups.upperBound }
    let first = weight(groups.lowerBound)
    let target = first + (end - first) * share / shares
    var (low, high) = (groups.lowerBound, groups.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if weight(middle) < target { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
