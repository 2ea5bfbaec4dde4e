import Encoder
import Experiments
import Kernels
import Pruning
import Tensors

extension EncoderTrainer {
  /// Steps between two renewals of the reweighted penalty's weights.
  private static let reweightInterval = 10
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

  /// One proximal step on every pruned layer.
  ///
  /// A unit's norm is the root mean square of its weights, each times the root of its input's energy
  /// over the mean (l1: the largest of them), so that λ means the same in every layer and shape. A
  /// unit within its threshold dies: its weights are 0 and stay it. No more than the cap of a layer's
  /// units die in a step, the weakest first; those that are spared lose half.
  func shrink(progress: Double) throws(TrainingError) {
    let pruned = linears.filter { trained[$0.layer.name] != nil }
    if maskState.strongest.isEmpty { try beginPenalty(pruned) }
    steer(progress: progress)
    let share = max(0, progress - maskState.progress) / max(masks.rampShare, 1e-9)
    let renews = stepsDone % Self.reweightInterval == 1
    let isReweighted =
      masks.regularizer == .reweightedGroupLasso || masks.regularizer == .reweightedL1
    var room = self.room(pruned)
    for linear in pruned {
      let name = linear.layer.name
      let units = unitNumbers(linear)
      var norms = norms(linear, units)
      if isReweighted, renews || maskState.reweights[name] == nil {
        maskState.reweights[name] = reweights(norms, units)
      }
      let threshold = Float(maskState.lambda * share * (maskState.strongest[name] ?? 0))
      let factors = maskState.reweights[name]
      var thresholds = [Float](repeating: 0, count: units.count)
      var dying: [Int] = []
      for unit in 0..<units.count where norms[unit] > 0 {
        thresholds[unit] = threshold * (isReweighted ? factors?[unit] ?? 1 : 1)
        if norms[unit] <= thresholds[unit] { dying.append(unit) }
      }
      let total = units.sizes.reduce(into: 0) { if $1 > 0 { $0 += 1 } }
      let cap = min(max(1, Int(masks.capOfDying * Double(total))), max(0, room[name] ?? .max))
      if dying.count > cap {
        dying.sort { (norms[$0], $0) < (norms[$1], $1) }
        for unit in dying[cap...] { thresholds[unit] = norms[unit] / 2 }
      }
      room[name] = nil
      apply(linear, units, &norms, thresholds)
    }
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
      let units = unitNumbers(linear)
      maskState.strongest[linear.layer.name] = Double(norms(linear, units).max() ?? 0)
    }
    maskState.lambda = masks.lambda ?? 0.1
  }

  /// Follows the given λ, or turns λ towards the schedule: up by 6 % while the masks lag behind, down
  /// by 10 % while they are ahead.
  private func steer(progress: Double) {
    if let target = masks.target(progress: progress), masks.lambda == nil {
      maskState.lambda *= sparsity < target ? 1.06 : 0.9
      maskState.lambda = min(1e3, max(1e-4, maskState.lambda))
    } else if let lambda = masks.lambda {
      maskState.lambda = lambda
    }
  }

  /// How many more units of each layer may die before a layer is half-way between the target and
  /// empty; nothing limits a given λ.
  private func room(_ pruned: [TrainableLinear]) -> [String: Int] {
    guard let sparsity = masks.sparsity, masks.lambda == nil else { return [:] }
    let (isAhead, most) = (self.sparsity >= sparsity, (1 + sparsity) / 2)
    var room: [String: Int] = [:]
    for linear in pruned {
      let size = Double(linear.layer.rows * linear.layer.columns)
      let alive = Double(living(linear))
      let (height, width) = linear.pattern.unit(
        rows: linear.layer.rows, columns: linear.layer.columns)
      room[linear.layer.name] =
        isAhead ? 0 : Int((alive - (1 - most) * size) / Double(height * width))
    }
    return room
  }

  private var isAbsolute: Bool {
    masks.regularizer == .l1 || masks.regularizer == .reweightedL1
  }

  private func norms(_ linear: TrainableLinear, _ units: UnitNumbers) -> [Float] {
    guard let offset = linear.weightOffset else { return [] }
    let values = parameters.values + offset
    var norms = [Float](repeating: 0, count: units.count)
    let absolute = isAbsolute
    norms.withUnsafeMutableBufferPointer { norms in
      units.unit.withUnsafeBufferPointer { unit in
        units.roots.withUnsafeBufferPointer { roots in
          for i in 0..<unit.count {
            let value = values[i] * roots[i]
            let at = Int(unit[i])
            if absolute {
              norms[at] = max(norms[at], value.magnitude)
            } else {
              norms[at] += value * value
            }
          }
        }
      }
    }
    if !absolute {
      for unit in norms.indices where units.sizes[unit] > 0 {
        norms[unit] = (norms[unit] / units.sizes[unit]).squareRoot()
      }
    }
    return norms
  }

  /// `1/(norm/mean + 0.1)`: what is small already is pushed harder.
  private func reweights(_ norms: [Float], _ units: UnitNumbers) -> [Float] {
    var (sum, count) = (0.0, 0.0)
    for norm in norms where norm > 0 {
      sum += Double(norm)
      count += 1
    }
    let mean = Float(count > 0 ? sum / count : 1)
    return norms.map { 1 / ($0 / mean + 0.1) }
  }

  private func apply(
    _ linear: TrainableLinear, _ units: UnitNumbers, _ norms: inout [Float], _ thresholds: [Float]
  ) {
    guard let offset = linear.weightOffset else { return }
    let (values, means, squares) = (
      parameters.values + offset, parameters.means + offset, parameters.squares + offset
    )
    let absolute = isAbsolute
    for i in units.unit.indices {
      let unit = Int(units.unit[i])
      if norms[unit] <= thresholds[unit] || deadUnits[linear.layer.name]?[unit] == true {
        (values[i], means[i], squares[i]) = (0, 0, 0)
      } else if absolute {
        let least = thresholds[unit] / max(units.roots[i], 1e-12)
        values[i] = values[i] > 0 ? max(0, values[i] - least) : min(0, values[i] + least)
      } else {
        values[i] *= 1 - thresholds[unit] / norms[unit]
      }
    }
    var dead = deadUnits[linear.layer.name] ?? Array(repeating: false, count: units.count)
    for unit in 0..<units.count where units.sizes[unit] > 0 && norms[unit] <= thresholds[unit] {
      dead[unit] = true
    }
    deadUnits[linear.layer.name] = dead
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

  /// Ends the regularized phase: the weakest units go until the target is met exactly, then only
  /// survivors are stored and no penalty holds them down.
  func finishPenalty() throws(TrainingError) {
    let pruned = linears.filter { trained[$0.layer.name] != nil }
    if let sparsity = masks.sparsity, masks.lambda == nil {
      var ranked: [(norm: Float, layer: Int, unit: Int, size: Int)] = []
      var alive = 0
      var all = 0
      for (index, linear) in pruned.enumerated() {
        let units = unitNumbers(linear)
        let norms = norms(linear, units)
        let strongest = Float(maskState.strongest[linear.layer.name] ?? 1)
        for unit in 0..<units.count where norms[unit] > 0 {
          ranked.append((norms[unit] / strongest, index, unit, Int(units.sizes[unit])))
        }
        alive += living(linear)
        all += linear.layer.rows * linear.layer.columns
      }
      ranked.sort { ($0.norm, $0.layer, $0.unit) < ($1.norm, $1.layer, $1.unit) }
      let most = Int((1 - sparsity) * Double(all) + 1e-6)
      for one in ranked where alive > most {
        let name = pruned[one.layer].layer.name
        let count = unitNumbers(pruned[one.layer]).count
        if deadUnits[name] == nil { deadUnits[name] = Array(repeating: false, count: count) }
        deadUnits[name]![one.unit] = true
        alive -= one.size
      }
    }
    try dropDead(pruned)
    deadUnits = [:]
  }
}
