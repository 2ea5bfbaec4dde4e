internal import Experiments
internal import Pruning

extension Workbench {
  /// Token counts at which a crossover over tokens is looked for.
  private static let tokenCounts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

  /// From which sparsity, or at which numbers of tokens, the pattern is faster than dense: measured on a
  /// grid, then over sparsity closed in on until verdicts change within 0.01.
  func crossover(
    _ tensor: String, _ knobs: Knobs, over axis: CrossoverAxis, isCancelled: () -> Bool,
    between: () -> Void, progress: (Crossover) -> Void
  ) throws(LaboratoryError) -> Crossover {
    let layer = try layer(tensor)
    var points: [Crossover.Point] = []
    func take(_ position: Double) throws(LaboratoryError) -> Interval {
      if let known = points.first(where: { $0.position == position }) { return known.speedup }
      var knobs = knobs
      switch axis {
      case .sparsity: knobs.amount = .sparsity(position)
      case .tokens: knobs.tokens = Int(position)
      }
      let speedup = try measure(layer, knobs, plan: cellPlan, isCancelled: isCancelled).speedup
      if isCancelled() { throw .cancelled }
      let place = points.firstIndex { $0.position > position } ?? points.endIndex
      points.insert(Crossover.Point(position: position, speedup: speedup), at: place)
      progress(
        Crossover(axis: axis, at: nil, points: points, sentence: "measuring", isFinal: false))
      between()
      return speedup
    }
    switch axis {
    case .tokens:
      for tokens in Self.tokenCounts { _ = try take(Double(tokens)) }
      return Crossover(
        axis: axis, at: nil, points: points, sentence: sentence(knobs.pattern, tokens: points),
        isFinal: true)
    case .sparsity:
      if let fixed = knobs.pattern.fixedSparsity {
        let speedup = try take(fixed)
        return Crossover(
          axis: axis, at: nil, points: points,
          sentence: "\(knobs.pattern) always prunes \(NumberText.shortest(fixed)); it is "
            + "\(Verdict(speedup: speedup).words) than dense at \(knobs.tokens) tokens",
          isFinal: true)
      }
      let range = knobs.pattern.sparsityRange
      for sparsity in [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95] where range.contains(sparsity) {
        _ = try take(sparsity)
      }
      let at = try closeIn(points) { sparsity throws(LaboratoryError) in try take(sparsity) }
      return Crossover(
        axis: axis, at: at, points: points,
        sentence: sentence(knobs, sparsities: points, at: at), isFinal: true)
    }
  }

  /// The interval between the last sparsity that is not faster and the first from which all are.
  private func closeIn(
    _ points: [Crossover.Point], _ take: (Double) throws(LaboratoryError) -> Interval
  ) throws(LaboratoryError) -> Interval? {
    guard let slow = points.lastIndex(where: { Verdict(speedup: $0.speedup) != .faster }),
      points.indices.contains(slow + 1)
    else { return nil }
    var low = points[slow].position
    var high = points[slow + 1].position
    while high - low > 0.011 {
      let middle = ((low + high) / 2 * 1000).rounded() / 1000
      if Verdict(speedup: try take(middle)) == .faster { high = middle } else { low = middle }
    }
    return Interval(estimate: (low + high) / 2, low: low, high: high)
  }

  private func sentence(
    _ knobs: Knobs, sparsities points: [Crossover.Point], at: Interval?
  ) -> String {
    let setting = "\(knobs.pattern) at \(knobs.tokens) token\(knobs.tokens == 1 ? "" : "s")"
    if let at {
      return "\(setting) is faster than dense from a sparsity of "
        + "\(NumberText.fixed(at.low, 2)) to \(NumberText.fixed(at.high, 2)) on"
    }
    guard let first = points.first, let last = points.last else { return "nothing was measured" }
    return Verdict(speedup: last.speedup) == .faster
      ? "\(setting) is faster than dense at every sparsity from "
        + "\(NumberText.shortest(first.position)) on"
      : "\(setting) is not faster than dense even at a sparsity of "
        + NumberText.shortest(last.position)
  }

  private func sentence(_ pattern: Pattern, tokens points: [Crossover.Point]) -> String {
    let wins = points.filter { Verdict(speedup: $0.speedup) == .faster }
    let counts = wins.map { String(Int($0.position)) }
    if wins.count == points.count {
      return "\(pattern) is faster than dense at every number of tokens from 1 to 512"
    }
    return wins.isEmpty
      ? "\(pattern) is not faster than dense at any number of tokens from 1 to 512"
      : "\(pattern) is faster than dense at \(counts.joined(separator: ", ")) tokens of "
        + points.map { String(Int($0.position)) }.joined(separator: ", ")
  }
}

extension Verdict {
  /// As it stands before "than dense".
  fileprivate var words: String {
    switch self {
    case .faster: "faster"
    case .slower: "slower"
    case .indistinguishable: "neither faster nor slower"
    }
  }
}
