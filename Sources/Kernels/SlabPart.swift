import Experiments
import Tensors

/// The slabs of one height of a layer: `rowsPerSlab` output rows that share a list of inputs.
///
/// Inputs are cut into ranges (`kRange`), and each slab has one segment a range: runs of `runLength`
/// consecutive inputs first, single inputs after them. Neighbouring slabs with the same list store it
/// once. There is no padding: inputs that only some rows of a slab keep are not here.
final class SlabPart: Sendable {
  let rowsPerSlab: Int
  let runLength: Int
  let slabCount: Int
  let kRange: Int
  let ranges: Int
  /// Weights of slabs `0..<q`, summed over all ranges.
  let prefix: [Int]
  private let segments: Buffer<UInt32>
  private let rowNumbers: Buffer<UInt32>
  private let indices: Buffer<UInt16>
  let values: StoredValues
  private let kernels: MicroKernels

  /// Floats of widened weights held at a time: half of L1.
  private static let scratch = 4096
  /// Floats of weights that stay in L2 beside the activations of several panels: an eighth of it.
  private static let stretch = 32768

  /// Takes what `bands` (all of `height` rows) have in common out of `residual`.
  ///
  /// - Parameter residual: the words of the mask; bits that are packed here are cleared.
  init(
    bands: [[Int]], height: Int, runLength: Int, weights: Matrix, residual: inout [UInt64],
    wordsPerRow: Int, dtype: WeightType, kernels: MicroKernels
  ) {
    rowsPerSlab = height
    self.runLength = runLength
    self.kernels = kernels
    slabCount = bands.count
    let common = Self.takeCommon(bands, &residual, wordsPerRow)
    let inputs = common.reduce(0) { $0 + $1.nonzeroBitCount }
    kRange = Self.kRange(
      height: height, runLength: runLength,
      density: Double(inputs) / Double(max(1, bands.count * weights.columns)))
    ranges = max(1, (weights.columns + kRange - 1) / kRange)
    rowNumbers = Buffer(bands.flatMap { $0.map(UInt32.init) })

    var lists = InputLists(bands: bands.count, ranges: ranges)
    for range in 0..<ranges {
      let columns = range * kRange..<min(weights.columns, (range + 1) * kRange)
      for band in bands.indices {
        lists.append(
          common: common, wordOffset: band * wordsPerRow, columns: columns, runLength: runLength,
          sameAs: band > 0 && common.equal(band, band - 1, wordsPerRow))
      }
    }
    prefix = lists.prefix(bands: bands.count, height: height)
    segments = Buffer(lists.segments)
    indices = Buffer(lists.indices)
    let (segmentWords, list, rowList) = (segments.pointer, indices.pointer, rowNumbers.pointer)
    let (range, run, count, rangeCount) = (kRange, runLength, slabCount, ranges)
    values = StoredValues(count: lists.entries * height, dtype: dtype) { target in
      weights.values.withUnsafeBufferPointer { source in
        guard let source = source.baseAddress else { return }
        var out = target
        for segment in 0..<count * rangeCount {
          let words = segmentWords + segment * 4
          let base = source + segment / count * range
          let slab = rowList + segment % count * height
          var index = list + Int(words[0])
          for entry in 0..<Int(words[1] + words[2]) {
            let length = entry < words[1] ? run : 1
            for column in Int(index[0])..<Int(index[0]) + length {
              for r in 0..<height {
                out[r] = base[Int(slab[r]) &* weights.columns &+ column]
              }
              out += height
            }
            index += 1
          }
        }
      }
    }
  }

  /// Inputs of a range: what the activations that a slab re-reads may take of the caches.
  ///
  /// 7 and 8 rows use each activation often enough to take it from L2, whatever the number of inputs (2048
  /// of two panels are half of L2). 4 to 6 rows over two panels want less in the way of the stream of
  /// weights where they are dense: 4x1 at 0.5 and 768x768 reaches 81 % of the peak with one range, 86 %
  /// with 384 and 96 % with 256 inputs a range. Sparse, the update of the output after each range costs
  /// more: at 0.8 / 0.9 / 0.95 with 256, 384 and 768 inputs 151 / 78.2 / 43.0, 150 / 77.4 / 41.2 and
  /// 143 / 73.7 / 37.7 µs; 4x4: 151 / 79.2 / 45.0, 147 / 77.5 / 42.1 and 153 / 77.1 / 41.5 (Zen 5,
  /// 2026-11). 2 and 3 rows want their activations in L1.
  private static func kRange(height: Int, runLength: Int, density: Double) -> Int {
    if height >= 7 { return 2048 }
    if height < 4 { return 128 }
    if density < (runLength > 1 ? 0.15 : 0.3) { return 1024 }
    return density < 0.3 ? 384 : 256
  }

  var indexBytes: Int { segments.bytes + rowNumbers.bytes + indices.bytes }
  var valueBytes: Int { values.bytes }
  var weightCount: Int { prefix[slabCount] }

  /// The slabs of `share` when the weights are dealt out evenly to `shares`.
  func slabs(share: Int, of shares: Int) -> Range<Int> {
    prefix.cut(share, of: shares)..<prefix.cut(share + 1, of: shares)
  }

  /// `y[rows of the slabs] = weights · x + bias` for `panels` panels from `x` and `y` on.
  ///
  /// - Parameter asksAhead: whether it asks for the `panels` panels after these while it works.
  func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    panels: Int, slabs: Range<Int>, bias: UnsafePointer<Float>, asksAhead: Bool = false
  ) {
    guard !slabs.isEmpty else { return }
    for range in 0..<ranges {
      let words = segments.pointer + range * slabCount * 4
      let input = x + range * kRange * 32
      func multiply(_ part: Range<Int>, _ floats: UnsafePointer<Float>) {
        kernels.slabs(
          rowsPerSlab, runLength, input, xPanel, y, yPanel, panels, words, rowNumbers.pointer,
          indices.pointer, floats, bias, range > 0,
          asksAhead && range == 0 ? slabCount : 0, part.lowerBound, part.upperBound)
      }
      // A stretch of slabs goes through all panels while its weights are near.
      let stretch = values.isWidened ? Self.scratch / 2 : Self.stretch
      if panels == 1, !values.isWidened {
        values.withFloats(0..<0, kernels) { multiply(slabs, $0) }
        continue
      }
      var from = slabs.lowerBound
      while from < slabs.upperBound {
        let first = Int(words[from * 4 + 3])
        var to = from
        var last = first
        repeat {
          last = Int(
            words[to * 4 + 3] + words[to * 4 + 1] * UInt32(runLength) + words[to * 4 + 2])
          to += 1
        } while to < slabs.upperBound && (last - first) * rowsPerSlab < stretch
        values.withFloats(first * rowsPerSlab..<last * rowsPerSlab, kernels) {
          multiply(from..<to, $0)
        }
        from = to
      }
    }
  }

  /// For each band the inputs that all its rows keep; their bits leave `residual`.
  private static func takeCommon(
    _ bands: [[Int]], _ residual: inout [UInt64], _ wordsPerRow: Int
  ) -> [UInt64] {
    var common = [UInt64](repeating: 0, count: bands.count * wordsPerRow)
    residual.withUnsafeMutableBufferPointer { words in
      for (band, rows) in bands.enumerated() {
        for word in 0..<wordsPerRow {
          var all = UInt64.max
          for row in rows { all &= words[row &* wordsPerRow &+ word] }
          for row in rows { words[row &* wordsPerRow &+ word] &= ~all }
          common[band &* wordsPerRow &+ word] = all
        }
      }
    }
    return common
  }
}

extension [UInt64] {
  /// Whether two bands have the same inputs.
  func equal(_ a: Int, _ b: Int, _ wordsPerRow: Int) -> Bool {
    for word in 0..<wordsPerRow
    where self[a &* wordsPerRow &+ word] != self[b &* wordsPerRow &+ word] { return false }
    return true
  }
}

extension [Int] {
  /// Where a running sum comes closest to `share / shares` of its end.
  func cut(_ share: Int, of shares: Int) -> Int {
    if share <= 0 { return 0 }
    if share >= shares { return count - 1 }
    return nearest((self[count - 1] * share + shares / 2) / shares)
  }

  /// The index whose running sum is closest to `target`.
  func nearest(_ target: Int) -> Int {
    var (low, high) = (0, count - 1)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < target { low = middle + 1 } else { high = middle }
    }
    return low > 0 && target - self[low - 1] < self[low] - target ? low - 1 : low
  }
}
