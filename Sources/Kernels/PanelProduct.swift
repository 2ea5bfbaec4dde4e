/// One side of a product: row-major, `stride` floats a row, to be read as its transpose or not.
struct Operand: @unchecked Sendable {
  let pointer: UnsafePointer<Float>
  let stride: Int
  let transposed: Bool
}

/// A product by the slab kernel: `left` is packed into slabs of 8 rows, `right` into panels of 32
/// columns, a range of `k` at a time.
///
/// Rows that fill up the last slab and columns that fill up the last panel are zeros whose products go
/// to rows and columns of the scratch output that are never copied out.
struct PanelProduct {
  let left: Operand
  let right: Operand
  let m: Int
  let n: Int
  let k: Int
  /// Computes only what lies on and above the diagonal (and some below it).
  let upperOnly: Bool

  /// Inputs of a range: a panel of them is 128 KiB, which leaves L2 room for the stream of slabs.
  private static let range = 1024

  func run(into target: UnsafeMutablePointer<Float>, threads: Int) {
    let slabs = (m + 7) / 8
    let panels = (n + 31) / 32
    let most = min(k, Self.range)
    let packedLeft = Buffer<Float>(count: slabs * 8 * most)
    let packedRight = Buffer<Float>(count: panels * 32 * most)
    let sums = Buffer<Float>(count: panels * slabs * 8 * 32)
    let bias = Buffer<Float>(count: slabs * 8)
    bias.pointer.initialize(repeating: 0, count: bias.count)
    let rowNumbers = Buffer((0..<UInt32(slabs * 8)).map { $0 })
    let segments = Buffer<UInt32>(count: slabs * 4)
    let first = Buffer<UInt16>([0])
    let kernels = MicroKernels.best
    // Below about 100 000 products a thread costs more than it saves.
    let workers = m * n * k < 200_000 ? 1 : threads
    for start in stride(from: 0, to: k, by: Self.range) {
      let count = min(Self.range, k - start)
      for slab in 0..<slabs {
        let words = segments.pointer + slab * 4
        // One run of all inputs; a run is never of length 1.
        (words[0], words[1], words[2]) = (0, count > 1 ? 1 : 0, count > 1 ? 0 : 1)
        words[3] = UInt32(slab * count)
      }
      WorkerPool.shared.run(threads: workers) { worker in
        for slab in Swift.stride(from: worker, to: slabs, by: workers) {
          packSlab(slab, start, count, packedLeft.pointer + slab * 8 * count, kernels)
        }
        for panel in Swift.stride(from: worker, to: panels, by: workers) {
          packPanel(panel, start, count, packedRight.pointer + panel * 32 * count, kernels)
        }
      }
      // Few panels: threads share the rows; else each takes every n-th panel.
      let byRows = panels < 2 * workers
      WorkerPool.shared.run(threads: workers) { worker in
        let rows = byRows ? slabs * worker / workers..<slabs * (worker + 1) / workers : 0..<slabs
        let step = byRows ? 1 : workers
        for panel in Swift.stride(from: byRows ? 0 : worker, to: panels, by: step) {
          let last = upperOnly ? min(rows.upperBound, (panel + 1) * 4) : rows.upperBound
          guard rows.lowerBound < last else { continue }
          kernels.slabs(
            8, count, packedRight.pointer + panel * 32 * count, 0,
            sums.pointer + panel * slabs * 256, 0, 1, segments.pointer, rowNumbers.pointer,
            first.pointer, packedLeft.pointer, bias.pointer, start > 0, 0,
            rows.lowerBound, last)
        }
      }
    }
    for panel in 0..<panels {
      let width = min(32, n - panel * 32)
      let rows = upperOnly ? min(m, (panel + 1) * 32) : m
      for row in 0..<rows {
        (target + row * n + panel * 32).update(
          from: sums.pointer + (panel * slabs * 8 + row) * 32, count: width)
      }
    }
  }

  /// `values[input][8 rows]`.
  private func packSlab(
    _ slab: Int, _ start: Int, _ count: Int, _ values: UnsafeMutablePointer<Float>,
    _ kernels: MicroKernels
  ) {
    let rows = min(8, m - slab * 8)
    if rows < 8 { values.update(repeating: 0, count: 8 * count) }
    if left.transposed {
      copy(left, start, count, slab * 8, rows, values, 8)
    } else {
      kernels.transpose(
        left.pointer + slab * 8 * left.stride + start, left.stride, values, 8, rows, count)
    }
  }

  /// `values[input][32 columns]`.
  private func packPanel(
    _ panel: Int, _ start: Int, _ count: Int, _ values: UnsafeMutablePointer<Float>,
    _ kernels: MicroKernels
  ) {
    let columns = min(32, n - panel * 32)
    if columns < 32 { values.update(repeating: 0, count: 32 * count) }
    if right.transposed {
      kernels.transpose(
        right.pointer + panel * 32 * right.stride + start, right.stride, values, 32, columns, count)
    } else {
      copy(right, start, count, panel * 32, columns, values, 32)
    }
  }

  private func copy(
    _ operand: Operand, _ start: Int, _ count: Int, _ column: Int, _ columns: Int,
    _ values: UnsafeMutablePointer<Float>, _ width: Int
  ) {
    for i in 0..<count {
      (values + i * width).update(
        from: operand.pointer + (start + i) * operand.stride + column, count: columns)
    }
  }
}
