import Experiments
import Testing

@Suite struct ProxyAgreementTests {
  @Test func spearmanIsTheCorrelationOfRanks() {
    #expect(RankCorrelation.spearman([1, 2, 3, 4], [10, 20, 30, 40]) == 1)
    #expect(RankCorrelation.spearman([1, 2, 3, 4], [4, 3, 2, -1]) == -1)
    // Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6·4/(5·24) = 0.8.
    let rho = RankCorrelation.spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50])
    #expect(abs(rho! - 0.8) < 1e-12)
    // Ties share the mean of their ranks: 1.5 1.5 3 against 1 2 3.
    let tied = RankCorrelation.spearman([5, 5, 9], [1, 2, 3])
    #expect(abs(tied! - 1.5 / (1.5 * 2.0).squareRoot()) < 1e-12)
  }

  @Test func whatHasNoOrderHasNoCorrelation() {
    #expect(RankCorrelation.spearman([1, 2], [1, 2]) == nil)
    #expect(RankCorrelation.spearman([1, 1, 1], [1, 2, 3]) == nil)
    #expect(RankCorrelation.spearman([1, .nan, 2], [1, 2, 3]) == nil)
  }

  private func cell(
    _ tensor: String, _ sparsity: Double, energy: Double, wanda: Double?, error: Double?
  ) -> JudgedCell {
    var knobs = Knobs()
    knobs.amount = .sparsity(sparsity)
    return JudgedCell(
      cell: SweepCell(tensor: tensor, knobs: knobs),
      judgement: Judgement(
        criterion: .wanda, nonzeros: 1, sparsity: sparsity, keptL1: energy, keptEnergy: energy,
        weightError: (1 - energy).squareRoot(), keptWandaEnergy: wanda, outputError: error))
  }

  @Test func aProxyThatRanksAsTheErrorDoesAgreesFully() {
    let cells = [0.1, 0.2, 0.4].map {
      cell("a", 0.5, energy: $0, wanda: 1 - $0, error: 1 - $0)
    }
    let found = ProxyAgreement.againstOutputError(cells)
    func correlation(_ proxy: Proxy) -> Double? {
      found.first { $0.proxy == proxy && $0.among == "all settings" }?.correlation
    }
    #expect(correlation(.keptEnergy) == 1 && correlation(.weightError) == 1)
    // More wanda energy came with more error here.
    #expect(correlation(.wandaEnergy) == -1)
    #expect(correlation(.sparsity) == nil)
  }

  @Test func tensorsAreRankedApart() {
    // Within each tensor the energy ranks perfectly; across both it would not.
    let cells =
      [0.1, 0.2, 0.3].map { cell("a", 0.5, energy: $0, wanda: nil, error: 0.4 - $0) }
      + [0.7, 0.8, 0.9].map { cell("b", 0.5, energy: $0, wanda: nil, error: 1.9 - $0) }
      + [JudgedCell(cell: SweepCell(tensor: "c", knobs: Knobs()), judgement: nil, failure: "no")]
    let found = ProxyAgreement.againstOutputError(cells).first {
      $0.proxy == .keptEnergy && $0.among == "all settings"
    }
    #expect(found?.correlation == 1 && found?.rankings == 2 && found?.settings == 3)
  }

  @Test func wholeModelsAreRankedByMeansOverTensors() {
    let settings = [(0.9, 0.99), (0.5, 0.8), (0.2, 0.5)].map { energy, cosine in
      (
        cells: ["a", "b"].map {
          cell($0, 0.5, energy: energy, wanda: energy, error: 1 - energy)
        }, cosine: cosine
      )
    }
    let found = ProxyAgreement.againstCosine(settings)
    for proxy in [Proxy.keptEnergy, .wandaEnergy, .outputError] {
      #expect(found.first { $0.proxy == proxy }?.correlation == 1)
    }
  }

  @Test func aPathBreaksWhereItsErrorPassesHalfOfTheFloor() {
    func point(_ sparsity: Double, _ error: Double?) -> RegularizationPath.Point {
      RegularizationPath.Point(
        lambda: sparsity, sparsity: sparsity, units: 1, outputError: error, outputErrorRandom: 0.8,
        iterations: 1)
    }
    var path = RegularizationPath(
      tensor: "w", points: [point(1, 1), point(0.8, 0.6), point(0.6, 0.2), point(0.3, 0.1)],
      isFinal: true)
    // 0.2 of 0.8 is a quarter, 0.6 three quarters: half lies in the middle.
    #expect(abs(path.breakingSparsity! - 0.7) < 1e-12)
    path.points = [point(1, 1), point(0.3, 0.1)]
    #expect(path.breakingSparsity == nil)
    path.points = [point(0.4, nil)]
    #expect(path.breakingSparsity == nil)
    path.points = [point(0.4, 0.8)]
    #expect(abs(path.breakingSparsity! - 0.2) < 1e-12)
  }
}
