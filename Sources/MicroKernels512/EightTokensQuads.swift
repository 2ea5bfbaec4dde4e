import Intrinsics

// 2026-11, Zen 5, 2:4 of 768x768: variable permutations run where multiplications do, two in all a
// cycle, so that eight of each for a vector take 8 cycles, as long as the same weights and their zeros
// in the dense kernel: no gain over dense is to be had from selectors at eight tokens.

/// N of every four inputs (see `singleTokenQuads`), sixteen outputs in lanes: weights and selectors
/// are read once for the eight tokens. Activations are read for each weight anew: kept in registers for
/// the two of 2:4 they cost 44 µs instead of 40 at 768x768.
private enum TokenQuads<let kept: Int> {
  @inline(__always)
  static func run(
    _ halves: Bool, _ values: UnsafeRawPointer, _ selectors: UnsafePointer<UInt32>, _ quads: Int,
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>,
    _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool,
    _ from: Int, _ to: Int
  ) {
    let perChunk = 16 / kept
    let chunks = (quads &+ perChunk &- 1) / perChunk
    for group in from..<to {
      var sums = TokenSums(bias + group &* 16)
      var vector = group &* quads &* kept
      var input = x
      for chunk in 0..<chunks {
        var selector = UnsafeRawPointer(selectors + (group &* chunks &+ chunk) &* 16)
          .loadUnaligned(as: SIMD16<UInt32>.self)
        for _ in 0..<min(perChunk, quads &- chunk &* perChunk) {
          for _ in 0..<kept {
            let weights = small_batch_weights(values, vector, halves)
            for token in 0..<8 {
              let four = small_batch_repeat_four(input + token &* 4)
              sums.sums[unchecked: token] = small_batch_fused(
                weights, small_batch_pick(four, selector, 0), sums.sums[unchecked: token])
            }
            selector = selector &>> 2
            vector &+= 1
          }
          input += 32
        }
      }
      sums.put(group &* 16, y, rows, runs, tokens, adding)
    }
  }
}

/// `kept` (1, 2 or 3) of every four inputs; see `TokenQuads`. `x` is `[quads][8][4]`.
@inline(never)
public func eightTokensQuads(
  _ kept: Int, _ halves: Bool, _ values: UnsafeRawPointer, _ selectors: UnsafePointer<UInt32>,
  _ quads: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  switch (kept, halves) {
  case (1, false):
    TokenQuads<1>.run(
      false, values, selectors, quads, x, y, rows, runs, bias, tokens, adding, from, to)
  case (2, false):
    TokenQuads<2>.run(
      false, values, selectors, quads, x, y, rows, runs, bias, tokens, adding, from, to)
  case (_, false):
    TokenQuads<3>.run(
      false, values, selectors, quads, x, y, rows, runs, bias, tokens, adding, from, to)
  case (1, true):
    TokenQuads<1>.run(
      true, values, selectors, quads, x, y, rows, runs, bias, tokens, adding, from, to)
  case (2, true):
    TokenQuads<2>.run(
      true, values, selectors, quads, x, y, rows, runs, bias, tokens, adding, from, to)
  case (_, true):
    TokenQuads<3>.run(
      true, values, selectors, quads, x, y, rows, runs, bias, tokens, adding, from, to)
  }
}

/// `[4 · quads][8]` to `[quads][8][4]`, the form in which `eightTokensQuads` takes activations.
@inline(never)
public func eightTokensTurn(
  _ x: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ quads: Int
) {
  for quad in 0..<quads { small_batch_turn(x + quad &* 32, target + quad &* 32) }
}
