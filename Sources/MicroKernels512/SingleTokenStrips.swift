import Intrinsics

// One token, weights in strips: `height` consecutive outputs that share a list of inputs.
//
// Every block shape is one of eight ways to lay sixteen weights beside sixteen activations
// (`StripShape`). A group is sixteen outputs (32x1 has 32): one strip of 16, two of 8, four of 4 or
// sixteen of 1. A step is one vector of each strip of the group, so that all strips of a group have
// the same number of steps (shorter ones end in zeros; strips are sorted by length, so there are
// few), no strip has a branch of its own and the accumulators of different strips hide each other's
// latency.
//
// 2026-11, Zen 5, 768x768: reading the weights alone, 232 KB with a tenth and 117 KB with a twentieth
// kept, takes 1.38 and 0.70 µs from the L2 cache (168 GB/s, from one place or from two or four at
// once); 16x1 in the loop takes 1.58 and 0.82, 32x1 1.44 and 0.73: what is left is the end of each
// group. Tried without gain: software prefetch 0.5 to 4 KiB ahead, two groups side by side, the last
// one to three steps of a group under masks instead of a loop (1.80), a word of four list entries for
// 16x1 (1.76). Two and four entries a vector are bound by the loads of activations: 8x1 2.03 µs with
// its list in words, eight outputs a register 2.33, activations repeated eight times in L1 2.26, put
// together by insertions 2.09.
//
// The linker's choice of a place moves these loops by some per cent from build to build, and nothing here
// controls it (-align-loops and -align-all-functions changed no address): 32x1 at 0.9 took 1.65 µs with
// its loop 48 bytes into a cache line and 1.83 with 32, 16x1 1.93 with 16 and 1.83 with 0.

extension StripShape {
  /// Adds vectors `vector..<vector + 4` to four sums.
  @inline(__always)
  static func four(
    _ sums: inout InlineArray<4, SIMD16<Float>>, _ halves: Bool, _ values: UnsafeRawPointer,
    _ vector: Int, _ inputs: UnsafePointer<UInt16>, _ x: UnsafePointer<Float>
  ) {
    for i in 0..<4 {
      sums[unchecked: i] = small_batch_fused(
        small_batch_weights(values, vector &+ i, halves),
        activations(x, inputs + i &* indices), sums[unchecked: i])
    }
  }
}

extension TallStripShape {
  /// Four vectors at once: four steps of one strip, two of two or one of four, so that four sums
  /// are under way (a fused multiply-add takes four cycles).
  @inline(__always)
  static func run(
    _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
    _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
    _ adding: Bool, _ from: Int, _ to: Int
  ) {
    var vector = Int(starts[from]) &* strips
    var inputs = index + vector &* indices
    for group in from..<to {
      let end = Int(starts[group &+ 1]) &* strips
      var sums = InlineArray<4, SIMD16<Float>>(repeating: .zero)
      while vector &+ 4 <= end {
        four(&sums, halves, values, vector, inputs, x)
        vector &+= 4
        inputs += 4 &* indices
      }
      if strips < 4 {
        while vector < end {
          sums[unchecked: 0] = small_batch_fused(
            small_batch_weights(values, vector, halves), activations(x, inputs),
            sums[unchecked: 0])
          if strips == 2 {
            sums[unchecked: 1] = small_batch_fused(
              small_batch_weights(values, vector &+ 1, halves),
              activations(x, inputs + indices), sums[unchecked: 1])
          }
          vector &+= strips
          inputs += strips &* indices
        }
      }
      small_batch_put(total(sums), group, y, rows, runs, bias, adding)
    }
  }
}

/// 32x1: two vectors of outputs an entry, which share its activation (5 to 10 % over 16x1 on Zen
/// 5).
private enum Columns32 {
  @inline(__always)
  static func run(
    _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
    _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
    _ adding: Bool, _ from: Int, _ to: Int
  ) {
    for group in from..<to {
      var entry = Int(starts[group])
      let end = Int(starts[group &+ 1])
      var a = SIMD16<Float>.zero
      var b = a
      var c = a
      var d = a
      while entry &+ 2 <= end {
        let first = SIMD16<Float>(repeating: x[Int(index[entry])])
        let second = SIMD16<Float>(repeating: x[Int(index[entry &+ 1])])
        a = small_batch_fused(small_batch_weights(values, entry &* 2, halves), first, a)
        b = small_batch_fused(small_batch_weights(values, entry &* 2 &+ 1, halves), first, b)
        c = small_batch_fused(small_batch_weights(values, entry &* 2 &+ 2, halves), second, c)
        d = small_batch_fused(small_batch_weights(values, entry &* 2 &+ 3, halves), second, d)
        entry &+= 2
      }
      if entry < end {
        let first = SIMD16<Float>(repeating: x[Int(index[entry])])
        a = small_batch_fused(small_batch_weights(values, entry &* 2, halves), first, a)
        b = small_batch_fused(small_batch_weights(values, entry &* 2 &+ 1, halves), first, b)
      }
      small_batch_put(a + c, group &* 2, y, rows, runs, bias, adding)
      small_batch_put(b + d, group &* 2 &+ 1, y, rows, runs, bias, adding)
    }
  }
}

/// Sixteen strips of one output.
enum Dots<Shape: StripShape> {
  @inline(__always)
  static func run(
    _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
    _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
    _ adding: Bool, _ from: Int, _ to: Int
  ) {
    var vector = Int(starts[from]) &* 16
    var inputs = index + vector &* Shape.indices
    for group in from..<to {
      let end = Int(starts[group &+ 1]) &* 16
      var a = InlineArray<4, SIMD16<Float>>(repeating: .zero)
      var b = a
      var c = a
      var d = a
      while vector < end {
        Shape.four(&a, halves, values, vector, inputs, x)
        Shape.four(&b, halves, values, vector &+ 4, inputs + 4 &* Shape.indices, x)
        Shape.four(&c, halves, values, vector &+ 8, inputs + 8 &* Shape.indices, x)
        Shape.four(&d, halves, values, vector &+ 12, inputs + 12 &* Shape.indices, x)
        vector &+= 16
        inputs += 16 &* Shape.indices
      }
      let total = joined(quarter(a), quarter(b), quarter(c), quarter(d))
      small_batch_put(total, group, y, rows, runs, bias, adding)
    }
  }

  /// Four lanes of partial sums of each of four outputs. Sixteen outputs take 15 such additions,
  /// where one reduction for each output takes 64.
  @inline(__always)
  private static func quarter(_ sums: InlineArray<4, SIMD16<Float>>) -> SIMD16<Float> {
    joined(sums[unchecked: 0], sums[unchecked: 1], sums[unchecked: 2], sums[unchecked: 3])
  }

  @inline(__always)
  private static func joined(
    _ a: SIMD16<Float>, _ b: SIMD16<Float>, _ c: SIMD16<Float>, _ d: SIMD16<Float>
  ) -> SIMD16<Float> {
    small_batch_add_neighbours(
      small_batch_add_neighbours(a, b), small_batch_add_neighbours(c, d))
  }
}

// `form` is an integer because only pointers and integers cross the border of a module that is
// built once per instruction set; `SingleTokenForm` in Kernels names them.

/// Strips of form 0 to 7 (16x1, 8x1, 4x1, 4x4, 1x16, 1x8, 1x4, 32x1), groups `from..<to`.
///
/// `starts[group]` counts steps; a step is one vector of sixteen weights for each strip of the
/// group; `index` holds the first inputs of the blocks of a vector. For `rows`, `runs`, `bias` and
/// `adding` see `put`. Nothing need be aligned. Work: 32 FLOP a vector; bytes: 64 a vector (32 in
/// BF16) and its list.
@inline(never)
public func singleTokenStrips(
  _ form: Int, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ adding: Bool, _ from: Int, _ to: Int
) {
  if halves {
    strips(form, true, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  } else {
    strips(form, false, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  }
}

@inline(__always)
private func strips(
  _ form: Int, _ halves: Bool, _ values: UnsafeRawPointer, _ index: UnsafePointer<UInt16>,
  _ starts: UnsafePointer<UInt32>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ rows: UnsafePointer<Int32>, _ runs: UnsafePointer<UInt8>, _ bias: UnsafePointer<Float>,
  _ adding: Bool, _ from: Int, _ to: Int
) {
  switch form {
  case 0:
    Columns16.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  case 1:
    Columns8.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  case 2:
    Columns4.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  case 3:
    Block4.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  case 4:
    Dots<Dots16>.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  case 5:
    Dots<Dots8>.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  case 6:
    Dots<Dots4>.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  default:
    Columns32.run(
      halves, values, index, starts, x, y, rows, runs, bias, adding, from, to)
  }
}
