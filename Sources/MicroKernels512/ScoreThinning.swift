import Intrinsics

// 2:4 along the columns that a row keeps, and the sums over it. What a row keeps is packed together
// first; choice and sums are then whole vectors. The rows of a tile keep the same columns, so factors and
// energies come packed: once a tile.

/// Appends to `target[count...]` the values of one word of bits, whose first column is `first`.
/// - Returns: the count afterwards.
@inline(__always)
private func pack(
  _ source: UnsafePointer<Float>, _ bits: UInt64, _ columns: Int, _ first: Int,
  _ target: UnsafeMutablePointer<Float>, _ count: Int
) -> Int {
  if first &+ 64 <= columns {
    var count = count
    for quarter in 0..<4 {
      count &+= pack_lanes(
        lanes(source + (first &+ 16 &* quarter)),
        UInt32(truncatingIfNeeded: bits &>> UInt64(16 &* quarter) & 0xFFFF), target + count)
    }
    return count
  }
  // The last word may reach beyond the row, and must not be read as a whole.
  var (rest, count) = (bits, count)
  while rest != 0 {
    target[count] = source[first &+ rest.trailingZeroBitCount]
    rest &= rest &- 1
    count &+= 1
  }
  return count
}

/// Writes the values whose bit is set to `target`, one after the other, and 16 zeros behind them.
///
/// `target` has room for 32 values more than whole words of columns hold.
/// - Returns: how many values have their bit set.
@inline(never)
public func scorePack(
  _ source: UnsafePointer<Float>, _ bits: UnsafePointer<UInt64>, _ columns: Int,
  _ target: UnsafeMutablePointer<Float>
) -> Int {
  var count = 0
  for word in 0..<(columns &+ 63) / 64 where bits[word] != 0 {
    count = pack(source, bits[word], columns, word &* 64, target, count)
  }
  for lane in 0..<16 { target[count &+ lane] = 0 }
  return count
}

/// The sums over what is chosen, sixteen side by side.
private struct ChosenSums {
  var absolute = ScoreLanes.zero
  var energy = ScoreLanes.zero
  var weighted = ScoreLanes.zero
}

/// What stays the same along a row.
private struct ThinRow {
  var scales: ScoreLanes
  /// See `ScoreSelection`; 3 is rule 1 with energies that are the factors.
  var rule: Int
  var factors: UnsafePointer<Float>
  var energies: UnsafePointer<Float>?

  /// The best two of each of four groups of four values, which are packed from `place` on.
  @inline(__always)
  func choose(
    _ values: UnsafePointer<Float>, _ place: Int, _ sums: inout ChosenSums
  ) -> UInt16 {
    let value = lanes(values) * scales
    let square = value * value
    let score =
      switch rule {
      case 0: square
      case 2: lanes(factors + place)
      default: square * lanes(factors + place)
      }
    let chosen = best_two_of_four(score)
    sums.absolute = add_where(sums.absolute, sizes(value), chosen)
    sums.energy = add_where(sums.energy, square, chosen)
    if rule == 3 {
      sums.weighted = add_where(sums.weighted, score, chosen)
    } else if let energies {
      sums.weighted = add_where(sums.weighted, square * lanes(energies + place), chosen)
    }
    return UInt16(truncatingIfNeeded: chosen)
  }

  /// Packs and chooses by turns, eight words of bits at a time: with half a kilobyte to two between
  /// them nothing is read while it is still on its way to the cache, and memory is not left waiting.
  /// (4096x11008, four fifths kept: 10 ms; a whole row at a time 11; scores packed before and weights read
  /// again for the sums 16. Zen 5, 2026-11.)
  @inline(__always)
  func thin(
    _ weights: UnsafePointer<Float>, _ columns: Int, _ kept: UnsafePointer<UInt64>,
    _ packed: UnsafeMutablePointer<Float>, _ chosen: UnsafeMutablePointer<UInt16>
  ) -> ChosenSums {
    let words = (columns &+ 63) / 64
    var sums = ChosenSums()
    var (word, held, group) = (0, 0, 0)
    while word < words {
      let end = min(words, word &+ 8)
      while word < end {
        let first = word &* 64
        for line in 0..<4 { prefetch_line(weights + (first &+ 2048 &+ 16 &* line)) }
        if kept[word] != 0 { held = pack(weights, kept[word], columns, first, packed, held) }
        word &+= 1
      }
      // Zeros behind the last value lose against all before them.
      if word == words { for lane in 0..<16 { packed[held &+ lane] = 0 } }
      var place = 0
      while place &+ 16 <= held || (word == words && place < held) {
        chosen[group] = choose(packed + place, group &* 16, &sums)
        group &+= 1
        place &+= 16
      }
      held &-= place
      if held > 0 { for lane in 0..<16 { packed[lane] = packed[place &+ lane] } }
    }
    for spare in 0..<5 { chosen[group &+ spare] = 0 }
    return sums
  }
}

/// Of every four columns that a row keeps, in their order, the two with the best scores; a last, shorter
/// group keeps up to two. Of equal scores the earlier stays.
///
/// - Parameters:
///   - rule, scale: as in `scoreRaise`.
///   - factors, energies: packed by `scorePack` with the bits of `kept`, or, for energies, nil; where
///     they are the same, the scores are what is summed.
///   - kept: the row's bits before, none beyond the last column; `result` its bits afterwards.
///   - packed: room for 544 values.
///   - chosen: room for `4 · words + 6` groups of 16 bits.
///   - sums: as in `scoreRaise`.
@inline(never)
public func scoreThinTwoOfFour(
  _ weights: UnsafePointer<Float>, _ rule: Int, _ factors: UnsafePointer<Float>, _ scale: Float,
  _ energies: UnsafePointer<Float>?, _ columns: Int,
  _ kept: UnsafePointer<UInt64>, _ result: UnsafeMutablePointer<UInt64>,
  _ packed: UnsafeMutablePointer<Float>, _ chosen: UnsafeMutablePointer<UInt16>,
  _ sums: UnsafeMutablePointer<Float>
) {
  var row = ThinRow(
    scales: ScoreLanes(repeating: scale), rule: rule, factors: factors, energies: energies)
  // A loop of its own for each rule.
  let found: ChosenSums
  if rule == 1, energies == factors {
    row.rule = 3
    found = row.thin(weights, columns, kept, packed, chosen)
  } else if rule == 0 {
    row.rule = 0
    found = row.thin(weights, columns, kept, packed, chosen)
  } else if rule == 1 {
    row.rule = 1
    found = row.thin(weights, columns, kept, packed, chosen)
  } else {
    row.rule = 2
    found = row.thin(weights, columns, kept, packed, chosen)
  }
  sums[0] = found.absolute.sum()
  sums[1] = found.energy.sum()
  sums[2] = found.weighted.sum()
  let stream = UnsafeRawPointer(chosen)
  var place = 0
  for word in 0..<(columns &+ 63) / 64 {
    let bits = kept[word]
    let shift = UInt64(place & 7)
    let low = stream.loadUnaligned(fromByteOffset: place &>> 3, as: UInt64.self)
    let high = UInt64(stream.load(fromByteOffset: place &>> 3 &+ 8, as: UInt8.self))
    let own = low &>> shift | (high &<< 1) &<< (63 &- shift)
    result[word] = UInt64(deposit_bits(UInt(own), UInt(bits)))
    place &+= bits.nonzeroBitCount
  }
}
