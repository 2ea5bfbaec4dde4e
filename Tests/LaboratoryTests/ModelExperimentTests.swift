import Experiments
import Foundation
import Testing

@testable import Laboratory

@Suite(.serialized) struct ModelExperimentTests {
  private static func experiment() throws -> (ModelExperiment, ModelFixture) {
    let fixture = try ModelFixture()
    return (
      try ModelExperiment(
        directory: fixture.path, calibration: ModelFixture.texts(80, seed: 1),
        evaluation: ModelFixture.texts(24, seed: 2)), fixture
    )
  }

  private static let batch = ModelFixture.texts(4, seed: 9)

  private static func knobs(_ pattern: String, _ knob: Knob, _ value: String) throws -> Knobs {
    var knobs = Knobs()
    try knobs.set(.pattern, to: pattern)
    try knobs.set(knob, to: value)
    return knobs
  }

  private static func report(
    _ knobs: Knobs, _ selection: LayerSelection = .all, isSequential: Bool = false
  ) throws -> ModelReport {
    let (experiment, _) = try experiment()
    return try experiment.run(
      selection, knobs, texts: batch, seconds: 0.02, isSequential: isSequential)
  }

  @Test func nothingPrunedIsTheModelItself() throws {
    let report = try Self.report(try Self.knobs("4x1", .sparsity, "0"))
    #expect(report.layers.count == 12)
    #expect(report.achievedSparsity == 0)
    #expect(abs(report.agreement.cosine - 1) < 1e-5)
    #expect(report.floor.cosine < 0.99)
  }

  @Test func everythingPrunedIsTheFloor() throws {
    for (knob, value) in [(Knob.sparsity, "1"), (.lambda, "1")] {
      var knobs = try Self.knobs("8x1", knob, value)
      knobs.refit = false
      let report = try Self.report(knobs, .attention)
      #expect(report.layers.count == 8)
      #expect(report.nonzeros == 0)
      #expect(abs(report.agreement.cosine - report.floor.cosine) < 1e-5)
    }
  }

  @Test func refitBringsTheModelNearer() throws {
    var knobs = try Self.knobs("8x1", .sparsity, "0.6")
    let refitted = try Self.report(knobs)
    knobs.refit = false
    let plain = try Self.report(knobs)
    #expect(refitted.agreement.cosine > plain.agreement.cosine)
    #expect(refitted.nonzeros == plain.nonzeros)
  }

  @Test func laterLayersSeePrunedInputsInSequence() throws {
    let knobs = try Self.knobs("4x1", .sparsity, "0.7")
    let apart = try Self.report(knobs)
    let sequential = try Self.report(knobs, isSequential: true)
    #expect(sequential.isSequential)
    // The first input is the same; what follows is not.
    #expect(apart.layers[0].keptWandaEnergy == sequential.layers[0].keptWandaEnergy)
    #expect(apart.layers[11].keptWandaEnergy != sequential.layers[11].keptWandaEnergy)
  }

  @Test func lambdaLeavesASparsityAsAResult() throws {
    var knobs = try Self.knobs("8x1", .lambda, "0.3")
    knobs.solve = .reconstruct
    let report = try Self.report(knobs, .feedForward)
    let sparsity = try #require(report.achievedSparsity)
    #expect(sparsity > 0 && sparsity < 1)
    #expect(report.layers.allSatisfy { $0.requestedSparsity == nil && $0.lambda != nil })
  }

  @Test func oneThresholdOverAllLayersGivesThemDifferentShares() throws {
    var knobs = try Self.knobs("8x1", .sparsity, "0.6")
    knobs.scope = .global
    let report = try Self.report(knobs)
    #expect(Set(report.layers.map(\.achievedSparsity)).count > 3)
    let sparsity = try #require(report.achievedSparsity)
    #expect(abs(sparsity - 0.6) < 0.01)
    #expect(throws: LaboratoryError.self) { try Self.report(knobs, isSequential: true) }
  }

  @Test func aQualityFloorIsKeptOnTheSentencesThatChose() throws {
    let (experiment, fixture) = try Self.experiment()
    defer { _ = fixture }
    let candidates = try ["0.3", "0.6", "0.9"].map { try Self.knobs("8x1", .sparsity, $0) }
    let strict = try experiment.run(
      .all, within: .cosine(0.999999), candidates, texts: Self.batch, seconds: 0.02)
    let loose = try experiment.run(
      .all, within: .cosine(0.7), candidates, texts: Self.batch, seconds: 0.02)
    #expect(loose.nonzeros < 12 * 128 * 128)
    #expect(loose.choices.count >= strict.choices.count)
    #expect(loose.agreement.cosine > 0.6)
    let packed = loose.choices
    #expect(Set(packed.map(\.tensor)).count == packed.count)
    #expect(zip(packed, loose.layers).allSatisfy { $0.tensor == $1.tensor })
  }

  @Test func anImpossibleTimeIsRefusedWithWhatIsPossible() throws {
    let (experiment, fixture) = try Self.experiment()
    defer { _ = fixture }
    let candidates = [try Self.knobs("8x1", .sparsity, "0.5")]
    let error = #expect(throws: LaboratoryError.self) {
      try experiment.run(
        .attention, within: .time(0.01), candidates, texts: Self.batch, seconds: 0.02)
    }
    #expect(error?.kind == .usage)
    #expect(error?.description.contains("fastest choice takes") == true)
  }

  @Test func aFrontGoesFromNearlyDenseToTheFastest() throws {
    let (experiment, fixture) = try Self.experiment()
    defer { _ = fixture }
    let candidates = try ["0.5", "0.9"].map { try Self.knobs("8x1", .sparsity, $0) }
    var reports: [ModelReport] = []
    try experiment.front(
      .all, candidates, count: 3, texts: Self.batch, seconds: 0.02, each: { reports.append($0) })
    #expect(!reports.isEmpty && reports.count <= 3)
    for (before, after) in zip(reports, reports.dropFirst()) {
      #expect(before.nonzeros != after.nonzeros || before.choices != after.choices)
    }
    #expect(reports.last!.agreement.cosine < reports.first!.agreement.cosine + 1e-6)
  }

  @Test func sensitivityHasAPointForEachLayerAndSetting() throws {
    let (experiment, fixture) = try Self.experiment()
    defer { _ = fixture }
    let candidates = try ["0", "0.5", "1"].map { try Self.knobs("4x1", .sparsity, $0) }
    let found = try experiment.sensitivity(.feedForward, candidates)
    #expect(found.map(\.tensor) == experiment.names(of: .feedForward))
    for layer in found {
      #expect(layer.points.map(\.sparsity) == [0, 0.5, 1])
      #expect(abs(layer.points[0].cosine - 1) < 1e-5)
      #expect(layer.points[0].outputError < 1e-3)
      #expect(abs(layer.points[2].outputError - 1) < 1e-6)
      #expect(layer.points[1].cosine > layer.points[2].cosine)
    }
  }

  @Test func everyLayerMayHaveASettingOfItsOwnAndOthersAreLeftOut() throws {
    let (experiment, _) = try Self.experiment()
    let names = experiment.names(of: .all)
    let choices = [
      LayerChoice(tensor: names[0], knobs: try Self.knobs("8x1", .sparsity, "0.5")),
      LayerChoice(tensor: names[4], knobs: try Self.knobs("2:4", .sparsity, "0.5")),
      LayerChoice(tensor: "pooler.dense.weight", knobs: Knobs()),
    ]
    let report = try experiment.run(choices, Knobs(), texts: Self.batch, seconds: 0.02)
    #expect(report.choices == Array(choices.prefix(2)))
    #expect(!report.isUniform)
    #expect(
      report.notes == ["pooler.dense.weight takes no part in sentence vectors and was left out"])
    #expect(try #require(report.restDenseNs) > 0)
    #expect(try #require(report.restSparseNs) > 0)
    #expect {
      _ = try experiment.run([choices[2]], Knobs(), texts: Self.batch, seconds: 0.02)
    } throws: {
      "\($0)".contains("none of the chosen tensors")
    }
  }

  @Test func workbenchRunsTheOpenEncoderAndTheFrontOfIt() throws {
    let fixture = try ModelFixture()
    var configuration = LaboratoryConfiguration()
    for (seed, path) in [
      (1, \LaboratoryConfiguration.calibrationText), (2, \.evaluationText),
    ] {
      let file = fixture.path + "/sentences-\(seed).txt"
      try ModelFixture.texts(24, seed: UInt64(seed)).joined(separator: "\n")
        .write(toFile: file, atomically: true, encoding: .utf8)
      configuration[keyPath: path] = file
    }
    let laboratory = Laboratory(configuration: configuration)
    defer { laboratory.close() }
    guard case .opened(let info) = try laboratory.perform(.open(path: fixture.path)) else {
      Issue.record("not opened")
      return
    }
    #expect(info.isEncoder)
    let knobs = try Self.knobs("8x1", .sparsity, "0.5")
    let choices = info.tensors.filter(\.isLinearWeight).map {
      LayerChoice(tensor: $0.name, knobs: knobs)
    }
    let answer = try laboratory.perform(.wholeModel(choices: choices, knobs: knobs, models: nil))
    guard case .encoded(let report) = answer else {
      Issue.record("\(answer)")
      return
    }
    #expect(report.layers.count == 12)
    #expect(report.isUniform)
    var front: [ModelReport] = []
    _ = try laboratory.perform(
      .wholeModel(choices: [], knobs: knobs, models: 2),
      progress: { if case .encoded(let report) = $0 { front.append(report) } })
    #expect(!front.isEmpty)
    #expect(front.allSatisfy { $0.notes.first?.hasPrefix("front ") == true })
  }

  @Test func noteOnAFloorSaysWhetherItHoldsOnHeldOutSentences() {
    let kept = ModelExperiment.note(floor: 0.9, kept: 0.905, heldOut: 0.91)
    #expect(kept.contains("and holds on the held-out ones (0.910)"))
    let broken = ModelExperiment.note(floor: 0.9, kept: 0.902, heldOut: 0.893)
    #expect(broken.contains("not on the held-out ones: 0.893 is below it"))
    #expect(broken.contains("ask for 0.907"))
  }

  @Test func cancellingEndsWithNoReport() throws {
    let (experiment, fixture) = try Self.experiment()
    defer { _ = fixture }
    var asked = 0
    let error = #expect(throws: LaboratoryError.self) {
      try experiment.run(
        .all, try Self.knobs("8x1", .sparsity, "0.5"), texts: Self.batch,
        isCancelled: {
          asked += 1
          return asked > 3
        })
    }
    #expect(error?.kind == .cancelled)
  }

  @Test func aRowOfAWholeModelHasItsProxiesAndNoLayerError() throws {
    let report = try Self.report(try Self.knobs("8x1", .sparsity, "0.5"))
    let row = ResultRow(report, machine: nil)
    #expect(row[.tensor].text == "*")
    #expect(row[.pattern].text == "8x1")
    #expect(row[.cosine].number == report.agreement.cosine)
    #expect(row[.rankCorrelation].number == report.agreement.rankCorrelation)
    #expect(row[.neighbourAgreement].number == report.agreement.neighbourAgreement)
    #expect(row[.outputError] == .missing)
    #expect(row[.tokens].number == Double(report.tokens))
    #expect(row[.nnz].number == Double(report.nonzeros))
    let bytes = Array((ResultsCSV.header + ResultsCSV.line(row)).utf8)
    #expect(try ResultsCSV.parse(bytes).rows.first?[.speedup] == row[.speedup])

    var mixed = report
    mixed.choices[0].knobs.amount = .sparsity(0.25)
    let other = ResultRow(mixed, machine: nil)
    #expect(other[.pattern].text == "mixed")
    #expect(other[.sparsityRequested] == .missing && other[.blockRows] == .missing)
    #expect(other[.note].text.contains("query.weight=8x1@0.25"))
  }

  @Test func textsOfOneLengthAreCutFromTheSameTokens() throws {
    let texts: [[Int32]] = [[1, 10, 11, 12, 2], [1, 13, 2], [1, 14, 15, 16, 17, 18, 19, 2]]
    let equal = try #require(ModelExperiment.equalized(texts))
    #expect(equal == [[1, 10, 11, 12, 2], [1, 13, 14, 15, 2], [1, 16, 17, 18, 2]])
    #expect(ModelExperiment.equalized([[1, 5, 2]]) == nil)
    #expect(ModelExperiment.equalized([[1, 5, 2], [1, 6, 2]]) == nil)
    #expect(ModelExperiment.equalized([[1, 2], [1]]) == nil)
  }

  @Test func roundsTimeEveryModel() throws {
    let (experiment, fixture) = try Self.experiment()
    defer { _ = fixture }
    let candidates = [try Self.knobs("8x1", .sparsity, "0.9")]
    let rounds = try ModelRounds(experiment, .all, candidates, texts: Self.batch, threads: 1)
    #expect(rounds.names == ["dense", "8x1@0.9"])
    #expect(abs(rounds.agreements[0].cosine - 1) < 1e-6)
    let times = rounds.round()
    #expect(times.count == 2 && times.allSatisfy { $0 > 0 })
  }

  @Test func aCheckpointThatCannotRunIsUnreadableInput() throws {
    let texts = ModelFixture.texts(8, seed: 1)
    func reason(_ fixture: ModelFixture) -> LaboratoryError? {
      #expect(throws: LaboratoryError.self) {
        try ModelExperiment(directory: fixture.path, calibration: texts, evaluation: texts)
      }
    }
    let other = reason(try ModelFixture(configuration: ["model_type": "\"t5\""]))
    #expect(other?.kind == .unreadable && other?.description.contains("t5") == true)
    let wrong = reason(try ModelFixture(configuration: ["intermediate_size": "200"]))
    #expect(wrong?.description.contains("192x128") == true)
    let missing = reason(try ModelFixture(without: "encoder.layer.1.output.dense.weight"))
    #expect(missing?.description.contains("layer.1.output.dense.weight") == true)
    let fixture = try ModelFixture()
    try FileManager.default.removeItem(atPath: fixture.path + "/config.json")
    #expect(reason(fixture)?.description.contains("config.json") == true)
  }

  @Test func budgetsAreReadAndRefused() throws {
    #expect(try ModelBudget(parsing: "time=0.4") == .time(0.4))
    #expect(try ModelBudget(parsing: "cosine=0.9").description == "cosine=0.9")
    for text in ["", "time", "time=", "time=0", "time=1.5", "speed=2", "time=nan", "time=0.4=1"] {
      #expect(throws: KnobError.self) { try ModelBudget(parsing: text) }
    }
  }
}
