// Attention of one head over one sentence, queries in lanes.
//
// Scores are a product with the keys broadcast and the queries in lanes, so that the softmax runs
// down the rows of a column of lanes and never across a register, and the second product broadcasts
// the values the same way. Nothing is transposed.

/// Copies tokens `first..<first + count` of `rows` features out of panels: `target[row][0..<count]`.
///
/// `source` points at the first feature's row in panel 0 of `[panel][features][32]`;
/// `panelStride = features · 32`. Moves whole registers of 16, which halves the moves of a text that
/// lies across panels: up to 15 floats behind the tokens of a row are read, from the next row, and
/// written to `target`, so `targetStride >= count + 15`. The last row is taken exactly; what follows it
/// may be another thread's.
@inline(never)
public func encoderGather(
  _ source: UnsafePointer<Float>, _ panelStride: Int, _ rows: Int, _ first: Int, _ count: Int,
  _ target: UnsafeMutablePointer<Float>, _ targetStride: Int
) {
  var done = 0
  while done < count {
    let token = first &+ done
    let lane = token % panelWidth
    let here = min(panelWidth &- lane, count &- done)
    let from = source + (token / panelWidth &* panelStride &+ lane)
    let all = rows &- 1
    copyPart(SIMD16<Float>.self, from, panelWidth, target + done, targetStride, all)
    if here > 16 {
      copyPart(
        SIMD16<Float>.self, from + 16, panelWidth, target + (done &+ 16), targetStride, all)
    }
    copyRows(
      from + all &* panelWidth, panelWidth, target + (all &* targetStride &+ done), targetStride, 1,
      here)
    done &+= here
  }
}

/// `encoderGather` that reads and writes exactly `count` floats a row, for targets whose neighbouring
/// lanes are in use.
@inline(never)
public func encoderGatherExactly(
  _ source: UnsafePointer<Float>, _ panelStride: Int, _ rows: Int, _ first: Int, _ count: Int,
  _ target: UnsafeMutablePointer<Float>, _ targetStride: Int
) {
  var done = 0
  while done < count {
    let token = first &+ done
    let lane = token % panelWidth
    let here = min(panelWidth &- lane, count &- done)
    let panel = source + (token / panelWidth &* panelStride &+ lane)
    copyRows(panel, panelWidth, target + done, targetStride, rows, here)
    done &+= here
  }
}

/// The way back: `source[row][0..<count]` into tokens `first..<first + count` of the panels, and
/// nothing else: the neighbours are other texts.
@inline(never)
public func encoderScatter(
  _ source: UnsafePointer<Float>, _ sourceStride: Int, _ rows: Int, _ first: Int, _ count: Int,
  _ target: UnsafeMutablePointer<Float>, _ panelStride: Int
) {
  var done = 0
  while done < count {
    let token = first &+ done
    let lane = token % panelWidth
    let here = min(panelWidth &- lane, count &- done)
    let panel = target + (token / panelWidth &* panelStride &+ lane)
    copyRows(source + done, sourceStride, panel, panelWidth, rows, here)
    done &+= here
  }
}

/// `count` (1 to 32) floats of each row: whole registers, then the rest by halves, so that no
/// neighbour is touched.
@inline(__always)
private func copyRows(
  _ source: UnsafePointer<Float>, _ sourceStride: Int, _ target: UnsafeMutablePointer<Float>,
  _ targetStride: Int, _ rows: Int, _ count: Int
) {
  var done = 0
  while done &+ 16 <= count {
    copyPart(SIMD16<Float>.self, source + done, sourceStride, target + done, targetStride, rows)
    done &+= 16
  }
  if count & 8 != 0 {
    copyPart(SIMD8<Float>.self, source + done, sourceStride, target + done, targetStride, rows)
    done &+= 8
  }
  if count & 4 != 0 {
    copyPart(SIMD4<Float>.self, source + done, sourceStride, target + done, targetStride, rows)
    done &+= 4
  }
  if count & 2 != 0 {
    copyPart(SIMD2<Float>.self, source + done, sourceStride, target + done, targetStride, rows)
    done &+= 2
  }
  if count & 1 != 0 {
    for row in 0..<rows {
      target[row &* targetStride &+ done] = source[row &* sourceStride &+ done]
    }
  }
}

@inline(__always)
private func copyPart<Part: SIMD>(
  _: Part.Type, _ source: UnsafePointer<Float>, _ sourceStride: Int,
  _ target: UnsafeMutablePointer<Float>, _ targetStride: Int, _ rows: Int
) {
  for row in 0..<rows {
    let part = UnsafeRawPointer(source + row &* sourceStride).loadUnaligned(as: Part.self)
    UnsafeMutableRawPointer(target + row &* targetStride).storeBytes(of: part, as: Part.self)
  }
}

/// `out = softmax(scale · qᵀk) · v` of one head over `tokens` tokens.
///
/// **Shapes** `q`, `k`, `v` and `out` are `[headSize][stride]`, tokens along a row; `out` may be `q`.
/// `scores` takes `(tokens + 8) · 48` floats. `stride >= tokens + 48`; what stands in `k` behind the
/// last token is overwritten with its key, so that whole tiles can be computed and the largest score
/// stays the largest. Lanes behind the last token hold anything.
/// **Work** `4·tokens²·headSize` FLOP and `tokens²` exponentials, tokens rounded up to a register in
/// one direction and to a tile in the other.
@inline(never)
public func encoderAttend(
  _ q: UnsafePointer<Float>, _ k: UnsafeMutablePointer<Float>, _ v: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>, _ scores: UnsafeMutablePointer<Float>, _ headSize: Int,
  _ tokens: Int, _ stride: Int, _ scale: Float
) {
  for row in 0..<headSize {
    let end = k + (row &* stride &+ tokens)
    let last = SIMD8<Float>(repeating: end[-1])
    UnsafeMutableRawPointer(end).storeBytes(of: last, as: SIMD8<Float>.self)
  }
  // Softmax in powers of 2; a positive scale can wait until the maximum is taken.
  let exponent = scale * 1.442_695
  let lanes = Vector.scalarCount
  var query = 0
  while query < tokens {
    let registers = (tokens &- query &+ lanes &- 1) / lanes
    let p = scores
    #if AVX512
      // Four registers are two twice: a third and a single one leave the units waiting.
      switch registers {
      case 1:
        Head<8, 1>.attend(q + query, k, v, out + query, p, headSize, tokens, stride, exponent)
        query &+= lanes
      case 2, 4:
        Head<8, 2>.attend(q + query, k, v, out + query, p, headSize, tokens, stride, exponent)
        query &+= 2 &* lanes
      default:
        Head<8, 3>.attend(q + query, k, v, out + query, p, headSize, tokens, stride, exponent)
        query &+= 3 &* lanes
      }
    #else
      if registers == 1 {
        Head<8, 1>.attend(q + query, k, v, out + query, p, headSize, tokens, stride, exponent)
        query &+= lanes
      } else {
        Head<4, 2>.attend(q + query, k, v, out + query, p, headSize, tokens, stride, exponent)
        query &+= 2 &* lanes
      }
    #endif
  }
}

/// R keys or features at a time against T registers of queries.
private enum Head<let R: Int, let T: Int> {
  @inline(__always)
  static func attend(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ out: UnsafeMutablePointer<Float>, _ scores: UnsafeMutablePointer<Float>, _ headSize: Int,
    _ tokens: Int, _ stride: Int, _ exponent: Float
  ) {
    let lanes = Vector.scalarCount
    let row = T &* lanes
    var most = InlineArray<T, Vector>(repeating: Vector(repeating: -.infinity))
    var key = 0
    while key < tokens {
      var tile = InlineArray<R, InlineArray<T, Vector>>(repeating: .init(repeating: .zero))
      for feature in 0..<headSize {
        accumulate(&tile, k + (feature &* stride &+ key), 1, q + feature &* stride)
      }
      for r in 0..<R {
        for t in 0..<T {
          let score = tile[unchecked: r][unchecked: t]
          most[unchecked: t] = most[unchecked: t].replacing(
            with: score, where: score .> most[unchecked: t])
          store(score, scores + ((key &+ r) &* row &+ t &* lanes))
        }
      }
      key &+= R
    }
    // exp((s - most)·scale), and the sum that the result is divided by in the end.
    var sums = InlineArray<T, Vector>(repeating: .zero)
    var offsets = InlineArray<T, Vector>(repeating: .zero)
    let factor = Vector(repeating: exponent)
    for t in 0..<T { offsets[unchecked: t] = -most[unchecked: t] * factor }
    for key in 0..<tokens {
      for t in 0..<T {
        let at = scores + (key &* row &+ t &* lanes)
        let weight = exp2(multiplyAdd(load(at), factor, offsets[unchecked: t]))
        sums[unchecked: t] += weight
        store(weight, at)
      }
    }
    for t in 0..<T { sums[unchecked: t] = Vector(repeating: 1) / sums[unchecked: t] }
    var feature = 0
    while feature &+ R <= headSize {
      var tile = InlineArray<R, InlineArray<T, Vector>>(repeating: .init(repeating: .zero))
      for key in 0..<tokens {
        accumulate(&tile, v + (feature &* stride &+ key), stride, scores + key &* row)
      }
      for r in 0..<R {
        for t in 0..<T {
          store(
            tile[unchecked: r][unchecked: t] * sums[unchecked: t],
            out + ((feature &+ r) &* stride &+ t &* lanes))
        }
      }
      feature &+= R
    }
    // Head sizes that are no multiple of the tile: one feature at a time.
    while feature < headSize {
      var sum = InlineArray<T, Vector>(repeating: .zero)
      for key in 0..<tokens {
        let factor = Vector(repeating: v[feature &* stride &+ key])
        for t in 0..<T {
          sum[unchecked: t] = multiplyAdd(
            factor, load(scores + (key &* row &+ t &* lanes)), sum[unchecked: t])
        }
      }
      for t in 0..<T {
        store(
          sum[unchecked: t] * sums[unchecked: t], out + (feature &* stride &+ t &* lanes))
      }
      feature &+= 1
    }
  }

  /// `tile[r][t] += factors[r · step] · row[t]`.
  @inline(__always)
  static func accumulate(
    _ tile: inout InlineArray<R, InlineArray<T, Vector>>, _ factors: UnsafePointer<Float>,
    _ step: Int, _ row: UnsafePointer<Float>
  ) {
    var values = InlineArray<T, Vector>(repeating: .zero)
    for t in 0..<T { values[unchecked: t] = load(row + t &* Vector.scalarCount) }
    for r in 0..<R {
      let factor = Vector(repeating: factors[r &* step])
      for t in 0..<T {
        tile[unchecked: r][unchecked: t] = multiplyAdd(
          factor, values[unchecked: t], tile[unchecked: r][unchecked: t])
      }
    }
  }
}
