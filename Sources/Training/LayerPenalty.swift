import Experiments

/// One proximal step of a penalty on the units of one layer.
///
/// A unit's **norm** is the root mean square of its weights, each times the root of its input's energy over
/// the mean (l1: the largest of them), so that it means the same in every layer and shape. A step with
/// the threshold `t` takes `t·r` from it, `r = 1` for plain penalties and `1/(norm/mean + 0.1)` for
/// reweighted ones: this is the proximal step of `Σ log(norm + 0.1·mean)` linearised where the unit
/// stands (Candès, Wakin & Boyd 2008, reweighted; Guo et al. 2019 renew `r` every few steps, here it is
/// renewed in each). What a unit **needs** to die is then `t = norm/r`.
struct LayerPenalty {
  private let units: UnitNumbers
  private let isAbsolute: Bool
  private(set) var norms: [Float]
  /// Infinite for units that are dead or not stored.
  private var needs: [Float]
  private(set) var dead: [Bool]
  /// Weights that are stored and alive.
  private(set) var living: Int
  var threshold: Float = 0

  /// - Complexity: O(stored weights).
  init(
    _ units: UnitNumbers, dead: [Bool]?, regularizer: Regularizer,
    weights: UnsafePointer<Float>
  ) {
    self.units = units
    self.dead = dead ?? Array(repeating: false, count: units.count)
    isAbsolute = regularizer == .l1 || regularizer == .reweightedL1
    norms = Self.norms(units, weights, isAbsolute: isAbsolute)
    var (sum, count) = (0.0, 0.0)
    var living = 0
    for unit in norms.indices where units.sizes[unit] > 0 && !self.dead[unit] {
      living += Int(units.sizes[unit])
      sum += Double(norms[unit])
      count += 1
    }
    self.living = living
    let mean = max(Float(count > 0 ? sum / count : 1), .leastNormalMagnitude)
    let isReweighted = regularizer == .reweightedL1 || regularizer == .reweightedGroupLasso
    needs = norms
    for unit in norms.indices {
      if units.sizes[unit] == 0 || self.dead[unit] {
        needs[unit] = .infinity
      } else if isReweighted {
        needs[unit] *= norms[unit] / mean + 0.1
      }
    }
  }

  private static func norms(
    _ units: UnitNumbers, _ weights: UnsafePointer<Float>, isAbsolute: Bool
  ) -> [Float] {
    var norms = [Float](repeating: 0, count: units.count)
    norms.withUnsafeMutableBufferPointer { norms in
      units.unit.withUnsafeBufferPointer { unit in
        units.roots.withUnsafeBufferPointer { roots in
          for i in 0..<unit.count {
            let value = weights[i] * roots[i]
            let at = Int(unit[i])
            if isAbsolute {
              norms[at] = max(norms[at], value.magnitude)
            } else {
              norms[at] += value * value
            }
          }
        }
      }
    }
    if !isAbsolute {
      for unit in norms.indices where units.sizes[unit] > 0 {
        norms[unit] = (norms[unit] / units.sizes[unit]).squareRoot()
      }
    }
    return norms
  }

  /// Units that the threshold takes all from.
  var starved: Int { needs.reduce(0) { $0 + ($1 <= threshold ? 1 : 0) } }

  /// Sets the threshold that starves the `number` weakest units in so many steps, if all stayed as they
  /// are.
  mutating func starve(_ number: Int, in steps: Float) {
    threshold = number > 0 ? (weakest(number) ?? 0) / steps : 0
  }

  /// Marks the `number` weakest units as dead; of equal ones the first.
  mutating func choose(_ number: Int) {
    guard number > 0, let most = weakest(number) else { return }
    var left = number
    for unit in needs.indices where needs[unit] < most {
      left -= 1
      bury(unit)
    }
    for unit in needs.indices where left > 0 && needs[unit] == most {
      left -= 1
      bury(unit)
    }
  }

  /// Marks the weakest units as dead until no more than so many weights live.
  mutating func kill(downTo most: Int) {
    let order = needs.indices.filter { needs[$0].isFinite }
      .sorted { (needs[$0], $0) < (needs[$1], $1) }
    for unit in order where living > most { bury(unit) }
  }

  private mutating func bury(_ unit: Int) {
    needs[unit] = .infinity
    dead[unit] = true
    living -= Int(units.sizes[unit])
  }

  /// Shrinks the living and zeroes the dead, with their moments. Who is spared loses no more than half.
  func apply(
    _ weights: UnsafeMutablePointer<Float>, _ means: UnsafeMutablePointer<Float>,
    _ squares: UnsafeMutablePointer<Float>
  ) {
    // By unit: what an absolute penalty takes from each weight, and what is left of one otherwise.
    var takes = [Float](repeating: 0, count: units.count)
    for unit in takes.indices where needs[unit].isFinite && norms[unit] > 0 {
      let share = min(0.5, threshold / max(needs[unit], .leastNormalMagnitude))
      takes[unit] = isAbsolute ? share * norms[unit] : 1 - share
    }
    for i in units.unit.indices {
      let unit = Int(units.unit[i])
      if dead[unit] {
        (weights[i], means[i], squares[i]) = (0, 0, 0)
      } else if isAbsolute {
        let least = takes[unit] / max(units.roots[i], 1e-12)
        weights[i] = weights[i] > 0 ? max(0, weights[i] - least) : min(0, weights[i] + least)
      } else if norms[unit] > 0 {
        weights[i] *= takes[unit]
      }
    }
  }

  /// What the `number`-th weakest living unit needs; the strongest's where there are fewer.
  ///
  /// Two passes over the bits of positive numbers, whose order is that of the numbers: a layer of single
  /// weights has too many to sort at each step.
  private func weakest(_ number: Int) -> Float? {
    var counts = [Int](repeating: 0, count: 1 << 16)
    var finite = 0
    for need in needs where need.isFinite {
      counts[Int(need.bitPattern >> 16)] += 1
      finite += 1
    }
    guard finite > 0 else { return nil }
    func place(_ number: Int) -> (bin: Int, before: Int) {
      var before = 0
      for bin in counts.indices {
        if before + counts[bin] >= number { return (bin, before) }
        before += counts[bin]
      }
      return (counts.count - 1, before)
    }
    let number = min(number, finite)
    let (high, before) = place(number)
    for bin in counts.indices { counts[bin] = 0 }
    for need in needs where need.isFinite && Int(need.bitPattern >> 16) == high {
      counts[Int(need.bitPattern & 0xFFFF)] += 1
    }
    return Float(bitPattern: UInt32(high) << 16 | UInt32(place(number - before).bin))
  }
}
