import Intrinsics

/// Every input of sixteen outputs a group, weights `[group][columns][16]`.
@inline(never)
public func singleTokenDense(
  _ halves: Bool, _ values: UnsafeRawPointer, _ columns: Int, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ from: Int, _ to: Int
) {
  if halves {
    allInputs(true, values, columns, x, y, rows, runs, bias, from, to)
  } else {
    allInputs(false, values, columns, x, y, rows, runs, bias, from, to)
  }
}

@inline(__always)
private func allInputs(
  _ halves: Bool, _ values: UnsafeRawPointer, _ columns: Int, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ from: Int, _ to: Int
) {
  for group in from..<to {
    var sums = InlineArray<8, SIMD16<Float>>(repeating: .zero)
    let first = group &* columns
    var column = 0
    while column &+ 8 <= columns {
      // 4 KiB ahead, into the next group too. 768x768, which comes from the L3 cache: 21.9 µs against
      // 25.2 without (108 and 94 GB/s); 1, 2 and 8 KiB 22.1 to 22.4, into L2 only 30.9; 2 to 8
      // groups side by side, 32 to 128 outputs a group and rows as they stand gain nothing (Zen 5,
      // 2026-11).
      let ahead = values + ((first &+ column) &* (halves ? 32 : 64) &+ 4096)
      for line in 0..<(halves ? 4 : 8) { small_batch_prefetch(ahead + line &* 64) }
      for i in 0..<8 {
        sums[unchecked: i] = small_batch_fused(
          small_batch_weights(values, first &+ column &+ i, halves),
          SIMD16<Float>(repeating: x[column &+ i]),
          sums[unchecked: i])
      }
      column &+= 8
    }
    while column < columns {
      sums[unchecked: 0] = small_batch_fused(
        small_batch_weights(values, first &+ column, halves), SIMD16<Float>(repeating: x[column]),
        sums[unchecked: 0])
      column &+= 1
    }
    for i in 0..<4 { sums[unchecked: i] += sums[unchecked: i &+ 4] }
    small_batch_put(
      (sums[unchecked: 0] + sums[unchecked: 1]) + (sums[unchecked: 2] + sums[unchecked: 3]),
      group, y, rows, runs, bias, false)
  }
}

/// Whether `count` floats are finite: 0 · NaN and 0 · ∞ are NaN, and NaN stays in a sum.
@inline(never)
public func smallBatchIsFinite(_ x: UnsafePointer<Float>, _ count: Int) -> Bool {
  var sums = InlineArray<4, SIMD16<Float>>(repeating: .zero)
  var i = 0
  while i &+ 64 <= count {
    for part in 0..<4 {
      sums[unchecked: part] = small_batch_fused(
        small_batch_at(x + (i &+ part &* 16)), .zero, sums[unchecked: part])
    }
    i &+= 64
  }
  var rest: Float = 0
  while i < count {
    rest += x[i] * 0
    i &+= 1
  }
  let sum = (sums[unchecked: 0] + sums[unchecked: 1]) + (sums[unchecked: 2] + sums[unchecked: 3])
  return sum.sum() + rest == 0
}
