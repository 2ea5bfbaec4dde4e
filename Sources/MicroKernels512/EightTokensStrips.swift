import Intrinsics

// Eight tokens `[features][8]`, tokens in lanes: a register holds the tokens of two inputs, and
// each output of a strip multiplies it by its two weights, which one permutation spreads from the
// sixteen weights of a vector. Half a register for each input would use half of the multiplier.
//
// 2026-11, Zen 5, 3686 vectors in the loop: half a register for each input with weights broadcast
// from memory 2.36 ns a vector of 8x1, permutations across quarters 1.61, two shuffles of quarters
// and eight permutations within them 1.39. Activations by two masked broadcasts instead of a load
// and an insertion, or two of eight outputs by broadcasts: no gain. Single weights are bound by the
// number of instructions: lists of offsets instead of inputs, one shift less for each, gained 10 %.
//
// Four outputs by four tokens a register, each four weights spread by one permutation of the vector,
// need fewer instructions and yet are slower (4x1 with a tenth kept 7.38 µs against 5.90, 8x1 6.06
// against 5.1): permutations with a variable pattern run where multiplications do, two in all a cycle,
// those with a constant pattern beside them. Two rows of single weights a register, which need no sum
// of halves: 11.2 against 11.4.

/// Eight outputs; a vector is `[2 inputs][8 outputs]`. With `joined` the inputs are neighbours and
/// the list names the first.
@inline(__always)
private func strips8(
  _ joined: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  let whole = tokens == 8 && !adding
  for group in from..<to {
    var sums = InlineArray<8, SIMD16<Float>>(repeating: .zero)
    for vector in Int(starts[group])..<Int(starts[group &+ 1]) {
      let activations =
        joined
        ? small_batch_at(x + Int(index[vector]))
        : small_batch_eights(
          x + Int(index[vector &* 2]), x + Int(index[vector &* 2 &+ 1]))
      let weights = small_batch_pin(small_batch_weights(values, vector, halves))
      let first = small_batch_even_quarters(weights)
      let last = small_batch_odd_quarters(weights)
      for row in 0..<4 {
        sums[unchecked: row] = small_batch_fused(
          small_batch_spread(first, row), activations, sums[unchecked: row])
        sums[unchecked: row &+ 4] = small_batch_fused(
          small_batch_spread(last, row), activations, sums[unchecked: row &+ 4])
      }
    }
    let lane = group &* 8
    let first = small_batch_add_halves(sums[unchecked: 0], sums[unchecked: 1])
    let second = small_batch_add_halves(sums[unchecked: 2], sums[unchecked: 3])
    let third = small_batch_add_halves(sums[unchecked: 4], sums[unchecked: 5])
    let fourth = small_batch_add_halves(sums[unchecked: 6], sums[unchecked: 7])
    if whole, runs[group &>> 1] >= 8 {
      small_batch_put_pair(first, lane, y, rows, bias)
      small_batch_put_pair(second, lane &+ 2, y, rows, bias)
      small_batch_put_pair(third, lane &+ 4, y, rows, bias)
      small_batch_put_pair(fourth, lane &+ 6, y, rows, bias)
    } else {
      small_batch_put_rows(first, lane, y, rows, bias, tokens, adding)
      small_batch_put_rows(second, lane &+ 2, y, rows, bias, tokens, adding)
      small_batch_put_rows(third, lane &+ 4, y, rows, bias, tokens, adding)
      small_batch_put_rows(fourth, lane &+ 6, y, rows, bias, tokens, adding)
    }
  }
}

/// Four outputs; a vector is `[4 inputs][4 outputs]`, with `joined` two pairs of neighbours.
@inline(__always)
private func strips4(
  _ joined: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  let whole = tokens == 8 && !adding
  for group in from..<to {
    var a = InlineArray<4, SIMD16<Float>>(repeating: .zero)
    var b = a
    for vector in Int(starts[group])..<Int(starts[group &+ 1]) {
      let first: SIMD16<Float>
      let second: SIMD16<Float>
      if joined {
        first = small_batch_at(x + Int(index[vector &* 2]))
        second = small_batch_at(x + Int(index[vector &* 2 &+ 1]))
      } else {
        let list = index + vector &* 4
        first = small_batch_eights(x + Int(list[0]), x + Int(list[1]))
        second = small_batch_eights(x + Int(list[2]), x + Int(list[3]))
      }
      let weights = small_batch_pin(small_batch_weights(values, vector, halves))
      let low = small_batch_low_quarters(weights)
      let high = small_batch_high_quarters(weights)
      for row in 0..<4 {
        a[unchecked: row] = small_batch_fused(
          small_batch_spread(low, row), first, a[unchecked: row])
        b[unchecked: row] = small_batch_fused(
          small_batch_spread(high, row), second, b[unchecked: row])
      }
    }
    // Written out: in a loop the sums would go through memory.
    let lane = group &* 4
    let first = small_batch_add_halves(
      a[unchecked: 0] + b[unchecked: 0], a[unchecked: 1] + b[unchecked: 1])
    let second = small_batch_add_halves(
      a[unchecked: 2] + b[unchecked: 2], a[unchecked: 3] + b[unchecked: 3])
    if whole, runs[group &>> 2] >= 4 {
      small_batch_put_pair(first, lane, y, rows, bias)
      small_batch_put_pair(second, lane &+ 2, y, rows, bias)
    } else {
      small_batch_put_rows(first, lane, y, rows, bias, tokens, adding)
      small_batch_put_rows(second, lane &+ 2, y, rows, bias, tokens, adding)
    }
  }
}

/// One output; a chunk is eight weights, the first four of which meet the last four in a register:
/// inputs i and i + 4 of the list, or with `joined` the first and the second inputs of four pairs
/// of neighbours. Four list entries are read as one 64-bit word: a 16-bit load for each costs 20 to
/// 30 % on Zen 5 (2026-11).
@inline(__always)
private func singles(
  _ joined: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  for group in from..<to {
    var sums = InlineArray<4, SIMD16<Float>>(repeating: .zero)
    for chunk in Int(starts[group])..<Int(starts[group &+ 1]) {
      let weights = small_batch_eight_weights(values, chunk, halves)
      let list = UnsafeRawPointer(index + chunk &* (joined ? 4 : 8))
      var low = list.loadUnaligned(as: UInt64.self)
      var high = joined ? 0 : list.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      for pair in 0..<4 {
        let first = x + Int(truncatingIfNeeded: low & 0xffff)
        let second = x + Int(truncatingIfNeeded: high & 0xffff)
        sums[unchecked: pair] = small_batch_fused(
          small_batch_spread(weights, pair),
          joined ? small_batch_at(first) : small_batch_eights(first, second),
          sums[unchecked: pair])
        low = low &>> 16
        high = high &>> 16
      }
    }
    let total =
      (sums[unchecked: 0] + sums[unchecked: 1]) + (sums[unchecked: 2] + sums[unchecked: 3])
    small_batch_put_row(
      small_batch_add_halves(total, total), false, group, y, rows, bias, tokens, adding)
  }
}

/// Strips of `height` 8, 4 or 1 outputs for one panel of eight tokens.
///
/// `starts[group]` counts vectors of sixteen weights (eight for one output); `index` holds two,
/// four and eight inputs a vector, each times eight, half as many with `joined`, where an entry
/// stands for two neighbours. `rows`, `runs` and `bias` are in the order of lanes, see
/// `small_batch_put` and `small_batch_put_row`.
@inline(never)
public func eightTokensStrips(
  _ height: Int, _ joined: Bool, _ halves: Bool, _ values: UnsafeRawPointer,
  _ index: UnsafePointer<UInt16>, _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  switch (height, joined, halves) {
  case (8, false, false):
    strips8(false, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (8, true, false):
    strips8(true, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (8, false, true):
    strips8(false, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (8, true, true):
    strips8(true, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (4, false, false):
    strips4(false, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (4, true, false):
    strips4(true, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (4, false, true):
    strips4(false, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (4, true, true):
    strips4(true, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (_, false, false):
    singles(false, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (_, true, false):
    singles(true, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (_, false, true):
    singles(false, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (_, true, true):
    singles(true, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  }
}
