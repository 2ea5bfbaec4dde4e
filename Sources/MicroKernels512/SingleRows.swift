import Intrinsics

/// `R` output rows side by side, each with inputs of its own, `T` registers of tokens.
///
/// Each weight costs a load for each register of tokens, so loads are the limit (two a cycle, as
/// many as multiply-adds), and only while the activations are in L1: the caller cuts the inputs into
/// ranges whose activations fit, and `y` is added to from range to range. What else loads is kept
/// small: four indices come as one 64-bit word, already scaled to bytes, and four weights as one
/// broadcast that is permuted in registers (a broadcast load of each weight instead: 6 % slower).
///
/// The four of a word belong to four rows, not to one: every row then has one chain of sums, long enough
/// apart to hide the latency of a multiply-add, and nothing is left to be added up at its end; the
/// costs of a loop's end are shared by `R` rows. 768x768 at 128 tokens and s = 0.8 / 0.9 / 0.95
/// against one row at a time with two copies of its sums: 13 / 15 / 20 % less time; two weights of each
/// of two rows: 6 / 8 / 11 % (Zen 5, 2026-11).
///
/// What is left: loads whose addresses come from memory reach 1.5 to 1.6 a cycle of the 2 that loads from
/// fixed addresses reach, whatever the addresses, their form (index register, pointers added up
/// beforehand) and the width of the indices: 10.5 against 8.5 cycles for four weights and 64 tokens, where
/// the arithmetic takes 8. With outputs that stay in L1 and inputs from 4 KiB the whole kernel reaches 65
/// / 60 / 56 % of the peak at 0.8 / 0.9 / 0.95, with the real ones 62 / 55 / 49 % (Zen 5, 2026-11).
///
/// `W` words of four make a step, in which each row has `4 · W / R` weights.
enum RowGroup<let R: Int, let T: Int, let W: Int> {
  typealias Sums = InlineArray<R, InlineArray<T, Vector>>

  /// Weights of a row in a step.
  @inline(__always)
  static var perRow: Int { 4 &* W / R }

  @inline(__always)
  static func step(
    _ sums: inout InlineArray<T, Vector>, _ x: UnsafeRawPointer, _ xPanel: Int, _ weight: Vector
  ) {
    let inputs = x.assumingMemoryBound(to: Float.self)
    for t in 0..<T {
      sums[unchecked: t] = multiplyAdd(
        weight, load(inputs + offset(t, xPanel)), sums[unchecked: t])
    }
  }

  @inline(__always)
  static func offset(_ t: Int, _ panel: Int) -> Int {
    t / registersPerPanel &* panel &+ t % registersPerPanel &* Vector.scalarCount
  }

  /// What row `r` keeps beyond the steps that all rows share.
  @inline(__always)
  static func rest(
    _ r: Int, _ sums: inout Sums, _ x: UnsafeRawPointer, _ xPanel: Int, _ count: Int,
    _ offsets: inout UnsafePointer<UInt16>, _ values: inout UnsafePointer<Float>
  ) {
    guard r < R else { return }
    for i in 0..<count {
      step(
        &sums[unchecked: r], x + Int(offsets[i]), xPanel, Vector(repeating: values[i]))
    }
    offsets += count
    values += count
  }

  @inline(__always)
  static func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    _ starts: UnsafePointer<UInt32>, _ counts: UnsafePointer<UInt16>,
    _ rowNumbers: UnsafePointer<UInt32>, _ allOffsets: UnsafePointer<UInt16>,
    _ allValues: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ accumulates: Bool,
    _ from: Int, _ to: Int
  ) {
    let inputs = UnsafeRawPointer(x)
    for q in from..<to {
      let own = counts + q &* R
      let steps = Int(own[R &- 1]) / perRow
      var offsets = allOffsets + Int(starts[q])
      var values = allValues + Int(starts[q])
      var sums = Sums(repeating: .init(repeating: .zero))
      // Indices are read four words ahead: an index load that queues behind the loads that wait for it
      // leaves a gap. Against one step ahead: 5 % less time with 4 rows, 3 % with 8.
      var words = InlineArray<4, UInt64>(repeating: 0)
      for w in 0..<4 { words[unchecked: w] = loadFour(offsets + 4 &* w) }
      for _ in 0..<steps {
        for w in 0..<W {
          var four = words[unchecked: w]
          #if AVX512
            let weights = quad(values + 4 &* w)
          #endif
          for h in 0..<4 {
            #if AVX512
              let weight = quad_element(weights, Int32(truncatingIfNeeded: h))
            #else
              let weight = Vector(repeating: values[4 &* w &+ h])
            #endif
            step(
              &sums[unchecked: (4 &* w &+ h) / perRow],
              inputs + Int(truncatingIfNeeded: four & 0xffff), xPanel, weight)
            four &>>= 16
          }
        }
        offsets += 4 &* W
        values += 4 &* W
        for w in 0..<4 &- W {
          words[unchecked: w] = UInt64(in_register(UInt(words[unchecked: w &+ W])))
        }
        for w in 4 &- W..<4 {
          words[unchecked: w] = UInt64(in_register(UInt(loadFour(offsets + 4 &* w))))
        }
      }
      if Int(own[0]) > steps &* perRow {
        // Written out, since only in a loop without branches inside the sums stay in registers.
        let shared = steps &* perRow
        func more(_ r: Int) -> Int { r < R ? Int(own[r]) &- shared : 0 }
        rest(0, &sums, inputs, xPanel, more(0), &offsets, &values)
        rest(1, &sums, inputs, xPanel, more(1), &offsets, &values)
        rest(2, &sums, inputs, xPanel, more(2), &offsets, &values)
        rest(3, &sums, inputs, xPanel, more(3), &offsets, &values)
        rest(4, &sums, inputs, xPanel, more(4), &offsets, &values)
        rest(5, &sums, inputs, xPanel, more(5), &offsets, &values)
        rest(6, &sums, inputs, xPanel, more(6), &offsets, &values)
        rest(7, &sums, inputs, xPanel, more(7), &offsets, &values)
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
///   - rowsPerGroup: 1, 4 or 8.
///   - x: `[panels][..][32]` at the first feature of this range of inputs; `xPanel` floats from panel to
///     panel. `y` likewise.
///   - starts: `[to]`: where each group's weights start in `offsets` and `values`. There stand, in turns,
///     one weight of each row, as many of each as the last row has; then the rest of the first row,
///     of the second and so on.
///   - counts: `[to][rowsPerGroup]`: the weights of each row, none fewer than the last row's.
///   - rowNumbers: `[to][rowsPerGroup]`: the output rows, in any order.
///   - offsets: 128 times the input, relative to `x`: a distance in bytes. So a range has at most
///     512 inputs. Sixteen offsets after the last are read and not used.
///   - inPairs: two panels at once where there are two; not with 8 rows, whose sums would not fit.
///   - accumulates: adds to what `y` holds instead of starting from the bias.
@inline(never)
public func singleRows(
  rowsPerGroup: Int, x: UnsafePointer<Float>, xPanel: Int, y: UnsafeMutablePointer<Float>,
  yPanel: Int, panels: Int, starts: UnsafePointer<UInt32>, counts: UnsafePointer<UInt16>,
  rowNumbers: UnsafePointer<UInt32>, offsets: UnsafePointer<UInt16>, values: UnsafePointer<Float>,
  bias: UnsafePointer<Float>, inPairs: Bool, accumulates: Bool, from: Int, to: Int
) {
  guard from < to else { return }
  var panel = 0
  while panel < panels {
    let (xs, ys) = (x + panel &* xPanel, y + panel &* yPanel)
    #if AVX512
      let two = inPairs && panels &- panel > 1
      switch rowsPerGroup {
      case 1:
        if two {
          RowGroup<1, 4, 1>.run(
            xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
            from, to)
        } else {
          RowGroup<1, 2, 1>.run(
            xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
            from, to)
        }
      case 4:
        if two {
          RowGroup<4, 4, 1>.run(
            xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
            from, to)
        } else {
          RowGroup<4, 2, 1>.run(
            xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
            from, to)
        }
      case 8:
        RowGroup<8, 2, 2>.run(
          xs, xPanel, ys, yPanel, starts, counts, rowNumbers, offsets, values, bias, accumulates,
          from, to)
        panel &+= 1
        continue
      default: fatalError("groups of \(rowsPerGroup) rows")
      }
      panel &+= two ? 2 : 1
    #else
      for part in 0..<registersPerPanel / 2 {
        let shift = part &* 2 &* Vector.scalarCount
        if rowsPerGroup == 1 {
          RowGroup<1, 2, 1>.run(
            xs + shift, xPanel, ys + shift, yPanel, starts, counts, rowNumbers, offsets, values,
            bias, accumulates, from, to)
        } else {
          RowGroup<4, 2, 1>.run(
            xs + shift, xPanel, ys + shift, yPanel, starts, counts, rowNumbers, offsets, values,
            bias, accumulates, from, to)
        }
      }
      panel &+= 1
    #endif
  }
}
