/// `target[feature] += Σ x[feature][token]` over tokens `first..<first + count` of panels
/// `[panel][features][32]`. Other tokens' values do not matter, NaN included.
@inline(never)
public func encoderSum(
  _ x: UnsafePointer<Float>, _ features: Int, _ first: Int, _ count: Int,
  _ target: UnsafeMutablePointer<Float>
) {
  var done = 0
  while done < count {
    let token = first &+ done
    let lane = token % panelWidth
    let here = min(panelWidth &- lane, count &- done)
    let panel = x + token / panelWidth &* (features &* panelWidth)
    let inside = (0..<32).reduce(into: UInt32(0)) {
      if $1 >= lane && $1 < lane &+ here { $0 |= 1 &<< UInt32($1) }
    }
    for feature in 0..<features {
      var sum = Vector.zero
      for part in 0..<registersPerPanel {
        let base = part &* Vector.scalarCount
        let values = load(panel + (feature &* panelWidth &+ base))
        sum += values.replacing(with: 0, where: outside(inside &>> UInt32(base)))
      }
      target[feature] += sum.sum()
    }
    done &+= here
  }
}

/// True in the lanes whose bit is not set.
@inline(__always)
private func outside(_ bits: UInt32) -> SIMDMask<Vector.MaskStorage> {
  var lanes = VectorBits.zero
  for i in 0..<Vector.scalarCount { lanes[i] = 1 &<< UInt32(i) }
  let masked = VectorBits(repeating: bits) & lanes
  return masked .== .zero
}
