import Testing

@testable import Experiments

@Suite struct EqualQualityTests {
  private func report(
    _ pattern: String, _ sparsity: Double, cosine: Double, speedup: Double
  ) -> ModelReport {
    var knobs = Knobs()
    knobs.pattern = Pattern(pattern)!
    knobs.amount = .sparsity(sparsity)
    let nonzeros = Int((1 - sparsity) * 1000)
    let summary = PruningSummary(
      tensor: "w", rows: 10, columns: 100, criterion: .wanda, nonzeros: nonzeros,
      requestedSparsity: sparsity, keptL1: 1, keptEnergy: 1, weightError: 0, units: 1000,
      unitsKept: nonzeros, randomKeptEnergy: 0)
    let proxies = EmbeddingProxies(
      cosine: cosine, rankCorrelation: nil, neighbourAgreement: nil)
    let ns = Interval(estimate: 1, low: 1, high: 1)
    return ModelReport(
      model: "m", modelID: "", calibrationID: nil, selection: .all, layers: [summary],
      choices: [LayerChoice(tensor: "w", knobs: knobs)], knobs: knobs, isSequential: false,
      agreement: proxies, floor: proxies, evaluationTexts: 1, texts: 1, tokens: 1, threads: 1,
      denseNs: ns, sparseNs: ns, speedup: Interval(estimate: speedup, low: speedup, high: speedup),
      samples: 1, outliers: 0, prunedShare: 0.5, layerSpeedup: 2, nonlinearNs: 1, layerTimes: [],
      equalLength: nil,
      storage: ModelStorage(bytesDense: 1, bytesSparse: 1, flopsUseful: 1, flopsExecuted: 1),
      maxAbsError: 0)
  }

  @Test func speedBetweenTwoModelsIsLinearInTheCosine() throws {
    let table = EqualQuality(
      [
        report("8x1", 0.8, cosine: 0.7, speedup: 4), report("8x1", 0.4, cosine: 0.98, speedup: 1.5),
        report("8x1", 0.6, cosine: 0.9, speedup: 2),
      ], cosines: [0.9, 0.8, 0.94])
    #expect(table.patterns == [Pattern("8x1")!])
    let points = try table.points[0].map { try #require($0) }
    #expect(abs(points[0].speedup - 2) < 1e-9)
    #expect(abs(points[1].speedup - 3) < 1e-9)
    // The models report what they achieved, which counts whole weights.
    #expect(abs(points[1].sparsity - 0.7) < 1e-3)
    #expect(abs(points[2].speedup - 1.75) < 1e-9)
    #expect(points.allSatisfy { $0.isInterpolated })
  }

  @Test func patternThatIsNeverGoodEnoughHasNoFigureAndOneThatAlwaysIsItsOwn() {
    let table = EqualQuality(
      [
        report("32x1", 0.5, cosine: 0.8, speedup: 2),
        report("2:4", 0.5, cosine: 0.93, speedup: 1.3),
      ], cosines: [0.9])
    #expect(table.points[0][0] == nil)
    #expect(
      table.points[1][0] == .init(speedup: 1.3, sparsity: 0.5, isInterpolated: false))
  }

  @Test func goodModelBehindABadOneIsNotTaken() {
    let table = EqualQuality(
      [
        report("4x1", 0.5, cosine: 0.95, speedup: 2), report("4x1", 0.6, cosine: 0.85, speedup: 3),
        report("4x1", 0.7, cosine: 0.91, speedup: 4),
      ], cosines: [0.9])
    #expect(abs(table.points[0][0]!.speedup - 2.5) < 1e-9)
  }
}
