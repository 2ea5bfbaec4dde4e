import Experiments
import Tensors

/// A layer for 16 tokens and more: slabs of each height, then rows of their own, then what rows of slabs
/// keep beside their slab.
///
/// The last is added to outputs that slabs have started (the element overlay of tew, blocks that are
/// kept in part), everything else writes outputs of its own and needs no order.
final class SlabLayer: LinearKernel, @unchecked Sendable {
  let rows: Int
  let columns: Int
  private let instructionSet: InstructionSet
  private let dtype: WeightType
  let slabs: [SlabPart]
  let singles: RowPart?
  let overlay: RowPart?
  let bias: Buffer<Float>
  private let severalPanels: Bool
  private let panelsPerPass: Int

  init(
    weights: Matrix, mask: Mask, bands: Bands, runLength: Int, bias: [Float]?, tokens: Int,
    dtype: WeightType, instructionSet: InstructionSet
  ) {
    rows = weights.rows
    columns = weights.columns
    self.instructionSet = instructionSet
    self.dtype = dtype
    severalPanels = tokens > 32
    let kernels = MicroKernels.of(instructionSet)
    self.bias = Buffer(bias ?? [Float](repeating: 0, count: weights.rows))
    var residual = mask.words
    var parts: [SlabPart] = []
    for height in stride(from: 8, through: 2, by: -1) {
      let bands = bands.rows.filter { $0.count == height }
      if bands.isEmpty { continue }
      parts.append(
        SlabPart(
          bands: bands, height: height, runLength: runLength, weights: weights,
          residual: &residual, wordsPerRow: mask.wordsPerRow, dtype: dtype, kernels: kernels))
    }
    slabs = parts
    func rowPart(_ rows: [Int], accumulates: Bool) -> RowPart? {
      rows.isEmpty
        ? nil
        : RowPart(
          rows: rows, weights: weights, words: residual, wordsPerRow: mask.wordsPerRow,
          tokens: tokens, dtype: dtype, accumulates: accumulates, instructionSet: instructionSet)
    }
    singles = rowPart(bands.rows.filter { $0.count == 1 }.map { $0[0] }, accumulates: false)
    let partial = bands.rows.lazy.filter { $0.count > 1 }.joined().filter { row in
      (0..<mask.wordsPerRow).contains { residual[row * mask.wordsPerRow + $0] != 0 }
    }
    overlay = rowPart(partial.sorted(), accumulates: true)
    panelsPerPass = Self.panelsPerPass(
      slabs: parts, hasRows: singles != nil || overlay != nil, columns: columns, dtype: dtype)
  }

  var name: String {
    var parts = slabs.map { part in
      let run = part.runLength > 1 ? "c\(part.runLength)" : ""
      return (part.weightCount, "slab\(tile(part.rowsPerSlab))\(run)")
    }
    if let singles, singles.weightCount > 0 || slabs.isEmpty {
      parts.append((singles.weightCount, "rows\(tile(singles))"))
    }
    if let overlay { parts.append((overlay.weightCount, "overlay\(tile(overlay))")) }
    let names = parts.sorted { $0.0 > $1.0 }.map(\.1).joined(separator: "+")
    return "\(names) \(dtype.rawValue) \(instructionSet.rawValue)"
  }

  /// Rows by registers of tokens, as the micro-kernels take them.
  private func tile(_ height: Int) -> String {
    guard instructionSet == .avx512 else { return "\(min(4, height))x2" }
    return "\(height)x\(height <= 6 && severalPanels ? 4 : 2)"
  }

  private func tile(_ rows: RowPart) -> String {
    "4x\(instructionSet == .avx512 && rows.inPairs ? 4 : 2)"
  }

  func multiply(_ x: Activations, into y: Activations, threads: Int) {
    precondition(
      x.features == columns && y.features == rows && x.tokens == y.tokens,
      "\(x.tokens)x\(x.features) into \(y.tokens)x\(y.features) through a layer \(rows)x\(columns)")
    precondition(x.width == 32 && y.width == 32, "packed for panels of 32 tokens")
    let panels = x.panels
    guard threads > 1 else {
      run(x, y, panels: 0..<panels)
      return
    }
    if splitsPanels(panels, threads) {
      WorkerPool.shared.run(threads: threads) { worker in
        run(x, y, panels: panels * worker / threads..<panels * (worker + 1) / threads)
      }
      return
    }
    if !slabs.isEmpty || singles?.isInChunks == true {
      WorkerPool.shared.run(threads: threads) { worker in
        runOwn(x, y, panels: 0..<panels, share: worker, of: threads)
      }
    }
    if let singles, !singles.isInChunks { runTogether(singles, x, y, threads) }
    guard let overlay else { return }
    if overlay.isInChunks {
      WorkerPool.shared.run(threads: threads) { worker in
        runOverlay(x, y, panels: 0..<panels, share: worker, of: threads)
      }
    } else {
      runTogether(overlay, x, y, threads)
    }
  }

  private func runTogether(_ part: RowPart, _ x: Activations, _ y: Activations, _ threads: Int) {
    part.runTogether(
      x.pointer, columns * 32, y.pointer, rows * 32, panels: x.panels, threads: threads,
      bias: bias.pointer)
  }

  /// Whole panels for each thread are perfectly even whatever the mask; pairs keep the wide tiles.
  private func splitsPanels(_ panels: Int, _ threads: Int) -> Bool {
    panels % (2 * threads) == 0
  }

  private func run(_ x: Activations, _ y: Activations, panels: Range<Int>) {
    for start in stride(from: panels.lowerBound, to: panels.upperBound, by: panelsPerPass) {
      let part = start..<min(panels.upperBound, start + panelsPerPass)
      runOwn(x, y, panels: part, share: 0, of: 1, end: panels.upperBound)
      runOverlay(x, y, panels: part, share: 0, of: 1)
    }
  }

  /// Panels that go through the layer together: two share L1 and L2 with the weights of single rows and
  /// with outputs that are added to range by range; BF16 is widened once for eight.
  ///
  /// Slabs that write each output once, and whose weights are more than L2 keeps, take as many panels as
  /// leave half of L2 free, so that weights from L3 or memory come once for all of them and not once
  /// for each: with weights fetched ahead as well, dense 768x768 at 128 tokens takes 693 instead of
  /// 750 µs warm, 717 instead of 976 cold (oneDNN: 722 warm; Zen 5 at 3.6 GHz, 2026-11).
  private static func panelsPerPass(
    slabs: [SlabPart], hasRows: Bool, columns: Int, dtype: WeightType
  ) -> Int {
    if dtype == .bf16 { return 8 }
    guard !hasRows, slabs.allSatisfy({ $0.ranges == 1 }),
      slabs.reduce(0, { $0 + $1.valueBytes }) > 512 << 10
    else { return 2 }
    return max(2, min(8, (512 << 10) / (max(1, columns) * 128)))
  }

  /// Bytes of activations, about, that the second-level cache does not hold: the next panels are then asked
  /// for while some are worked on. Where it does, asking takes 3 % of a dense product; and passes of more than
  /// two panels leave no room for others.
  private static let far = 1 << 20

  /// - Parameter end: the panel before which the call ends; nil where others work on what follows.
  private func runOwn(
    _ x: Activations, _ y: Activations, panels: Range<Int>, share: Int, of shares: Int,
    end: Int? = nil
  ) {
    let isFar = panelsPerPass == 2 && (rows + columns) * x.panels * 128 > Self.far
    for start in stride(from: panels.lowerBound, to: panels.upperBound, by: panelsPerPass) {
      let count = min(panels.upperBound, start + panelsPerPass) - start
      let input = UnsafePointer(x.pointer + start * columns * 32)
      let output = y.pointer + start * rows * 32
      for part in slabs {
        part.run(
          input, columns * 32, output, rows * 32, panels: count,
          slabs: part.slabs(share: share, of: shares), bias: bias.pointer,
          asksAhead: isFar && start + count < end ?? 0)
      }
      if let singles, shares == 1 || singles.isInChunks {
        singles.run(
          input, columns * 32, output, rows * 32, panels: count,
          chunks: singles.chunks(share: share, of: shares), bias: bias.pointer,
          ahead: !isFar ? .nothing : start + count < end ?? 0 ? .nextPanels : .nextRange)
      }
    }
  }

  private func runOverlay(
    _ x: Activations, _ y: Activations, panels: Range<Int>, share: Int, of shares: Int
  ) {
    guard let overlay else { return }
    for start in stride(from: panels.lowerBound, to: panels.upperBound, by: panelsPerPass) {
      let count = min(panels.upperBound, start + panelsPerPass) - start
      overlay.run(
        x.pointer + start * columns * 32, columns * 32, y.pointer + start * rows * 32, rows * 32,
        panels: count, chunks: overlay.chunks(share: share, of: shares), bias: bias.pointer)
    }
  }

  func storage(tokens: Int, threads: Int) -> StorageReport {
    let lanes = (tokens + 31) / 32 * 32
    let rowParts = [singles, overlay].compactMap { $0 }
    let weights =
      slabs.reduce(0) { $0 + $1.weightCount } + rowParts.reduce(0) { $0 + $1.weightCount }
    let values = slabs.reduce(0) { $0 + $1.valueBytes } + rowParts.reduce(0) { $0 + $1.valueBytes }
    let indices = slabs.reduce(0) { $0 + $1.indexBytes } + rowParts.reduce(0) { $0 + $1.indexBytes }
    return StorageReport(
      valueBytes: values, indexBytes: indices, paddingBytes: 0,
      activationBytes: (rows + columns) * lanes * 4,
      usefulFlops: 2 * Double(weights) * Double(tokens),
      executedFlops: 2 * Double(weights) * Double(lanes),
      imbalance: imbalance(panels: lanes / 32, threads: threads, weights: weights))
  }

  private func imbalance(panels: Int, threads: Int, weights: Int) -> Double {
    guard threads > 1, weights > 0, !splitsPanels(panels, threads) else { return 1 }
    let largest = (0..<threads).map { share -> Int in
      var total = 0
      for part in slabs {
        let own = part.slabs(share: share, of: threads)
        total += part.prefix[own.upperBound] - part.prefix[own.lowerBound]
      }
      for part in [singles, overlay].compactMap({ $0 }) {
        guard part.isInChunks else {
          total += (part.weightCount + threads - 1) / threads
          continue
        }
        let own = part.chunks(share: share, of: threads)
        total += part.prefix[own.upperBound] - part.prefix[own.lowerBound]
      }
      return total
    }
    return Double(largest.max() ?? 0) * Double(threads) / Double(weights)
  }
}
