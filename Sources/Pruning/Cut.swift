/// Where a ranking is cut: exactly the `k` best of a list of scores, ties to the lower index.
///
/// Scores are non-negative, so their bit patterns order as they do; a score is *kept* when its bits
/// exceed `bits`, or equal them at an index below `tieLimit`.
struct Cut: Hashable, Sendable {
  var bits: UInt32
  var tieLimit: Int

  init(bits: UInt32, tieLimit: Int) {
    self.bits = bits
    self.tieLimit = tieLimit
  }

  static let nothing = Cut(bits: 0xFFFF_FFFE, tieLimit: 0)
  static let everything = Cut(bits: 0, tieLimit: .max)

  /// Keeps what is above `score`.
  static func above(_ score: Float) -> Cut { Cut(bits: score.bitPattern, tieLimit: 0) }

  /// The `count` highest scores.
  ///
  /// Radix selection: a histogram of the leading 12 bits, then of the next 10 among the scores of the
  /// one bin that holds the cut, then of the last 10.
  /// - Complexity: one pass over the scores and one over a bin of them; no sorting.
  init(keeping count: Int, of scores: UnsafeBufferPointer<Float>) {
    if count <= 0 {
      self = .nothing
      return
    }
    if count >= scores.count {
      self = .everything
      return
    }
    // Two histograms, because equal neighbours would otherwise wait for one another's store.
    var even = [UInt32](repeating: 0, count: 4096)
    var odd = [UInt32](repeating: 0, count: 4096)
    let total = scores.count
    even.withUnsafeMutableBufferPointer { even in
      odd.withUnsafeMutableBufferPointer { odd in
        var index = 0
        while index &+ 1 < total {
          even[Int(scores[index].bitPattern >> 20)] &+= 1
          odd[Int(scores[index &+ 1].bitPattern >> 20)] &+= 1
          index &+= 2
        }
        if index < total { even[Int(scores[index].bitPattern >> 20)] &+= 1 }
      }
    }
    var above = 0
    var bin = 4095
    while true {
      let here = Int(even[bin] &+ odd[bin])
      if above + here >= count { break }
      above += here
      bin -= 1
    }
    var candidates: [(bits: UInt32, index: Int)] = []
    candidates.reserveCapacity(Int(even[bin] &+ odd[bin]))
    for index in 0..<total {
      let bits = scores[index].bitPattern
      if Int(bits >> 20) == bin { candidates.append((bits, index)) }
    }
    for shift: UInt32 in [10, 0] {
      var histogram = [Int](repeating: 0, count: 1024)
      for candidate in candidates { histogram[Int(candidate.bits >> shift & 1023)] += 1 }
      var next = 1023
      while above + histogram[next] < count {
        above += histogram[next]
        next -= 1
      }
      candidates.removeAll { Int($0.bits >> shift & 1023) != next }
    }
    // What is left ties; candidates are in index order.
    bits = candidates[0].bits
    tieLimit = candidates[count - above - 1].index + 1
  }

  init(keeping count: Int, of scores: [Float]) {
    self = scores.withUnsafeBufferPointer { Cut(keeping: count, of: $0) }
  }

  @inline(__always)
  func keeps(_ score: Float, at index: Int) -> Bool {
    score.bitPattern > bits || (score.bitPattern == bits && index < tieLimit)
  }

  /// How many of the scores are kept.
  func count(in scores: [Float]) -> Int {
    scores.withUnsafeBufferPointer { scores in
      var count = 0
      for index in 0..<scores.count where keeps(scores[index], at: index) { count &+= 1 }
      return count
    }
  }
}
