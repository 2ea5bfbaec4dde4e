import Encoder
import Experiments
import Kernels
import Tensors
import Testing

@testable import Training

@Suite struct StepTests {
  @Test(arguments: [Pattern.block(8, 1), .block(1, 1), .block(16, 16)])
  func prunedWeightsAreZeroAtEveryStep(pattern: Pattern) throws {
    let fixture = try TrainingFixture(pattern: pattern, attentionOnly: false)
    let trainer = try fixture.trainer(trainsDense: true)
    for step in 0..<4 {
      _ = try trainer.step(fixture.batch(texts: 3, length: 7 + step, seed: UInt64(step)))
      for layer in fixture.layers {
        let weights = trainer.weights(of: layer.name)!
        #expect(trainer.mask(of: layer.name) == layer.mask)
        #expect(weights == weights.masked(by: layer.mask))
        #expect(weights != layer.weights.masked(by: layer.mask))
      }
    }
  }

  @Test func lossOnOneBatchFallsStepByStep() throws {
    let fixture = try TrainingFixture(pattern: .block(8, 1))
    let trainer = try fixture.trainer(rate: 1e-4, steps: 10_000)
    let batch = fixture.batch(texts: 6, length: 15)
    var last = Double.infinity
    for _ in 0..<40 {
      let step = try trainer.step(batch, progress: 0.05)
      #expect(step.loss < last)
      last = step.loss
    }
  }

  @Test func trainingBringsTheStudentToTheTeacher() throws {
    let fixture = try TrainingFixture(pattern: .block(4, 1), sparsity: 0.5)
    let trainer = try fixture.trainer(rate: 2e-3, steps: 60)
    let batches = (0..<4).map { fixture.batch(texts: 8, length: 12, seed: UInt64($0)) }
    let before = try trainer.step(batches[0]).cosine
    for step in 1..<60 { _ = try trainer.step(batches[step % 4]) }
    let after = trainer.gradients(batches[0]).cosine
    #expect(1 - after < 0.5 * (1 - before))
    // The packed student gives what the trainer computes.
    let student = try trainer.encoder().encode(tokens: batches[0].tokens)
    var mean = 0.0
    for text in 0..<8 {
      var product = 0.0
      for feature in 0..<student.columns {
        product += Double(student[text, feature]) * Double(batches[0].teacher[text, feature])
      }
      mean += product / 8
    }
    #expect((mean - after).magnitude < 1e-5)
  }

  @Test func theRepeatableTeacherIsTheSameEncoder() throws {
    let fixture = try TrainingFixture()
    let batch = fixture.batch(texts: 5, length: 21)
    let teacher = try fixture.encoder.repeatable()
    let embeddings = teacher.encode(tokens: batch.tokens)
    for (a, b) in zip(embeddings.values, batch.teacher.values) { #expect((a - b).magnitude < 1e-5) }
    #expect(embeddings == teacher.encode(tokens: batch.tokens))
  }

  @Test func aLossThatIsNoNumberChangesNothing() throws {
    let fixture = try TrainingFixture()
    let trainer = try fixture.trainer()
    let good = fixture.batch(texts: 2, length: 6)
    _ = try trainer.step(good)
    let before = trainer.changedTensors
    var bad = good
    bad.teacher[1, 3] = .nan
    #expect {
      try trainer.step(bad)
    } throws: {
      guard case .notFinite("loss", 2, 2, 6, _)? = $0 as? TrainingError else { return false }
      return "\($0)".contains("step 1 are kept")
    }
    #expect(trainer.changedTensors == before && trainer.stepsDone == 1)
    _ = try trainer.step(good)
  }

  @Test func badBatchesAndLayersAreRefused() throws {
    let fixture = try TrainingFixture()
    let trainer = try fixture.trainer()
    let good = fixture.batch(texts: 2, length: 6)
    func refuses(_ change: (inout TrainingBatch) -> Void) -> Bool {
      var bad = good
      change(&bad)
      do {
        _ = try trainer.step(bad)
        return false
      } catch {
        if case .batch = error { return true }
        return false
      }
    }
    #expect(refuses { $0.tokens = [] })
    #expect(refuses { $0.tokens[1].append(3) })
    #expect(refuses { $0.tokens[1][2] = 100_000 })
    #expect(refuses { $0.tokens[0] = [] })
    #expect(refuses { $0.teacher = Matrix(rows: 1, columns: 128) })
    trainer.settings.hiddenLoss = 1
    #expect(refuses { $0.hidden = nil })
    var layers = fixture.layers
    layers[0].name = "encoder.layer.9.query"
    #expect(throws: TrainingError.self) {
      try EncoderTrainer(encoder: fixture.encoder, layers: layers)
    }
    layers = fixture.layers
    layers[1].mask = Mask(rows: 3, columns: 3)
    #expect(throws: TrainingError.self) {
      try EncoderTrainer(encoder: fixture.encoder, layers: layers)
    }
    #expect(throws: TrainingError.self) {
      try EncoderTrainer(encoder: fixture.encoder, layers: [fixture.layers[0], fixture.layers[0]])
    }
  }

  @Test func theRateRisesAndFallsInStraightLines() {
    var settings = TrainerSettings()
    settings.learningRate = 1
    settings.warmUp = 0.2
    #expect(settings.rate(progress: 0) == 0)
    #expect(settings.rate(progress: 0.1) == 0.5)
    #expect(settings.rate(progress: 0.2) == 1)
    #expect((settings.rate(progress: 0.6) - 0.5).magnitude < 1e-12)
    #expect(settings.rate(progress: 1) == 0)
  }

  @Test func adamTakesTheStepsOfItsFormula() {
    for set in InstructionSet.available {
      let kernels = TrainingKernels.of(set)
      for count in [1, 15, 16, 37] {
        var generator = SeededGenerator(seed: UInt64(count))
        var w = (0..<count).map { _ in Float(generator.gaussian()) }
        var m = [Float](repeating: 0, count: count)
        var v = m
        var (wd, md, vd) = (w.map(Double.init), m.map(Double.init), v.map(Double.init))
        for step in 1...5 {
          let g = (0..<count).map { _ in Float(generator.gaussian()) }
          let (c1, c2) = (1 - pow(0.9, step), 1 - pow(0.98, step))
          kernels.adam(
            &w, g, &m, &v, count, 0.5, Float(0.01 / c1), Float(1 / c2.squareRoot()), 0.9, 0.98,
            1e-8)
          for i in 0..<count {
            let gd = 0.5 * Double(g[i])
            md[i] = 0.9 * md[i] + 0.1 * gd
            vd[i] = 0.98 * vd[i] + 0.02 * gd * gd
            wd[i] -= 0.01 * (md[i] / c1) / ((vd[i] / c2).squareRoot() + 1e-8)
            #expect((Double(w[i]) - wd[i]).magnitude < 1e-5)
          }
        }
      }
    }
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { result, _ in result * base }
  }
}
