/// Rows that share their inputs, times panels of 32 tokens: for each slab of `rowsPerSlab` output rows,
/// `y[row, tokens] = Σ_i weights[i, row] · x[input(i), tokens] + bias[row]`.
///
/// - Parameters:
///   - rowsPerSlab: 2...8.
///   - runLength: consecutive inputs behind one index of a run; 1 where there are none.
///   - x: `[panels][..][32]`, at the first feature of this call's range of inputs; `xPanel` floats from
///     panel to panel. `y` likewise.
///   - segments: four words a slab: where its list starts in `indices`, the number of runs, the
///     number of single inputs after them, and where its weights start (in inputs, not floats).
///   - rowNumbers: `[segment][rowsPerSlab]`: the output rows, in any order.
///   - indices: inputs relative to `x`; the first of each run, then the singles.
///   - values: `[input of the list][rowsPerSlab]`, in the order of the lists.
///   - bias: one value an output row.
///   - accumulates: adds to what `y` holds instead of starting from the bias.
///   - askingSegments: over how many segments the lines of the panels after these are shared out, each of
///     `from..<to` asking for its own share of them; 0 asks for none.
///
/// Moves 4 bytes a weight and 128 bytes an activation and panel; `64 · rowsPerSlab` FLOP per input and
/// panel. Reaches 90 to 96 % of the FMA peak with AVX-512.
@inline(never)
public func slabs(
  rowsPerSlab: Int, runLength: Int, x: UnsafePointer<Float>, xPanel: Int,
  y: UnsafeMutablePointer<Float>, yPanel: Int, panels: Int, segments: UnsafePointer<UInt32>,
  rowNumbers: UnsafePointer<UInt32>, indices: UnsafePointer<UInt16>, values: UnsafePointer<Float>,
  bias: UnsafePointer<Float>, accumulates: Bool, askingSegments: Int, from: Int, to: Int
) {
  var panel = 0
  while panel < panels {
    let (xs, ys) = (x + panel &* xPanel, y + panel &* yPanel)
    // The counterparts of these panels in the next call.
    func ahead(_ count: Int) -> Ahead {
      Ahead(
        xs + panels &* xPanel, xPanel, ys + panels &* yPanel, yPanel, panels: count, from: from,
        to: to, of: askingSegments)
    }
    panel &+= slabPass(
      rowsPerSlab, runLength, xs, xPanel, ys, yPanel, panels &- panel, segments, rowNumbers,
      indices, values, bias, accumulates, ahead, from, to)
  }
}

#if AVX512
  /// Panels done: two at once where the sums of `rowsPerSlab x 64` tokens fit the 32 registers, which
  /// halves the broadcasts of weights; 7 and 8 rows fill them with one panel.
  @inline(__always)
  func slabPass(
    _ rowsPerSlab: Int, _ runLength: Int, _ x: UnsafePointer<Float>, _ xPanel: Int,
    _ y: UnsafeMutablePointer<Float>, _ yPanel: Int, _ panels: Int,
    _ segments: UnsafePointer<UInt32>, _ rows: UnsafePointer<UInt32>,
    _ indices: UnsafePointer<UInt16>, _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ accumulates: Bool, _ ahead: (_ panels: Int) -> Ahead, _ from: Int, _ to: Int
  ) -> Int {
    if panels > 1 {
      let next = ahead(2)
      switch rowsPerSlab {
      case 2:
        Slab<2, 4, 1>.run(
          runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
          accumulates, 2, next, from, to)
        return 2
      case 3:
        Slab<3, 4, 1>.run(
          runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
          accumulates, 3, next, from, to)
        return 2
      case 4:
        Slab<4, 4, 1>.run(
          runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
          accumulates, 4, next, from, to)
        return 2
      case 5:
        Slab<5, 4, 1>.run(
          runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
          accumulates, 5, next, from, to)
        return 2
      case 6:
        Slab<6, 4, 1>.run(
          runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
          accumulates, 6, next, from, to)
        return 2
      default: break
      }
    }
    let next = ahead(1)
    switch rowsPerSlab {
    case 2:
      Slab<2, 2, 3>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 2, next, from, to)
    case 3:
      Slab<3, 2, 2>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 3, next, from, to)
    case 4:
      Slab<4, 2, 2>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 4, next, from, to)
    case 5:
      Slab<5, 2, 1>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 5, next, from, to)
    case 6:
      Slab<6, 2, 1>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 6, next, from, to)
    case 7:
      Slab<7, 2, 1>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 7, next, from, to)
    case 8:
      Slab<8, 2, 1>.run(
        runLength: runLength, x, xPanel, y, yPanel, segments, rows, indices, values, bias,
        accumulates, 8, next, from, to)
    default: fatalError("slabs of \(rowsPerSlab) rows")
    }
    return 1
  }
#else
  /// With 16 registers the tile is at most 4 rows by 2 registers (4x3 spills: 72 instead of 120 GFLOP/s of
  /// 139, AVX2 on Zen 5, 2026-11), so a panel takes several passes and a slab of 8 is two of 4.
  @inline(__always)
  func slabPass(
    _ rowsPerSlab: Int, _ runLength: Int, _ x: UnsafePointer<Float>, _ xPanel: Int,
    _ y: UnsafeMutablePointer<Float>, _ yPanel: Int, _ panels: Int,
    _ segments: UnsafePointer<UInt32>, _ rows: UnsafePointer<UInt32>,
    _ indices: UnsafePointer<UInt16>, _ values: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ accumulates: Bool, _ ahead: (_ panels: Int) -> Ahead, _ from: Int, _ to: Int
  ) -> Int {
    let next = ahead(1)
    let width = 2 &* Vector.scalarCount
    for part in 0..<panelWidth / width {
      let (xs, ys) = (x + part &* width, y + part &* width)
      var row = 0
      while row < rowsPerSlab {
        let (rowsHere, weights) = (rows + row, values + row)
        switch rowsPerSlab &- row {
        case 1:
          Slab<1, 2, 4>.run(
            runLength: runLength, xs, xPanel, ys, yPanel, segments, rowsHere, indices, weights,
            bias, accumulates, rowsPerSlab, next, from, to)
        case 2:
          Slab<2, 2, 2>.run(
            runLength: runLength, xs, xPanel, ys, yPanel, segments, rowsHere, indices, weights,
            bias, accumulates, rowsPerSlab, next, from, to)
        case 3:
          Slab<3, 2, 1>.run(
            runLength: runLength, xs, xPanel, ys, yPanel, segments, rowsHere, indices, weights,
            bias, accumulates, rowsPerSlab, next, from, to)
        default:
          Slab<4, 2, 1>.run(
            runLength: runLength, xs, xPanel, ys, yPanel, segments, rowsHere, indices, weights,
            bias, accumulates, rowsPerSlab, next, from, to)
        }
        row &+= 4
      }
    }
    return 1
  }
#endif
