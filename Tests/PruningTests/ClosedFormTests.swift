import Experiments
import Pruning
import Tensors
import Testing

/// What theory says of independent Gaussian weights, a matrix of a million.
@Suite struct ClosedFormTests {
  static let weights = gaussian(1024, 1024, seed: 20)
  static let pruner = try? LayerPruner(weights, named: "gaussian", statistics: nil)

  /// A block of b weights ranked by its energy keeps `P(χ²_{b+2} > q_s(χ²_b))` of the energy; the
  /// values are those quantiles for s = .5, .75, .9.
  @Test(arguments: [
    ("1x1", [0.9287, 0.7236, 0.4393]), ("4x1", [0.7629, 0.4954, 0.2547]),
    ("2x2", [0.7629, 0.4954, 0.2547]), ("16x1", [0.6386, 0.3694, 0.1706]),
    ("4x4", [0.6386, 0.3694, 0.1706]), ("32x1", [0.5989, 0.3333, 0.1483]),
    ("1x32", [0.5989, 0.3333, 0.1483]), ("8x8", [0.5702, 0.3082, 0.1333]),
    ("tw128", [0.5498, 0.2908, 0.1231]), ("16x16", [0.5352, 0.2786, 0.1161]),
  ])
  func blocksKeepTheEnergyOfTheirQuantile(pattern: String, energies: [Double]) throws {
    let pruner = try #require(Self.pruner)
    for (sparsity, energy) in zip([0.5, 0.75, 0.9], energies) {
      let layer = try pruner.prune(knobs(pattern, .sparsity(sparsity)))
      // 4096 blocks of 256: the share's standard error is below 0.002.
      #expect(abs(layer.summary.keptEnergy - energy) < 0.006, "\(pattern) \(sparsity)")
      #expect(layer.summary.randomKeptEnergy < layer.summary.keptEnergy)
    }
  }

  @Test func twoOfFourKeepsItsShares() throws {
    let layer = try #require(Self.pruner).prune(knobs("2:4"))
    #expect(abs(layer.summary.keptEnergy - 0.8678) < 0.002)
    #expect(abs(layer.summary.keptL1 - 0.7445) < 0.002)
    #expect(layer.summary.achievedSparsity == 0.5)
  }

  @Test func tileCompositionsKeepTheirShares() throws {
    let pruner = try #require(Self.pruner)
    let vector = try pruner.prune(knobs("tvw64", .sparsity(0.75)))
    #expect(abs(vector.summary.keptEnergy - 0.494) < 0.006)
    let overlay = try pruner.prune(knobs("tew128+5%", .sparsity(0.75)))
    #expect(abs(overlay.summary.keptEnergy - 0.483) < 0.006)
  }

  @Test func randomMasksKeepTheirShareOfTheUnits() throws {
    let pruner = try #require(Self.pruner)
    for pattern in ["1x1", "32x1", "16x16", "2:4", "tw64", "tvw64", "tew64+5%", "row"] {
      let word = try Pattern(parsing: pattern)
      let layer = try pruner.prune(
        knobs(pattern, .sparsity(word.fixedSparsity ?? 0.75), criterion: .random))
      let expected = expectedRandomKeptEnergy(
        pattern: word, sparsity: layer.summary.achievedSparsity)
      #expect(abs(layer.summary.keptEnergy - expected) < 0.01, "\(pattern)")
    }
  }
}
