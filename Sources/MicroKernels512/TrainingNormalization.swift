// Layer normalisation that keeps what its backward pass needs, tokens in lanes.

#if AVX512
  typealias PanelVectors = InlineArray<2, Vector>
#elseif AVX2
  typealias PanelVectors = InlineArray<4, Vector>
#else
  typealias PanelVectors = InlineArray<8, Vector>
#endif

/// `s = x + y`, `standard = (s - mean)/deviation` over the features of each token of one panel, and
/// `out = standard·scale + shift`.
///
/// All but `reciprocal` (`[32]`, one over the deviation of each token) are `[features][32]`; `y` may be
/// nil. Mean and variance in two passes, as `encoderNormalize` takes them.
@inline(never)
public func trainingNormalize(
  _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>,
  _ standard: UnsafeMutablePointer<Float>, _ reciprocal: UnsafeMutablePointer<Float>,
  _ scale: UnsafePointer<Float>, _ shift: UnsafePointer<Float>, _ features: Int, _ epsilon: Float
) {
  let lanes = Vector.scalarCount
  var sums = PanelVectors(repeating: .zero)
  for feature in 0..<features {
    let row = feature &* panelWidth
    for t in 0..<registersPerPanel {
      let at = row &+ t &* lanes
      var value = load(x + at)
      if let y { value += load(y + at) }
      store(value, standard + at)
      sums[unchecked: t] += value
    }
  }
  let share = Vector(repeating: 1 / Float(features))
  for t in 0..<registersPerPanel { sums[unchecked: t] *= share }
  var squares = PanelVectors(repeating: .zero)
  for feature in 0..<features {
    let row = feature &* panelWidth
    for t in 0..<registersPerPanel {
      let difference = load(standard + (row &+ t &* lanes)) - sums[unchecked: t]
      squares[unchecked: t] = multiplyAdd(difference, difference, squares[unchecked: t])
    }
  }
  for t in 0..<registersPerPanel {
    squares[unchecked: t] = reciprocalRoot(squares[unchecked: t], features, epsilon)
    store(squares[unchecked: t], reciprocal + t &* lanes)
  }
  for feature in 0..<features {
    let row = feature &* panelWidth
    let gain = Vector(repeating: scale[feature])
    let offset = Vector(repeating: shift[feature])
    for t in 0..<registersPerPanel {
      let at = row &+ t &* lanes
      let value = (load(standard + at) - sums[unchecked: t]) * squares[unchecked: t]
      store(value, standard + at)
      store(multiplyAdd(value, gain, offset), out + at)
    }
  }
}

/// The gradient of the sum `s` from the gradient of `out`, see `trainingNormalize`:
/// `dx = reciprocal·(g - mean(g) - standard·mean(g·standard))` with `g = dy·scale`. One panel.
@inline(never)
public func trainingNormalizeBackward(
  _ dy: UnsafePointer<Float>, _ standard: UnsafePointer<Float>, _ reciprocal: UnsafePointer<Float>,
  _ scale: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ features: Int
) {
  let lanes = Vector.scalarCount
  var sums = PanelVectors(repeating: .zero)
  var products = PanelVectors(repeating: .zero)
  for feature in 0..<features {
    let row = feature &* panelWidth
    let gain = Vector(repeating: scale[feature])
    for t in 0..<registersPerPanel {
      let at = row &+ t &* lanes
      let g = load(dy + at) * gain
      sums[unchecked: t] += g
      products[unchecked: t] = multiplyAdd(g, load(standard + at), products[unchecked: t])
    }
  }
  let share = Vector(repeating: 1 / Float(features))
  var factors = PanelVectors(repeating: .zero)
  for t in 0..<registersPerPanel {
    sums[unchecked: t] *= share
    products[unchecked: t] *= -share
    factors[unchecked: t] = load(reciprocal + t &* lanes)
  }
  for feature in 0..<features {
    let row = feature &* panelWidth
    let gain = Vector(repeating: scale[feature])
    for t in 0..<registersPerPanel {
      let at = row &+ t &* lanes
      let g = load(dy + at) * gain - sums[unchecked: t]
      let value = multiplyAdd(load(standard + at), products[unchecked: t], g)
      store(value * factors[unchecked: t], dx + at)
    }
  }
}

/// `sums[row - from] = Σ a[row][token]·b[row][token]` over all tokens of panels, or the sum of `a`
/// alone where `b` is nil. `a` and `b` are `[panels][..][32]`, `stride` floats from panel to panel.
@inline(never)
public func trainingRowSums(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>?, _ stride: Int, _ panels: Int,
  _ from: Int, _ to: Int, _ sums: UnsafeMutablePointer<Float>
) {
  let lanes = Vector.scalarCount
  for row in from..<to {
    var sum = Vector.zero
    for panel in 0..<panels {
      let base = panel &* stride &+ row &* panelWidth
      for t in 0..<registersPerPanel {
        let at = base &+ t &* lanes
        if let b {
          sum = multiplyAdd(load(a + at), load(b + at), sum)
        } else {
          sum += load(a + at)
        }
      }
    }
    sums[row &- from] = sum.sum()
  }
}
