import Intrinsics

// Eight tokens, single weights by table lookup: the format of `singleTokenLookup`, sixteen outputs in
// lanes. A window of 32 inputs is two registers for each token, which serve the two steps of a pair;
// weights and places are read once for all tokens.
//
// 2026-11, Zen 5, 768x768 in the loop, against single weights in strips: half kept 45.3 µs against
// 57.6, a fifth 21.0 and 22.8, a tenth 13.1 and 11.4 (8 cycles a step: one look-up and one
// multiplication a cycle). One, three and four steps a window: 16.9, 14.6 and 16.1 with a tenth kept.

@inline(__always)
private func lookUp(
  _ halves: Bool, _ values: UnsafeRawPointer, _ places: UnsafePointer<UInt8>,
  _ windows: UnsafePointer<UInt32>, _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  for group in from..<to {
    var sums = TokenSums(bias + group &* 16)
    for pair in Int(starts[group])..<Int(starts[group &+ 1]) {
      let window = x + Int(windows[pair]) &* 8
      let at = places + pair &* 32
      let first = small_batch_weights(values, pair &* 2, halves)
      let second = small_batch_weights(values, pair &* 2 &+ 1, halves)
      for token in 0..<8 {
        let low = small_batch_at(window + token &* 16)
        let high = small_batch_at(window + token &* 16 + 128)
        sums.sums[unchecked: token] = small_batch_fused(
          first, small_batch_lookup(low, high, at), sums.sums[unchecked: token])
        sums.sums[unchecked: token] = small_batch_fused(
          second, small_batch_lookup(low, high, at + 16), sums.sums[unchecked: token])
      }
    }
    sums.put(group &* 16, y, rows, runs, tokens, adding)
  }
}

/// Single weights by table lookup for one panel of eight tokens; for the format see
/// `singleTokenLookup`. `x` is `[blocks][8][16]`, two blocks at least; windows start at multiples of
/// sixteen inputs.
@inline(never)
public func eightTokensLookup(
  _ halves: Bool, _ values: UnsafeRawPointer, _ places: UnsafePointer<UInt8>,
  _ windows: UnsafePointer<UInt32>, _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  if halves {
    lookUp(
      true, values, places, windows, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  } else {
    lookUp(
      false, values, places, windows, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  }
}

/// `[16 · blocks][8]` to `[blocks][8][16]`, the form in which `eightTokensLookup` takes activations.
@inline(never)
public func eightTokensTurnBlocks(
  _ x: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ blocks: Int
) {
  for block in 0..<blocks { small_batch_turn_sixteen(x + block &* 128, target + block &* 128) }
}
