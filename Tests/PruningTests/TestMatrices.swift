import Experiments
import Foundation
import Kernels
import Pruning
import Tensors
import Testing

func mathPow(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// Gaussian matrices with a fixed seed.
func gaussian(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
  var generator = SeededGenerator(seed: seed)
  return Matrix(
    rows: rows, columns: columns,
    values: (0..<rows * columns).map { _ in
      // Box and Muller: closed forms need true tails, which a sum of uniforms does not have.
      let radius = (-2 * log(1 - generator.uniform())).squareRoot()
      return Float(radius * cos(2 * Double.pi * generator.uniform()))
    })
}

/// Activations with correlated channels of very different energy, as a trained model has them.
func activations(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
  var generator = SeededGenerator(seed: seed)
  var mixing = Matrix(rows: columns, columns: columns)
  var weights = SeededGenerator(seed: 77)
  for row in 0..<columns {
    for column in 0..<columns {
      let scale = row == column ? 1.0 : 0.3 / Double(columns).squareRoot()
      mixing[row, column] = Float(weights.gaussian() * scale * exp(0.4 * Double(column % 5)))
    }
  }
  let noise = Matrix(
    rows: rows, columns: columns,
    values: (0..<rows * columns).map { _ in Float(generator.gaussian()) })
  return Product.multiply(noise, mixing)
}

func statistics(
  _ inputs: Int, rows: Int = 500, evaluationRows: Int = 300
) throws -> CalibrationStatistics {
  try CalibrationStatistics(
    calibration: activations(rows, inputs, seed: 11),
    evaluation: activations(evaluationRows, inputs, seed: 12), identity: "test activations")
}

func knobs(
  _ pattern: String, _ amount: Amount = .sparsity(0.5), criterion: Criterion? = nil,
  regularizer: Regularizer = .none, rowsShare: Double = 0
) throws -> Knobs {
  var knobs = Knobs()
  knobs.pattern = try Pattern(parsing: pattern)
  knobs.amount = amount
  knobs.criterion = criterion
  knobs.regularizer = regularizer
  knobs.rowsShare = rowsShare
  return knobs
}

/// `a · bᵀ` in doubles.
func exactProduct(_ a: Matrix, transposed b: Matrix) -> [[Double]] {
  (0..<a.rows).map { row in
    (0..<b.rows).map { other in
      (0..<a.columns).reduce(0.0) { $0 + Double(a[row, $1]) * Double(b[other, $1]) }
    }
  }
}
