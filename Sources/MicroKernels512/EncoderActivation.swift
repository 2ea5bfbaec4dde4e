// The non-linearities of feed-forward layers, in place on any number of floats.

/// `Φ(x) = ½ + x·p(x²)` for |x| <= 5.3, constant beyond.
///
/// A polynomial of degree 13 in `t = 2x²/5.3² - 1`, minimax for `x·Φ(x)`; written in `t` because in
/// `x²` itself the terms cancel and cost three digits. `x·Φ(x)` differs from the exact value by at
/// most 1e-6 for |x| <= 8, and by 1.2e-7·|x| beyond. No division and no exponential: about 10 cycles
/// for 16 values (Zen 5, 2026-11), half of what a rational form with a division takes.
@inline(__always)
func normalDistribution(_ x: Vector) -> Vector {
  let edge = Vector(repeating: 5.3)
  var bounded = x.replacing(with: edge, where: x .> edge)
  bounded = bounded.replacing(with: -edge, where: bounded .< -edge)
  let t = multiplyAdd(
    bounded * bounded, Vector(repeating: 2 / (5.3 * 5.3)), Vector(repeating: -1))
  var p = Vector(repeating: Coefficients.c13)
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c12))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c11))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c10))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c9))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c8))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c7))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c6))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c5))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c4))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c3))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c2))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c1))
  p = multiplyAdd(p, t, Vector(repeating: Coefficients.c0))
  return multiplyAdd(bounded, p, Vector(repeating: 0.5))
}

/// Of the polynomial above, lowest power of `t` first.
private enum Coefficients {
  static let c0: Float = 0.133_392_57
  static let c1: Float = -0.066_518_25
  static let c2: Float = 0.049_263_46
  static let c3: Float = -0.039_598_15
  static let c4: Float = 0.032_095_946
  static let c5: Float = -0.025_207_965
  static let c6: Float = 0.018_791_547
  static let c7: Float = -0.013_557_61
  static let c8: Float = 0.009_327_895
  static let c9: Float = -0.005_116_159
  static let c10: Float = 0.002_211_483_4
  static let c11: Float = -0.001_780_464_5
  static let c12: Float = 0.001_556_926
  static let c13: Float = -0.000_521_626_73
}

/// `2^x`, relative error below 2e-7; x below -126 gives 2^-126, NaN stays NaN.
///
/// The nearest integer goes into the exponent, a polynomial of degree 5 takes the rest.
@inline(__always)
func exp2(_ x: Vector) -> Vector {
  let lowest = Vector(repeating: -126)
  let bounded = x.replacing(with: lowest, where: x .< lowest)
  let magic = Vector(repeating: 0x1.8p23)
  let shifted = bounded + magic
  let f = bounded - (shifted - magic)
  var p = Vector(repeating: 1.327_646_8e-3)
  p = multiplyAdd(p, f, Vector(repeating: 9.675_541e-3))
  p = multiplyAdd(p, f, Vector(repeating: 5.550_713_5e-2))
  p = multiplyAdd(p, f, Vector(repeating: 2.402_212e-1))
  p = multiplyAdd(p, f, Vector(repeating: 6.931_469_4e-1))
  p = multiplyAdd(p, f, Vector(repeating: 1.000_000_1))
  let bits = unsafeBitCast(shifted, to: VectorBits.self)
  let scale = unsafeBitCast(
    (bits &<< 23) &+ VectorBits(repeating: 0x3F80_0000), to: Vector.self)
  return p * scale
}

#if AVX512
  typealias VectorBits = SIMD16<UInt32>
#elseif AVX2
  typealias VectorBits = SIMD8<UInt32>
#else
  typealias VectorBits = SIMD4<UInt32>
#endif

/// A function of one register; a type, because closures are not always inlined.
private protocol Elementwise {
  static func apply(_ x: Vector) -> Vector
}

private enum ExactGELU: Elementwise {
  @inline(__always)
  static func apply(_ x: Vector) -> Vector { x * normalDistribution(x) }
}

private enum TanhGELU: Elementwise {
  @inline(__always)
  static func apply(_ x: Vector) -> Vector {
    // -2·log2(e)·√(2/π), and the same times 0.044715.
    let cubic = multiplyAdd(
      x * x, Vector(repeating: -0.102_943_24), Vector(repeating: -2.302_208_2))
    let exponent = x * cubic
    let most = Vector(repeating: 126)
    return x / (exp2(exponent.replacing(with: most, where: exponent .> most)) + 1)
  }
}

private enum ReLU: Elementwise {
  @inline(__always)
  static func apply(_ x: Vector) -> Vector { x.replacing(with: 0, where: x .< Vector.zero) }
}

@inline(__always)
private func apply<Function: Elementwise>(
  _: Function.Type, _ values: UnsafeMutablePointer<Float>, _ count: Int
) {
  let lanes = Vector.scalarCount
  var i = 0
  // Four at a time: one polynomial is a chain of 14 dependent steps.
  while i &+ 4 &* lanes <= count {
    let a = Function.apply(load(values + i))
    let b = Function.apply(load(values + (i &+ lanes)))
    let c = Function.apply(load(values + (i &+ 2 &* lanes)))
    let d = Function.apply(load(values + (i &+ 3 &* lanes)))
    store(a, values + i)
    store(b, values + (i &+ lanes))
    store(c, values + (i &+ 2 &* lanes))
    store(d, values + (i &+ 3 &* lanes))
    i &+= 4 &* lanes
  }
  while i < count {
    store(Function.apply(load(values + i)), values + i)
    i &+= lanes
  }
}

/// `x·Φ(x)` in place. `count` is a multiple of 16.
@inline(never)
public func encoderGELU(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
  apply(ExactGELU.self, values, count)
}

/// The tanh form of GELU in place, `x / (1 + exp(-2u))` with `u = √(2/π)·(x + 0.044715·x³)`.
/// `count` is a multiple of 16.
@inline(never)
public func encoderGELUTanh(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
  apply(TanhGELU.self, values, count)
}

/// `max(x, 0)` in place. `count` is a multiple of 16.
@inline(never)
public func encoderReLU(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
  apply(ReLU.self, values, count)
}
