import Intrinsics

// Eight tokens `[features][8]`, outputs in lanes: one weight vector meets the eight tokens of its
// input one after the other, each broadcast from memory inside the multiplication; sums are
// transposed once at the end. 32 outputs need ten loads for sixteen multiplications and run at the
// arithmetic limit; 16 outputs need nine for eight and are bound by loads.
//
// 2026-11, Zen 5, every weight of 768x768: 147 456 cycles of two multiplications are 39.2 µs at the
// clock of the day (3.76 GHz), the loop takes 40.8; 48 outputs with 24 accumulators 40.5, software
// prefetch 1 to 8 KiB ahead 40.9 to 41.3, into L2 only 42.3.

/// Eight accumulators, one a token, which start from the bias of their sixteen outputs, and how they
/// leave.
struct TokenSums {
  var sums: InlineArray<8, SIMD16<Float>>

  @inline(__always)
  init(_ bias: UnsafePointer<Float>) { sums = InlineArray(repeating: small_batch_at(bias)) }

  @inline(__always)
  mutating func add(_ weights: SIMD16<Float>, _ x: UnsafePointer<Float>) {
    for token in 0..<8 {
      sums[unchecked: token] = small_batch_fused(
        weights, SIMD16<Float>(repeating: x[token]), sums[unchecked: token])
    }
  }

  /// Writes sixteen outputs, lanes `lane` and on of the list of rows: in whole vectors where they
  /// follow each other.
  @inline(__always)
  func put(
    _ lane: Int, _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>,
    _ runs: UnsafePointer<UInt8>, _ tokens: Int, _ adding: Bool
  ) {
    if tokens == 8, !adding, runs[lane &>> 4] == 16 {
      let out = y + Int(rows[lane]) &* 8
      turned { lane, pair in small_batch_put_apart(pair, out + lane &* 8) }
    } else {
      let rows = rows + lane
      turned { lane, pair in
        small_batch_put_sum(pair, false, y, Int(rows[lane]), tokens, adding)
        small_batch_put_sum(pair, true, y, Int(rows[lane &+ 4]), tokens, adding)
      }
    }
  }

  /// Calls `body` with eight tokens of lane `i` and eight of lane `i + 4`.
  @inline(__always)
  private func turned(_ body: (Int, SIMD16<Float>) -> Void) {
    let low01 = small_batch_zip_low(sums[unchecked: 0], sums[unchecked: 1])
    let high01 = small_batch_zip_high(sums[unchecked: 0], sums[unchecked: 1])
    let low23 = small_batch_zip_low(sums[unchecked: 2], sums[unchecked: 3])
    let high23 = small_batch_zip_high(sums[unchecked: 2], sums[unchecked: 3])
    let low45 = small_batch_zip_low(sums[unchecked: 4], sums[unchecked: 5])
    let high45 = small_batch_zip_high(sums[unchecked: 4], sums[unchecked: 5])
    let low67 = small_batch_zip_low(sums[unchecked: 6], sums[unchecked: 7])
    let high67 = small_batch_zip_high(sums[unchecked: 6], sums[unchecked: 7])
    // Quarter q of `first` and of `last`: tokens 0 to 3 and 4 to 7 of lane `lane + 4 · q`.
    func quartet(_ lane: Int, _ first: SIMD16<Float>, _ last: SIMD16<Float>) {
      body(lane, small_batch_join_low(first, last))
      body(lane &+ 8, small_batch_join_high(first, last))
    }
    quartet(
      0, small_batch_zip_pairs_low(low01, low23), small_batch_zip_pairs_low(low45, low67))
    quartet(
      1, small_batch_zip_pairs_high(low01, low23), small_batch_zip_pairs_high(low45, low67))
    quartet(
      2, small_batch_zip_pairs_low(high01, high23), small_batch_zip_pairs_low(high45, high67))
    quartet(
      3, small_batch_zip_pairs_high(high01, high23), small_batch_zip_pairs_high(high45, high67))
  }
}

/// Sixteen outputs, or 32 that share their activations: nine loads for eight multiplications, or ten
/// for sixteen.
@inline(__always)
private func columns(
  _ wide: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  for group in from..<to {
    let lane = group &* (wide ? 32 : 16)
    var a = TokenSums(bias + lane)
    if wide {
      var b = TokenSums(bias + lane + 16)
      for entry in Int(starts[group])..<Int(starts[group &+ 1]) {
        add(&a, &b, values, entry, halves, x + Int(index[entry]))
      }
      b.put(lane &+ 16, y, rows, runs, tokens, adding)
    } else {
      for entry in Int(starts[group])..<Int(starts[group &+ 1]) {
        a.add(small_batch_weights(values, entry, halves), x + Int(index[entry]))
      }
    }
    a.put(lane, y, rows, runs, tokens, adding)
  }
}

/// Two vectors of outputs and the tokens of one input: ten loads for sixteen multiplications.
@inline(__always)
private func add(
  _ a: inout TokenSums, _ b: inout TokenSums, _ values: UnsafeRawPointer, _ entry: Int,
  _ halves: Bool, _ x: UnsafePointer<Float>
) {
  let low = small_batch_weights(values, entry &* 2, halves)
  let high = small_batch_weights(values, entry &* 2 &+ 1, halves)
  for token in 0..<8 {
    let activation = small_batch_pin(SIMD16<Float>(repeating: x[token]))
    a.sums[unchecked: token] = small_batch_fused(low, activation, a.sums[unchecked: token])
    b.sums[unchecked: token] = small_batch_fused(high, activation, b.sums[unchecked: token])
  }
}

/// Groups of 32 (`wide`) or 16 outputs that share a list of inputs, for one panel of eight tokens.
///
/// `starts[group]` counts list entries, `index[entry]` is eight times an input, weights are
/// `[entry][outputs]`; `rows`, `runs` and `bias` are in the order of lanes, see `small_batch_put`.
@inline(never)
public func eightTokensColumns(
  _ wide: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ adding: Bool, _ from: Int, _ to: Int
) {
  switch (wide, halves) {
  case (true, false):
    columns(true, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (false, false):
    columns(false, false, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (true, true):
    columns(true, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  case (false, true):
    columns(false, true, values, index, starts, x, y, rows, runs, bias, tokens, adding, from, to)
  }
}

@inline(__always)
private func allInputs(
  _ halves: Bool, _ values: UnsafeRawPointer, _ columns: Int, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ tokens: Int, _ from: Int, _ to: Int
) {
  for group in from..<to {
    let lane = group &* 32
    var a = TokenSums(bias + lane)
    var b = TokenSums(bias + lane + 16)
    let first = group &* columns
    for column in 0..<columns {
      add(&a, &b, values, first &+ column, halves, x + column &* 8)
    }
    a.put(lane, y, rows, runs, tokens, false)
    b.put(lane &+ 16, y, rows, runs, tokens, false)
  }
}

/// Every input of 32 outputs a group, weights `[group][columns][32]`.
@inline(never)
public func eightTokensDense(
  _ halves: Bool, _ values: UnsafeRawPointer, _ columns: Int, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>,
  _ bias: UnsafePointer<Float>, _ tokens: Int, _ from: Int, _ to: Int
) {
  if halves {
    allInputs(true, values, columns, x, y, rows, runs, bias, tokens, from, to)
  } else {
    allInputs(false, values, columns, x, y, rows, runs, bias, tokens, from, to)
  }
}
