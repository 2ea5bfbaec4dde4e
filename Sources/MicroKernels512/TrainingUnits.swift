import Intrinsics

/// Gradients of stored weights only: for each segment, a list of inputs that `height` output rows
/// share, `gradients[unit][row] = Σ_tokens dy[row][token]·x[input(unit)][token]`.
///
/// A sampled product: of the dense `dyᵀ·x` only what is stored is ever computed. Tiles of at most 16
/// sums stay in registers over all tokens, then a tree of pairwise additions turns their lanes into
/// 16 neighbouring gradients.
///
/// - Parameters:
///   - height: 1...8.
///   - x: `[panels][..][32]`, `xPanel` floats from panel to panel; `dy` likewise. Lanes behind the last
///     token are zero in `dy` and finite in `x`.
///   - segments: three words each: first entry in `inputs`, number of entries, and where the gradients
///     go, in units.
///   - rowNumbers: `[segment][height]`.
@inline(never)
public func trainingUnits(
  height: Int, x: UnsafePointer<Float>, xPanel: Int, dy: UnsafePointer<Float>, dyPanel: Int,
  panels: Int, segments: UnsafePointer<UInt32>, rowNumbers: UnsafePointer<UInt32>,
  inputs: UnsafePointer<UInt16>, gradients: UnsafeMutablePointer<Float>, from: Int, to: Int
) {
  for q in from..<to {
    let segment = segments + q &* 3
    let rows = rowNumbers + q &* height
    let list = inputs + Int(segment[0])
    let count = Int(segment[1])
    let target = gradients + Int(segment[2]) &* height
    #if AVX512
      switch height {
      case 1:
        UnitTile<1, 16>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      case 2: UnitTile<2, 8>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      case 3: UnitTile<3, 5>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      case 4: UnitTile<4, 4>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      case 5: UnitTile<5, 3>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      case 6: UnitTile<6, 2>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      case 7: UnitTile<7, 2>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      default: UnitTile<8, 2>.run(x, xPanel, dy, dyPanel, panels, rows, list, count, target)
      }
    #else
      for r in 0..<height {
        UnitTile<1, 8>.run(
          x, xPanel, dy, dyPanel, panels, rows + r, list, count, target + r, step: height)
      }
    #endif
  }
}

private enum UnitTile<let R: Int, let C: Int> {
  typealias Sums = InlineArray<C, InlineArray<R, Vector>>

  @inline(__always)
  static func run(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ dy: UnsafePointer<Float>, _ dyPanel: Int,
    _ panels: Int, _ rows: UnsafePointer<UInt32>, _ inputs: UnsafePointer<UInt16>, _ count: Int,
    _ target: UnsafeMutablePointer<Float>, step: Int = R
  ) {
    var unit = 0
    while unit &+ C <= count {
      let sums = accumulate(x, xPanel, dy, dyPanel, panels, rows, inputs + unit)
      #if AVX512
        let total = reduce(sums)
        let out = target + unit &* R
        if R &* C == 16 || unit &+ 2 &* C <= count {
          store(total, out)
        } else {
          for i in 0..<R &* C { out[i] = total[i] }
        }
      #else
        for c in 0..<C {
          for r in 0..<R {
            target[(unit &+ c) &* step &+ r] = sums[unchecked: c][unchecked: r].sum()
          }
        }
      #endif
      unit &+= C
    }
    // What is left: a single unit alone has too few sums to keep the units busy.
    if C > 4 {
      while unit &+ 4 <= count {
        let sums = UnitTile<R, 4>.accumulate(x, xPanel, dy, dyPanel, panels, rows, inputs + unit)
        for c in 0..<4 {
          for r in 0..<R {
            target[(unit &+ c) &* step &+ r] = sums[unchecked: c][unchecked: r].sum()
          }
        }
        unit &+= 4
      }
    }
    while unit < count {
      let sums = UnitTile<R, 1>.accumulate(x, xPanel, dy, dyPanel, panels, rows, inputs + unit)
      for r in 0..<R {
        target[unit &* step &+ r] = sums[unchecked: 0][unchecked: r].sum()
      }
      unit &+= 1
    }
  }

  @inline(__always)
  static func accumulate(
    _ x: UnsafePointer<Float>, _ xPanel: Int, _ dy: UnsafePointer<Float>, _ dyPanel: Int,
    _ panels: Int, _ rows: UnsafePointer<UInt32>, _ inputs: UnsafePointer<UInt16>
  ) -> Sums {
    var sums = Sums(repeating: .init(repeating: .zero))
    for panel in 0..<panels {
      let (xs, ys) = (x + panel &* xPanel, dy + panel &* dyPanel)
      for t in 0..<registersPerPanel {
        let lane = t &* Vector.scalarCount
        var slopes = InlineArray<R, Vector>(repeating: .zero)
        for r in 0..<R {
          slopes[unchecked: r] = load(ys + (Int(rows[r]) &* panelWidth &+ lane))
        }
        for c in 0..<C {
          let value = load(xs + (Int(inputs[c]) &* panelWidth &+ lane))
          for r in 0..<R {
            sums[unchecked: c][unchecked: r] = multiplyAdd(
              value, slopes[unchecked: r], sums[unchecked: c][unchecked: r])
          }
        }
      }
    }
    return sums
  }

  #if AVX512
    /// The sums of the lanes, unit by unit, in the first `R · C` lanes.
    @inline(__always)
    static func reduce(_ sums: Sums) -> Vector {
      var flat = InlineArray<16, Vector>(repeating: .zero)
      for c in 0..<C {
        for r in 0..<R { flat[unchecked: c &* R &+ r] = sums[unchecked: c][unchecked: r] }
      }
      for i in 0..<8 {
        flat[unchecked: i] = small_batch_add_neighbours(
          flat[unchecked: 2 &* i], flat[unchecked: 2 &* i &+ 1])
      }
      for i in 0..<4 {
        flat[unchecked: i] = small_batch_add_neighbours(
          flat[unchecked: 2 &* i], flat[unchecked: 2 &* i &+ 1])
      }
      for i in 0..<2 {
        flat[unchecked: i] = small_batch_add_neighbours(
          flat[unchecked: 2 &* i], flat[unchecked: 2 &* i &+ 1])
      }
      return small_batch_add_neighbours(flat[unchecked: 0], flat[unchecked: 1])
    }
  #endif
}
