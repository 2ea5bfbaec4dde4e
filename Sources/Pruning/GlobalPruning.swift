public import Experiments
import Tensors

/// Prunes several tensors under one threshold.
///
/// Units of all tensors compete by their mean score per weight, divided by the energy of their own
/// layer in the score's units: `tr(W H Wᵀ)` for wanda and obs, `‖W‖²` for magnitude (which takes `H`
/// as the identity), its root for `|w|` and for a penalty's critical strengths. Without that division
/// the ranking collapses: on 24 attention matrices at 0.5, wanda's raw scores lose 1x1 a cosine of .09
/// and leave 32x1 at the random floor, the divided ones gain over per-layer thresholds.
///
/// - Parameters:
///   - layers: One per tensor. The criterion defaults to wanda only where all have activations.
///   - knobs: `floor` and `ceiling` bound every layer's sparsity. `rowsShare` is taken as 0, the overlay
///     of tewG is chosen within each layer. N:M patterns and λ have nothing to share: each layer is
///     pruned by itself.
///   - progress: Called with each finished layer's summary; false cancels.
/// - Returns: One layer each, in order.
/// - Throws: As `prune`; `boundsCrossed`; `globalNeedsScores` for `solve reconstruct` on a sparsity.
/// - Complexity: the scoring of each tensor, then 32 passes over all units.
public func pruneGlobally(
  _ layers: [LayerPruner], knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
) throws(PruningError) -> [PrunedLayer] {
  if knobs.solve.isGreedy {
    throw .solveCannot(
      knobs.solve,
      reason: "what is eliminated in one layer cannot be ranked against another's; use scope layer")
  }
  guard knobs.floor <= knobs.ceiling else {
    throw .boundsCrossed(floor: knobs.floor, ceiling: knobs.ceiling)
  }
  var knobs = knobs
  knobs.rowsShare = 0
  if knobs.criterion == nil {
    knobs.criterion = layers.allSatisfy { $0.statistics != nil } ? .wanda : .magnitude
  }
  guard let sparsity = knobs.requestedSparsity, knobs.pattern.fixedSparsity == nil else {
    var results: [PrunedLayer] = []
    for layer in layers {
      results.append(try layer.prune(knobs))
      if !progress(results[results.count - 1].summary) { throw .cancelled(tensor: layer.tensor) }
    }
    return results
  }
  if knobs.effectiveRegularizer != .none, knobs.solve == .reconstruct { throw .globalNeedsScores }
  guard knobs.pattern.sparsityRange.contains(sparsity) else {
    throw .sparsityOutOfRange(pattern: knobs.pattern, requested: sparsity)
  }

  var scored: [ScoredLayer] = []
  var competitors: [GlobalThreshold.Layer] = []
  for layer in layers {
    let one = try layer.scoredLayer(knobs, progress: progress).scored
    scored.append(one)
    competitors.append(try competitor(one, of: layer, knobs: knobs))
  }
  let counts = GlobalThreshold(competitors).counts(
    sparsity: knobs.pattern.unitSparsity(for: sparsity), byWeights: knobs.pattern.countsWeights)

  var results: [PrunedLayer] = []
  for index in layers.indices {
    let start = nanoseconds()
    var pruned = layers[index].assemble(
      scored[index].decision(keepingUnits: counts[index]), from: scored[index], knobs: knobs)
    pruned.summary.elapsedNs = nanoseconds() - start
    results.append(pruned)
    if !progress(pruned.summary) { throw .cancelled(tensor: layers[index].tensor) }
  }
  return results
}

private func competitor(
  _ scored: ScoredLayer, of layer: LayerPruner, knobs: Knobs
) throws(PruningError) -> GlobalThreshold.Layer {
  var energy: Double
  switch scored.criterion {
  case .random: energy = 1
  case .wanda, .obs:
    guard let image = layer.statistics?.outputImage(layer.weights, heldOut: false) else {
      throw .needsActivations(tensor: layer.tensor, what: "a global threshold under wanda or obs")
    }
    energy = image.square(of: layer.weights)
  case .magnitude, .l1:
    let scale = Double(layer.source.sumScale)
    energy = layer.source.totals.energy / (scale * scale)
  }
  if scored.criterion == .l1 || scored.penalty != nil { energy = energy.squareRoot() }
  let unit = scored.penalty == nil ? scored.scores.unit : 1
  let factor = energy > 0 ? Float(unit / energy) : 0
  return GlobalThreshold.Layer(
    scores: scored.unitScores.map { $0 * factor }, weights: layer.weights.count,
    floor: knobs.floor, ceiling: knobs.ceiling)
}

/// One threshold over the units of several layers, each bounded in what it keeps.
struct GlobalThreshold {
  struct Layer {
    /// Comparable across layers, non-negative.
    var scores: [Float]
    var weights: Int
    /// Lowest and highest sparsity.
    var floor: Double
    var ceiling: Double

    /// The fewest and the most units that may stay.
    var bounds: ClosedRange<Int> {
      let count = scores.count
      let least = unitsKept(of: count, sparsity: ceiling)
      let gone = Int((floor * Double(count) - 1e-6).rounded(.up))
      return min(least, count)...max(least, count - max(0, min(count, gone)))
    }

    func keptUnits(atLeast bits: UInt32) -> Int {
      let bounds = bounds
      var count = 0
      scores.withUnsafeBufferPointer { scores in
        for index in 0..<scores.count { count &+= scores[index].bitPattern >= bits ? 1 : 0 }
      }
      return min(max(count, bounds.lowerBound), bounds.upperBound)
    }
  }

  private let layers: [Layer]

  init(_ layers: [Layer]) { self.layers = layers }

  /// How many units each layer keeps.
  ///
  /// What a layer keeps falls as the threshold rises, bounds included, so the threshold is found by
  /// bisection over the 31 bits of a float; of the units that tie at it, the last layers' last ones go.
  func counts(sparsity: Double, byWeights: Bool) -> [Int] {
    let sizes = layers.map {
      byWeights && !$0.scores.isEmpty ? Double($0.weights) / Double($0.scores.count) : 1
    }
    let total =
      byWeights
      ? layers.reduce(0) { $0 + $1.weights } : layers.reduce(0) { $0 + $1.scores.count }
    let target = Double(unitsKept(of: total, sparsity: sparsity))
    func held(_ counts: [Int]) -> Double {
      zip(counts, sizes).reduce(0.0) { $0 + Double($1.0) * $1.1 }
    }
    func counts(atLeast bits: UInt32) -> [Int] { layers.map { $0.keptUnits(atLeast: bits) } }
    // The highest threshold that still keeps enough.
    var (low, high): (UInt32, UInt32) = (0, 0x7F80_0001)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if held(counts(atLeast: middle)) >= target { low = middle } else { high = middle }
    }
    var result = counts(atLeast: low)
    let least = counts(atLeast: low + 1)
    for index in layers.indices.reversed() {
      let surplus = held(result) - target
      let spare = Int((surplus / sizes[index] + 1e-6).rounded(.down))
      if spare <= 0 { continue }
      result[index] -= min(spare, result[index] - least[index])
    }
    return result
  }
}
