import Tensors

/// A symmetric positive definite system over a support, factored in double precision.
///
/// Right-looking and blocked: a panel of 8 columns is factored, then the rest is updated by the panel
/// in one sweep of dot products over 8 — the panel stays in registers, so each element of the trailing
/// matrix is loaded and stored once per 8 columns.
struct CholeskySystem {
  let size: Int
  /// Row-major `[size, stride]`, lower triangle; the stride is a whole number of SIMD8 vectors.
  private var values: [Double]
  private let stride: Int
  private var pivots: [Double] = []

  /// The rows and columns of `matrix` in `support`, with `ridge` added to the diagonal in F32.
  init(_ matrix: Matrix, support: [Int], ridge: Float = 0) {
    size = support.count
    stride = (support.count + 7) / 8 * 8
    let stride = stride
    values = [Double](repeating: 0, count: support.count * stride)
    values.withUnsafeMutableBufferPointer { values in
      matrix.values.withUnsafeBufferPointer { source in
        for (row, from) in support.enumerated() {
          for column in 0...row {
            values[row &* stride &+ column] = Double(
              source[from &* matrix.columns &+ support[column]])
          }
          values[row &* stride &+ row] = Double(source[from &* matrix.columns &+ from] + ridge)
        }
      }
    }
  }

  /// Factors in place. A pivot that rounding made non-positive is lifted to 1e-14 of the largest.
  /// - Complexity: `size³/3` FLOP.
  mutating func factor() {
    let (size, stride) = (size, stride)
    var largest = 0.0
    for index in 0..<size { largest = max(largest, values[index * stride + index]) }
    let least = max(largest * 1e-14, .leastNormalMagnitude)
    values.withUnsafeMutableBufferPointer { buffer in
      let a = buffer.baseAddress!
      for start in Swift.stride(from: 0, to: size, by: 8) {
        let width = min(8, size - start)
        for column in start..<start + width {
          // Earlier panels are already subtracted; only this panel's columns remain.
          var pivot = a[column &* stride &+ column]
          for k in start..<column {
            pivot -= a[column &* stride &+ k] * a[column &* stride &+ k]
          }
          let root = max(pivot, least).squareRoot()
          a[column &* stride &+ column] = root
          let scale = 1 / root
          for row in column &+ 1..<max(size, column &+ 1) {
            var sum = a[row &* stride &+ column]
            for k in start..<column { sum -= a[row &* stride &+ k] * a[column &* stride &+ k] }
            a[row &* stride &+ column] = sum * scale
          }
        }
        let next = start + width
        if width == 8, next < size {
          CholeskySystem.update(a, from: next, size: size, stride: stride, panel: start)
        }
      }
    }
  }

  /// Subtracts the outer product of a panel of 8 columns from the trailing lower triangle.
  private static func update(
    _ a: UnsafeMutablePointer<Double>, from first: Int, size: Int, stride: Int, panel: Int
  ) {
    // The panel transposed: 8 contiguous rows, so that the update runs along rows of the matrix.
    let count = size &- first
    let padded = (count &+ 7) / 8 &* 8
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 8 &* padded) { transposed in
      let t = transposed.baseAddress!
      for k in 0..<8 {
        for row in 0..<count { t[k &* padded &+ row] = a[(first &+ row) &* stride &+ panel &+ k] }
        for row in count..<padded { t[k &* padded &+ row] = 0 }
      }
      let raw = UnsafeRawPointer(t)
      for row in 0..<count {
        let line = a + (first &+ row) &* stride
        let p = line + panel
        let (f0, f1, f2, f3) = (p[0], p[1], p[2], p[3])
        let (f4, f5, f6, f7) = (p[4], p[5], p[6], p[7])
        let target = UnsafeMutableRawPointer(line + first)
        var column = 0
        while column <= row {
          let offset = column &* 8
          @inline(__always) func panelRow(_ k: Int) -> SIMD8<Double> {
            raw.loadUnaligned(fromByteOffset: (k &* padded &* 8) &+ offset, as: SIMD8<Double>.self)
          }
          // The last vector of a row may reach beyond its diagonal, into elements nobody reads, but
          // never beyond the row's own storage: first is a multiple of 8 as is the stride.
          var sum = target.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
          sum -= f0 * panelRow(0)
          sum -= f1 * panelRow(1)
          sum -= f2 * panelRow(2)
          sum -= f3 * panelRow(3)
          sum -= f4 * panelRow(4)
          sum -= f5 * panelRow(5)
          sum -= f6 * panelRow(6)
          sum -= f7 * panelRow(7)
          target.storeBytes(of: sum, toByteOffset: offset, as: SIMD8<Double>.self)
          column &+= 8
        }
      }
    }
  }

  /// Solves for the listed rows of `rightSides`, each restricted to `support`.
  ///
  /// - Returns: `[rows.count, size]`, row-major.
  /// - Complexity: `2·size²` FLOP a row; eight rows go through the factor together.
  func solve(rows: [Int], of rightSides: Matrix, support: [Int]) -> [Double] {
    var result = [Double](repeating: 0, count: rows.count * size)
    var lanes = [SIMD8<Double>](repeating: .zero, count: size)
    for first in Swift.stride(from: 0, to: rows.count, by: 8) {
      let batch = rows[first..<min(first + 8, rows.count)]
      for position in 0..<size {
        var lane = SIMD8<Double>.zero
        for (index, row) in batch.enumerated() {
          lane[index] = Double(rightSides.values[row &* rightSides.columns &+ support[position]])
        }
        lanes[position] = lane
      }
      substitute(&lanes)
      for position in 0..<size {
        for index in 0..<batch.count {
          result[(first + index) * size + position] = lanes[position][index]
        }
      }
    }
    return result
  }

  private func substitute(_ lanes: inout [SIMD8<Double>]) {
    let (size, stride) = (size, stride)
    values.withUnsafeBufferPointer { buffer in
      lanes.withUnsafeMutableBufferPointer { x in
        let a = buffer.baseAddress!
        for row in 0..<size {
          let line = a + row &* stride
          var sum = x[row]
          for k in 0..<row { sum -= line[k] * x[k] }
          x[row] = sum / line[row]
        }
        for row in Swift.stride(from: size - 1, through: 0, by: -1) {
          let line = a + row &* stride
          let value = x[row] / line[row]
          x[row] = value
          for k in 0..<row { x[k] -= line[k] * value }
        }
      }
    }
  }
}
