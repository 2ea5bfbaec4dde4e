/// `iterations` rounds of 24 independent multiply-adds on registers; returns a value that depends on
/// all of them, so that nothing is left out.
///
/// FLOPs: `48 · lanes · iterations`; `lanes` is what `probeLanes` returns.
@inline(never)
public func probePeak(iterations: Int, seed: Float) -> Float {
  var sums = InlineArray<12, Vector>(repeating: Vector(repeating: seed))
  let a = Vector(repeating: 1 - seed)
  let b = Vector(repeating: seed)
  for _ in 0..<iterations {
    for _ in 0..<2 {
      for i in 0..<12 { sums[unchecked: i] = multiplyAdd(sums[unchecked: i], a, b) }
    }
  }
  var total = Vector.zero
  for i in 0..<12 { total += sums[unchecked: i] }
  return total.sum()
}

/// Floats a register of this build holds.
@inline(never)
public func probeLanes() -> Int { Vector.scalarCount }

/// Reads `count` floats (a multiple of 256) `rounds` times and returns their sum.
@inline(never)
public func probeRead(_ pointer: UnsafePointer<Float>, count: Int, rounds: Int) -> Float {
  var sums = InlineArray<8, Vector>(repeating: .zero)
  let block = 8 &* Vector.scalarCount
  for _ in 0..<rounds {
    var i = 0
    while i &+ block <= count {
      for k in 0..<8 { sums[unchecked: k] += load(pointer + (i &+ k &* Vector.scalarCount)) }
      i &+= block
    }
  }
  var total = Vector.zero
  for k in 0..<8 { total += sums[unchecked: k] }
  return total.sum()
}
