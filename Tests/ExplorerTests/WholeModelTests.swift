import CellUI
import Experiments
import Testing

@testable import Explorer

extension FakeLaboratory {
  /// A whole model that gets faster and worse with the share of its layers' zeros.
  static func report(
    _ choices: [Experiments.LayerChoice], _ knobs: Knobs, share: Double
  ) -> ModelReport {
    let zeros = choices.isEmpty ? share : choices.reduce(0) { $0 + self.zeros($1.knobs) }
    let loss = zeros / Double(max(1, choices.count)) * share
    let speed = 1 + 5 * loss
    let names = choices.map(\.tensor)
    return ModelReport(
      model: "minilm-l6", modelID: "5c0f00aa", calibrationID: "ca1", selection: .all,
      layers: choices.map { summary($0.tensor, $0.knobs) }, choices: choices, knobs: knobs,
      isSequential: false,
      agreement: EmbeddingProxies(
        cosine: 1 - loss / 2, rankCorrelation: 0.8, neighbourAgreement: 0.7),
      floor: EmbeddingProxies(cosine: 0.2, rankCorrelation: 0.1, neighbourAgreement: 0.1),
      evaluationTexts: 256, texts: 32, tokens: 1000, threads: 1,
      denseNs: Interval(estimate: 1e8, low: 1e8, high: 1e8),
      sparseNs: Interval(estimate: 1e8 / speed, low: 1e8 / speed, high: 1e8 / speed),
      speedup: Interval(estimate: speed, low: speed * 0.99, high: speed * 1.01), samples: 20,
      outliers: 0, prunedShare: 0.9, layerSpeedup: 2 * speed, nonlinearNs: 700,
      layerTimes: names.map { LayerTime(tensor: $0, denseNs: 2e6, sparseNs: 1e6) },
      equalLength: nil,
      storage: ModelStorage(bytesDense: 100, bytesSparse: 50, flopsUseful: 1, flopsExecuted: 1),
      maxAbsError: 1e-6)
  }
}

@Suite struct WholeModelTests {
  @Test func wholeModelIsRunWithTheChoicesOfItsLayers() throws {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("pattern 8x1")
    bench.run("sparsity 0.9")
    bench.run("view layers")
    bench.press(.character("E"))
    #expect(bench.state.layers.report == nil)
    #expect(bench.state.message?.text.contains("no layer has a choice yet") == true)
    bench.run("apply all")
    bench.press(.character("E"))
    let report = try #require(bench.state.layers.report)
    #expect(report.choices.count == 12)
    #expect(report.choices.allSatisfy { $0.short == "8x1@0.9" })
    let text = render(bench.state).text
    #expect(text.contains("Measured end to end (12"))
    #expect(text.contains("1.00 ms"))
    #expect(bench.state.runs.current(.encode) == nil)
  }

  @Test func timesForDifferentNumbersOfTokensAreNotSummed() throws {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("view layers")
    #expect(LayerFigures(bench.state).tokens == 128)
    #expect(WholeModel(bench.state).timed == 1)
    bench.run("apply kind")
    bench.run("encode")
    // Two layers are pruned; the others' times, and the first one's own, are for 128 tokens.
    let whole = WholeModel(bench.state)
    #expect(whole.timed == 2)
    #expect(whole.denseSum == 4e6)
    #expect(whole.sparseSum == 2e6)
    #expect(render(bench.state).text.contains(" 1 000 tokens "))
  }

  @Test func wholeModelsAreUndistortedPointsOfTheTradeOff() {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("encode 5")
    bench.run("axes speedup cosine")
    bench.run("view tradeoff")
    #expect(bench.state.tradeOffPoints.count == 5)
    #expect(bench.state.tradeOffPoints.allSatisfy { $0.row[.tensor] == .text("*") })
    #expect(bench.state.runs.current(.encode) == nil)
    let text = render(bench.state).text
    #expect(text.contains("whole model"))
    #expect(!text.contains("Enter restores it"))
  }

  @Test func sessionShowsAWholeModelAgain() throws {
    var bench = Bench.opened()
    bench.run("apply all")
    bench.run("encode")
    let result = try #require(
      bench.recorded.compactMap { content -> RecordedResult? in
        if case .result(let result) = content, result.kind == "model" { result } else { nil }
      }.first)
    let line = try SessionEntry(seconds: 1, content: .result(result)).line()
    let json = line.drop { $0 != "{" }
    #expect(try RecordedResult(kind: "model", json: json) == result)
    var replay = Bench(isReplay: true)
    replay.run("open demo")
    replay.send(.recorded(result))
    #expect(replay.state.layers.report == bench.state.layers.report)
    #expect(replay.state.tradeOff.rows.contains { $0[.tensor] == .text("*") })
  }

  @Test func modelThatIsNoEncoderIsRefusedInWords() {
    var bench = Bench.opened()
    bench.state.model = .known(
      ModelInfo(
        path: "x.npy", name: "x", identity: "1", tensors: FakeLaboratory.model.tensors))
    bench.run("apply all")
    bench.run("encode")
    #expect(bench.state.message?.text.hasPrefix("x is no whole encoder") == true)
  }

  @Test func commandIsReadAndWritten() throws {
    #expect(try Command(parsing: "encode") == .encode(models: nil))
    #expect(try Command(parsing: "encode 8") == .encode(models: 8))
    #expect(Command.encode(models: 8).text == "encode 8")
    #expect(throws: CommandError.self) { try Command(parsing: "encode 0") }
    #expect(throws: CommandError.self) { try Command(parsing: "encode all") }
  }
}
