import Intrinsics

/// Lines of the next panels, which a call asks for while it works on these: activations that only the
/// third-level cache still holds stop a kernel whose next input can be anywhere. 8x1 at .9 and .95,
/// 768x768 and 512 tokens: from 5.3x and 9.1x to 8.5x and 14x of dense (medians, Zen 5, 2026-11).
struct Ahead {
  private var input: UnsafePointer<Float>
  private let inputEnd: UnsafePointer<Float>
  private var output: UnsafePointer<Float>
  private let outputEnd: UnsafePointer<Float>

  /// A share of the `panels` panels of inputs and outputs from `x` and `y` on: that of segments
  /// `from..<to` of `all`, nothing if `all` is 0.
  @inline(__always)
  init(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafePointer<Float>, _ yPanel: Int,
    panels: Int, from: Int, to: Int, of all: Int
  ) {
    input = x
    output = y
    if all > 0 {
      input += panels &* xPanel &* from / all
      output += panels &* yPanel &* from / all
    }
    inputEnd = all > 0 ? x + panels &* xPanel &* to / all : input
    outputEnd = all > 0 ? y + panels &* yPanel &* to / all : output
  }

  @inline(__always)
  var hasLines: Bool { input < inputEnd || output < outputEnd }

  /// Asks for one line of each; behind the end again and again for the same ones.
  @inline(__always)
  mutating func ask() {
    prefetch_far(input)
    prefetch_far(output)
    input = input < inputEnd ? input + 16 : input
    output = output < outputEnd ? output + 16 : output
  }
}

/// The register tile of the slab kernels: `R` output rows by `T` registers of tokens.
///
/// Rows of a slab share their list of inputs, so each activation that is loaded serves `R` rows: with
/// R = 8 and T = 2, 16 multiply-adds need 2 loads of activations and 8 broadcasts of weights.
/// `S` copies of the sums take turns where `R · T` alone is too few to hide the latency of a
/// multiply-add: two units of four cycles want 8 independent chains (4x2 with one copy reaches 80 % of
/// the FMA peak, with two 90 to 94 %; Zen 5, 2026-11).
enum Slab<let R: Int, let T: Int, let S: Int> {
  typealias Sums = InlineArray<R, InlineArray<T, Vector>>

  /// Floats by which weights are fetched before their use: 3 KiB, some 700 cycles with 8 rows. They come
  /// once and in order, but across pages, where the processor's own prefetching stops. Dense 384x1536 with
  /// weights from memory, 32 tokens: 357 µs become 177, and 171 when they are warm; 768x768 at 0.9 (8x1):
  /// 41 become 21. Warm times lose nothing (Zen 5 at 3.6 GHz, 2026-11).
  @inline(__always)
  static var weightsAhead: Int { 768 }

  /// One input: `sums[r][t] += weights[r] · x[t]`.
  @inline(__always)
  static func step(
    _ sums: inout Sums, _ x: UnsafePointer<Float>, _ xPanel: Int, _ weights: UnsafePointer<Float>
  ) {
    if R >= 4 { prefetch_line(weights + weightsAhead) }
    var inputs = InlineArray<T, Vector>(repeating: .zero)
    for t in 0..<T { inputs[unchecked: t] = load(x + offset(t, xPanel)) }
    for r in 0..<R {
      let weight = Vector(repeating: weights[r])
      for t in 0..<T {
        sums[unchecked: r][unchecked: t] = multiplyAdd(
          weight, inputs[unchecked: t], sums[unchecked: r][unchecked: t])
      }
    }
  }

  /// Where register `t` of a feature lies: registers beyond a panel's width continue in the next panel.
  @inline(__always)
  static func offset(_ t: Int, _ panel: Int) -> Int {
    t / registersPerPanel &* panel &+ t % registersPerPanel &* Vector.scalarCount
  }

  /// `count` inputs in a row of `x`, or at the places that `indices` lists.
  @inline(__always)
  static func accumulate(
    _ sums: inout InlineArray<S, Sums>, _ x: UnsafePointer<Float>, _ xPanel: Int,
    _ weights: inout UnsafePointer<Float>, _ stride: Int, _ ahead: inout Ahead, asks: Bool,
    count: Int, place: (Int) -> Int
  ) {
    var i = 0
    while i &+ S <= count {
      for s in 0..<S {
        if asks { ahead.ask() }
        step(&sums[unchecked: s], x + place(i &+ s) &* panelWidth, xPanel, weights + s &* stride)
      }
      weights += S &* stride
      i &+= S
    }
    if S > 1 {
      while i < count {
        step(&sums[unchecked: 0], x + place(i) &* panelWidth, xPanel, weights)
        weights += stride
        i &+= 1
      }
    }
  }

  /// All segments `from..<to`; see `slabs` for the meaning of the arguments.
  @inline(__always)
  static func run(
    c: Int, _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>,
    _ yPanel: Int, _ segments: UnsafePointer<UInt32>, _ rowNumbers: UnsafePointer<UInt32>,
    _ indices: UnsafePointer<UInt16>, _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ accumulates: Bool, _ stride: Int, _ next: Ahead, _ from: Int, _ to: Int
  ) {
    var ahead = next
    for q in from..<to {
      let segment = segments + q &* 4
      let list = indices + Int(segment[0])
      let (runs, singles) = (Int(segment[1]), Int(segment[2]))
      let weights = values + Int(segment[3]) &* stride
      askForOutputs(y, yPanel, rowNumbers + q &* stride)
      let sums =
        ahead.hasLines
        ? product(c: c, x, xPanel, list, runs, singles, weights, stride, &ahead, asks: true)
        : product(c: c, x, xPanel, list, runs, singles, weights, stride, &ahead, asks: false)
      finish(sums, y, yPanel, rowNumbers + q &* stride, bias, accumulates)
    }
  }

  /// The sums of one segment. With `asks`, a constant, it also asks for a line of the next panels with each
  /// input; a call for dense weights that has none to ask for would be 3 % slower.
  @inline(__always)
  static func product(
    c: Int, _ x: UnsafePointer<Float>, _ xPanel: Int, _ list: UnsafePointer<UInt16>, _ runs: Int,
    _ singles: Int, _ values: UnsafePointer<Float>, _ stride: Int, _ ahead: inout Ahead, asks: Bool
  ) -> Sums {
    var weights = values
    var places = list
    var sums = InlineArray<S, Sums>(repeating: .init(repeating: .init(repeating: .zero)))
    if c > 1 {
      for i in 0..<runs {
        var input = x + Int(list[i]) &* panelWidth
        for _ in 0..<c / S {
          for s in 0..<S {
            if asks { ahead.ask() }
            step(&sums[unchecked: s], input + s &* panelWidth, xPanel, weights + s &* stride)
          }
          input += S &* panelWidth
          weights += S &* stride
        }
        if S > 1 {
          for _ in 0..<c % S {
            step(&sums[unchecked: 0], input, xPanel, weights)
            input += panelWidth
            weights += stride
          }
        }
      }
      places += runs
    }
    let rest = places
    accumulate(&sums, x, xPanel, &weights, stride, &ahead, asks: asks, count: singles) {
      Int(rest[$0])
    }
    for s in 1..<max(S, 1) {
      for r in 0..<R {
        for t in 0..<T {
          sums[unchecked: 0][unchecked: r][unchecked: t] +=
            sums[unchecked: s][unchecked: r][unchecked: t]
        }
      }
    }
    return sums[unchecked: 0]
  }

  /// The lines that a slab will write when its inputs are through.
  @inline(__always)
  static func askForOutputs(
    _ y: UnsafeMutablePointer<Float>, _ yPanel: Int, _ rows: UnsafePointer<UInt32>
  ) {
    for r in 0..<R {
      let out = y + Int(rows[r]) &* panelWidth
      for t in 0..<T { prefetch_write(out + offset(t, yPanel)) }
    }
  }

  /// Adds the bias, or what `y` holds, and stores. Two loops without branches inside: only so are they
  /// unrolled, and only unrolled do the sums stay in registers (else 4x4 runs at 27 % of the peak
  /// instead of 92 %).
  @inline(__always)
  static func finish(
    _ sums: Sums, _ y: UnsafeMutablePointer<Float>, _ yPanel: Int, _ rows: UnsafePointer<UInt32>,
    _ bias: UnsafePointer<Float>, _ accumulates: Bool
  ) {
    if accumulates {
      for r in 0..<R {
        let out = y + Int(rows[r]) &* panelWidth
        for t in 0..<T {
          let target = out + offset(t, yPanel)
          store(sums[unchecked: r][unchecked: t] + load(target), target)
        }
      }
    } else {
      for r in 0..<R {
        let row = Int(rows[r])
        let out = y + row &* panelWidth
        let start = Vector(repeating: bias[row])
        for t in 0..<T { store(sums[unchecked: r][unchecked: t] + start, out + offset(t, yPanel)) }
      }
    }
  }

  /// The same with the run length as a constant where blocks often have it.
  @inline(__always)
  static func run(
    runLength: Int, _ x: UnsafePointer<Float>, _ xPanel: Int, _ y: UnsafeMutablePointer<Float>,
    _ yPanel: Int, _ segments: UnsafePointer<UInt32>, _ rowNumbers: UnsafePointer<UInt32>,
    _ indices: UnsafePointer<UInt16>, _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ accumulates: Bool, _ stride: Int, _ next: Ahead, _ from: Int, _ to: Int
  ) {
    switch runLength {
    case 1:
      run(
        c: 1, x, xPanel, y, yPanel, segments, rowNumbers, indices, values, bias, accumulates,
        stride, next, from, to)
    case 4:
      run(
        c: 4, x, xPanel, y, yPanel, segments, rowNumbers, indices, values, bias, accumulates,
        stride, next, from, to)
    default:
      run(
        c: runLength, x, xPanel, y, yPanel, segments, rowNumbers, indices, values, bias,
        accumulates, stride, next, from, to)
    }
  }
}
