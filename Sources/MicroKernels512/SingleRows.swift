import Intrinsics

/// One output row at a time, for weights that share no input with a neighbour.
///
/// Each weight costs a load for each register of tokens, so loads are the limit (two a cycle, as
/// many as multiply-adds), and only while the activations are in L1: the caller cuts the inputs into
/// ranges whose activations fit (`KPanels`), and `y` is added to from range to range. What else
/// loads is kept small: four indices come as one 64-bit word, already scaled to bytes, and four
/// weights as one broadcast that is permuted in registers.
enum SingleRow<let T: Int, let S: Int> {
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

  @inline(__always)
  static func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int,
    _ starts: UnsafePointer<UInt32>, _ rowNumbers: UnsafePointer<UInt32>,
    _ offsets: UnsafePointer<UInt16>, _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ accumulates: Bool, _ from: Int, _ to: Int
  ) {
    let inputs = UnsafeRawPointer(x)
    var i = Int(starts[from])
    for q in from..<to {
      let end = Int(starts[q &+ 1])
      var sums = InlineArray<S, InlineArray<T, Vector>>(repeating: .init(repeating: .zero))
      // Indices are read two groups ahead: an index load that queues behind the sixteen loads that
      // wait for it leaves a gap. 2:4 at 128 tokens: 70 % of the peak becomes 77 % (Zen 5, 2026-11).
      var four = loadFour(offsets + i)
      var next = loadFour(offsets + i + 4)
      while i &+ 4 <= end {
        let afterNext = loadFour(offsets + i + 8)
        #if AVX512
          let weights = quad(values + i)
        #endif
        for h in 0..<4 {
          #if AVX512
            let weight = quad_element(weights, Int32(truncatingIfNeeded: h))
          #else
            let weight = Vector(repeating: values[i &+ h])
          #endif
          step(
            &sums[unchecked: h % S], inputs + Int(truncatingIfNeeded: four & 0xffff), xPanel, weight
          )
          four &>>= 16
        }
        (four, next) = (next, afterNext)
        i &+= 4
      }
      while i < end {
        step(
          &sums[unchecked: 0], inputs + Int(truncatingIfNeeded: four & 0xffff), xPanel,
          Vector(repeating: values[i]))
        four &>>= 16
        i &+= 1
      }
      let row = Int(rowNumbers[q])
      let out = y + row &* panelWidth
      for s in 1..<max(S, 1) {
        for t in 0..<T { sums[unchecked: 0][unchecked: t] += sums[unchecked: s][unchecked: t] }
      }
      if accumulates {
        for t in 0..<T {
          let target = out + offset(t, yPanel)
          store(sums[unchecked: 0][unchecked: t] + load(target), target)
        }
      } else {
        let start = Vector(repeating: bias[row])
        for t in 0..<T { store(sums[unchecked: 0][unchecked: t] + start, out + offset(t, yPanel)) }
      }
    }
  }
}

@inline(__always)
func loadFour(_ offsets: UnsafePointer<UInt16>) -> UInt64 {
  UnsafeRawPointer(offsets).loadUnaligned(as: UInt64.self)
}

/// Single rows times panels of 32 tokens: `y[row, tokens] (+)= Σ_i values[i] · x[input(i), tokens]`.
///
/// - Parameters:
///   - x: `[panels][..][32]` at the first feature of this range of inputs; `xPanel` floats from panel to
///     panel. `y` likewise.
///   - starts: `[to + 1]`: where each segment's weights start in `offsets` and `values`.
///   - rowNumbers: the output row of each segment.
///   - offsets: 128 times the input, relative to `x`: a distance in bytes. So a range has at most
///     512 inputs. Twelve offsets after the last are read and not used.
///   - inPairs: two panels at once where there are two.
///   - accumulates: adds to what `y` holds instead of starting from the bias.
@inline(never)
public func singleRows(
  x: UnsafePointer<Float>, xPanel: Int, y: UnsafeMutablePointer<Float>, yPanel: Int, panels: Int,
  starts: UnsafePointer<UInt32>, rowNumbers: UnsafePointer<UInt32>,
  offsets: UnsafePointer<UInt16>, values: UnsafePointer<Float>, bias: UnsafePointer<Float>,
  inPairs: Bool, accumulates: Bool, from: Int, to: Int
) {
  var panel = 0
  while panel < panels {
    let (xs, ys) = (x + panel &* xPanel, y + panel &* yPanel)
    #if AVX512
      if inPairs, panels &- panel > 1 {
        SingleRow<4, 2>.run(
          xs, xPanel, ys, yPanel, starts, rowNumbers, offsets, values, bias, accumulates, from, to)
        panel &+= 2
        continue
      }
      SingleRow<2, 4>.run(
        xs, xPanel, ys, yPanel, starts, rowNumbers, offsets, values, bias, accumulates, from, to)
    #else
      for part in 0..<registersPerPanel / 4 {
        let shift = part &* 4 &* Vector.scalarCount
        SingleRow<4, 2>.run(
          xs + shift, xPanel, ys + shift, yPanel, starts, rowNumbers, offsets, values, bias,
          accumulates, from, to)
      }
    #endif
    panel &+= 1
  }
}
