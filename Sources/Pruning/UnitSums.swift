import Tensors

/// Sums over the weights of each unit, so that the shares of a cut need no pass over the weights.
struct UnitSums: Sendable {
  private let absolute: [Float]
  private let energy: [Float]
  private let wanda: [Float]
  private let grid: UnitGrid

  var bytes: Int { 4 * (absolute.count + energy.count + wanda.count) }

  /// - Complexity: two or three passes over the weights.
  init(_ weights: Matrix, grid: UnitGrid, inputEnergy: [Float]?, largest: Float) {
    self.grid = grid
    func means(_ rule: ElementScores.Rule) -> [Float] {
      ElementScores(weights: weights, rule: rule, largest: largest).means(of: grid)
    }
    absolute = means(.absolute)
    energy = means(.squared(factors: nil))
    wanda = inputEnergy.map { means(.squared(factors: $0)) } ?? []
  }

  /// The sums over the units that a cut keeps.
  func kept(by cut: Cut, scores: [Float]) -> WeightSums {
    var sums = WeightSums()
    let full = grid.blockRows * grid.blockColumns
    let isRagged =
      grid.rows % grid.blockRows != 0 || grid.columns % grid.blockColumns != 0
    scores.withUnsafeBufferPointer { scores in
      for unit in 0..<scores.count where cut.keeps(scores[unit], at: unit) {
        let size = Double(isRagged ? grid.size(unit) : full)
        sums.absolute += size * Double(absolute[unit])
        sums.energy += size * Double(energy[unit])
        if !wanda.isEmpty { sums.wanda += size * Double(wanda[unit]) }
      }
    }
    return sums
  }
}
