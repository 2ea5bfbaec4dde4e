import Intrinsics

// One token, single weights: sixteen outputs in lanes, each with its own input at each step.
//
// A gather of sixteen activations takes longer than sixteen loads on the CPUs measured, but two
// registers hold 32 activations and one permutation looks sixteen of them up. So the weights of a
// group of sixteen outputs are put in steps whose inputs lie in one window of 32. The window slides
// from step to step: with fixed panels of 32 inputs every panel waits for its fullest output
// (768x768 with a tenth kept: 7400 steps for 3670 steps' worth of weights, and a mispredicted loop
// end for each panel); with a sliding one, outputs that are ahead wait only when they would leave
// the window (6130 steps, and one loop a group). Two steps share a window, so that a step costs
// three loads and not four.
//
// 2026-11, Zen 5, 768x768, a tenth and a twentieth kept: 6160 and 4140 steps of 80 bytes take 3.55 and
// 2.40 µs, which is 139 GB/s of the 168 that the L2 cache gives to reading alone. Windows of 48 (5150
// and 3300 steps) take 3.52 and 2.25, of 64 (4720 and 2890) 3.62 and 2.19: a second look-up and a blend
// cost what the fewer steps save. Weights without their zeros, expanded by a mask of each step, take
// 5.4 and 3.5.

/// Groups `from..<to` of the lookup format.
///
/// `starts[group]` counts pairs of steps; pair `p` has its window at input `windows[p]`, its
/// weights at `values[32 · p]` and its places in the window (0...31) at `places[32 · p]`, a step
/// after the other.
@inline(__always)
private func lookUp(
  _ halves: Bool, _ values: UnsafeRawPointer, _ places: UnsafePointer<UInt8>,
  _ windows: UnsafePointer<UInt32>, _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ adding: Bool, _ from: Int, _ to: Int
) {
  for group in from..<to {
    var pair = Int(starts[group])
    let end = Int(starts[group &+ 1])
    var a = SIMD16<Float>.zero
    var b = SIMD16<Float>.zero
    var c = SIMD16<Float>.zero
    var d = SIMD16<Float>.zero
    while pair &+ 2 <= end {
      let first = x + Int(windows[pair])
      let second = x + Int(windows[pair &+ 1])
      let at = places + pair &* 32
      let vector = pair &* 2
      let low = small_batch_at(first)
      let high = small_batch_at(first + 16)
      a = small_batch_fused(
        small_batch_weights(values, vector, halves), small_batch_lookup(low, high, at), a)
      b = small_batch_fused(
        small_batch_weights(values, vector &+ 1, halves), small_batch_lookup(low, high, at + 16), b)
      let low2 = small_batch_at(second)
      let high2 = small_batch_at(second + 16)
      c = small_batch_fused(
        small_batch_weights(values, vector &+ 2, halves), small_batch_lookup(low2, high2, at + 32),
        c)
      d = small_batch_fused(
        small_batch_weights(values, vector &+ 3, halves), small_batch_lookup(low2, high2, at + 48),
        d)
      pair &+= 2
    }
    if pair < end {
      let first = x + Int(windows[pair])
      let at = places + pair &* 32
      let low = small_batch_at(first)
      let high = small_batch_at(first + 16)
      a = small_batch_fused(
        small_batch_weights(values, pair &* 2, halves), small_batch_lookup(low, high, at), a)
      b = small_batch_fused(
        small_batch_weights(values, pair &* 2 &+ 1, halves), small_batch_lookup(low, high, at + 16),
        b)
    }
    small_batch_put((a + b) + (c + d), group, y, rows, runs, bias, adding)
  }
}

/// Single weights by table lookup; see `lookUp`. `x` has at least 32 inputs.
@inline(never)
public func singleTokenLookup(
  _ halves: Bool, _ values: UnsafeRawPointer, _ places: UnsafePointer<UInt8>,
  _ windows: UnsafePointer<UInt32>, _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ adding: Bool, _ from: Int, _ to: Int
) {
  if halves {
    lookUp(
      true, values, places, windows, starts, x, y, rows, runs, bias, adding, from, to)
  } else {
    lookUp(
      false, values, places, windows, starts, x, y, rows, runs, bias, adding, from, to)
  }
}
