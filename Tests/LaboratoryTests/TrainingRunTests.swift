import Encoder
import Experiments
import Foundation
import Synchronization
import Tensors
import Testing
import Training

@testable import Laboratory

/// Texts that a small random encoder trains on, its files, and a place for what is written.
private final class TrainingFixture {
  let model: ModelFixture
  let directory: String
  let experiment: ModelExperiment
  let plan: TrainingPlan

  init(_ change: (inout TrainingPlan) -> Void = { _ in }) throws {
    model = try ModelFixture()
    directory =
      FileManager.default.temporaryDirectory.path + "/training-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let text = (0..<20).map { Self.texts(20, seed: 100 + $0).joined(separator: ".\n\n") }
    try Data(text.joined(separator: "\n\n").utf8)
      .write(to: URL(fileURLWithPath: directory + "/text"))
    experiment = try ModelExperiment(
      directory: model.path, calibration: ModelFixture.texts(40, seed: 1),
      evaluation: ModelFixture.texts(24, seed: 2))
    var plan = TrainingPlan()
    plan.pattern = .block(8, 1)
    plan.sparsity = 0.6
    plan.steps = 12
    plan.minutes = nil
    plan.learningRate = 1e-3
    plan.tokensPerStep = 128
    plan.evaluateEvery = 4
    plan.text = directory + "/text"
    change(&plan)
    self.plan = plan
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Texts of 6 to 17 letters: 8 to 19 tokens.
  static func texts(_ count: Int, seed: UInt64) -> [String] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      (0..<6 + Int(generator.next() % 12)).map { _ in
        String(UnicodeScalar(UInt8(97 + generator.next() % 26)))
      }.joined(separator: " ")
    }
  }

  func surroundings(resumes: Bool = false) -> TrainingSurroundings {
    var surroundings = TrainingSurroundings(cacheDirectory: directory + "/cache")
    surroundings.resumes = resumes
    surroundings.timingSeconds = 0.02
    surroundings.checkpointSeconds = 0
    return surroundings
  }

  func run(
    _ change: (inout TrainingPlan) -> Void = { _ in }, resumes: Bool = false,
    send: (Answer) -> Void = { _ in }
  ) throws -> TrainingResult {
    var plan = plan
    change(&plan)
    return try experiment.train(plan, surroundings(resumes: resumes), send: send)
  }

  func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name))
  }
}

@Suite(.serialized) struct TrainingRunTests {
  @Test func trainingBringsAPrunedModelNearerToTheUnprunedOne() throws {
    let fixture = try TrainingFixture { $0.steps = 60 }
    var started: TrainingStart?
    var seen: [TrainingProgress] = []
    let result = try fixture.run(send: { answer in
      if case .trainingStarted(let start) = answer { started = start }
      if case .training(let progress) = answer { seen.append(progress) }
    })
    #expect(started == result.start)
    #expect(result.start.floorCosine < result.start.refitCosine)
    #expect(1 - result.best.cosine < 0.9 * (1 - result.start.refitCosine))
    #expect(result.steps == 60 && !result.cancelled)
    #expect(abs(result.sparsity - 0.6) < 0.01)
    #expect(result.history.first?.step == 0 && result.history.last?.step == 60)
    let evaluated = seen.filter { $0.cosine != nil }
    #expect(evaluated.map(\.step) == Array(stride(from: 4, through: 60, by: 4)))
    #expect(evaluated.last?.layers.count == 8)
    #expect(result.row?[.solve] == .text("train-fixed"))
    #expect(result.row?[.cosine].number.map { abs($0 - result.best.cosine) < 1e-4 } == true)
    #expect(result.row?[.speedup].number ?? 0 > 0)
  }

  @Test func aRunThatIsKilledAndResumedEndsAsTheUnbrokenOne() throws {
    let fixture = try TrainingFixture()
    let whole = try fixture.run { $0.output = fixture.directory + "/whole.safetensors" }
    let checkpoint = fixture.directory + "/broken.safetensors.training"
    var saved: (step: Int, bytes: Data)?
    let first = try fixture.run {
      $0.output = fixture.directory + "/broken.safetensors"
    } send: { answer in
      // What a killed process leaves behind: the checkpoint of some step.
      guard case .training(let progress) = answer, progress.step >= 6, saved == nil,
        let bytes = try? Data(contentsOf: URL(fileURLWithPath: checkpoint))
      else { return }
      saved = (progress.step, bytes)
    }
    #expect(saved?.step ?? 12 < 12)
    #expect(!FileManager.default.fileExists(atPath: checkpoint))
    try #require(saved).bytes.write(to: URL(fileURLWithPath: checkpoint))
    let resumed = try fixture.run(
      { $0.output = fixture.directory + "/broken.safetensors" }, resumes: true)
    for other in [first, resumed] {
      #expect(other.history.map(\.cosine) == whole.history.map(\.cosine))
      #expect(other.best.step == whole.best.step && other.tokensSeen == whole.tokensSeen)
    }
    #expect(try fixture.bytes("whole.safetensors") == fixture.bytes("broken.safetensors"))
  }

  @Test func anotherPlanOrADamagedCheckpointIsNotResumed() throws {
    let fixture = try TrainingFixture()
    let output = fixture.directory + "/out.safetensors"
    let checkpoint = output + ".training"
    func sentence(_ change: (inout TrainingPlan) -> Void = { _ in }) -> String {
      do {
        _ = try fixture.run(
          {
            $0.output = output
            change(&$0)
          }, resumes: true)
        return ""
      } catch { return (error as? LaboratoryError)?.description ?? "\(error)" }
    }
    #expect(sentence().contains("no checkpoint"))
    var bytes: Data?
    _ = try fixture.run {
      $0.output = output
    } send: { _ in
      if bytes == nil { bytes = try? Data(contentsOf: URL(fileURLWithPath: checkpoint)) }
    }
    let good = try #require(bytes)
    try good.write(to: URL(fileURLWithPath: checkpoint))
    #expect(sentence { $0.seed = 2 }.contains("another training"))
    try good.dropLast(50).write(to: URL(fileURLWithPath: checkpoint))
    #expect(sentence().contains(checkpoint))
    var flipped = good
    flipped[flipped.count - 100] ^= 1
    try flipped.write(to: URL(fileURLWithPath: checkpoint))
    #expect(sentence().contains("damaged"))
  }

  @Test func anExportedDirectoryIsTheKeptModel() throws {
    for isDense in [false, true] {
      let fixture = try TrainingFixture { $0.trainsDense = isDense }
      let output = fixture.directory + "/trained"
      let result = try fixture.run { $0.output = output }
      #expect(result.files.contains(output + "/model.safetensors"))
      #expect(result.files.contains(output + "/vocab.txt"))
      let exported = try BERTEncoder(directory: output)
      let proxies = fixture.experiment.evaluation.proxies(exported, threads: 1)
      #expect(abs(proxies.cosine - result.best.cosine) < 1e-5)
      let model = try Model.open(output)
      let name = "encoder.layer.1.attention.self.key.weight"
      let weights = try model.matrix(named: name)
      let zeros = weights.values.count { $0 == 0 }
      #expect(abs(Double(zeros) / Double(weights.count) - 0.6) < 0.01)
      #expect(model.metadata["pruned:\(name)"]?.contains("pattern=8x1") == true)
      #expect(model.metadata["training"]?.contains("method=fixed") == true)
      let original = try Model.open(fixture.model.path)
      let other = "encoder.layer.0.intermediate.dense.weight"
      #expect(try (model.sha256(of: other) == original.sha256(of: other)) == !isDense)
      #expect(throws: LaboratoryError.self) { try fixture.run { $0.output = output } }
    }
  }

  @Test func gradualAndRegularizedMasksEndAtTheSparsityAskedFor() throws {
    for method in [TrainingMethod.gradual, .prox] {
      let fixture = try TrainingFixture {
        $0.method = method
        $0.steps = 60
        $0.capOfDying = 0.2
      }
      var zeros: [Double] = []
      let result = try fixture.run(send: { answer in
        if case .training(let progress) = answer { zeros.append(progress.sparsity) }
      })
      #expect(abs(result.sparsity - 0.6) < 0.03, "\(method): \(result.sparsity)")
      #expect(zeros.first ?? 1 < 0.5)
      #expect(result.best.step >= 36)
      #expect(result.row?[.solve] == .text(method.solve))
    }
  }

  @Test func plansThatCannotBeAreRefusedWithASentence() throws {
    let fixture = try TrainingFixture()
    let bad: [(String, (inout TrainingPlan) -> Void)] = [
      ("either steps or minutes", { $0.minutes = 1 }), ("steps", { $0.steps = 0 }),
      ("lambda belongs to method prox", { $0.lambda = 0.1 }),
      ("sparsity", { $0.sparsity = 1.5 }), ("learning rate", { $0.learningRate = -1 }),
      ("warm-up", { $0.warmUp = 2 }), ("nowhere", { $0.text = "/nowhere" }),
    ]
    for (words, change) in bad {
      do {
        _ = try fixture.run(change)
        Issue.record("\(words): was not refused")
      } catch let error as LaboratoryError {
        #expect(error.description.contains(words))
      }
    }
  }

  @Test func aLossThatIsNoNumberEndsTheRunAndKeepsTheLastGoodState() throws {
    let fixture = try TrainingFixture { $0.steps = 100 }
    _ = try fixture.run { $0.steps = 1 }
    // Some of the teacher's embeddings become no numbers, in a file that is otherwise sound.
    let cache = fixture.directory + "/cache/teacher"
    for name in try FileManager.default.contentsOfDirectory(atPath: cache) {
      var embeddings = try Model.open(cache + "/" + name).matrix(named: "embeddings")
      for row in stride(from: 0, to: embeddings.rows, by: 40) { embeddings[row, 3] = .nan }
      var sum = SHA256Sum()
      embeddings.values.withUnsafeBytes { sum.update($0) }
      var writer = SafetensorsWriter(metadata: ["sha256": sum.hexadecimal])
      writer.set("embeddings", embeddings)
      try writer.write(to: cache + "/" + name, force: true)
    }
    let output = fixture.directory + "/out.safetensors"
    do {
      _ = try fixture.run { $0.output = output }
      Issue.record("a loss that is no number went unnoticed")
    } catch let error as LaboratoryError {
      #expect(error.kind == .failed)
      #expect(error.description.contains("loss of step"))
      #expect(error.description.contains("learning rate"))
      #expect(error.description.contains(output + ".training"))
      let checkpoint = try TrainingCheckpoint(contentsOf: output + ".training")
      #expect(error.description.contains("step \(checkpoint.header.position.step + 1) "))
      #expect(checkpoint.state.arrays.values.allSatisfy { $0.allSatisfy(\.isFinite) })
    }
  }

  @Test func theLaboratoryTrainsTheOpenModelAndObeysWhileItDoes() throws {
    let fixture = try TrainingFixture {
      $0.steps = 100_000
      $0.evaluateEvery = 1000
    }
    let data = fixture.directory
    for (name, seed) in [("calibration.txt", UInt64(1)), ("evaluation.txt", 2)] {
      try Data(ModelFixture.texts(40, seed: seed).joined(separator: "\n").utf8)
        .write(to: URL(fileURLWithPath: data + "/" + name))
    }
    let answers = Mutex<[Answer]>([])
    let configuration = LaboratoryConfiguration(
      dataDirectory: data, cacheDirectory: data + "/cache")
    let laboratory = Laboratory(configuration: configuration) { answer, _ in
      answers.withLock { $0.append(answer) }
    }
    defer { laboratory.close() }
    func wait(_ condition: ([Answer]) -> Bool) -> Bool {
      for _ in 0..<1500 {
        if answers.withLock({ condition($0) }) { return true }
        MonotonicPause.milliseconds(20)
      }
      return false
    }
    _ = try laboratory.perform(.open(path: fixture.model.path))
    laboratory.submit(.train(fixture.plan), run: 7)
    func steps(_ answers: [Answer]) -> [TrainingProgress] {
      answers.compactMap { if case .training(let progress) = $0 { progress } else { nil } }
    }
    #expect(wait { steps($0).count >= 2 })
    let first = answers.withLock(\.first)
    #expect(
      first.map { if case .preparing(let what) = $0 { !what.isEmpty } else { false } } == true)
    laboratory.submit(.steerTraining(.learningRate(5e-4)), run: 7)
    laboratory.submit(.steerTraining(.pause), run: 7)
    #expect(wait { steps($0).contains(where: \.isPaused) })
    laboratory.submit(.steerTraining(.stop), run: 7)
    #expect(
      wait { answers in answers.contains { if case .trained = $0 { true } else { false } } })
    let result = answers.withLock { answers -> TrainingResult? in
      for case .trained(let result) in answers { return result }
      return nil
    }
    #expect(result?.cancelled == true)
    #expect(result?.steps ?? 0 > 0)
    laboratory.submit(.steerTraining(.stop), run: 7)
    #expect(wait { if case .failed(let text)? = $0.last { text.contains("train") } else { false } })
  }

  @Test func withoutATextItTrainsOnSplicesAndSaysSo() throws {
    let fixture = try TrainingFixture {
      $0.text = nil
      $0.steps = 4
    }
    let result = try fixture.run()
    #expect(result.start.warnings.contains(TrainingCorpus.splicesWarning))
    #expect(result.row?[.note].text.contains("splices") == true)
  }
}
