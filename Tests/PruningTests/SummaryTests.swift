import Experiments
import Pruning
import Tensors
import Testing

@Suite struct SummaryTests {
  @Test(arguments: ["1x1", "32x1", "7x3", "2:4", "tw16", "tvw8", "tew8+5%", "row", "column"])
  func sharesAreThoseOfTheMask(pattern: String) throws {
    let weights = gaussian(50, 77, seed: 31)
    let known = try statistics(77)
    let word = try Pattern(parsing: pattern)
    let layer = try prune(
      weights, named: "layer.weight",
      knobs: knobs(pattern, .sparsity(word.fixedSparsity ?? 0.7)), statistics: known)
    var (l1, energy, wanda) = (0.0, 0.0, 0.0)
    var (allL1, allEnergy, allWanda) = (0.0, 0.0, 0.0)
    for row in 0..<50 {
      for column in 0..<77 {
        let w = Double(weights[row, column])
        let product = w * w * Double(known.inputEnergy[column])
        allL1 += abs(w)
        allEnergy += w * w
        allWanda += product
        if layer.mask[row, column] {
          l1 += abs(w)
          energy += w * w
          wanda += product
        }
      }
    }
    let summary = layer.summary
    #expect(abs(summary.keptL1 - l1 / allL1) < 1e-6)
    #expect(abs(summary.keptEnergy - energy / allEnergy) < 1e-6)
    #expect(abs(summary.keptWandaEnergy! - wanda / allWanda) < 1e-6)
    #expect(abs(summary.weightError - (1 - energy / allEnergy).squareRoot()) < 1e-6)
    #expect(summary.criterion == .wanda)
    #expect(summary.tensor == "layer.weight")
    #expect(summary.nonzeros == layer.mask.count)
    #expect(layer.weights == weights.masked(by: layer.mask))
  }

  @Test func withoutActivationsTheCriterionIsMagnitude() throws {
    let layer = try prune(gaussian(8, 8, seed: 1), named: "w", knobs: Knobs(), statistics: nil)
    #expect(layer.summary.criterion == .magnitude)
    #expect(layer.summary.keptWandaEnergy == nil)
  }

  @Test func highSparsityCarriesARemark() throws {
    let weights = gaussian(64, 64, seed: 2)
    func remark(_ pattern: String, _ sparsity: Double) throws -> String? {
      try prune(weights, named: "w", knobs: knobs(pattern, .sparsity(sparsity)), statistics: nil)
        .summary.remark
    }
    #expect(try remark("8x1", 0.6) == nil)
    #expect(try remark("8x1", 0.7)?.contains("above 0.6") == true)
    #expect(try remark("1x1", 0.75) == nil)
    #expect(try remark("1x1", 0.8)?.contains("above 0.75") == true)
  }

  @Test func turningOneKnobGivesWhatAFreshStartGives() throws {
    let weights = gaussian(60, 44, seed: 3)
    let known = try statistics(44)
    let pruner = try LayerPruner(weights, named: "w", statistics: known)
    for pattern in ["32x1", "1x1", "tw8", "32x1", "2:4", "4x4", "tvw8", "column", "32x1"] {
      for sparsity in [0.9, 0.5, 0.8] {
        for criterion in [Criterion.wanda, .magnitude, .obs] {
          let word = try Pattern(parsing: pattern)
          let turned = try knobs(
            pattern, .sparsity(word.fixedSparsity ?? sparsity), criterion: criterion)
          var kept = try pruner.prune(turned)
          var fresh = try prune(weights, named: "w", knobs: turned, statistics: known)
          kept.summary.elapsedNs = 0
          fresh.summary.elapsedNs = 0
          #expect(kept.mask == fresh.mask && kept.weights == fresh.weights)
          #expect(kept.summary == fresh.summary)
        }
      }
    }
  }
}
