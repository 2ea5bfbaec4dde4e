/// F16 and BF16 to and from F32, sixteen at a time.
///
/// Bit arithmetic and not `Float(Float16)`: this module is built for any x86-64, where that is a
/// call of the runtime per element.
enum HalfPrecision {
  /// `target[i]` becomes the value of the little-endian F16 bits `source[i]`, exactly; NaNs stay
  /// NaNs. `source` holds `2 · target.count` bytes at any alignment.
  static func widen16(_ source: UnsafeRawPointer, _ target: UnsafeMutableBufferPointer<Float>) {
    convert(source, target, wide: float32x16(fromHalf:), narrow: { float32(fromHalf: $0) })
  }

  /// The same for BF16, the upper half of an F32.
  static func widenBrain(_ source: UnsafeRawPointer, _ target: UnsafeMutableBufferPointer<Float>) {
    convert(
      source, target, wide: { SIMD16<UInt32>(truncatingIfNeeded: $0) &<< 16 },
      narrow: { UInt32($0) << 16 })
  }

  @inline(__always)
  private static func convert(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableBufferPointer<Float>,
    wide: (SIMD16<UInt16>) -> SIMD16<UInt32>, narrow: (UInt16) -> UInt32
  ) {
    guard let output = target.baseAddress else { return }
    var index = 0
    while index + 16 <= target.count {
      let halves = source.loadUnaligned(fromByteOffset: index * 2, as: SIMD16<UInt16>.self)
      UnsafeMutableRawPointer(output + index).storeBytes(
        of: wide(halves), as: SIMD16<UInt32>.self)
      index += 16
    }
    while index < target.count {
      let half = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
      output[index] = Float(bitPattern: narrow(UInt16(littleEndian: half)))
      index += 1
    }
  }

  /// Shift the exponent and mantissa into place, re-bias by 112, once more for infinity and NaN;
  /// subnormals get their leading bit from a subtraction whose result is a normal number, so
  /// flush-to-zero modes do not matter (F. Giesen, "half to float done quick", 2012).
  @inline(__always)
  private static func float32x16(fromHalf halves: SIMD16<UInt16>) -> SIMD16<UInt32> {
    let bits = SIMD16<UInt32>(truncatingIfNeeded: halves)
    let shifted = (bits & 0x7FFF) &<< 13
    let exponent = shifted & 0x0F80_0000
    var result = shifted &+ (112 << 23)
    result.replace(with: result &+ (112 << 23), where: exponent .== 0x0F80_0000)
    let magic = SIMD16<Float>(repeating: Float(bitPattern: 113 << 23))
    let subnormal = unsafeBitCast(result &+ (1 << 23), to: SIMD16<Float>.self) - magic
    result.replace(
      with: unsafeBitCast(subnormal, to: SIMD16<UInt32>.self), where: exponent .== 0)
    return result | (bits & 0x8000) &<< 16
  }

  @inline(__always)
  private static func float32(fromHalf half: UInt16) -> UInt32 {
    float32x16(fromHalf: SIMD16(repeating: half))[0]
  }

  /// The nearest F16, ties to even; beyond 65 519 infinite.
  static func half(_ value: Float) -> UInt16 { Float16(value).bitPattern }

  /// The nearest BF16, ties to even; NaNs stay NaNs.
  static func brain(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }
}
