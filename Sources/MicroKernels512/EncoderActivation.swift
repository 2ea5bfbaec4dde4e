import Intrinsics

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

#if AVX512
  /// `x·Φ(x) = x/2 + |x|·q(|x|)` with `q = Φ - ½` in 16 pieces of degree 4, their coefficients picked from
  /// five registers by the number of the piece: 17 operations instead of 23, and the shuffles do not
  /// wait for the multipliers. Differs from the exact value by at most 4e-7 for |x| <= 8 and is exact beyond
  /// 5.6, where q is ½ to the last bit. NaN stays NaN; minus infinity gives NaN, as ∞·0 does.
  private enum ExactGELU: Elementwise {
    @inline(__always)
    static func apply(_ x: Vector) -> Vector {
      let size = unsafeBitCast(
        unsafeBitCast(x, to: VectorBits.self) & VectorBits(repeating: 0x7FFF_FFFF), to: Vector.self)
      // In pieces, from the middle of the first; the last one ends before 16, which would be piece 0.
      let most = Vector(repeating: 15.45)
      var place = multiplyAdd(
        size, Vector(repeating: 16 / 5.6), Vector(repeating: -0.5))
      place = place.replacing(with: most, where: place .> most)
      let magic = Vector(repeating: 0x1.8p23)
      let shifted = place + magic
      let f = place - (shifted - magic)
      var q = pick(Pieces.c4, shifted)
      q = multiplyAdd(q, f, pick(Pieces.c3, shifted))
      q = multiplyAdd(q, f, pick(Pieces.c2, shifted))
      q = multiplyAdd(q, f, pick(Pieces.c1, shifted))
      q = multiplyAdd(q, f, pick(Pieces.c0, shifted))
      return multiplyAdd(size, q, x * Vector(repeating: 0.5))
    }
  }

  /// Of q in `f`, the distance from the middle of a piece in pieces; one value a piece.
  private enum Pieces {
    static var c0: Vector {
      @inline(__always) get {
        Vector(
          0.069_460_183_4, 0.200_208_396, 0.309_213_042, 0.389_712_393,
          0.442_371_786, 0.472_885_311, 0.488_547_027, 0.495_667_547,
          0.498_535_067, 0.499_557_912, 0.499_881_089, 0.499_971_509,
          0.499_993_92, 0.499_998_838, 0.499_999_791, 0.499_999_97)
      }
    }
    static var c1: Vector {
      @inline(__always) get {
        Vector(
          0.137_507_066, 0.121_653_721, 0.095_219_478, 0.065_936_438_7,
          0.040_394_596_8, 0.021_893_626_1, 0.010_498_005_9, 0.004_453_365_23,
          0.001_671_319_48, 0.000_554_903_119, 0.000_162_988_828, 4.235_234_52e-5,
          9.735_798_81e-6, 1.979_863_33e-6, 3.561_745_81e-7, 5.668_246_67e-8)
      }
    }
    static var c2: Vector {
      @inline(__always) get {
        Vector(
          -0.004_211_092_37, -0.011_176_773_3, -0.014_580_278_7, -0.014_134_949_1,
          -0.011_133_665_2, -0.007_375_405_64, -0.004_179_566_17, -0.002_045_829_31,
          -0.000_870_184_449, -0.000_322_918_146, -0.000_104_839_426, -2.983_921_33e-5,
          -7.456_563_71e-6, -1.637_886_5e-6, -3.165_324_64e-7, -5.385_891_91e-8)
      }
    }
    static var c3: Vector {
      @inline(__always) get {
        Vector(
          -0.002_706_394_07, -0.001_792_434_6, -0.000_459_356_67, 0.000_664_312_509,
          0.001_212_066_74, 0.001_204_674_71, 0.000_894_442_957, 0.000_537_182_554,
          0.000_269_742_479, 0.000_115_216_571, 4.229_195_84e-5, 1.342_921_86e-5,
          3.705_708_42e-6, 8.915_473_02e-7, 1.874_711_87e-7, 3.451_909_69e-8)
      }
    }
    static var c4: Vector {
      @inline(__always) get {
        Vector(
          0.000_126_687_883, 0.000_308_702_729, 0.000_330_766_954, 0.000_215_854_554,
          5.966_096_8e-5, -5.216_998_76e-5, -9.217_405_02e-5, -8.104_648_44e-5,
          -5.203_679_76e-5, -2.669_016_25e-5, -1.134_664_67e-5, -4.075_666_77e-6,
          -1.251_191_63e-6, -3.307_447_97e-7, -7.567_702_2e-8, -1.504_457e-8)
      }
    }
  }
#else
  private enum ExactGELU: Elementwise {
    @inline(__always)
    static func apply(_ x: Vector) -> Vector { x * normalDistribution(x) }
  }
#endif

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
