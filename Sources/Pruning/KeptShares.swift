import Tensors

/// Sums over weights: of all of them, or of those that a mask keeps.
struct WeightSums: Sendable, Hashable {
  /// `Σ|w|`
  var absolute = 0.0
  /// `Σw²`
  var energy = 0.0
  /// `Σw²·H_jj`; 0 without activations.
  var wanda = 0.0

  /// What `part` is of `whole`; 1 where there is nothing to lose (all weights zero).
  static func share(_ part: Double, of whole: Double) -> Double {
    whole > 0 ? min(1, part / whole) : 1
  }

  /// The sums over the kept weights of a mask, or over all weights without one.
  ///
  /// One pass over the weights; pruned ones, whatever their value, add nothing. All sums are of
  /// `scale·w`.
  init(_ weights: Matrix, mask: Mask?, inputEnergy: [Float]?, scale: Float = 1) {
    let none: [UInt64] = []
    (mask?.words ?? none).withUnsafeBufferPointer { words in
      for row in 0..<weights.rows {
        add(
          row: row, of: weights,
          bits: mask.map { words.baseAddress! + row &* $0.wordsPerRow }, inputEnergy, scale: scale)
      }
    }
  }

  init() {}

  /// Adds the weights of one row whose bit is set, all of them without bits.
  ///
  /// Rows are summed in F32 lanes, rows among each other in double precision.
  mutating func add(
    row: Int, of weights: Matrix, bits: UnsafePointer<UInt64>?, _ inputEnergy: [Float]?,
    scale: Float
  ) {
    let columns = weights.columns
    weights.values.withUnsafeBufferPointer { values in
      withFloats(of: inputEnergy) { energies in
        addRow { sums in
          ScoreKernels.best.sums(
            values.baseAddress! + row &* columns, bits, energies, scale, columns, sums)
        }
      }
    }
  }

  /// Adds the three sums that a kernel writes.
  mutating func addRow(_ kernel: (UnsafeMutablePointer<Float>) -> Void) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 3) { sums in
      kernel(sums.baseAddress!)
      absolute += Double(sums[0])
      energy += Double(sums[1])
      wanda += Double(sums[2])
    }
  }

  /// Adds one weight, scaled.
  mutating func add(weight: Float, _ inputEnergy: Float?) {
    let value = Double(weight)
    absolute += value.magnitude
    energy += value * value
    if let inputEnergy { wanda += value * value * Double(inputEnergy) }
  }
}

/// The address of an array's first element; nil without an array.
func withFloats<Result>(
  of array: [Float]?, _ body: (UnsafePointer<Float>?) -> Result
) -> Result {
  guard let array else { return body(nil) }
  return array.withUnsafeBufferPointer { body($0.baseAddress) }
}
