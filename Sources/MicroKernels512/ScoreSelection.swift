import Intrinsics

// Selection among the scores of a row of weights, and the sums over what is selected, while the row is
// in registers. A row of bits has whole words of 64 columns. How scores come about is a rule:
// 0 `(weight · scale)²`, 1 the same times `factors[column]`, 2 `factors[column]` alone.
//
// Sums are sixteen side by side in every build and nothing is fused, so all builds give the same bits.

private typealias Lanes = SIMD16<Float>

@inline(__always)
private func lanes(_ pointer: UnsafePointer<Float>) -> Lanes {
  UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
}

@inline(__always)
private func score(
  _ value: Lanes, _ rule: Int, _ factors: UnsafePointer<Float>, _ place: Int
) -> Lanes {
  switch rule {
  case 0: value * value
  case 1: value * value * lanes(factors + place)
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

/// The sums over the kept weights of a row: of `|w|`, `w²` and `w²` times a mean square of its input.
private struct Sums {
  var absolute = Lanes.zero
  var energy = Lanes.zero
  var weighted = Lanes.zero

  /// Adds the 64 values at `place`, scaled, whose bit is set.
  @inline(__always)
  mutating func add(
    _ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes, _ bits: UInt64,
    _ energies: UnsafePointer<Float>?
  ) {
    add(a, bits, energies)
    add(b, bits &>> 16, energies.map { $0 + 16 })
    add(c, bits &>> 32, energies.map { $0 + 32 })
    add(d, bits &>> 48, energies.map { $0 + 48 })
  }

  @inline(__always)
  private mutating func add(_ value: Lanes, _ bits: UInt64, _ energies: UnsafePointer<Float>?) {
    let select = SIMD16<UInt32>(
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
    let own = SIMD16<UInt32>(repeating: UInt32(truncatingIfNeeded: bits & 0xFFFF))
    let isKept = (own & select) .!= SIMD16<UInt32>.zero
    let sizes = unsafeBitCast(
      unsafeBitCast(value, to: SIMD16<UInt32>.self) & SIMD16<UInt32>(repeating: 0x7FFF_FFFF),
      to: Lanes.self)
    let squares = value * value
    absolute = absolute.replacing(with: absolute + sizes, where: isKept)
    energy = energy.replacing(with: energy + squares, where: isKept)
    if let energies {
      weighted = weighted.replacing(with: weighted + squares * lanes(energies), where: isKept)
    }
  }

  @inline(__always)
  func put(_ target: UnsafeMutablePointer<Float>) {
    target[0] = absolute.sum()
    target[1] = energy.sum()
    target[2] = weighted.sum()
  }
}

/// The last, shorter word of a row as a whole one: weights, factors and energies with zeros behind.
@inline(__always)
private func pad(
  _ source: UnsafePointer<Float>, _ count: Int, _ target: UnsafeMutablePointer<Float>
) {
  for i in 0..<64 { target[i] = i < count ? source[i] : 0 }
}

/// Keeps what `base` keeps and every score whose bits are at least `above`, sums what is kept, and lists
/// the other columns whose scores' bits are at least `least`.
///
/// The row is read once, and asked for eight kilobytes ahead: hardware stops at the end of a page. With
/// that 45 million weights took 6.8 ms where reading them alone takes 4.8, without 12 (Zen 5, 2026-11).
/// - Parameters:
///   - rule: see above; `factors` is not read under rule 0.
///   - energies: mean squares of the inputs; nil leaves the last sum 0.
///   - base: the row's bits before; nil is none.
///   - result: the row's bits afterwards.
///   - listed, scores: get the listed columns, ascending, and their scores; have room for a multiple
///     of 64 not less than `columns`.
///   - sums: gets `Σ|w|`, `Σw²` and `Σw²·energy` of `scale·w` over what `result` keeps.
/// - Returns: how many columns are listed, and from bit 32 on how many bits `result` has beyond `base`.
@inline(never)
public func scoreRaise(
  _ weights: UnsafePointer<Float>, _ rule: Int, _ factors: UnsafePointer<Float>, _ scale: Float,
  _ energies: UnsafePointer<Float>?, _ columns: Int,
  _ base: UnsafePointer<UInt64>?, _ result: UnsafeMutablePointer<UInt64>,
  _ least: UInt32, _ above: UInt32,
  _ listed: UnsafeMutablePointer<UInt32>, _ scores: UnsafeMutablePointer<Float>,
  _ sums: UnsafeMutablePointer<Float>
) -> Int {
  let scales = Lanes(repeating: scale)
  let (low, high) = (Int32(bitPattern: least), Int32(bitPattern: above))
  var total = Sums()
  var count = 0
  var added = 0
  withUnsafeTemporaryAllocation(of: Float.self, capacity: 192) { spare in
    let padded = spare.baseAddress!
    for word in 0..<(columns &+ 63) / 64 {
      let first = word &* 64
      var (w, f, e) = (weights + first, factors + first, energies.map { $0 + first })
      if first &+ 64 > columns {
        pad(w, columns &- first, padded)
        w = UnsafePointer(padded)
        if rule != 0 {
          pad(f, columns &- first, padded + 64)
          f = UnsafePointer(padded + 64)
        }
        if let own = e {
          pad(own, columns &- first, padded + 128)
          e = UnsafePointer(padded + 128)
        }
      }
      for line in 0..<4 { prefetch_line(w + (2048 &+ 16 &* line)) }
      let a = lanes(w) * scales
      let b = lanes(w + 16) * scales
      let c = lanes(w + 32) * scales
      let d = lanes(w + 48) * scales
      let scoreA = score(a, rule, f, 0)
      let scoreB = score(b, rule, f, 16)
      let scoreC = score(c, rule, f, 32)
      let scoreD = score(d, rule, f, 48)
      let before = base.map { $0[word] } ?? 0
      let sure = UInt64(scores_from(scoreA, scoreB, scoreC, scoreD, high)) & ~before
      var open = UInt64(scores_from(scoreA, scoreB, scoreC, scoreD, low)) & ~before & ~sure
      // The padding beyond the last column scores 0.
      if first &+ 64 > columns { open &= UInt64.max &>> UInt64(64 &- (columns &- first)) }
      let kept = before | sure
      result[word] = kept
      added &+= sure.nonzeroBitCount
      total.add(a, b, c, d, kept, e)
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
  }
  total.put(sums)
  return count | added &<< 32
}

/// Of every four columns that a row keeps, in their order, the two with the best scores; a last, shorter
/// group keeps up to two. Of equal scores the earlier stays.
///
/// The row that follows is asked for meanwhile. Arguments as for `scoreRaise`.
/// - Parameters:
///   - kept: the row's bits before, none beyond the last column; `result` its bits afterwards.
///   - packed: room for 32 scores more than whole words of columns.
///   - chosen: room for `4 · words + 6` groups of 16 bits.
@inline(never)
public func scoreThinTwoOfFour(
  _ weights: UnsafePointer<Float>, _ rule: Int, _ factors: UnsafePointer<Float>, _ scale: Float,
  _ energies: UnsafePointer<Float>?, _ columns: Int,
  _ kept: UnsafePointer<UInt64>, _ result: UnsafeMutablePointer<UInt64>,
  _ packed: UnsafeMutablePointer<Float>, _ chosen: UnsafeMutablePointer<UInt16>,
  _ sums: UnsafeMutablePointer<Float>
) {
  let words = (columns &+ 63) / 64
  let scales = Lanes(repeating: scale)
  var count = 0
  withUnsafeTemporaryAllocation(of: Float.self, capacity: 128) { spare in
    let padded = spare.baseAddress!
    for word in 0..<words {
      let first = word &* 64
      var (w, f) = (weights + first, factors + first)
      for line in 0..<4 { prefetch_far(w + (columns &+ 16 &* line)) }
      let bits = kept[word]
      if bits == 0 { continue }
      if first &+ 64 > columns {
        pad(w, columns &- first, padded)
        w = UnsafePointer(padded)
        if rule != 0 {
          pad(f, columns &- first, padded + 64)
          f = UnsafePointer(padded + 64)
        }
      }
      for quarter in 0..<4 {
        let own = UInt32(truncatingIfNeeded: bits &>> UInt64(16 &* quarter)) & 0xFFFF
        let value = lanes(w + 16 &* quarter) * scales
        count &+= pack_lanes(score(value, rule, f, 16 &* quarter), own, packed + count)
      }
    }
  }
  // Zeros behind the last score lose against all before them.
  for lane in 0..<16 { packed[count &+ lane] = 0 }
  var group = 0
  while group &* 16 < count {
    chosen[group] = UInt16(truncatingIfNeeded: best_two_of_four(packed + 16 &* group))
    group &+= 1
  }
  for spare in 0..<5 { chosen[group &+ spare] = 0 }
  let stream = UnsafeRawPointer(chosen)
  var place = 0
  for word in 0..<words {
    let bits = kept[word]
    if bits == 0 {
      result[word] = 0
      continue
    }
    let shift = UInt64(place & 7)
    let low = stream.loadUnaligned(fromByteOffset: place &>> 3, as: UInt64.self)
    let high = UInt64(stream.load(fromByteOffset: place &>> 3 &+ 8, as: UInt8.self))
    let own = low &>> shift | (high &<< 1) &<< (63 &- shift)
    result[word] = UInt64(deposit_bits(UInt(own), UInt(bits)))
    place &+= bits.nonzeroBitCount
  }
  scoreSums(weights, UnsafePointer(result), energies, scale, columns, sums)
}

/// `Σ|w|`, `Σw²` and `Σw²·energy` of `scale·w` over the columns whose bit is set, all of them without
/// bits; the last sum is 0 without energies.
@inline(never)
public func scoreSums(
  _ weights: UnsafePointer<Float>, _ bits: UnsafePointer<UInt64>?,
  _ energies: UnsafePointer<Float>?, _ scale: Float, _ columns: Int,
  _ sums: UnsafeMutablePointer<Float>
) {
  let scales = Lanes(repeating: scale)
  var total = Sums()
  withUnsafeTemporaryAllocation(of: Float.self, capacity: 128) { spare in
    let padded = spare.baseAddress!
    for word in 0..<(columns &+ 63) / 64 {
      let own = bits.map { $0[word] } ?? .max
      if own == 0 { continue }
      let first = word &* 64
      var (w, e) = (weights + first, energies.map { $0 + first })
      if first &+ 64 > columns {
        pad(w, columns &- first, padded)
        w = UnsafePointer(padded)
        if let some = e {
          pad(some, columns &- first, padded + 64)
          e = UnsafePointer(padded + 64)
        }
      }
      total.add(
        lanes(w) * scales, lanes(w + 16) * scales, lanes(w + 32) * scales, lanes(w + 48) * scales,
        own, e)
    }
  }
  total.put(sums)
}

/// How many bits are set.
@inline(never)
public func countBits(_ words: UnsafePointer<UInt64>, _ count: Int) -> Int {
  var total = 0
  for index in 0..<count { total &+= words[index].nonzeroBitCount }
  return total
}
