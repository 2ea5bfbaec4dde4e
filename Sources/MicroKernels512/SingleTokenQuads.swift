import Intrinsics

// One token, N of every 4 inputs: sixteen outputs in lanes. Four activations are broadcast to the
// four quarters of a register and each output picks its own by a 2-bit selector, so that an index
// costs two bits; sixteen selectors of an output are one 32-bit word (the instruction ignores the
// bits above its two). At 768x768 and one token the limit is then the weights' way from the L3
// cache.

/// Groups `from..<to` of the quad format, `kept` weights of each four inputs.
///
/// Quads come in chunks of `16 / kept`; a group has `(quads + chunk - 1) / chunk` chunks, the last
/// one shorter. Weights `[group][quad][kept][16]`, selectors `[group][chunk][16]`.
enum Quads<let kept: Int> {
  @inline(__always)
  static func run(
    _ halves: Bool, _ values: UnsafeRawPointer, _ selectors: UnsafePointer<UInt32>, _ quads: Int,
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>,
    _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>, _ adding: Bool, _ from: Int,
    _ to: Int
  ) {
    let perChunk = 16 / kept
    let chunks = (quads &+ perChunk &- 1) / perChunk
    for group in from..<to {
      var sums = InlineArray<4, SIMD16<Float>>(repeating: .zero)
      var vector = group &* quads &* kept
      var words = UnsafeRawPointer(selectors + group &* chunks &* 16)
      var four = x
      var left = quads
      while left >= perChunk {
        let selector = words.loadUnaligned(as: SIMD16<UInt32>.self)
        for quad in 0..<perChunk {
          let activations = small_batch_repeat_four(four + quad &* 4)
          for weight in 0..<kept {
            let i = quad &* kept &+ weight
            sums[unchecked: i & 3] = small_batch_fused(
              small_batch_weights(values, vector &+ i, halves),
              small_batch_pick(activations, selector, 2 &* i),
              sums[unchecked: i & 3])
          }
        }
        vector &+= perChunk &* kept
        four += perChunk &* 4
        words += 64
        left &-= perChunk
      }
      if left > 0 {
        var selector = words.loadUnaligned(as: SIMD16<UInt32>.self)
        for _ in 0..<left {
          let activations = small_batch_repeat_four(four)
          for weight in 0..<kept {
            sums[unchecked: weight] = small_batch_fused(
              small_batch_weights(values, vector, halves),
              small_batch_pick(activations, selector, 0),
              sums[unchecked: weight])
            vector &+= 1
            selector = selector &>> 2
          }
          four += 4
        }
      }
      small_batch_put(
        (sums[unchecked: 0] + sums[unchecked: 1]) + (sums[unchecked: 2] + sums[unchecked: 3]),
        group, y, rows, runs, bias, adding)
    }
  }
}

/// `kept` (1, 2 or 3) of every four inputs; see `Quads`. `x` has `4 · quads` inputs.
@inline(never)
public func singleTokenQuads(
  _ kept: Int, _ halves: Bool, _ values: UnsafeRawPointer, _ selectors: UnsafePointer<UInt32>,
  _ quads: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ adding: Bool, _ from: Int, _ to: Int
) {
  switch (kept, halves) {
  case (1, false):
    Quads<1>.run(
      false, values, selectors, quads, x, y, rows, runs, bias, adding, from, to)
  case (2, false):
    Quads<2>.run(
      false, values, selectors, quads, x, y, rows, runs, bias, adding, from, to)
  case (_, false):
    Quads<3>.run(
      false, values, selectors, quads, x, y, rows, runs, bias, adding, from, to)
  case (1, true):
    Quads<1>.run(
      true, values, selectors, quads, x, y, rows, runs, bias, adding, from, to)
  case (2, true):
    Quads<2>.run(
      true, values, selectors, quads, x, y, rows, runs, bias, adding, from, to)
  case (_, true):
    Quads<3>.run(
      true, values, selectors, quads, x, y, rows, runs, bias, adding, from, to)
  }
}
