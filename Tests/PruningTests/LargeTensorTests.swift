import Experiments
import Tensors
import Testing

@testable import Pruning

/// Tensors above the size from which cuts go through an index, against the plain way.
@Suite struct LargeTensorTests {
  static let weights = gaussian(515, 530, seed: 300)

  @Test(arguments: [Criterion.magnitude, .l1, .wanda, .random])
  func indexedCutsAreTheSelectedOnes(criterion: Criterion) throws {
    #expect(Self.weights.count >= ScoredLayer.scannedWeights)
    let known = try statistics(530, rows: 40, evaluationRows: 4)
    let pruner = try LayerPruner(Self.weights, named: "w", statistics: known)
    let source = pruner.source
    let scores = ElementScores(
      weights: Self.weights, rule: try source.rule(criterion, order: .identity, seed: 1),
      largest: source.largest
    ).table()
    let grid = UnitGrid(rows: 515, columns: 530, blockRows: 1, blockColumns: 1)
    for sparsity in [0.001, 0.3, 0.5, 0.777, 0.9, 0.9999] {
      let cut = Cut(keeping: unitsKept(of: scores.count, sparsity: sparsity), of: scores)
      let expected = Mask(grid: grid, scores: scores, cut: cut)
      let turned = try knobs("1x1", .sparsity(sparsity), criterion: criterion)
      let layer = try pruner.prune(turned)
      #expect(layer.mask == expected, "\(criterion) \(sparsity)")
      let sums = WeightSums(Self.weights, mask: expected, inputEnergy: known.inputEnergy)
      let all = WeightSums(Self.weights, mask: nil, inputEnergy: known.inputEnergy)
      #expect(abs(layer.summary.keptL1 - sums.absolute / all.absolute) < 1e-6)
      #expect(abs(layer.summary.keptEnergy - sums.energy / all.energy) < 1e-6)
      #expect(abs(layer.summary.keptWandaEnergy! - sums.wanda / all.wanda) < 1e-6)
      let index = (0..<scores.count).first { expected[$0 / 530, $0 % 530] }!
      let report = try pruner.report(row: index / 530, column: index % 530, knobs: turned)
      #expect(report.kept && report.score >= report.threshold)
      #expect(report.rank <= layer.summary.unitsKept)
    }
  }

  @Test func tiesInAnIndexGoToTheLowerIndex() throws {
    var weights = Matrix(rows: 515, columns: 530, repeating: 0.5)
    for index in stride(from: 0, to: weights.count, by: 3) { weights.values[index] = 0.25 }
    let pruner = try LayerPruner(weights, named: "w", statistics: nil)
    for sparsity in [0.2, 0.5, 0.9] {
      let layer = try pruner.prune(knobs("1x1", .sparsity(sparsity)))
      let scores = weights.values.map { $0 * $0 }
      let cut = Cut(keeping: unitsKept(of: scores.count, sparsity: sparsity), of: scores)
      let grid = UnitGrid(rows: 515, columns: 530, blockRows: 1, blockColumns: 1)
      #expect(layer.mask == Mask(grid: grid, scores: scores, cut: cut))
    }
  }

  @Test(arguments: ["32x1", "16x16", "7x3", "row", "column", "tw32", "8x8/tetris"])
  func sumsOfUnitsAreThoseOfTheirWeights(pattern: String) throws {
    let known = try statistics(530, rows: 40, evaluationRows: 4)
    let layer = try prune(
      Self.weights, named: "w", knobs: knobs(pattern, .sparsity(0.8)), statistics: known)
    let sums = WeightSums(Self.weights, mask: layer.mask, inputEnergy: known.inputEnergy)
    let all = WeightSums(Self.weights, mask: nil, inputEnergy: known.inputEnergy)
    #expect(abs(layer.summary.keptL1 - sums.absolute / all.absolute) < 1e-6)
    #expect(abs(layer.summary.keptEnergy - sums.energy / all.energy) < 1e-6)
    #expect(abs(layer.summary.keptWandaEnergy! - sums.wanda / all.wanda) < 1e-6)
  }

  @Test func aPreviewIsThePruningWithoutTheWeights() throws {
    let pruner = try LayerPruner(Self.weights, named: "w", statistics: nil)
    for pattern in ["1x1", "32x1", "2:4", "tvw32", "tew32+5%"] {
      for regularizer in [Regularizer.none, .groupLasso] where pattern.contains("x") {
        let turned = try knobs(pattern, .sparsity(0.5), regularizer: regularizer)
        var seen = try pruner.preview(turned)
        var layer = try pruner.prune(turned)
        seen.summary.elapsedNs = 0
        layer.summary.elapsedNs = 0
        #expect(seen.mask == layer.mask && seen.summary == layer.summary)
      }
    }
  }
}
