import Intrinsics

// Element by element: non-linearities with their slopes, sums, and the optimiser.

/// `x` becomes the activation of itself, `slope` the derivative there. `count` is a multiple of 16.
/// - Parameter kind: 0 `x·Φ(x)`, 1 its tanh form, 2 `max(x, 0)`.
@inline(never)
public func trainingActivate(
  _ kind: Int, _ x: UnsafeMutablePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ count: Int
) {
  switch kind {
  case 0: activate(x, slope, count, gaussian)
  case 1: activate(x, slope, count, hyperbolic)
  default: activate(x, slope, count, rectified)
  }
}

@inline(__always)
private func activate(
  _ x: UnsafeMutablePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ count: Int,
  _ function: (Vector) -> (Vector, Vector)
) {
  let lanes = Vector.scalarCount
  var i = 0
  while i &+ 2 &* lanes <= count {
    let (a, aSlope) = function(load(x + i))
    let (b, bSlope) = function(load(x + (i &+ lanes)))
    store(a, x + i)
    store(b, x + (i &+ lanes))
    store(aSlope, slope + i)
    store(bSlope, slope + (i &+ lanes))
    i &+= 2 &* lanes
  }
  while i < count {
    let (a, aSlope) = function(load(x + i))
    store(a, x + i)
    store(aSlope, slope + i)
    i &+= lanes
  }
}

/// `x·Φ(x)` and `Φ(x) + x·φ(x)`.
@inline(__always)
private func gaussian(_ x: Vector) -> (Vector, Vector) {
  let distribution = normalDistribution(x)
  // φ(x) = exp(-x²/2)/√(2π).
  let density = exp2(x * x * Vector(repeating: -0.721_347_52)) * Vector(repeating: 0.398_942_28)
  return (x * distribution, multiplyAdd(x, density, distribution))
}

/// `x·σ(2u)` with `u = √(2/π)·(x + 0.044715·x³)`, and `σ + x·σ·(1 - σ)·2u'`.
@inline(__always)
private func hyperbolic(_ x: Vector) -> (Vector, Vector) {
  let square = x * x
  // -2·log2(e)·√(2/π), and the same times 0.044715.
  let exponent =
    x
    * multiplyAdd(
      square, Vector(repeating: -0.102_943_24), Vector(repeating: -2.302_208_2))
  let most = Vector(repeating: 126)
  let one = Vector(repeating: 1)
  let sigmoid = one / (exp2(exponent.replacing(with: most, where: exponent .> most)) + 1)
  // 2·√(2/π), and the same times 3·0.044715.
  let growth = multiplyAdd(
    square, Vector(repeating: 0.214_064_49), Vector(repeating: 1.595_769_1))
  return (x * sigmoid, sigmoid + x * sigmoid * (one - sigmoid) * growth)
}

@inline(__always)
private func rectified(_ x: Vector) -> (Vector, Vector) {
  let isOff = x .<= Vector.zero
  return (
    x.replacing(with: 0, where: isOff), Vector(repeating: 1).replacing(with: 0, where: isOff)
  )
}

/// `x *= y`. `count` is a multiple of 16.
@inline(never)
public func trainingScale(
  _ x: UnsafeMutablePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
) {
  var i = 0
  while i < count {
    store(load(x + i) * load(y + i), x + i)
    i &+= Vector.scalarCount
  }
}

/// `out = a + b`, or `a + b + c + d` where the last two are given. `count` is a multiple of 16.
@inline(never)
public func trainingAdd(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>?,
  _ d: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>, _ count: Int
) {
  var i = 0
  if let c, let d {
    while i < count {
      store((load(a + i) + load(b + i)) + (load(c + i) + load(d + i)), out + i)
      i &+= Vector.scalarCount
    }
  } else {
    while i < count {
      store(load(a + i) + load(b + i), out + i)
      i &+= Vector.scalarCount
    }
  }
}

/// `y += factor·(x - target)` and returns `Σ (x - target)²`. `count` is a multiple of 16.
@inline(never)
public func trainingPull(
  _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ target: UnsafePointer<Float>,
  _ factor: Float, _ count: Int
) -> Float {
  var squares = Vector.zero
  let factors = Vector(repeating: factor)
  var i = 0
  while i < count {
    let difference = load(x + i) - load(target + i)
    squares = multiplyAdd(difference, difference, squares)
    store(multiplyAdd(difference, factors, load(y + i)), y + i)
    i &+= Vector.scalarCount
  }
  return squares.sum()
}

/// `Σ x²`, in 16 lanes. Any count.
@inline(never)
public func trainingSquares(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var sum = SIMD16<Float>.zero
  var i = 0
  while i &+ 16 <= count {
    let value = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD16<Float>.self)
    sum += value * value
    i &+= 16
  }
  var rest: Float = 0
  while i < count {
    rest += x[i] * x[i]
    i &+= 1
  }
  return sum.sum() + rest
}

/// One step of Adam (Kingma & Ba 2015, algorithm 1, with its more efficient order of factors):
/// `m += (1 - β₁)(g - m)`, `v += (1 - β₂)(g² - v)`, `w -= rate·m / (√v·rootScale + epsilon)`, where
/// `g = gradientScale·gradients`.
///
/// - Parameters:
///   - rate: learning rate over `1 - β₁ᵗ`.
///   - rootScale: one over `√(1 - β₂ᵗ)`.
@inline(never)
public func trainingAdam(
  _ weights: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
  _ mean: UnsafeMutablePointer<Float>, _ square: UnsafeMutablePointer<Float>, _ count: Int,
  _ gradientScale: Float, _ rate: Float, _ rootScale: Float, _ beta1: Float, _ beta2: Float,
  _ epsilon: Float
) {
  typealias Lanes = SIMD16<Float>
  let (keep1, keep2) = (Lanes(repeating: 1 - beta1), Lanes(repeating: 1 - beta2))
  let least = Lanes(repeating: epsilon)
  @inline(__always)
  func update(_ w: Lanes, _ gradient: Lanes, _ m: inout Lanes, _ v: inout Lanes) -> Lanes {
    let g = gradient * gradientScale
    m += keep1 * (g - m)
    v += keep2 * (g * g - v)
    return w - m * rate / (training_root(v) * rootScale + least)
  }
  var i = 0
  while i &+ 16 <= count {
    var m = UnsafeRawPointer(mean + i).loadUnaligned(as: Lanes.self)
    var v = UnsafeRawPointer(square + i).loadUnaligned(as: Lanes.self)
    let w = update(
      UnsafeRawPointer(weights + i).loadUnaligned(as: Lanes.self),
      UnsafeRawPointer(gradients + i).loadUnaligned(as: Lanes.self), &m, &v)
    UnsafeMutableRawPointer(weights + i).storeBytes(of: w, as: Lanes.self)
    UnsafeMutableRawPointer(mean + i).storeBytes(of: m, as: Lanes.self)
    UnsafeMutableRawPointer(square + i).storeBytes(of: v, as: Lanes.self)
    i &+= 16
  }
  if i < count {
    var (w, g, m, v) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for lane in 0..<count &- i {
      (w[lane], g[lane]) = (weights[i &+ lane], gradients[i &+ lane])
      (m[lane], v[lane]) = (mean[i &+ lane], square[i &+ lane])
    }
    w = update(w, g, &m, &v)
    for lane in 0..<count &- i {
      (weights[i &+ lane], mean[i &+ lane], square[i &+ lane]) = (w[lane], m[lane], v[lane])
    }
  }
}

/// `target[i] = source[places[i]]`.
@inline(never)
public func trainingGather(
  _ source: UnsafePointer<Float>, _ places: UnsafePointer<UInt32>,
  _ target: UnsafeMutablePointer<Float>, _ count: Int
) {
  for i in 0..<count { target[i] = source[Int(places[i])] }
}
