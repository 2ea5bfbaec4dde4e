import Experiments
import Tensors

/// Reorders input channels so that more score survives N:M pruning (Pool & Yu 2021).
///
/// Greedy swaps of two channels, always the best of all pairs, until none gains; for groups of four
/// then every split of every pair of groups (their "stripe groups of 8", 35 splits), which finds moves
/// of several channels at once; then a bounded number of random swaps to escape, kept only when what
/// follows ends higher.
///
/// What we changed: a group with channel `c` taken out keeps `base_c + max(0, x - floor_c)` when a
/// value `x` comes in, row by row. So the worth of all swaps is one table `P[c, x]` that costs as much
/// as a matrix product, and a swap renews only the rows of the channels in two groups.
struct ChannelPermutation {
  let rows: Int
  let columns: Int
  let kept: Int
  let group: Int
  /// Scores by channel, `[columns, stride]`; the tail of each channel is zero.
  private let channels: [Float]
  private let stride: Int
  /// Channels at their positions; a group is `group` consecutive positions.
  private(set) var order: [Int]
  private var position: [Int]
  /// Kept score of each group.
  private var groupKept: [Double]
  /// `[columns, columns]` by channel: what the group of `c` keeps with `x` in the place of `c`.
  private var replaced: [Float]
  /// The best swap of each channel: its partner and what it gains.
  private var partner: [Int]
  private var best: [Float]
  /// When each group was last changed, and when each pair of groups was last split to no gain: a pair
  /// that has stayed as it was has nothing new to offer. An escape changes few of the groups, and
  /// splitting all pairs again had taken four fifths of its time.
  private var changed: [Int]
  private var tried: [Int]
  private var clock = 1
  private(set) var swaps = 0
  private(set) var rounds = 0
  let total: Double

  /// - Parameter scores: Row-major, `[rows, columns]`.
  init(scores: [Float], rows: Int, columns: Int, kept: Int, group: Int) {
    self.rows = rows
    self.columns = columns
    self.kept = kept
    self.group = min(group, columns)
    let stride = (rows + 15) / 16 * 16
    self.stride = stride
    var channels = [Float](repeating: 0, count: columns * stride)
    for row in 0..<rows {
      for column in 0..<columns {
        channels[column * stride + row] = scores[row * columns + column]
      }
    }
    self.channels = channels
    order = Array(0..<columns)
    position = order
    total = scores.reduce(0.0) { $0 + Double($1) }
    groupKept = []
    replaced = [Float](repeating: 0, count: columns * columns)
    partner = [Int](repeating: 0, count: columns)
    best = [Float](repeating: -.infinity, count: columns)
    let groups = (columns + self.group - 1) / self.group
    changed = [Int](repeating: 1, count: groups)
    tried = []
    groupKept = [Double](repeating: 0, count: groups)
    for index in 0..<groups { refresh(group: index) }
    for channel in 0..<columns { findPartner(of: channel) }
  }

  private var groups: Int { (columns + group - 1) / group }

  private func positions(_ index: Int) -> Range<Int> {
    index * group..<min(columns, (index + 1) * group)
  }

  /// Share of the score that stays.
  var keptShare: Double { total > 0 ? groupKept.reduce(0, +) / total : 1 }

  /// Renews what one group keeps, and the table rows of its channels.
  private mutating func refresh(group index: Int) {
    let members = positions(index).map { order[$0] }
    let count = members.count
    var bases = [Double](repeating: 0, count: count)
    // Lanes beyond the last row compare against infinity and add nothing.
    var floors = [Float](repeating: .infinity, count: count * stride)
    var values = [Float](repeating: 0, count: count)
    var ranked = [Int](repeating: 0, count: count)
    var sum = 0.0
    for row in 0..<rows {
      for member in 0..<count {
        let value = channels[members[member] &* stride &+ row]
        values[member] = value
        var slot = member
        while slot > 0, values[ranked[slot &- 1]] < value {
          ranked[slot] = ranked[slot &- 1]
          slot &-= 1
        }
        ranked[slot] = member
      }
      var best: Float = 0
      for rank in 0..<min(kept, count) { best += values[ranked[rank]] }
      sum += Double(best)
      // The best value that does not stay, and the least that does.
      let next = kept < count ? values[ranked[kept]] : 0
      let last = kept <= count ? values[ranked[kept &- 1]] : 0
      for rank in 0..<count {
        let member = ranked[rank]
        if rank < kept {
          bases[member] += Double(best - values[member] + next)
          floors[member &* stride &+ row] = next
        } else {
          bases[member] += Double(best)
          floors[member &* stride &+ row] = last
        }
      }
    }
    groupKept[index] = sum
    for member in 0..<count {
      renew(channel: members[member], base: bases[member], floors: floors, at: member * stride)
    }
  }

  /// `replaced[c, x] = base + Σ_row max(0, x - floor)` for all channels `x`.
  private mutating func renew(channel: Int, base: Double, floors: [Float], at offset: Int) {
    let (stride, columns) = (stride, columns)
    channels.withUnsafeBytes { channels in
      floors.withUnsafeBytes { floors in
        replaced.withUnsafeMutableBufferPointer { replaced in
          let target = replaced.baseAddress! + channel &* columns
          for other in 0..<columns {
            var sum = SIMD16<Float>.zero
            var row = 0
            while row < stride {
              let value = channels.loadUnaligned(
                fromByteOffset: (other &* stride &+ row) &* 4, as: SIMD16<Float>.self)
              let floor = floors.loadUnaligned(
                fromByteOffset: (offset &+ row) &* 4, as: SIMD16<Float>.self)
              let gain = value - floor
              let positive = unsafeBitCast(gain .> SIMD16<Float>.zero, to: SIMD16<UInt32>.self)
              sum += unsafeBitCast(
                unsafeBitCast(gain, to: SIMD16<UInt32>.self) & positive, to: SIMD16<Float>.self)
              row &+= 16
            }
            target[other] = Float(base + Double(sum.sum()))
          }
        }
      }
    }
  }

  /// What swapping two channels of different groups gains.
  private func gain(_ a: Int, _ b: Int) -> Float {
    replaced[a &* columns &+ b] + replaced[b &* columns &+ a]
      - Float(groupKept[position[a] / group] + groupKept[position[b] / group])
  }

  private mutating func swap(_ a: Int, _ b: Int) {
    let (first, second) = (position[a], position[b])
    order[first] = b
    order[second] = a
    position[a] = second
    position[b] = first
    renew(groups: [first / group, second / group])
    swaps += 1
  }

  /// Brings the table and the best swaps up to date after the members of two groups have changed.
  private mutating func renew(groups touched: [Int]) {
    clock += 1
    for index in touched {
      changed[index] = clock
      refresh(group: index)
    }
    let members = touched.flatMap { positions($0).map { order[$0] } }
    for channel in members { findPartner(of: channel) }
    for other in 0..<columns where !touched.contains(position[other] / group) {
      if touched.contains(position[partner[other]] / group) {
        findPartner(of: other)
      } else {
        for channel in members {
          let value = gain(other, channel)
          if value > best[other] { (best[other], partner[other]) = (value, channel) }
        }
      }
    }
  }

  private mutating func findPartner(of channel: Int) {
    var (most, found) = (-Float.infinity, channel)
    let own = positions(position[channel] / group)
    for place in 0..<columns where !own.contains(place) {
      let value = gain(channel, order[place])
      if value > most { (most, found) = (value, order[place]) }
    }
    (best[channel], partner[channel]) = (most, found)
  }

  // MARK: Search

  /// Searches until nothing gains.
  ///
  /// - Parameters:
  ///   - escapes: Random swaps tried afterwards.
  ///   - progress: The kept share so far; false stops.
  /// - Returns: Whether the search ended by itself.
  mutating func search(escapes: Int, seed: UInt64, progress: (Double) -> Bool) -> Bool {
    guard groups > 1, total > 0 else { return true }
    guard converge(progress) else { return false }
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<escapes {
      let saved = self
      let a = order[Int.random(in: 0..<columns, using: &generator)]
      let b = order[Int.random(in: 0..<columns, using: &generator)]
      guard position[a] / group != position[b] / group else { continue }
      swap(a, b)
      guard converge(progress) else {
        if keptShare < saved.keptShare { self = saved }
        return false
      }
      if keptShare <= saved.keptShare { self = saved }
    }
    return true
  }

  private mutating func converge(_ progress: (Double) -> Bool) -> Bool {
    let splits = StripeSplits(kept: kept, group: group)
    while true {
      rounds += 1
      if !swapGreedily(progress) || !progress(keptShare) { return false }
      guard let splits, splitPairs(splits) else { return true }
      if !progress(keptShare) { return false }
    }
  }

  /// The table is in F32, so beside a channel that holds nearly all of the score a swap may look better
  /// than it is; one that turns out not to gain is taken back and its channels are left alone, or the
  /// search would go round in circles.
  ///
  /// - Returns: Whether it was let run.
  private mutating func swapGreedily(_ progress: (Double) -> Bool) -> Bool {
    let least = Float(1e-7 * total)
    var spent: Set<Int> = []
    var count = 0
    while true {
      var a = -1
      for channel in 0..<columns
      where (a < 0 || best[channel] > best[a]) && !spent.contains(channel) { a = channel }
      guard a >= 0, best[a] > least else { return true }
      count += 1
      if count % 64 == 0, !progress(keptShare) { return false }
      let b = partner[a]
      let touched = [position[a] / group, position[b] / group]
      let before = groupKept[touched[0]] + groupKept[touched[1]]
      swap(a, b)
      if groupKept[touched[0]] + groupKept[touched[1]] <= before + 0.25 * Double(least) {
        swap(a, b)
        swaps -= 2
        spent.insert(a)
      }
    }
  }

  /// Tries every split of every pair of full groups once; true if something gained.
  private mutating func splitPairs(_ splits: StripeSplits) -> Bool {
    let full = columns / group
    // 20 million group rows are about half a second.
    guard full * (full - 1) / 2 * rows <= 20_000_000 else { return false }
    let least = 1e-7 * total
    var gained = false
    if tried.isEmpty { tried = [Int](repeating: 0, count: full * full) }
    for a in 0..<full {
      for b in a + 1..<max(full, a + 1)
      where max(changed[a], changed[b]) > tried[a * full + b] {
        tried[a * full + b] = clock
        let eight = positions(a).map { order[$0] } + positions(b).map { order[$0] }
        let (split, mass) = channels.withUnsafeBufferPointer {
          splits.best($0.baseAddress!, stride: stride, channels: eight)
        }
        guard mass > groupKept[a] + groupKept[b] + least else { continue }
        let before = groupKept[a] + groupKept[b]
        let (left, right) = splits.sides(split)
        for (offset, index) in left.enumerated() { place(eight[index], at: a * group + offset) }
        for (offset, index) in right.enumerated() { place(eight[index], at: b * group + offset) }
        renew(groups: [a, b])
        // The split's mass is summed in F32 lanes: as with swaps, only what really gained counts.
        guard groupKept[a] + groupKept[b] > before + 0.25 * least else {
          for offset in 0..<group {
            place(eight[offset], at: a * group + offset)
            place(eight[group + offset], at: b * group + offset)
          }
          renew(groups: [a, b])
          tried[a * full + b] = clock
          continue
        }
        swaps += 1
        gained = true
      }
    }
    return gained
  }

  private mutating func place(_ channel: Int, at target: Int) {
    order[target] = channel
    position[channel] = target
  }
}

/// The 35 ways to split eight channels into two groups of four, and what 2:4 keeps of each.
struct StripeSplits {
  /// Bit sets over the eight channels; each holds channel 0.
  private let subsets: [UInt8]

  /// Nil for anything but 2:4.
  init?(kept: Int, group: Int) {
    guard kept == 2, group == 4 else { return nil }
    subsets = (0..<256).filter { $0 & 1 == 1 && $0.nonzeroBitCount == 4 }.map { UInt8($0) }
  }

  func sides(_ split: Int) -> (left: [Int], right: [Int]) {
    (
      (0..<8).filter { subsets[split] >> $0 & 1 == 1 },
      (0..<8).filter { subsets[split] >> $0 & 1 == 0 }
    )
  }

  /// The split that keeps most, and how much; 16 rows at a time.
  func best(
    _ channels: UnsafePointer<Float>, stride: Int, channels eight: [Int]
  ) -> (split: Int, mass: Double) {
    var sums = [SIMD16<Float>](repeating: .zero, count: subsets.count)
    let raw = UnsafeRawPointer(channels)
    var row = 0
    withUnsafeTemporaryAllocation(of: SIMD16<Float>.self, capacity: 8) { value in
      while row < stride {
        for index in 0..<8 {
          value[index] = raw.loadUnaligned(
            fromByteOffset: (eight[index] &* stride &+ row) &* 4, as: SIMD16<Float>.self)
        }
        for (index, subset) in subsets.enumerated() {
          sums[index] += Self.kept(value, subset) + Self.kept(value, ~subset)
        }
        row &+= 16
      }
    }
    var best = (split: 0, mass: -Double.infinity)
    for (index, sum) in sums.enumerated() {
      let mass = Double(sum.sum())
      if mass > best.mass { best = (index, mass) }
    }
    return best
  }

  /// The sum of the two largest of four, lane by lane.
  @inline(__always)
  private static func kept(
    _ value: UnsafeMutableBufferPointer<SIMD16<Float>>, _ subset: UInt8
  ) -> SIMD16<Float> {
    var rest = subset
    func take() -> SIMD16<Float> {
      let index = rest.trailingZeroBitCount
      rest &= rest &- 1
      return value[index]
    }
    let (a, b, c, d) = (take(), take(), take(), take())
    let (high1, low1) = (larger(a, b), smaller(a, b))
    let (high2, low2) = (larger(c, d), smaller(c, d))
    return larger(high1, high2) + larger(smaller(high1, high2), larger(low1, low2))
  }

  @inline(__always)
  private static func larger(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
    a.replacing(with: b, where: b .> a)
  }

  @inline(__always)
  private static func smaller(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
    a.replacing(with: b, where: b .< a)
  }
}
