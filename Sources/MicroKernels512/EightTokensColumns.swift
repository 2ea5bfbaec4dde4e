import Intrinsics

// Eight tokens `[features][8]`, outputs in lanes: one weight vector meets the eight tokens of its
// input one after the other, each broadcast from memory inside the multiplication; sums are
// transposed once at the end. 32 outputs need ten loads for sixteen multiplications and run at the
// arithmetic limit; 16 outputs need nine for eight and are bound by loads.

/// Eight accumulators, one a token, and how they leave.
struct TokenSums {
  var sums = InlineArray<8, SIMD16<Float>>(repeating: .zero)

  @inline(__always)
  mutating func add(_ weights: SIMD16<Float>, _ x: UnsafePointer<Float>) {
    for token in 0..<8 {
      sums[unchecked: token] = small_batch_fused(
        weights, SIMD16<Float>(repeating: x[token]), sums[unchecked: token])
    }
  }

  /// Writes sixteen outputs, lanes `lane` and on of the list of rows.
  @inline(__always)
  func put(
    _ lane: Int, _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>,
    _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool
  ) {
    let low01 = small_batch_zip_low(sums[unchecked: 0], sums[unchecked: 1])
    let high01 = small_batch_zip_high(sums[unchecked: 0], sums[unchecked: 1])
    let low23 = small_batch_zip_low(sums[unchecked: 2], sums[unchecked: 3])
    let high23 = small_batch_zip_high(sums[unchecked: 2], sums[unchecked: 3])
    let low45 = small_batch_zip_low(sums[unchecked: 4], sums[unchecked: 5])
    let high45 = small_batch_zip_high(sums[unchecked: 4], sums[unchecked: 5])
    let low67 = small_batch_zip_low(sums[unchecked: 6], sums[unchecked: 7])
    let high67 = small_batch_zip_high(sums[unchecked: 6], sums[unchecked: 7])
    quartet(
      small_batch_zip_pairs_low(low01, low23), small_batch_zip_pairs_low(low45, low67), lane, y,
      rows, bias, tokens, adding)
    quartet(
      small_batch_zip_pairs_high(low01, low23), small_batch_zip_pairs_high(low45, low67), lane &+ 1,
      y, rows, bias, tokens, adding)
    quartet(
      small_batch_zip_pairs_low(high01, high23), small_batch_zip_pairs_low(high45, high67),
      lane &+ 2, y, rows, bias, tokens, adding)
    quartet(
      small_batch_zip_pairs_high(high01, high23), small_batch_zip_pairs_high(high45, high67),
      lane &+ 3, y, rows, bias, tokens, adding)
  }

  /// Quarter `q` of `first` and of `last` are tokens 0 to 3 and 4 to 7 of lane `lane + 4 · q`.
  @inline(__always)
  private func quartet(
    _ first: SIMD16<Float>, _ last: SIMD16<Float>, _ lane: Int, _ y: UnsafeMutablePointer<Float>,
    _ rows: UnsafePointer<Int32>, _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool
  ) {
    let low = small_batch_join_low(first, last)
    let high = small_batch_join_high(first, last)
    small_batch_put_row(low, false, lane, y, rows, bias, tokens, adding)
    small_batch_put_row(low, true, lane &+ 4, y, rows, bias, tokens, adding)
    small_batch_put_row(high, false, lane &+ 8, y, rows, bias, tokens, adding)
    small_batch_put_row(high, true, lane &+ 12, y, rows, bias, tokens, adding)
  }
}

@inline(__always)
private func columns(
  _ wide: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool,
  _ from: Int, _ to: Int
) {
  for group in from..<to {
    var a = TokenSums()
    var b = TokenSums()
    for entry in Int(starts[group])..<Int(starts[group &+ 1]) {
      let input = x + Int(index[entry])
      if wide {
        let low = small_batch_weights(values, entry &* 2, halves)
        let high = small_batch_weights(values, entry &* 2 &+ 1, halves)
        for token in 0..<8 {
          let activation = SIMD16<Float>(repeating: input[token])
          a.sums[unchecked: token] = small_batch_fused(low, activation, a.sums[unchecked: token])
          b.sums[unchecked: token] = small_batch_fused(high, activation, b.sums[unchecked: token])
        }
      } else {
        a.add(small_batch_weights(values, entry, halves), input)
      }
    }
    a.put(group &* (wide ? 32 : 16), y, rows, bias, tokens, adding)
    if wide { b.put(group &* 32 &+ 16, y, rows, bias, tokens, adding) }
  }
}

/// Groups of 32 (`wide`) or 16 outputs that share a list of inputs, for one panel of eight tokens.
///
/// `starts[group]` counts list entries, `index[entry]` is eight times an input, weights are
/// `[entry][outputs]`; `rows` and `bias` are in the order of lanes, see `small_batch_put_row`.
@inline(never)
public func eightTokensColumns(
  _ wide: Bool, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool,
  _ from: Int, _ to: Int
) {
  switch (wide, halves) {
  case (true, false):
    columns(true, false, values, index, starts, x, y, rows, bias, tokens, adding, from, to)
  case (false, false):
    columns(false, false, values, index, starts, x, y, rows, bias, tokens, adding, from, to)
  case (true, true):
    columns(true, true, values, index, starts, x, y, rows, bias, tokens, adding, from, to)
  case (false, true):
    columns(false, true, values, index, starts, x, y, rows, bias, tokens, adding, from, to)
  }
}

/// Every input of 32 outputs a group, weights `[group][columns][32]`.
@inline(never)
public func eightTokensDense(
  _ halves: Bool, _ values: UnsafeRawPointer, _ columns: Int, _ x: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>, _ rows: UnsafePointer<Int32>, _ bias: UnsafePointer<Float>,
  _ tokens: Int, _ from: Int, _ to: Int
) {
  for group in from..<to {
    var a = TokenSums()
    var b = TokenSums()
    var input = x
    let first = group &* columns
    for entry in first..<first &+ columns {
      let low = small_batch_weights(values, entry &* 2, halves)
      let high = small_batch_weights(values, entry &* 2 &+ 1, halves)
      for token in 0..<8 {
        let activation = SIMD16<Float>(repeating: input[token])
        a.sums[unchecked: token] = small_batch_fused(low, activation, a.sums[unchecked: token])
        b.sums[unchecked: token] = small_batch_fused(high, activation, b.sums[unchecked: token])
      }
      input += 8
    }
    a.put(group &* 32, y, rows, bias, tokens, false)
    b.put(group &* 32 &+ 16, y, rows, bias, tokens, false)
  }
}

/// `[4 · quads][8]` to `[quads][8][4]`, the form in which `eightTokensQuads` takes activations.
@inline(never)
public func eightTokensTurn(
  _ x: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ quads: Int
) {
  for quad in 0..<quads { small_batch_turn(x + quad &* 32, target + quad &* 32) }
}

/// N of every four inputs (see `singleTokenQuads`), sixteen outputs in lanes: weights and selectors
/// are read once for the eight tokens. `x` is `[quads][8][4]`.
@inline(never)
public func eightTokensQuads(
  _ kept: Int, _ halves: Bool, _ values: UnsafeRawPointer, _ selectors: UnsafePointer<UInt32>,
  _ quads: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ bias: UnsafePointer<Float>, _ tokens: Int, _ adding: Bool,
  _ from: Int, _ to: Int
) {
  let perChunk = 16 / kept
  let chunks = (quads &+ perChunk &- 1) / perChunk
  for group in from..<to {
    var sums = TokenSums()
    var vector = group &* quads &* kept
    var words = UnsafeRawPointer(selectors + group &* chunks &* 16)
    var selector = SIMD16<UInt32>.zero
    var left = 0
    for quad in 0..<quads {
      if left == 0 {
        selector = words.loadUnaligned(as: SIMD16<UInt32>.self)
        words += 64
        left = perChunk
      }
      left &-= 1
      let input = x + quad &* 32
      for _ in 0..<kept {
        let weights = small_batch_weights(values, vector, halves)
        for token in 0..<8 {
          sums.sums[unchecked: token] = small_batch_fused(
            weights, small_batch_pick(small_batch_repeat_four(input + token &* 4), selector, 0),
            sums.sums[unchecked: token])
        }
        selector = selector &>> 2
        vector &+= 1
      }
    }
    sums.put(group &* 16, y, rows, bias, tokens, adding)
  }
}
