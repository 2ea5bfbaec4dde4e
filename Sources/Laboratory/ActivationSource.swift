internal import Experiments
internal import Glibc
internal import Kernels
internal import Pruning
internal import Tensors

/// Where a layer's calibration activations come from.
protocol ActivationSource: Sendable {
  var info: CalibrationInfo { get }
  /// The input that feeds a weight; layers with the same name here share their statistics. Nil where
  /// there are no activations for it.
  func input(of weight: TensorHeader) -> String?
  /// What is known of an input: from activations that choose masks, and from held-out ones.
  func statistics(
    of input: String, feeding weight: TensorHeader, model: Model
  ) throws(LaboratoryError) -> CalibrationStatistics
}

/// Activations for synthetic weights: correlated features of unequal size with a few outliers, as
/// hidden states of a transformer have them, so that scores with activations differ from scores without.
///
/// `x = D(g + F z)`: `g` independent, `z` eight shared factors, `D` between 0.5 and 1.5 with every
/// 61st feature eight times larger. Seeded, the same on every machine.
struct SyntheticActivations: ActivationSource {
  let seed: UInt64
  static let calibrationRows = 512
  static let evaluationRows = 256

  var info: CalibrationInfo {
    CalibrationInfo(
      identity: "synthetic-\(seed)", source: "synthetic", calibrationRows: Self.calibrationRows,
      evaluationRows: Self.evaluationRows)
  }

  func input(of weight: TensorHeader) -> String? { "synthetic:\(weight.columns)" }

  func statistics(
    of input: String, feeding weight: TensorHeader, model: Model
  ) throws(LaboratoryError) -> CalibrationStatistics {
    let halves = activations(features: weight.columns)
    do {
      return try CalibrationStatistics(
        calibration: halves.calibration, evaluation: halves.evaluation, identity: info.identity)
    } catch { throw .pruning(error) }
  }

  /// `[rows, features]`, to calibrate on and held out.
  func activations(features: Int) -> (calibration: Matrix, evaluation: Matrix) {
    var generator = SeededGenerator(seed: seed ^ 0x61637469)
    let factors = (0..<8).map { _ in (0..<features).map { _ in generator.nearlyNormal() * 0.5 } }
    let scales = (0..<features).map { feature in
      Float(0.5 + generator.uniform()) * (feature % 61 == 17 ? 8 : 1)
    }
    func rows(_ count: Int) -> Matrix {
      var matrix = Matrix(rows: count, columns: features)
      for row in 0..<count {
        let shared = (0..<8).map { _ in generator.nearlyNormal() }
        for feature in 0..<features {
          var value = generator.nearlyNormal()
          for factor in 0..<8 { value += shared[factor] * factors[factor][feature] }
          matrix[row, feature] = value * scales[feature]
        }
      }
      return matrix
    }
    let calibration = rows(Self.calibrationRows)
    return (calibration, rows(Self.evaluationRows))
  }
}

extension SeededGenerator {
  /// About standard normal from one draw: the sum of four 16-bit uniforms.
  mutating func nearlyNormal() -> Float {
    let bits = next()
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (Float(sum) / 65536 - 2) * 1.732_050_8
  }

  /// A matrix of independent values of mean 0 and variance 1.
  mutating func nearlyNormalMatrix(rows: Int, columns: Int) -> Matrix {
    let values = (0..<rows * columns).map { _ in nearlyNormal() }
    return Matrix(rows: rows, columns: columns, values: values)
  }
}

extension Matrix {
  /// `gelu(self · weightᵀ + bias)` with the exact error function, as BERT's feed-forward part has it.
  ///
  /// Shapes: self `[tokens, inputs]`, `weight` `[outputs, inputs]`, result `[tokens, outputs]`.
  func feedForward(weight: Matrix, bias: [Float]) -> Matrix {
    var result = Product.multiply(self, weight, transposeB: true)
    result.values.withUnsafeMutableBufferPointer { values in
      for index in values.indices {
        let x = values[index] + bias[index % weight.rows]
        values[index] = 0.5 * x * (1 + erff(x * 0.707_106_77))
      }
    }
    return result
  }
}
