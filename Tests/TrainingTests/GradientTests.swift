import Encoder
import Experiments
import Kernels
import Tensors
import Testing

@testable import Training

@Suite struct GradientTests {
  /// F32 passes against central differences of the same loss in double precision: sums of some
  /// thousand products of order 1 leave relative errors of a few 1e-5 of the tensor's largest slope.
  private func check(
    _ trainer: EncoderTrainer, _ reference: ReferenceTrainer, _ names: [String], samples: Int,
    loss: (ReferenceTrainer) -> Double
  ) throws {
    var generator = SeededGenerator(seed: 77)
    for name in names {
      let gradient = try #require(trainer.gradient(of: name), "\(name)")
      let largest = gradient.values.map { $0.magnitude }.max()!
      #expect(largest > 0, "\(name)")
      let mask = trainer.mask(of: name)
      var places: [Int] = []
      while places.count < samples {
        let place = Int(generator.next() % UInt64(gradient.count))
        if mask?[place / gradient.columns, place % gradient.columns] ?? true {
          places.append(place)
        }
      }
      for place in places {
        let slope = reference.slope(of: name, at: place, loss)
        let found = Double(gradient.values[place])
        #expect(
          (found - slope).magnitude <= 2e-4 * Double(largest) + 1e-7,
          "\(name)[\(place)]: \(found), by differences \(slope), largest \(largest)")
      }
    }
  }

  @Test(
    arguments: [
      (Pattern.block(8, 1), 5, 17), (.block(1, 1), 3, 20), (.block(4, 4), 1, 5),
      (.block(16, 16), 2, 33), (.unstructured, 1, 1), (.block(3, 5), 4, 8),
    ])
  func survivorsFollowTheSlopeOfTheLoss(pattern: Pattern, texts: Int, length: Int) throws {
    let fixture = try TrainingFixture(pattern: pattern)
    let batch = fixture.batch(texts: texts, length: length)
    let trainer = try fixture.trainer()
    let reference = fixture.reference(trainer)
    let loss = trainer.gradients(batch).loss
    let exact = reference.loss(batch.tokens, teacher: batch.teacher)
    #expect((loss - exact).magnitude <= 1e-5)
    let names = fixture.layers.map(\.name)
    // A single token attends to itself alone: query and key have no slope.
    let live =
      length == 1 ? names.filter { $0.contains("value") || $0.contains("output") } : names
    try check(trainer, reference, live, samples: 3) {
      $0.loss(batch.tokens, teacher: batch.teacher)
    }
  }

  @Test(arguments: ["gelu", "gelu_new", "relu"])
  func everyOtherWeightFollowsTheSlopeToo(activation: String) throws {
    let fixture = try TrainingFixture(activation: activation, pattern: .block(8, 1))
    let batch = fixture.batch(texts: 3, length: 13)
    let trainer = try fixture.trainer(trainsDense: true)
    let reference = fixture.reference(trainer)
    trainer.gradients(batch)
    let all = trainer.changedTensors.keys.sorted()
    #expect(all.count == 2 * 16)
    let live = all.filter { !$0.hasSuffix("key.bias") }
    try check(trainer, reference, live, samples: activation == "gelu" ? 3 : 1) {
      $0.loss(batch.tokens, teacher: batch.teacher)
    }
    // All keys moved by the same vector change no softmax.
    for name in all where name.hasSuffix("key.bias") {
      #expect(trainer.gradient(of: name)!.values.allSatisfy { $0.magnitude < 1e-6 })
    }
  }

  @Test func hiddenStatesPullEveryLayer() throws {
    let fixture = try TrainingFixture(pattern: .block(8, 1))
    var batch = fixture.batch(texts: 3, length: 9)
    let teacher = try EncoderTrainer(encoder: fixture.encoder, layers: [], trainsDense: true)
    batch.hidden = teacher.hiddenStates(batch.tokens)
    let trainer = try fixture.trainer()
    trainer.settings.hiddenLoss = 0.7
    let reference = fixture.reference(trainer)
    func exact(_ reference: ReferenceTrainer) -> Double {
      reference.loss(
        batch.tokens, teacher: batch.teacher, hiddenStates: batch.hidden, hiddenLoss: 0.7)
    }
    let found = trainer.gradients(batch).loss
    #expect((found - exact(reference)).magnitude <= 1e-5 * found)
    try check(trainer, reference, fixture.layers.map(\.name), samples: 2, loss: exact)
  }

  @Test(arguments: [
    Pattern.block(1, 1), .block(8, 1), .block(5, 3), .block(16, 16), .block(1, 8),
    try! Pattern(.nm(kept: 2, group: 4)),
  ])
  func sparseLayersGiveTheGradientsOfDenseOnesBehindTheMask(pattern: Pattern) throws {
    let fixture = try TrainingFixture(pattern: pattern, attentionOnly: false)
    let batch = fixture.batch(texts: 4, length: 11)
    let sparse = try fixture.trainer()
    sparse.gradients(batch)
    var dense = fixture
    dense.layers = fixture.layers.map { layer in
      var layer = layer
      layer.weights = layer.weights.masked(by: layer.mask)
      layer.mask = Mask(rows: layer.mask.rows, columns: layer.mask.columns, keepingAll: true)
      return layer
    }
    let full = try dense.trainer()
    full.gradients(batch)
    for layer in fixture.layers {
      let expected = full.gradient(of: layer.name)!.masked(by: layer.mask)
      let found = sparse.gradient(of: layer.name)!
      let largest = expected.values.map { $0.magnitude }.max()!
      for i in found.values.indices {
        #expect((found.values[i] - expected.values[i]).magnitude <= 3e-5 * largest + 1e-8)
      }
    }
  }

  @Test func threadsChangeNoBit() throws {
    let fixture = try TrainingFixture(pattern: .block(8, 1))
    let batch = fixture.batch(texts: 9, length: 19)
    let one = try fixture.trainer(trainsDense: true)
    let three = try fixture.trainer(trainsDense: true, threads: 3)
    for _ in 0..<3 {
      let (a, b) = (try one.step(batch), try three.step(batch))
      #expect(a.loss == b.loss && a.gradientNorm == b.gradientNorm)
    }
    for (name, tensor) in one.changedTensors { #expect(three.changedTensors[name] == tensor) }
  }
}
