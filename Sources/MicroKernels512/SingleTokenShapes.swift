import Intrinsics

/// How the sixteen weights of one vector meet their activations.
protocol StripShape {
  /// Inputs named by the index list for each vector.
  static var indices: Int { get }
  /// The sixteen activations of a vector. `index[i]` is an input.
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float>
}

/// The lowest entry of a list that was read as one word: a 16-bit load for each entry costs more than
/// its shift (8x1 with a tenth kept: 2.30 µs against 2.03, Zen 5, 2026-11).
@inline(__always)
func input<Word: FixedWidthInteger>(_ list: Word) -> Int { Int(truncatingIfNeeded: list & 0xffff) }

/// Two and four entries of a list, as one word.
@inline(__always)
func twoInputs(_ index: UnsafePointer<UInt16>) -> (Int, Int) {
  let list = UnsafeRawPointer(index).loadUnaligned(as: UInt32.self)
  return (input(list), input(list &>> 16))
}
@inline(__always)
func fourInputs(_ index: UnsafePointer<UInt16>) -> (Int, Int, Int, Int) {
  let list = UnsafeRawPointer(index).loadUnaligned(as: UInt64.self)
  return (input(list), input(list &>> 16), input(list &>> 32), input(list &>> 48))
}

/// A shape whose groups have 1, 2 or 4 strips.
protocol TallStripShape: StripShape {
  static var strips: Int { get }
  /// One sum a lane from four accumulators: vector `i` of a group was added to accumulator `i % 4`.
  static func total(_ sums: InlineArray<4, SIMD16<Float>>) -> SIMD16<Float>
}

/// 16x1: lanes are outputs.
enum Columns16: TallStripShape {
  static var strips: Int { @inline(__always) get { 1 } }
  static var indices: Int { @inline(__always) get { 1 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    SIMD16<Float>(repeating: x[Int(index[0])])
  }
  @inline(__always)
  static func total(_ sums: InlineArray<4, SIMD16<Float>>) -> SIMD16<Float> {
    (sums[unchecked: 0] + sums[unchecked: 1]) + (sums[unchecked: 2] + sums[unchecked: 3])
  }
}

/// 8x1: two inputs by eight outputs.
enum Columns8: TallStripShape {
  static var strips: Int { @inline(__always) get { 2 } }
  static var indices: Int { @inline(__always) get { 2 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    let (a, b) = twoInputs(index)
    return small_batch_two(x + a, x + b)
  }
  @inline(__always)
  static func total(_ sums: InlineArray<4, SIMD16<Float>>) -> SIMD16<Float> {
    small_batch_add_halves(
      sums[unchecked: 0] + sums[unchecked: 2], sums[unchecked: 1] + sums[unchecked: 3])
  }
}

/// 4x1: four inputs by four outputs.
enum Columns4: TallStripShape {
  static var strips: Int { @inline(__always) get { 4 } }
  static var indices: Int { @inline(__always) get { 4 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    let (a, b, c, d) = fourInputs(index)
    return small_batch_four_of(x + a, x + b, x + c, x + d)
  }
  @inline(__always)
  static func total(_ sums: InlineArray<4, SIMD16<Float>>) -> SIMD16<Float> {
    small_batch_add_quarters(
      small_batch_add_halves(sums[unchecked: 0], sums[unchecked: 1]),
      small_batch_add_halves(sums[unchecked: 2], sums[unchecked: 3]))
  }
}

/// 4x4: four outputs by four consecutive inputs, outputs in quarters.
enum Block4: TallStripShape {
  static var strips: Int { @inline(__always) get { 4 } }
  static var indices: Int { @inline(__always) get { 1 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    small_batch_repeat_four(x + Int(index[0]))
  }
  @inline(__always)
  static func total(_ sums: InlineArray<4, SIMD16<Float>>) -> SIMD16<Float> {
    small_batch_add_neighbours(
      small_batch_add_neighbours(sums[unchecked: 0], sums[unchecked: 1]),
      small_batch_add_neighbours(sums[unchecked: 2], sums[unchecked: 3]))
  }
}

/// 1x16: lanes are consecutive inputs.
enum Dots16: StripShape {
  static var indices: Int { @inline(__always) get { 1 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    small_batch_at(x + Int(index[0]))
  }
}

/// 1x8: two runs of eight inputs.
enum Dots8: StripShape {
  static var indices: Int { @inline(__always) get { 2 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    let (a, b) = twoInputs(index)
    return small_batch_eights(x + a, x + b)
  }
}

/// 1x4: four runs of four inputs.
enum Dots4: StripShape {
  static var indices: Int { @inline(__always) get { 4 } }
  @inline(__always)
  static func activations(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<UInt16>
  ) -> SIMD16<Float> {
    let (a, b, c, d) = fourInputs(index)
    return small_batch_fours(x + a, x + b, x + c, x + d)
  }
}
