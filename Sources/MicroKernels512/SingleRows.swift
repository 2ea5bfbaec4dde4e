import Intrinsics

/// `R` output rows side by side, each with inputs of its own, `T` registers of tokens.
///
/// A weight of a row of its own costs a load for each register of tokens, so loads are the limit (two a
/// cycle, as many as multiply-adds), and only while the activations are in L1: the caller cuts the
/// inputs into ranges whose activations fit, and `y` is added to from range to range. So rows that have
/// inputs in common are put together, range by range anew: first come inputs that four rows share, then
/// those that two rows share, each loaded once, and then what each row has alone. The rows of a random
/// mask share little, but the best of some fifty partners shares much: of the weights of 768x768 at s =
/// 0.5 / 0.8 / 0.9 / 0.95, 50 / 29 / 20 / 13 % meet an activation that is loaded for another row as well,
/// and the kernel reaches 85 / 75 / 66 / 57 % of the peak at 128 tokens where rows by themselves reach 70
/// / 64 / 57 / 46; 2:4 86 instead of 74, tvw64 at 0.75 83 instead of 70, 1x32 at 0.9 90 instead of 57
/// (Zen 5 at 3.7 GHz, 2026-11). Groups of eight rows and one panel: 4 to 15 % slower. Giving up some
/// sharing so that the loops of more neighbours are equally long: no gain.
///
/// What else loads is kept small: four indices come as one 64-bit word, already scaled to bytes, and four
/// weights as one broadcast that is permuted in registers (a broadcast load of each weight instead: 6 %
/// slower). The four of a word belong to different rows: every row then has one chain of sums, long enough
/// apart to hide the latency of a multiply-add, and nothing is left to be added up at its end; the costs
/// of a loop's end are shared by `R` rows.
///
/// What is left: loads whose addresses come from memory reach 1.5 to 1.6 a cycle of the 2 that loads from
/// fixed addresses reach, whatever the addresses, their form (index register, pointers added up
/// beforehand) and the width of the indices: 10.5 against 8.5 cycles for four weights that share nothing
/// and 64 tokens, where the arithmetic takes 8 (Zen 5, 2026-11).
enum RowGroup<let R: Int, let T: Int> {
  typealias Registers = InlineArray<T, Vector>
  typealias Sums = InlineArray<R, Registers>
  typealias Words = InlineArray<4, UInt64>

  @inline(__always)
  static func offset(_ t: Int, _ panel: Int) -> Int {
    t / registersPerPanel &* panel &+ t % registersPerPanel &* Vector.scalarCount
  }

  /// `sums += weight · x`, activations straight from memory.
  @inline(__always)
  static func step(
    _ sums: inout Registers, _ x: UnsafeRawPointer, _ xPanel: Int, _ weight: Vector
  ) {
    let inputs = x.assumingMemoryBound(to: Float.self)
    for t in 0..<T {
      sums[unchecked: t] = multiplyAdd(
        weight, load(inputs + offset(t, xPanel)), sums[unchecked: t])
    }
  }

  /// The same with activations in registers.
  @inline(__always)
  static func add(_ sums: inout Registers, _ x: Registers, _ weight: Vector) {
    for t in 0..<T {
      sums[unchecked: t] = multiplyAdd(weight, x[unchecked: t], sums[unchecked: t])
    }
  }

  /// The activations of entry `h` of a word of offsets.
  @inline(__always)
  static func activations(
    _ h: Int, _ word: UInt64, _ x: UnsafeRawPointer, _ xPanel: Int
  ) -> Registers {
    let place = Int(truncatingIfNeeded: word &>> UInt64(16 &* h) & 0xffff)
    let inputs = (x + place).assumingMemoryBound(to: Float.self)
    var registers = Registers(repeating: .zero)
    for t in 0..<T { registers[unchecked: t] = load(inputs + offset(t, xPanel)) }
    return registers
  }

  /// Four weights for `weight` to pick from.
  @inline(__always)
  static func weights(_ values: UnsafePointer<Float>) -> Vector {
    #if AVX512
      quad(values)
    #else
      .zero
    #endif
  }

  /// Weight `i` (0...3) of four.
  @inline(__always)
  static func weight(_ i: Int, _ four: Vector, _ values: UnsafePointer<Float>) -> Vector {
    #if AVX512
      quad_element(four, Int32(truncatingIfNeeded: i))
    #else
      Vector(repeating: values[i])
    #endif
  }

  /// Entry `h` of a word of inputs that four rows share.
  @inline(__always)
  static func shareFour(
    _ h: Int, _ sums: inout Sums, _ word: UInt64, _ x: UnsafeRawPointer, _ xPanel: Int,
    _ values: UnsafePointer<Float>
  ) {
    let inputs = activations(h, word, x, xPanel)
    let four = values + 4 &* h
    let own = weights(four)
    add(&sums[unchecked: 0], inputs, weight(0, own, four))
    add(&sums[unchecked: 1], inputs, weight(1, own, four))
    add(&sums[unchecked: 2], inputs, weight(2, own, four))
    add(&sums[unchecked: 3], inputs, weight(3, own, four))
  }

  /// Entry `h` of a word of inputs that two rows share, the first two or the others; `own` holds its
  /// weights and a neighbour's.
  @inline(__always)
  static func shareTwo(
    _ h: Int, _ sums: inout Sums, _ word: UInt64, _ x: UnsafeRawPointer, _ xPanel: Int,
    _ own: Vector, _ values: UnsafePointer<Float>
  ) {
    let inputs = activations(h, word, x, xPanel)
    let row = h % 2 &* 2
    add(&sums[unchecked: row], inputs, weight(2 &* (h % 2), own, values))
    add(&sums[unchecked: row &+ 1], inputs, weight(2 &* (h % 2) &+ 1, own, values))
  }

  /// What row `r` keeps beyond the steps that all rows share.
  @inline(__always)
  static func rest(
    _ r: Int, _ sums: inout Sums, _ x: UnsafeRawPointer, _ xPanel: Int,
    _ counts: UnsafePointer<UInt16>, _ offsets: inout UnsafePointer<UInt16>,
    _ values: inout UnsafePointer<Float>
  ) {
    guard r < R else { return }
    let count = Int(counts[r])
    for i in 0..<count {
      step(
        &sums[unchecked: r], x + Int(offsets[i]), xPanel, Vector(repeating: values[i]))
    }
    offsets += count
    values += count
  }

  /// Indices are read four words ahead: an index load that queues behind the loads that wait for it
  /// leaves a gap. Against one word ahead: 5 % less time.
  @inline(__always)
  static func advance(_ words: inout Words, _ offsets: inout UnsafePointer<UInt16>) {
    offsets += 4
    for w in 0..<3 {
      words[unchecked: w] = UInt64(in_register(UInt(words[unchecked: w &+ 1])))
    }
    words[unchecked: 3] = UInt64(in_register(UInt(loadFour(offsets + 12))))
  }

  /// As many offsets and weights as a group has, 3 KiB of weights further on: the processor's own
  /// prefetching stops at the end of each page.
  @inline(__always)
  static func askForWeights(
    _ starts: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt16>,
    _ values: UnsafePointer<Float>, _ group: Int, _ next: Int
  ) {
    var offset = offsets + (Int(starts[2 &* group]) &+ 768)
    let lastOffset = offsets + (Int(starts[2 &* next]) &+ 768)
    while offset < lastOffset {
      prefetch_far(offset)
      offset += 32
    }
    var value = values + (Int(starts[2 &* group &+ 1]) &+ 768)
    let lastValue = values + (Int(starts[2 &* next &+ 1]) &+ 768)
    while value < lastValue {
      prefetch_far(value)
      value += 16
    }
  }

  @inline(__always)
  static func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    _ starts: UnsafePointer<UInt32>, _ allCounts: UnsafePointer<UInt16>,
    _ rowNumbers: UnsafePointer<UInt32>, _ allOffsets: UnsafePointer<UInt16>,
    _ allValues: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ accumulates: Bool,
    _ ahead: UnsafePointer<Float>, _ lines: Int, _ streams: Bool, _ from: Int, _ to: Int
  ) {
    let inputs = UnsafeRawPointer(x)
    var line = 0
    for q in from..<to {
      // Each group asks for its share.
      let until = lines &* (q &- from &+ 1) / (to &- from)
      while line < until {
        prefetch_far(ahead + 16 &* line)
        if T > registersPerPanel { prefetch_far(ahead + (xPanel &+ 16 &* line)) }
        line &+= 1
      }
      // Where activations are not in the second-level cache, outputs that nothing has written yet are not.
      if !accumulates, lines > 0 {
        Slab<R, T, 1>.askForOutputs(y, yPanel, rowNumbers + q &* R)
      }
      if streams { askForWeights(starts, allOffsets, allValues, q, min(q &+ 1, to &- 1)) }
      let counts = allCounts + q &* (R &+ 4)
      var offsets = allOffsets + Int(starts[2 &* q])
      var values = allValues + Int(starts[2 &* q &+ 1])
      var sums = Sums(repeating: .init(repeating: .zero))
      var words = Words(repeating: 0)
      for w in 0..<4 { words[unchecked: w] = loadFour(offsets + 4 &* w) }
      // Entries are written out: only in loops without branches inside the sums stay in registers.
      if R == 4 {
        for _ in 0..<Int(counts[0]) {
          let word = words[unchecked: 0]
          shareFour(0, &sums, word, inputs, xPanel, values)
          shareFour(1, &sums, word, inputs, xPanel, values)
          shareFour(2, &sums, word, inputs, xPanel, values)
          shareFour(3, &sums, word, inputs, xPanel, values)
          values += 16
          advance(&words, &offsets)
        }
        for _ in 0..<Int(counts[1]) {
          let word = words[unchecked: 0]
          let (low, high) = (weights(values), weights(values + 4))
          shareTwo(0, &sums, word, inputs, xPanel, low, values)
          shareTwo(1, &sums, word, inputs, xPanel, low, values)
          shareTwo(2, &sums, word, inputs, xPanel, high, values + 4)
          shareTwo(3, &sums, word, inputs, xPanel, high, values + 4)
          values += 8
          advance(&words, &offsets)
        }
      }
      for _ in 0..<Int(counts[2]) {
        var word = words[unchecked: 0]
        let own = weights(values)
        for h in 0..<4 {
          step(
            &sums[unchecked: h &* R / 4], inputs + Int(truncatingIfNeeded: word & 0xffff), xPanel,
            weight(h, own, values))
          word &>>= 16
        }
        values += 4
        advance(&words, &offsets)
      }
      if counts[3] > 0 {
        rest(0, &sums, inputs, xPanel, counts + 4, &offsets, &values)
        rest(1, &sums, inputs, xPanel, counts + 4, &offsets, &values)
        rest(2, &sums, inputs, xPanel, counts + 4, &offsets, &values)
        rest(3, &sums, inputs, xPanel, counts + 4, &offsets, &values)
      }
      Slab<R, T, 1>.finish(sums, y, yPanel, rowNumbers + q &* R, bias, accumulates)
    }
  }
}

@inline(__always)
func loadFour(_ offsets: UnsafePointer<UInt16>) -> UInt64 {
  UnsafeRawPointer(offsets).loadUnaligned(as: UInt64.self)
}

/// Rows with inputs of their own times panels of 32 tokens:
/// `y[row, tokens] (+)= Σ_i values[i] · x[input(i), tokens]`.
///
/// - Parameters:
///   - rowsPerGroup: 1 or 4.
///   - x: `[panels][..][32]` at the first feature of this range of inputs; `xPanel` floats from panel to
///     panel. `y` likewise.
///   - starts: `[to][2]`: where each group starts in `offsets` and in `values`. There stand, four offsets
///     a word: inputs that all four rows share, with four weights each; inputs that two rows share, one
///     of the first two and one of the others in turns, with two weights each; the rows' own inputs, one
///     of each row in turns (of one row four), with one weight each; and then what is left of each row,
///     row by row.
///   - counts: `[to][4 + rowsPerGroup]`: words that four share, words that two share, words of own inputs,
///     whether anything is left; and what is left of each row.
///   - rowNumbers: `[to][rowsPerGroup]`: the output rows, in any order.
///   - offsets: 128 times the input, relative to `x`: a distance in bytes. So a range has at most
///     512 inputs. Sixteen offsets after the last are read and not used.
///   - inPairs: two panels at once where there are two.
///   - accumulates: adds to what `y` holds instead of starting from the bias.
///   - ahead: floats from `x` to the activations that are wanted next, `aheadLines` cache lines a panel, which
///     are asked for meanwhile. For activations that the second-level cache does not hold.
///   - streamsWeights: whether weights are asked for, too.
@inline(never)
public func singleRows(
  rowsPerGroup: Int, x: UnsafePointer<Float>, xPanel: Int, y: UnsafeMutablePointer<Float>,
  yPanel: Int, panels: Int, starts: UnsafePointer<UInt32>, counts: UnsafePointer<UInt16>,
  rowNumbers: UnsafePointer<UInt32>, offsets: UnsafePointer<UInt16>, values: UnsafePointer<Float>,
  bias: UnsafePointer<Float>, inPairs: Bool, accumulates: Bool, ahead: Int, aheadLines: Int,
  streamsWeights: Bool, from: Int, to: Int
) {
  guard from < to else { return }
  var panel = 0
  while panel < panels {
    let (xs, ys) = (x + panel &* xPanel, y + panel &* yPanel)
    #if AVX512
      let two = inPairs && panels &- panel > 1
      switch (rowsPerGroup, two) {
      case (1, true):
        RowGroup<1, 4>.run(
          xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
          xs + ahead, aheadLines, streamsWeights, from, to)
      case (1, false):
        RowGroup<1, 2>.run(
          xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
          xs + ahead, aheadLines, streamsWeights, from, to)
      case (4, true):
        RowGroup<4, 4>.run(
          xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
          xs + ahead, aheadLines, streamsWeights, from, to)
      case (4, false):
        RowGroup<4, 2>.run(
          xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
          xs + ahead, aheadLines, streamsWeights, from, to)
      default: fatalError("groups of \(rowsPerGroup) rows")
      }
      panel &+= two ? 2 : 1
    #else
      for part in 0..<registersPerPanel / 2 {
        let shift = part &* 2 &* Vector.scalarCount
        if rowsPerGroup == 1 {
          RowGroup<1, 2>.run(
            xs + shift, xPanel, ys + shift, yPanel, starts, counts, rowNumbers, offsets, values,
            bias, accumulates, xs + ahead, aheadLines, streamsWeights, from, to)
        } else {
          RowGroup<4, 2>.run(
            xs + shift, xPanel, ys + shift, yPanel, starts, counts, rowNumbers, offsets, values,
            bias, accumulates, xs + ahead, aheadLines, streamsWeights, from, to)
        }
      }
      panel &+= 1
    #endif
  }
}
