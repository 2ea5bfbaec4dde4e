// Residual and layer normalisation, tokens in lanes.

/// `x = normalise(x + y)·scale + shift` over the features of each token of one panel.
///
/// `x` and `y` are `[features][32]`; `y` may be nil. A register of tokens goes through all three passes
/// before the next one, so that the second and third find it in the first-level cache: for 16 tokens and
/// 384 features `x` and `y` are 48 kB, for a whole panel twice that. Mean and variance take a pass
/// each: one pass with squares loses digits where the mean is large.
/// - Parameter lanes: tokens worth computing, rounded up to 16; the others are left as they are.
@inline(never)
public func encoderNormalize(
  _ x: UnsafeMutablePointer<Float>, _ y: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>,
  _ shift: UnsafePointer<Float>, _ features: Int, _ epsilon: Float, _ lanes: Int
) {
  var lane = 0
  while lane < lanes {
    normalizeColumns(x + lane, y.map { $0 + lane }, scale, shift, features, epsilon)
    lane &+= Vector.scalarCount
  }
}

/// `1/√(squares/features + epsilon)`: a guess from the exponent, then four steps of Newton's method.
/// Swift takes the square root of a vector element by element, which costs as much as a whole pass.
@inline(__always)
func reciprocalRoot(_ squares: Vector, _ features: Int, _ epsilon: Float) -> Vector {
  let x = squares * Vector(repeating: 1 / Float(features)) + Vector(repeating: epsilon)
  let half = x * Vector(repeating: 0.5)
  let bits = unsafeBitCast(x, to: VectorBits.self)
  var y = unsafeBitCast(VectorBits(repeating: 0x5F37_59DF) &- (bits &>> 1), to: Vector.self)
  for _ in 0..<4 { y *= multiplyAdd(-half * y, y, Vector(repeating: 1.5)) }
  return y
}

@inline(__always)
private func normalizeColumns(
  _ x: UnsafeMutablePointer<Float>, _ y: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>,
  _ shift: UnsafePointer<Float>, _ features: Int, _ epsilon: Float
) {
  let sum: Vector
  if let y {
    sum = total(features) { feature in
      let value = load(x + feature &* panelWidth) + load(y + feature &* panelWidth)
      store(value, x + feature &* panelWidth)
      return value
    }
  } else {
    sum = total(features) { load(x + $0 &* panelWidth) }
  }
  let mean = sum * Vector(repeating: 1 / Float(features))
  let squares = total(features) { feature in
    let difference = load(x + feature &* panelWidth) - mean
    return difference * difference
  }
  let factor = reciprocalRoot(squares, features, epsilon)
  for feature in 0..<features {
    let value = (load(x + feature &* panelWidth) - mean) * factor
    store(
      multiplyAdd(
        value, Vector(repeating: scale[feature]), Vector(repeating: shift[feature])),
      x + feature &* panelWidth)
  }
}

/// The sum of `term` over all features, in four chains: one chain of additions would wait for itself.
@inline(__always)
private func total(_ features: Int, _ term: (Int) -> Vector) -> Vector {
  var sums = InlineArray<4, Vector>(repeating: .zero)
  var feature = 0
  while feature &+ 4 <= features {
    for chain in 0..<4 { sums[unchecked: chain] += term(feature &+ chain) }
    feature &+= 4
  }
  while feature < features {
    sums[unchecked: 0] += term(feature)
    feature &+= 1
  }
  return (sums[unchecked: 0] + sums[unchecked: 1]) + (sums[unchecked: 2] + sums[unchecked: 3])
}
