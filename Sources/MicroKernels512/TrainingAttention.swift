// Attention of one head over one text for training: products of small matrices and the softmax, with
// queries or keys in lanes.

/// `out[row][lane] = scale·Σ_k a[row · rowStep + k · innerStep]·b[k · bStride + lane]`.
///
/// - Parameter lanes: columns, rounded up to a register; those behind the last column hold anything.
@inline(never)
public func trainingProduct(
  _ a: UnsafePointer<Float>, _ rowStep: Int, _ innerStep: Int, _ b: UnsafePointer<Float>,
  _ bStride: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ rows: Int, _ inner: Int,
  _ lanes: Int, _ scale: Float
) {
  let width = Vector.scalarCount
  var lane = 0
  while lane < lanes {
    let pair = lanes &- lane > width
    var row = 0
    while row < rows {
      let (source, target) = (a + row &* rowStep, out + (row &* outStride &+ lane))
      #if AVX512
        if rows &- row >= 8 {
          if pair {
            SmallProduct<8, 2>.run(
              source, rowStep, innerStep, b + lane, bStride, target, outStride, inner, scale)
          } else {
            SmallProduct<8, 1>.run(
              source, rowStep, innerStep, b + lane, bStride, target, outStride, inner, scale)
          }
          row &+= 8
          continue
        }
      #else
        if rows &- row >= 4 {
          if pair {
            SmallProduct<4, 2>.run(
              source, rowStep, innerStep, b + lane, bStride, target, outStride, inner, scale)
          } else {
            SmallProduct<4, 1>.run(
              source, rowStep, innerStep, b + lane, bStride, target, outStride, inner, scale)
          }
          row &+= 4
          continue
        }
      #endif
      if pair {
        SmallProduct<1, 2>.run(
          source, rowStep, innerStep, b + lane, bStride, target, outStride, inner, scale)
      } else {
        SmallProduct<1, 1>.run(
          source, rowStep, innerStep, b + lane, bStride, target, outStride, inner, scale)
      }
      row &+= 1
    }
    lane &+= pair ? 2 &* width : width
  }
}

private enum SmallProduct<let R: Int, let T: Int> {
  @inline(__always)
  static func run(
    _ a: UnsafePointer<Float>, _ rowStep: Int, _ innerStep: Int, _ b: UnsafePointer<Float>,
    _ bStride: Int, _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ inner: Int,
    _ scale: Float
  ) {
    var tile = InlineArray<R, InlineArray<T, Vector>>(repeating: .init(repeating: .zero))
    for k in 0..<inner {
      var values = InlineArray<T, Vector>(repeating: .zero)
      for t in 0..<T { values[unchecked: t] = load(b + (k &* bStride &+ t &* Vector.scalarCount)) }
      let factors = a + k &* innerStep
      for r in 0..<R {
        let factor = Vector(repeating: factors[r &* rowStep])
        for t in 0..<T {
          tile[unchecked: r][unchecked: t] = multiplyAdd(
            factor, values[unchecked: t], tile[unchecked: r][unchecked: t])
        }
      }
    }
    let factor = Vector(repeating: scale)
    for r in 0..<R {
      for t in 0..<T {
        store(
          tile[unchecked: r][unchecked: t] * factor,
          out + (r &* outStride &+ t &* Vector.scalarCount))
      }
    }
  }
}

/// Softmax over the keys of each lane, in place: `scores` is `[keys][stride]`, queries in lanes.
@inline(never)
public func trainingSoftmax(
  _ scores: UnsafeMutablePointer<Float>, _ keys: Int, _ stride: Int, _ lanes: Int
) {
  var lane = 0
  let toPowersOf2 = Vector(repeating: 1.442_695)
  while lane < lanes {
    let column = scores + lane
    var most = Vector(repeating: -.infinity)
    for key in 0..<keys {
      let score = load(column + key &* stride)
      most = most.replacing(with: score, where: score .> most)
    }
    let offset = -most * toPowersOf2
    var sum = Vector.zero
    for key in 0..<keys {
      let at = column + key &* stride
      let value = exp2(multiplyAdd(load(at), toPowersOf2, offset))
      sum += value
      store(value, at)
    }
    let factor = Vector(repeating: 1) / sum
    for key in 0..<keys {
      let at = column + key &* stride
      store(load(at) * factor, at)
    }
    lane &+= Vector.scalarCount
  }
}

/// The gradient of the scores from that of the probabilities, in place:
/// `d[key] = scale·p[key]·(d[key] - Σ p·d)`; both `[keys][stride]`, queries in lanes.
@inline(never)
public func trainingSoftmaxBackward(
  _ probabilities: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, _ keys: Int,
  _ stride: Int, _ lanes: Int, _ scale: Float
) {
  var lane = 0
  let factor = Vector(repeating: scale)
  while lane < lanes {
    var sum = Vector.zero
    for key in 0..<keys {
      let at = key &* stride &+ lane
      sum = multiplyAdd(load(probabilities + at), load(gradient + at), sum)
    }
    for key in 0..<keys {
      let at = key &* stride &+ lane
      store(load(probabilities + at) * (load(gradient + at) - sum) * factor, gradient + at)
    }
    lane &+= Vector.scalarCount
  }
}
