/// Which option each layer takes, so that a whole model is as good or as fast as it can be within a limit.
///
/// A multiple-choice knapsack over what was measured of each layer alone: times add up, and so do losses
/// of quality as far as the choice goes; the result is measured as a whole by whoever asked. Greedy along
/// the lower convex hulls of the layers (least loss per time saved first, which is the optimum of the linear
/// relaxation), then exchange: single layers and pairs change while that helps.
struct ModelAllocation {
  struct Option: Hashable {
    /// Of the layer, any unit.
    var time: Double
    /// At least 0.
    var loss: Double
  }

  /// Options of each layer; the first one is the layer as it is.
  let layers: [[Option]]

  /// The option of each layer with all options' time as small as it gets.
  var fastest: [Int] {
    layers.map { options in options.indices.min { options[$0].time < options[$1].time } ?? 0 }
  }

  func time(_ choice: [Int]) -> Double { total(choice, \.time) }
  func loss(_ choice: [Int]) -> Double { total(choice, \.loss) }

  private func total(_ choice: [Int], _ value: KeyPath<Option, Double>) -> Double {
    zip(layers, choice).reduce(0) { $0 + $1.0[$1.1][keyPath: value] }
  }

  /// The least loss found whose time is within a limit; nil where no choice is that fast.
  func choice(time limit: Double) -> [Int]? {
    guard time(fastest) <= limit else { return nil }
    var choice = [Int](repeating: 0, count: layers.count)
    for step in steps {
      if time(choice) <= limit { break }
      choice[step.layer] = step.option
    }
    // Hulls end at the fastest options, so by now the limit holds but for rounding.
    if time(choice) > limit { choice = fastest }
    return exchanged(choice, lowering: \.loss, within: limit, of: \.time)
  }

  /// The least time found whose loss is within a limit.
  func choice(loss limit: Double) -> [Int] {
    var choice = [Int](repeating: 0, count: layers.count)
    var stopped = Set<Int>()
    for step in steps where !stopped.contains(step.layer) {
      var next = choice
      next[step.layer] = step.option
      // A step that does not fit ends its layer: the next one of that layer loses more.
      if loss(next) <= limit { choice = next } else { stopped.insert(step.layer) }
    }
    return exchanged(choice, lowering: \.time, within: limit, of: \.loss)
  }

  private struct Step {
    var layer: Int
    var option: Int
    /// Loss per time saved.
    var price: Double
  }

  /// Steps along every layer's hull, cheapest first; the steps of one layer keep their order.
  private var steps: [Step] {
    layers.indices.flatMap { layer in
      let hull = Self.hull(layers[layer])
      return zip(hull, hull.dropFirst()).map { from, to in
        let (a, b) = (layers[layer][from], layers[layer][to])
        return Step(layer: layer, option: to, price: (b.loss - a.loss) / (a.time - b.time))
      }
    }.sorted { ($0.price, $0.layer) < ($1.price, $1.layer) }
  }

  /// The lower convex hull of loss over time, from the first option on towards less time.
  static func hull(_ options: [Option]) -> [Int] {
    let rest = options.indices.dropFirst().filter { options[$0].time < options[0].time }
      .sorted { (options[$1].time, options[$0].loss) < (options[$0].time, options[$1].loss) }
    var hull = [0]
    for index in rest {
      while hull.count > 1, !isBelow(options, hull[hull.count - 2], hull[hull.count - 1], index) {
        hull.removeLast()
      }
      if options[index].time < options[hull[hull.count - 1]].time { hull.append(index) }
    }
    return hull
  }

  /// Whether `b` lies below the line from `a` to `c`; times fall from `a` to `c`.
  private static func isBelow(_ options: [Option], _ a: Int, _ b: Int, _ c: Int) -> Bool {
    let (a, b, c) = (options[a], options[b], options[c])
    return (b.loss - a.loss) * (a.time - c.time) < (c.loss - a.loss) * (a.time - b.time)
  }

  /// Changes one or two layers at a time, the best change first, until none helps.
  /// - Complexity: O(layers² · options²) a round; each round lowers the objective.
  private func exchanged(
    _ start: [Int], lowering objective: KeyPath<Option, Double>, within limit: Double,
    of bounded: KeyPath<Option, Double>
  ) -> [Int] {
    var choice = start
    var used = total(choice, bounded)
    while true {
      let moves = layers.indices.flatMap { layer in
        let now = layers[layer][choice[layer]]
        return layers[layer].indices.filter { $0 != choice[layer] }.map { option in
          Move(
            layer: layer, option: option,
            gain: now[keyPath: objective] - layers[layer][option][keyPath: objective],
            cost: layers[layer][option][keyPath: bounded] - now[keyPath: bounded])
        }
      }
      guard let best = bestMoves(moves, room: limit - used) else { return choice }
      for move in best { choice[move.layer] = move.option }
      used = total(choice, bounded)
    }
  }

  private struct Move {
    var layer: Int
    var option: Int
    var gain: Double
    var cost: Double
  }

  private func bestMoves(_ moves: [Move], room: Double) -> [Move]? {
    var best: [Move]?
    // Below this a gain may be rounding, and two changes could undo each other for ever.
    var most = 1e-9 * max(moves.map { abs($0.gain) }.max() ?? 0, .leastNormalMagnitude)
    for (index, first) in moves.enumerated() {
      if first.cost <= room, first.gain > most { (best, most) = ([first], first.gain) }
      for second in moves[(index + 1)...] where second.layer != first.layer {
        let gain = first.gain + second.gain
        if gain > most, first.cost + second.cost <= room { (best, most) = ([first, second], gain) }
      }
    }
    return best
  }
}
