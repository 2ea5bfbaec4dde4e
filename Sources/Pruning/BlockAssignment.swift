/// Items dealt out to blocks of fixed capacity so that the total worth grows: the M step of TETRIS.
///
/// `worth[i, b]` is the score mass that stays if item `i` (a row, or a column) lies in block `b`, all
/// kept blocks fixed. Moving an item from its own block `a` to `b` gains `worth[i, b] - worth[i, a]`;
/// two items of `a` and `b` that change places gain the sum of both, which is TETRIS'
/// `S_ij + S_ji - S_ii - S_jj` seen from the kept side.
struct BlockAssignment {
  /// Items of each block, in slot order.
  private(set) var members: [[Int]]
  private(set) var exchanges = 0

  private let blocks: Int
  /// `[items, blocks]`, row-major.
  private let worth: [Float]
  /// Gains below this are rounding.
  private let least: Float
  /// `best[a, b]`: the largest gain of moving one item of `a` to `b`, and the slot it stands in.
  private var best: [Float]
  private var slot: [Int]

  init(members: [[Int]], worth: [Float], least: Float) {
    self.members = members
    self.worth = worth
    self.least = least
    blocks = members.count
    best = [Float](repeating: -.infinity, count: blocks * blocks)
    slot = [Int](repeating: 0, count: blocks * blocks)
    for block in 0..<blocks { refresh(block) }
  }

  /// Recomputes what leaving one block gains. Complexity: its members times the blocks.
  private mutating func refresh(_ block: Int) {
    let row = block * blocks
    for other in 0..<blocks { best[row + other] = -.infinity }
    for (position, item) in members[block].enumerated() {
      let base = item * blocks
      let own = worth[base + block]
      worth.withUnsafeBufferPointer { worth in
        best.withUnsafeMutableBufferPointer { best in
          slot.withUnsafeMutableBufferPointer { slot in
            for other in 0..<blocks {
              let gain = worth[base &+ other] - own
              if gain > best[row &+ other] {
                best[row &+ other] = gain
                slot[row &+ other] = position
              }
            }
          }
        }
      }
    }
  }

  private func pairGain(_ a: Int, _ b: Int) -> Float {
    best[a &* blocks &+ b] + best[b &* blocks &+ a]
  }

  /// Swaps the best pair until no pair gains.
  ///
  /// Only the largest gain per pair of blocks is kept, so a swap costs the members of two blocks and
  /// one look at every other block instead of all pairs of items; the swaps are the same.
  mutating func swapGreedily() {
    guard blocks > 1 else { return }
    var partner = [Int](repeating: -1, count: blocks)
    var gain = [Float](repeating: -.infinity, count: blocks)
    func rescan(_ a: Int) {
      gain[a] = -.infinity
      for b in 0..<blocks where b != a {
        let value = pairGain(a, b)
        if value > gain[a] {
          gain[a] = value
          partner[a] = b
        }
      }
    }
    for a in 0..<blocks { rescan(a) }
    while true {
      var a = 0
      for other in 1..<blocks where gain[other] > gain[a] { a = other }
      guard gain[a] > least else { return }
      let b = partner[a]
      let (from, to) = (slot[a * blocks + b], slot[b * blocks + a])
      let moved = members[a][from]
      members[a][from] = members[b][to]
      members[b][to] = moved
      exchanges += 1
      refresh(a)
      refresh(b)
      rescan(a)
      rescan(b)
      for other in 0..<blocks where other != a && other != b {
        if partner[other] == a || partner[other] == b {
          rescan(other)
        } else {
          for changed in [a, b] {
            let value = pairGain(other, changed)
            if value > gain[other] {
              gain[other] = value
              partner[other] = changed
            }
          }
        }
      }
    }
  }

  /// Cancels improving cycles of any length until none is left: the assignment is then exactly optimal.
  ///
  /// In the graph whose edge `a → b` is the best single move, an assignment to blocks of fixed
  /// capacity is optimal if and only if no cycle has a positive sum (min-cost flow optimality; a
  /// simple cycle takes one item from each of its blocks, so the moves do not interfere). This
  /// replaces the cubic assignment over items by searches over blocks.
  mutating func polish() {
    while let cycle = improvingCycle() {
      // Every block's item that moves on, read before any of them moves.
      let moves = cycle.indices.map { index in
        slot[cycle[index] * blocks + cycle[(index + 1) % cycle.count]]
      }
      let items = cycle.indices.map { members[cycle[$0]][moves[$0]] }
      for index in cycle.indices {
        let next = (index + 1) % cycle.count
        members[cycle[next]][moves[next]] = items[index]
      }
      exchanges += cycle.count - 1
      for block in cycle { refresh(block) }
    }
  }

  /// Blocks of a cycle whose moves gain together, by Bellman and Ford's relaxation from all blocks.
  private func improvingCycle() -> [Int]? {
    guard blocks > 1 else { return nil }
    var reached = [Float](repeating: 0, count: blocks)
    var from = [Int](repeating: -1, count: blocks)
    let step = least / Float(blocks)
    for round in 0...blocks {
      var changed = -1
      for a in 0..<blocks {
        for b in 0..<blocks where b != a {
          let value = reached[a] + best[a &* blocks &+ b]
          if value > reached[b] + step {
            reached[b] = value
            from[b] = a
            changed = b
          }
        }
      }
      if changed < 0 { return nil }
      if round >= 2, let cycle = cycle(in: from, through: changed) { return cycle }
    }
    return nil
  }

  /// The cycle that predecessors lead into, in the direction of the moves; nil if they end.
  private func cycle(in from: [Int], through start: Int) -> [Int]? {
    var node = start
    for _ in 0..<blocks {
      guard from[node] >= 0 else { return nil }
      node = from[node]
    }
    var cycle = [node]
    var other = from[node]
    while other != node {
      cycle.append(other)
      other = from[other]
    }
    cycle.reverse()
    var sum: Float = 0
    for index in cycle.indices {
      sum += best[cycle[index] * blocks + cycle[(index + 1) % cycle.count]]
    }
    return sum > least ? cycle : nil
  }
}
