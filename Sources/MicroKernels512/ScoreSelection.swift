import Intrinsics

// Selection among the scores of a row of weights, and the sums over what is selected, while the row is
// in registers. A row of bits has whole words of 64 columns. How scores come about is a rule:
// 0 `(weight · scale)²`, 1 the same times `factors[column]`, 2 `factors[column]` alone.
//
// Sums are sixteen side by side in every build and nothing is fused, so all builds give the same bits.

typealias ScoreLanes = SIMD16<Float>

@inline(__always)
func lanes(_ pointer: UnsafePointer<Float>) -> ScoreLanes {
  UnsafeRawPointer(pointer).loadUnaligned(as: ScoreLanes.self)
}

@inline(__always)
private func score(
  _ square: ScoreLanes, _ rule: Int, _ factors: UnsafePointer<Float>, _ place: Int
) -> ScoreLanes {
  switch rule {
  case 0: square
  case 1: square * lanes(factors + place)
  default: lanes(factors + place)
  }
}

/// `(weights[i] · scale)² · factors[i]`, or without factors the square alone, to `scores[i]`.
@inline(never)
public func scoreSquares(
  _ weights: UnsafePointer<Float>, _ factors: UnsafePointer<Float>?, _ scale: Float,
  _ scores: UnsafeMutablePointer<Float>, _ count: Int
) {
  let scales = Vector(repeating: scale)
  var i = 0
  while i &+ Vector.scalarCount <= count {
    let value = load(weights + i) * scales
    store(factors.map { value * value * load($0 + i) } ?? (value * value), scores + i)
    i &+= Vector.scalarCount
  }
  while i < count {
    let value = weights[i] * scale
    scores[i] = factors.map { value * value * $0[i] } ?? (value * value)
    i &+= 1
  }
}

/// `sum` with the 16 terms at `place` of a word added whose bit is set.
@inline(__always)
private func adding(
  _ terms: ScoreLanes, to sum: ScoreLanes, _ bits: UInt64, _ place: UInt64
) -> ScoreLanes {
  add_where(sum, terms, UInt32(truncatingIfNeeded: bits &>> place & 0xFFFF))
}

@inline(__always)
func sizes(_ value: ScoreLanes) -> ScoreLanes {
  unsafeBitCast(
    unsafeBitCast(value, to: SIMD16<UInt32>.self) & SIMD16<UInt32>(repeating: 0x7FFF_FFFF),
    to: ScoreLanes.self)
}

/// The last, shorter word of a row as a whole one: weights, factors and energies with zeros behind.
@inline(never)
private func pad(
  _ source: UnsafePointer<Float>, _ count: Int, _ target: UnsafeMutablePointer<Float>
) -> UnsafePointer<Float> {
  for i in 0..<64 { target[i] = i < count ? source[i] : 0 }
  return UnsafePointer(target)
}

/// Keeps what `base` keeps and every score whose bits are at least `above`, sums what is kept, and lists
/// the other columns whose scores' bits are at least `least`.
///
/// The row is read once, and asked for eight kilobytes ahead: hardware stops at the end of a page. With
/// that 45 million weights took 6.5 ms where reading them alone takes 4.8, without 12 (Zen 5, 2026-11).
/// - Parameters:
///   - rule: see above; `factors` is not read under rule 0.
///   - energies: mean squares of the inputs; nil leaves the last sum 0. Where they are `factors` itself,
///     the scores are what is summed.
///   - base: the row's bits before; nil is none.
///   - result: the row's bits afterwards.
///   - listed, scores: get the listed columns, ascending, and their scores; have room for a multiple
///     of 64 not less than `columns`.
///   - sums: gets `Σ|w|`, `Σw²` and `Σw²·energy` of `scale·w` over what `result` keeps.
///   - spare: room for 192 floats.
/// - Returns: how many columns are listed, and from bit 32 on how many bits `result` has beyond `base`.
@inline(never)
public func scoreRaise(
  _ weights: UnsafePointer<Float>, _ rule: Int, _ factors: UnsafePointer<Float>, _ scale: Float,
  _ energies: UnsafePointer<Float>?, _ columns: Int,
  _ base: UnsafePointer<UInt64>?, _ result: UnsafeMutablePointer<UInt64>,
  _ least: UInt32, _ above: UInt32,
  _ listed: UnsafeMutablePointer<UInt32>, _ scores: UnsafeMutablePointer<Float>,
  _ sums: UnsafeMutablePointer<Float>, _ spare: UnsafeMutablePointer<Float>
) -> Int {
  let scales = ScoreLanes(repeating: scale)
  let isShared = rule == 1 && energies == factors
  let (low, high) = (Int32(bitPattern: least), Int32(bitPattern: above))
  var (absolute, energy, weighted) = (ScoreLanes.zero, ScoreLanes.zero, ScoreLanes.zero)
  var count = 0
  var added = 0
  for word in 0..<(columns &+ 63) / 64 {
    let first = word &* 64
    let isWhole = first &+ 64 <= columns
    var (w, f, e) = (weights + first, factors + first, energies.map { $0 + first })
    if !isWhole {
      w = pad(w, columns &- first, spare)
      if rule != 0 { f = pad(f, columns &- first, spare + 64) }
      if !isShared, let own = e { e = pad(own, columns &- first, spare + 128) }
    }
    for line in 0..<4 { prefetch_line(w + (2048 &+ 16 &* line)) }
    let a = lanes(w) * scales
    let b = lanes(w + 16) * scales
    let c = lanes(w + 32) * scales
    let d = lanes(w + 48) * scales
    let (squareA, squareB, squareC, squareD) = (a * a, b * b, c * c, d * d)
    let scoreA = score(squareA, rule, f, 0)
    let scoreB = score(squareB, rule, f, 16)
    let scoreC = score(squareC, rule, f, 32)
    let scoreD = score(squareD, rule, f, 48)
    let before = base == nil ? 0 : base.unsafelyUnwrapped[word]
    let sure = UInt64(scores_from(scoreA, scoreB, scoreC, scoreD, high)) & ~before
    var open = UInt64(scores_from(scoreA, scoreB, scoreC, scoreD, low)) & ~before & ~sure
    // The padding beyond the last column scores 0.
    if !isWhole { open &= UInt64.max &>> UInt64(64 &- (columns &- first)) }
    let kept = before | sure
    result[word] = kept
    added &+= sure.nonzeroBitCount
    absolute = adding(sizes(a), to: absolute, kept, 0)
    absolute = adding(sizes(b), to: absolute, kept, 16)
    absolute = adding(sizes(c), to: absolute, kept, 32)
    absolute = adding(sizes(d), to: absolute, kept, 48)
    energy = adding(squareA, to: energy, kept, 0)
    energy = adding(squareB, to: energy, kept, 16)
    energy = adding(squareC, to: energy, kept, 32)
    energy = adding(squareD, to: energy, kept, 48)
    if isShared {
      weighted = adding(scoreA, to: weighted, kept, 0)
      weighted = adding(scoreB, to: weighted, kept, 16)
      weighted = adding(scoreC, to: weighted, kept, 32)
      weighted = adding(scoreD, to: weighted, kept, 48)
    } else if let e {
      weighted = adding(squareA * lanes(e), to: weighted, kept, 0)
      weighted = adding(squareB * lanes(e + 16), to: weighted, kept, 16)
      weighted = adding(squareC * lanes(e + 32), to: weighted, kept, 32)
      weighted = adding(squareD * lanes(e + 48), to: weighted, kept, 48)
    }
    if open != 0 {
      let target = scores + count
      var own = pack_lanes(scoreA, UInt32(truncatingIfNeeded: open & 0xFFFF), target)
      own &+= pack_lanes(scoreB, UInt32(truncatingIfNeeded: open &>> 16 & 0xFFFF), target + own)
      own &+= pack_lanes(scoreC, UInt32(truncatingIfNeeded: open &>> 32 & 0xFFFF), target + own)
      own &+= pack_lanes(scoreD, UInt32(truncatingIfNeeded: open &>> 48), target + own)
      while open != 0 {
        listed[count] = UInt32(truncatingIfNeeded: first &+ open.trailingZeroBitCount)
        open &= open &- 1
        count &+= 1
      }
    }
  }
  sums[0] = absolute.sum()
  sums[1] = energy.sum()
  sums[2] = weighted.sum()
  return count | added &<< 32
}

/// `Σ|w|`, `Σw²` and `Σw²·energy` of `scale·w` over the columns whose bit is set, all of them without
/// bits; the last sum is 0 without energies. `spare` has room for 128 floats.
@inline(never)
public func scoreSums(
  _ weights: UnsafePointer<Float>, _ bits: UnsafePointer<UInt64>?,
  _ energies: UnsafePointer<Float>?, _ scale: Float, _ columns: Int,
  _ sums: UnsafeMutablePointer<Float>, _ spare: UnsafeMutablePointer<Float>
) {
  let scales = ScoreLanes(repeating: scale)
  var (absolute, energy, weighted) = (ScoreLanes.zero, ScoreLanes.zero, ScoreLanes.zero)
  for word in 0..<(columns &+ 63) / 64 {
    let kept = bits == nil ? UInt64.max : bits.unsafelyUnwrapped[word]
    if kept == 0 { continue }
    let first = word &* 64
    var (w, e) = (weights + first, energies.map { $0 + first })
    if first &+ 64 > columns {
      w = pad(w, columns &- first, spare)
      if let own = e { e = pad(own, columns &- first, spare + 64) }
    }
    for line in 0..<4 { prefetch_line(w + (2048 &+ 16 &* line)) }
    for quarter in 0..<4 {
      let value = lanes(w + 16 &* quarter) * scales
      let square = value * value
      let place = UInt64(16 &* quarter)
      absolute = adding(sizes(value), to: absolute, kept, place)
      energy = adding(square, to: energy, kept, place)
      if let e {
        weighted = adding(square * lanes(e + 16 &* quarter), to: weighted, kept, place)
      }
    }
  }
  sums[0] = absolute.sum()
  sums[1] = energy.sum()
  sums[2] = weighted.sum()
}

/// How many bits are set.
@inline(never)
public func countBits(_ words: UnsafePointer<UInt64>, _ count: Int) -> Int {
  var total = 0
  for index in 0..<count { total &+= words[index].nonzeroBitCount }
  return total
}
