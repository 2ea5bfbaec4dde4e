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
  /// One pass over the weights; a mask word selects 16 of them at a time, so pruned weights, whatever
  /// their value, add nothing. Rows are summed in F32 lanes, rows among each other in double.
  /// All sums are of `scale·w`.
  init(_ weights: Matrix, mask: Mask?, inputEnergy: [Float]?, scale: Float = 1) {
    let columns = weights.columns
    let wide = (columns + 63) / 64
    let whole = columns / 16 * 16
    let select = SIMD16<UInt32>(
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
    let magnitudeBits = SIMD16<UInt32>(repeating: 0x7FFF_FFFF)
    let none = [Float](repeating: 0, count: inputEnergy == nil ? columns : 0)
    weights.values.withUnsafeBufferPointer { values in
      (inputEnergy ?? none).withUnsafeBufferPointer { factors in
        (mask?.words ?? []).withUnsafeBufferPointer { words in
          let factor = UnsafeRawPointer(factors.baseAddress!)
          for row in 0..<weights.rows {
            let source = UnsafeRawPointer(values.baseAddress! + row &* columns)
            var (sumA, sumE, sumW) = (
              SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero
            )
            var column = 0
            while column < whole {
              let bits =
                mask == nil
                ? 0xFFFF
                : UInt32(
                  truncatingIfNeeded: words[row &* wide &+ column >> 6] &>> UInt64(column & 63))
                  & 0xFFFF
              if bits != 0 {
                let loaded = source.loadUnaligned(
                  fromByteOffset: column &* 4, as: SIMD16<UInt32>.self)
                let lanes = (SIMD16<UInt32>(repeating: bits) & select) .!= SIMD16<UInt32>.zero
                let kept =
                  unsafeBitCast(
                    loaded & magnitudeBits & unsafeBitCast(lanes, to: SIMD16<UInt32>.self),
                    to: SIMD16<Float>.self) * scale
                let squares = kept * kept
                sumA += kept
                sumE += squares
                sumW +=
                  squares
                  * factor.loadUnaligned(fromByteOffset: column &* 4, as: SIMD16<Float>.self)
              }
              column &+= 16
            }
            var (a, e, w) = (Double(sumA.sum()), Double(sumE.sum()), Double(sumW.sum()))
            while column < columns {
              if mask == nil || words[row &* wide &+ column >> 6] &>> UInt64(column & 63) & 1 == 1 {
                let value = Double(values[row &* columns &+ column] * scale)
                a += value.magnitude
                e += value * value
                w += value * value * Double(factors[column])
              }
              column &+= 1
            }
            absolute += a
            energy += e
            wanda += w
          }
        }
      }
    }
  }

  init() {}
}
