import Glibc
import Kernels
import Tensors

/// The optimal-brain-surgeon score of whole blocks, as a mean per weight:
/// `Σ_rows w_b ((H'⁻¹)_bb)⁻¹ w_bᵀ / |b|`.
///
/// `w_b` is the part of one row inside the block; the value is the least output error that removing it
/// costs when the row's other weights may answer (Kurtić et al. 2022, block form of Hassibi & Stork).
/// For blocks one input wide it equals `w²/(H'⁻¹)_jj`, which needs none of this.
/// - Complexity: per block column of width `c` one `c³` inversion and a `[rows, c] x [c, c]` product.
func exactBlockScores(
  _ weights: Matrix, grid: UnitGrid, inverse: Matrix, scale: Float
) -> [Float] {
  var result = [Float](repeating: 0, count: grid.count)
  for unitColumn in 0..<grid.unitColumns {
    let columns = grid.columnRange(unitColumn)
    let local = inverseOfPositiveDefinite(inverse.block(rows: columns, columns: columns))
    let part = weights.block(rows: 0..<weights.rows, columns: columns)
    let image = Product.multiply(part, local)
    let width = columns.count
    for unitRow in 0..<grid.unitRows {
      let rows = grid.rowRange(unitRow)
      var sum = 0.0
      for index in rows.lowerBound * width..<rows.upperBound * width {
        sum += Double(part.values[index] * scale) * Double(image.values[index] * scale)
      }
      result[unitRow * grid.unitColumns + unitColumn] = Float(
        max(0, sum) / Double(rows.count * width))
    }
  }
  return result
}

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
