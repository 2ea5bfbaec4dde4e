public import Experiments
import Synchronization
public import Tensors

/// Draws pictures of masks over one tensor.
///
/// What does not depend on the mask (the magnitude scale and the last magnitude plane) is kept, so a
/// turned knob costs population counts only.
public final class MaskPainter: Sendable {
  private let weights: Matrix
  private struct Plane: Sendable {
    var viewport: Viewport
    var pixelRows: Int
    var pixelColumns: Int
    var order: MatrixOrder
    var magnitude: [UInt8]
  }
  private struct Cache {
    var scale: Float?
    var plane: Plane?
  }
  private let cache = Mutex(Cache())

  /// - Parameter weights: The original weights, `[outputs, inputs]`.
  public init(_ weights: Matrix) { self.weights = weights }

  /// A picture of `viewport` (cut to the matrix) of at most `pixelRows` x `pixelColumns` pixels.
  ///
  /// - Parameters:
  ///   - mask: In the original order.
  ///   - rowOrder: With `columnOrder`, the layout to show; nil is the original one. The viewport is in
  ///     the layout's positions.
  /// - Complexity: O(words of the mask) per picture; one pass over the viewport's weights when the
  ///   viewport is new, and one over a sample of the tensor the first time.
  public func picture(
    mask: Mask, viewport: Viewport, pixelRows: Int, pixelColumns: Int,
    rowOrder: Permutation? = nil, columnOrder: Permutation? = nil
  ) -> MaskPicture {
    let order = MatrixOrder(rows: rowOrder?.order, columns: columnOrder?.order)
    let view = viewport.cut(rows: mask.rows, columns: mask.columns)
    let height = max(0, min(pixelRows, view.rows))
    let width = max(0, min(pixelColumns, view.columns))
    let shown = order.isIdentity ? mask : order.arrange(mask)
    let density = shown.densities(view, height, width)
    let wholeRows = Viewport(row: view.row, column: 0, rows: view.rows, columns: mask.columns)
    let wholeColumns = Viewport(row: 0, column: view.column, rows: mask.rows, columns: view.columns)
    var values: [Float]?
    if view.rows * view.columns <= 4096 {
      values = (0..<view.rows * view.columns).map { index in
        let row = view.row + index / view.columns
        let column = view.column + index % view.columns
        return weights[order.rows?[row] ?? row, order.columns?[column] ?? column]
      }
    }
    return MaskPicture(
      viewport: view, pixelRows: height, pixelColumns: width, density: density,
      magnitude: magnitudes(view, height, width, order), values: values,
      rowDensity: shown.densities(wholeRows, height, 1),
      columnDensity: shown.densities(wholeColumns, 1, width))
  }

  private func magnitudes(
    _ view: Viewport, _ height: Int, _ width: Int, _ order: MatrixOrder
  ) -> [UInt8] {
    let known = cache.withLock { cache -> [UInt8]? in
      guard let plane = cache.plane, plane.viewport == view, plane.pixelRows == height,
        plane.pixelColumns == width, plane.order == order
      else { return nil }
      return plane.magnitude
    }
    if let known { return known }
    let scale = magnitudeScale
    let edges = (0...width).map { view.column + $0 * view.columns / max(1, width) }
    var result = [UInt8](repeating: 0, count: height * width)
    var sums = [Float](repeating: 0, count: width)
    for y in 0..<height {
      let top = view.row + y * view.rows / height
      let bottom = view.row + (y + 1) * view.rows / height
      for x in 0..<width { sums[x] = 0 }
      for row in top..<bottom { addSquares(row: row, edges, order, &sums) }
      for x in 0..<width {
        let count = Float((bottom - top) * (edges[x + 1] - edges[x]))
        let root = count > 0 ? (sums[x] / count).squareRoot() : 0
        let level = scale > 0 ? root / scale * 255 : 0
        // Not finite where the weights are not: shown as the brightest.
        result[y * width + x] = level < 255 ? UInt8(level.rounded()) : 255
      }
    }
    cache.withLock {
      $0.plane = Plane(
        viewport: view, pixelRows: height, pixelColumns: width, order: order, magnitude: result)
    }
    return result
  }

  private func addSquares(
    row position: Int, _ edges: [Int], _ order: MatrixOrder, _ sums: inout [Float]
  ) {
    let row = order.rows?[position] ?? position
    weights.values.withUnsafeBufferPointer { values in
      let line = values.baseAddress! + row &* weights.columns
      for x in 0..<sums.count {
        let (start, end) = (edges[x], edges[x &+ 1])
        if let columns = order.columns {
          for column in start..<end { sums[x] += line[columns[column]] * line[columns[column]] }
        } else {
          var column = start
          var lanes = SIMD8<Float>.zero
          let raw = UnsafeRawPointer(line)
          while column &+ 8 <= end {
            let some = raw.loadUnaligned(fromByteOffset: column &* 4, as: SIMD8<Float>.self)
            lanes += some * some
            column &+= 8
          }
          var sum = lanes.sum()
          while column < end {
            sum += line[column] * line[column]
            column &+= 1
          }
          sums[x] += sum
        }
      }
    }
  }

  /// The tensor's 99.5th percentile of `|w|`; of at most 65 536 weights at even distances.
  var magnitudeScale: Float {
    if let known = cache.withLock({ $0.scale }) { return known }
    let count = weights.count
    let stride = max(1, count / 65536)
    var sample: [Float] = []
    sample.reserveCapacity(count / stride + 1)
    for index in Swift.stride(from: 0, to: count, by: stride) {
      sample.append(weights.values[index].magnitude)
    }
    let cut = Cut(keeping: max(1, sample.count / 200), of: sample)
    let scale =
      sample.isEmpty ? 0 : cut.bits == 0 ? (sample.max() ?? 0) : Float(bitPattern: cut.bits)
    cache.withLock { $0.scale = scale }
    return scale
  }
}

extension Viewport {
  /// The part of it that lies on a matrix.
  func cut(rows height: Int, columns width: Int) -> Viewport {
    let top = min(max(row, 0), height)
    let left = min(max(column, 0), width)
    return Viewport(
      row: top, column: left, rows: max(0, min(rows, height - top)),
      columns: max(0, min(columns, width - left)))
  }
}

extension Mask {
  /// Kept share, 0...255, of `height` x `width` cells of a viewport.
  func densities(_ view: Viewport, _ height: Int, _ width: Int) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: height * width)
    guard height > 0, width > 0 else { return result }
    let edges = (0...width).map { view.column + $0 * view.columns / width }
    var counts = [Int](repeating: 0, count: width)
    for y in 0..<height {
      let top = view.row + y * view.rows / height
      let bottom = view.row + (y + 1) * view.rows / height
      for x in 0..<width { counts[x] = 0 }
      for row in top..<bottom {
        for x in 0..<width { counts[x] &+= count(row: row, columns: edges[x]..<edges[x &+ 1]) }
      }
      for x in 0..<width {
        let total = (bottom - top) * (edges[x + 1] - edges[x])
        // Rounded, but only all is 255 and only nothing is 0: an exception must stay visible.
        let share = total == 0 ? 0 : (counts[x] * 255 + total / 2) / total
        let level =
          counts[x] == total ? (total == 0 ? 0 : 255) : counts[x] == 0 ? 0 : min(254, max(1, share))
        result[y * width + x] = UInt8(level)
      }
    }
    return result
  }
}

extension MatrixOrder {
  /// A mask of the original order in this layout.
  func arrange(_ mask: Mask) -> Mask {
    guard !isIdentity else { return mask }
    var result = Mask(rows: rows?.count ?? mask.rows, columns: mask.columns)
    let wide = mask.wordsPerRow
    for position in 0..<result.rows {
      let from = (rows?[position] ?? position) * wide
      let to = position * wide
      guard let columns else {
        for word in 0..<wide { result.words[to + word] = mask.words[from + word] }
        continue
      }
      for column in 0..<mask.columns {
        let source = columns[column]
        let bit = mask.words[from + source >> 6] >> UInt64(source & 63) & 1
        result.words[to + column >> 6] |= bit << UInt64(column & 63)
      }
    }
    return result
  }
}

/// One picture of a mask; `MaskPainter` keeps what several pictures of one tensor share.
public func maskPicture(
  weights: Matrix, mask: Mask, viewport: Viewport, pixelRows: Int, pixelColumns: Int,
  order: (rows: Permutation?, columns: Permutation?) = (nil, nil)
) -> MaskPicture {
  MaskPainter(weights).picture(
    mask: mask, viewport: viewport, pixelRows: pixelRows, pixelColumns: pixelColumns,
    rowOrder: order.rows, columnOrder: order.columns)
}
