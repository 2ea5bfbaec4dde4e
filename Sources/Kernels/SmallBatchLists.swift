/// Lists of columns, one for each strip.
struct StripLists: Sendable {
  var columns: [UInt32] = []
  var starts: [Int] = [0]

  var count: Int { starts.count - 1 }
  func length(_ strip: Int) -> Int { starts[strip + 1] - starts[strip] }

  /// Strips put together into groups of `size`, as steps of `entries` columns: groups in descending
  /// order of steps, so that trip counts change seldom and are predicted. Strips are sorted by
  /// length first where that saves more than 3 % of the steps (outputs then leave the kernel out of
  /// order).
  func groups(of size: Int, entries: Int) -> [StripGroup] {
    let natural = grouped(Array(0..<count), size, entries)
    guard size > 1 else { return natural.sorted { $0.steps > $1.steps } }
    let byLength = (0..<count).sorted { (length($0), $1) > (length($1), $0) }
    let sorted = grouped(byLength, size, entries)
    let (plain, saved) = (
      natural.reduce(0) { $0 + $1.steps }, sorted.reduce(0) { $0 + $1.steps }
    )
    return Double(saved) < 0.97 * Double(plain) ? sorted : natural.sorted { $0.steps > $1.steps }
  }

  private func grouped(_ order: [Int], _ size: Int, _ entries: Int) -> [StripGroup] {
    stride(from: 0, to: order.count, by: size).map { first in
      let strips = Array(order[first..<min(first + size, order.count)])
      let longest = strips.map { length($0) }.max() ?? 0
      return StripGroup(strips: strips, steps: (longest + entries - 1) / entries)
    }
  }
}

/// Strips that run side by side for as many steps as the longest needs.
struct StripGroup: Sendable {
  var strips: [Int]
  var steps: Int
}
