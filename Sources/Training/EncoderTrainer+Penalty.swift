import Encoder
import Experiments
import Kernels
import Pruning
import Tensors

extension EncoderTrainer {
  /// Share of the ramp in which a unit starves. Longer is gentler: 8x1 at 0.8 gave 0.793, 0.795 and 0.798
  /// after 300 steps at a rate of 2e-3 with 0.02, 0.15 and 0.4 (one seed, within noise).
  private static let horizon = 0.15
  /// Share of dead weights in the store from which it is packed anew.
  private static let mostDead = 0.2

  /// Stored weights of a layer that have not died of a penalty.
  func living(_ linear: TrainableLinear) -> Int {
    guard let dead = deadUnits[linear.layer.name] else { return linear.count }
    let sizes = unitNumbers(linear).sizes
    var count = linear.count
    for unit in dead.indices where dead[unit] { count -= Int(sizes[unit]) }
    return count
  }

  /// The mask of a layer without what has died and is still stored.
  func livingMask(_ linear: TrainableLinear) -> Mask {
    guard let dead = deadUnits[linear.layer.name] else { return linear.mask }
    let units = unitNumbers(linear)
    let columns = linear.layer.columns
    var mask = linear.mask
    for (number, place) in linear.places.enumerated() where dead[Int(units.unit[number])] {
      mask[Int(place) / columns, Int(place) % columns] = false
    }
    return mask
  }

  func unitNumbers(_ linear: TrainableLinear) -> UnitNumbers {
    let name = linear.layer.name
    if let known = numbers[name] { return known }
    let fresh = UnitNumbers(
      linear, energies: trained[name]?.statistics?.inputEnergy)
    numbers[name] = fresh
    return fresh
  }

  /// One proximal step on every pruned layer: all of its units shrink, the weakest die.
  ///
  /// Where a sparsity is asked for, every layer follows the schedule by itself: its λ is the least that
  /// starves the units due `horizon` ahead by then, and what is due dies, so that no layer is ever ahead
  /// of the schedule. One λ for all layers, turned up and down behind the sparsity that came of it, shrank
  /// survivors with the rest and emptied some layers: 8x1 at 0.8 on all-MiniLM-L6-v2 was at 0.66 of mean
  /// cosine when its ramp was a third over, and at 0.68 after 300 steps.
  func shrink(progress: Double) throws(TrainingError) {
    let pruned = linears.filter { trained[$0.layer.name] != nil }
    if maskState.strongest.isEmpty { try beginPenalty(pruned) }
    let share = max(0, progress - maskState.progress) / max(masks.rampShare, 1e-9)
    guard share > 0 else { return }
    let target = masks.lambda == nil ? masks.target(progress: progress) : nil
    let soon = masks.target(progress: progress + Self.horizon * masks.rampShare) ?? 0
    let steps = max(1, (Self.horizon / share).rounded())
    let units = pruned.map { unitNumbers($0) }
    var results = [(dead: [Bool], threshold: Float)](
      repeating: ([], 0), count: pruned.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      each(pruned.count) { _, index in
        let linear = pruned[index]
        guard let offset = linear.weightOffset else { return }
        let name = linear.layer.name
        var penalty = LayerPenalty(
          units[index], dead: deadUnits[name], regularizer: masks.regularizer,
          weights: parameters.values + offset)
        let size = Double(linear.layer.rows * linear.layer.columns)
        let (height, width) = linear.pattern.unit(
          rows: linear.layer.rows, columns: linear.layer.columns)
        func number(_ sparsity: Double) -> Int {
          Int((sparsity * size - (size - Double(penalty.living))) / Double(height * width) + 1e-6)
        }
        let cap = max(1, Int(masks.capOfDying * Double(units[index].count)))
        if let target {
          penalty.starve(number(soon), in: Float(steps))
          penalty.choose(min(cap, number(target)))
        } else {
          let strongest = maskState.strongest[name] ?? 0
          penalty.threshold = Float(maskState.lambda * share * strongest)
          penalty.choose(min(cap, penalty.starved))
        }
        penalty.apply(
          parameters.values + offset, parameters.means + offset, parameters.squares + offset)
        results[index] = (penalty.dead, penalty.threshold)
      }
    }
    var sum = 0.0
    for (linear, result) in zip(pruned, results) {
      deadUnits[linear.layer.name] = result.dead
      let strongest = maskState.strongest[linear.layer.name] ?? 0
      sum += Double(result.threshold) / max(strongest * share, 1e-30)
    }
    maskState.lambda = masks.lambda ?? sum / Double(max(1, pruned.count))
    refresh()
    if deadShare(pruned) > Self.mostDead { try dropDead(pruned) }
  }

  private func beginPenalty(_ pruned: [TrainableLinear]) throws(TrainingError) {
    guard masks.regularizer != .none, masks.regularizer != .sparseGroupLasso else {
      throw .setting(
        name: "regularizer",
        reason: "\(masks.regularizer.rawValue) is not trained with: use l1, group-lasso, "
          + "reweighted-l1 or reweighted-group-lasso")
    }
    for linear in pruned {
      guard linear.pattern.reorder == nil else {
        throw .setting(
          name: "method prox",
          reason: "\(linear.pattern) reorders \"\(linear.layer.name)\" once, at the start: use the "
            + "method fixed, or \(linear.pattern.withoutReorder)")
      }
      guard linear.pattern.fixedSparsity == nil else {
        throw .setting(
          name: "method prox",
          reason:
            "\(linear.pattern) fixes how many weights of each group stay, so there is nothing "
            + "for a penalty to decide: use the method gradual or fixed")
      }
      maskState.strongest[linear.layer.name] = Double(penalty(of: linear)?.norms.max() ?? 0)
    }
    maskState.lambda = masks.lambda ?? 0
  }

  private func penalty(of linear: TrainableLinear) -> LayerPenalty? {
    guard let offset = linear.weightOffset else { return nil }
    return LayerPenalty(
      unitNumbers(linear), dead: deadUnits[linear.layer.name], regularizer: masks.regularizer,
      weights: parameters.values + offset)
  }

  private func deadShare(_ pruned: [TrainableLinear]) -> Double {
    var (alive, stored) = (0, 0)
    for linear in pruned {
      alive += living(linear)
      stored += linear.count
    }
    return stored == 0 ? 0 : 1 - Double(alive) / Double(stored)
  }

  /// Packs the layers without their dead units.
  private func dropDead(_ pruned: [TrainableLinear]) throws(TrainingError) {
    var fresh: [String: Mask] = [:]
    for linear in pruned where deadUnits[linear.layer.name] != nil {
      fresh[linear.layer.name] = livingMask(linear)
    }
    try replaceMasks(fresh)
  }

  /// Ends the regularized phase: the weakest units of each layer go until the target is met exactly,
  /// then only survivors are stored and no penalty holds them down.
  func finishPenalty() throws(TrainingError) {
    let pruned = linears.filter { trained[$0.layer.name] != nil }
    if let sparsity = masks.sparsity, masks.lambda == nil {
      for linear in pruned {
        guard var penalty = penalty(of: linear) else { continue }
        let size = linear.layer.rows * linear.layer.columns
        penalty.kill(downTo: Int((1 - sparsity) * Double(size) + 1e-6))
        deadUnits[linear.layer.name] = penalty.dead
      }
    }
    try dropDead(pruned)
    deadUnits = [:]
  }
}
