import Encoder
import Experiments
import Kernels
import Pruning
import Tensors
import Testing

@testable import Training

@Suite struct MaskTests {
  /// All attention layers kept whole, with statistics of seeded texts.
  private func dense(_ pattern: Pattern) throws -> TrainingFixture {
    var fixture = try TrainingFixture(pattern: pattern)
    let activations = fixture.encoder.activations(of: TinyModel.texts([20, 30, 25, 40]))
    fixture.layers = try fixture.encoder.layers.filter(\.role.isAttention).map { layer in
      let input = activations[layer.input]!
      return TrainedLayer(
        name: layer.name, pattern: pattern,
        mask: Mask(rows: layer.rows, columns: layer.columns, keepingAll: true),
        weights: try fixture.encoder.weights(of: layer),
        statistics: try CalibrationStatistics(
          calibration: input, evaluation: Matrix(rows: 0, columns: input.columns), identity: "test")
      )
    }
    return fixture
  }

  private func followsPattern(_ trainer: EncoderTrainer, _ fixture: TrainingFixture) -> Bool {
    fixture.layers.allSatisfy { layer in
      let mask = trainer.mask(of: layer.name)!
      let weights = trainer.weights(of: layer.name)!
      guard weights == weights.masked(by: mask) else { return false }
      guard case .block(let height, let width) = layer.pattern.base else { return true }
      for row in 0..<mask.rows {
        for column in 0..<mask.columns
        where mask[row, column] != mask[row / height * height, column / width * width] {
          return false
        }
      }
      return true
    }
  }

  @Test(arguments: [Pattern.block(8, 1), .block(1, 1), .block(16, 16)])
  func gradualMasksFollowTheCubicScheduleAndOnlyShrink(pattern: Pattern) throws {
    let fixture = try dense(pattern)
    let trainer = try fixture.trainer(steps: 20)
    trainer.masks.method = .gradual
    trainer.masks.sparsity = 0.8
    trainer.masks.interval = 3
    let batch = fixture.batch(texts: 3, length: 10)
    var last: [String: Mask] = [:]
    for step in 1...20 {
      let result = try trainer.step(batch)
      #expect(followsPattern(trainer, fixture))
      for name in trainer.names {
        let mask = trainer.mask(of: name)!
        if let before = last[name] {
          #expect(zip(mask.words, before.words).allSatisfy { $0 & ~$1 == 0 })
        }
        last[name] = mask
      }
      if step % 3 == 0, step < 12 {
        let target = trainer.masks.target(progress: (Double(step) - 0.5) / 20)!
        #expect((result.sparsity - target).magnitude < 0.02)
      }
    }
    #expect((trainer.sparsity - 0.8).magnitude < 0.01)
  }

  @Test func gradualTwoOfFourPassesThroughThreeOfFour() throws {
    let pattern = try Pattern(.nm(kept: 2, group: 4))
    let fixture = try dense(pattern)
    let trainer = try fixture.trainer(steps: 10)
    trainer.masks.method = .gradual
    trainer.masks.sparsity = 0.5
    trainer.masks.interval = 1
    let batch = fixture.batch(texts: 3, length: 10)
    var seen: Set<Int> = []
    for _ in 0..<10 { seen.insert(Int(try trainer.step(batch).sparsity * 100)) }
    #expect(seen == [25, 50] || seen == [0, 25, 50])
    for name in trainer.names {
      let mask = trainer.mask(of: name)!
      for row in 0..<mask.rows { #expect(mask.count(row: row) == mask.columns / 2) }
    }
  }

  @Test(arguments: [
    (Pattern.block(8, 1), Regularizer.reweightedGroupLasso), (.block(1, 1), .l1),
    (.block(16, 16), .groupLasso), (.block(4, 4), .reweightedL1),
  ])
  func penaltiesReachTheTargetWithoutAvalanches(
    pattern: Pattern, regularizer: Regularizer
  ) throws {
    let fixture = try dense(pattern)
    let trainer = try fixture.trainer(steps: 80)
    trainer.masks.method = .prox
    trainer.masks.sparsity = 0.6
    trainer.masks.regularizer = regularizer
    trainer.masks.capOfDying = 0.02
    let batch = fixture.batch(texts: 3, length: 10)
    var last = 0.0
    var lastZeros: [String: Double] = [:]
    for step in 1...80 {
      let result = try trainer.step(batch)
      #expect(result.sparsity >= last)
      // At most the cap of every layer's units in a step, but for the end of the ramp; no layer ahead of
      // the schedule or more than a unit and what the cap held back behind it.
      if step != 49 { #expect(result.sparsity - last <= max(0.02, 1.0 / 64) + 1e-9) }
      last = result.sparsity
      if step < 49 {
        let target = try #require(result.targetSparsity)
        let (height, width) = pattern.unit(rows: 128, columns: 128)
        let unit = Double(height * width) / Double(128 * 128)
        let most = max(1, (0.02 / unit).rounded(.down)) * unit
        for name in trainer.names {
          let mask = trainer.mask(of: name)!
          let zeros = 1 - Double(mask.count) / Double(mask.rows * mask.columns)
          #expect(zeros <= target + 1e-9)
          #expect(zeros >= min(target, lastZeros[name, default: 0] + most) - unit - 1e-9)
          lastZeros[name] = zeros
        }
      }
      #expect(followsPattern(trainer, fixture))
      #expect((trainer.lambda != nil) == (step < 49))
    }
    // The last unit of each layer takes no more than a unit's weights too many.
    let (height, width) = pattern.unit(rows: 128, columns: 128)
    let unit = Double(height * width) / Double(128 * 128)
    #expect(trainer.sparsity >= 0.6 - 1e-9 && trainer.sparsity < 0.6 + unit + 1e-9)
  }

  /// One step without a learning rate is the proximal step alone: against one in double precision that
  /// sorts all units.
  @Test(arguments: [
    (Pattern.block(8, 1), Regularizer.reweightedGroupLasso), (.block(3, 5), .groupLasso),
    (.block(1, 1), .reweightedL1), (.block(7, 2), .l1),
  ])
  func aProximalStepEqualsTheOneInDoublePrecision(
    pattern: Pattern, regularizer: Regularizer
  ) throws {
    let fixture = try dense(pattern)
    let trainer = try fixture.trainer(rate: 0, steps: 10)
    trainer.masks.method = .prox
    trainer.masks.sparsity = 0.7
    trainer.masks.regularizer = regularizer
    trainer.masks.capOfDying = 1
    let step = try trainer.step(fixture.batch(texts: 2, length: 6))
    #expect(step.died > 0 && step.lambda ?? 0 > 0)
    let isAbsolute = regularizer == .l1 || regularizer == .reweightedL1
    let isReweighted = regularizer == .reweightedL1 || regularizer == .reweightedGroupLasso
    for layer in fixture.layers {
      let energies = layer.statistics!.inputEnergy.map { Double($0) }
      let mean = energies.reduce(0, +) / Double(energies.count)
      let (rows, columns) = (layer.weights.rows, layer.weights.columns)
      let (height, width) = pattern.unit(rows: rows, columns: columns)
      func unit(_ row: Int, _ column: Int) -> Int {
        row / height * ((columns + width - 1) / width) + column / width
      }
      var members: [Int: [(weight: Double, root: Double)]] = [:]
      for row in 0..<rows {
        for column in 0..<columns {
          members[unit(row, column), default: []].append(
            (Double(layer.weights[row, column]), (energies[column] / mean).squareRoot()))
        }
      }
      let norms = members.mapValues { parts -> Double in
        if isAbsolute { return parts.map { abs($0.weight * $0.root) }.max()! }
        return
          (parts.reduce(0) { $0 + ($1.weight * $1.root) * ($1.weight * $1.root) }
          / Double(parts.count)).squareRoot()
      }
      let average = norms.values.reduce(0, +) / Double(norms.count)
      let needs = norms.mapValues { isReweighted ? $0 * ($0 / average + 0.1) : $0 }
      let order = needs.keys.sorted { needs[$0]! < needs[$1]! }
      func number(_ progress: Double) -> Int {
        Int(
          trainer.masks.target(progress: progress)! * Double(rows * columns)
            / Double(height * width))
      }
      // Half a step of ten is done, a twelfth of the ramp: its horizon is two such steps off.
      let threshold = needs[order[number(0.05 + 0.15 * 0.6) - 1]]! / 2
      let dead = Set(order.prefix(number(0.05)))
      let result = trainer.weights(of: layer.name)!
      for row in 0..<rows {
        for column in 0..<columns {
          let (at, weight) = (unit(row, column), Double(layer.weights[row, column]))
          let share = min(0.5, threshold / needs[at]!)
          var expected = weight * (1 - share)
          if isAbsolute {
            let least = share * norms[at]! / (energies[column] / mean).squareRoot()
            expected = weight > 0 ? max(0, weight - least) : min(0, weight + least)
          }
          if dead.contains(at) { expected = 0 }
          // A dozen roundings of numbers no larger than the weight.
          #expect(
            abs(Double(result[row, column]) - expected) <= 16 * 0x1p-24 * abs(weight) * 4,
            "\(layer.name) \(row) \(column)")
        }
      }
    }
  }

  @Test func aGivenLambdaDecidesHowMuchGoes() throws {
    let fixture = try dense(.block(8, 1))
    let batch = fixture.batch(texts: 3, length: 10)
    var results: [Double] = []
    for lambda in [0.05, 0.4, 0.8] {
      let trainer = try fixture.trainer(rate: 1e-4, steps: 60)
      trainer.masks.method = .prox
      trainer.masks.lambda = lambda
      trainer.masks.capOfDying = 1
      for _ in 0..<60 { _ = try trainer.step(batch) }
      results.append(trainer.sparsity)
    }
    #expect(results[0] < results[1] && results[1] < results[2])
  }

  @Test func newMasksKeepWeightsAndMomentsOfSurvivors() throws {
    let fixture = try TrainingFixture(pattern: .block(8, 1))
    let trainer = try fixture.trainer(trainsDense: true)
    let batch = fixture.batch(texts: 3, length: 10)
    for _ in 0..<3 { _ = try trainer.step(batch) }
    let before = trainer.state()
    let name = fixture.layers[1].name
    var mask = trainer.mask(of: name)!
    for row in 0..<8 { for column in 0..<64 { mask[row, column] = false } }
    try trainer.replaceMasks([name: mask])
    let after = trainer.state()
    for (key, values) in before.arrays {
      let expected =
        key.hasPrefix(name)
        ? Matrix(rows: mask.rows, columns: mask.columns, values: values).masked(by: mask).values
        : values
      #expect(after.arrays[key] == expected, "\(key)")
    }
    _ = try trainer.step(batch)
    let weights = trainer.weights(of: name)!
    #expect(weights == weights.masked(by: mask))
    #expect(throws: TrainingError.self) { try trainer.replaceMasks(["nothing": mask]) }
  }

  @Test func whatAPenaltyCannotDecideIsRefused() throws {
    let batchOf = { (fixture: TrainingFixture) in fixture.batch(texts: 2, length: 6) }
    let fixture = try dense(try Pattern(.nm(kept: 2, group: 4)))
    let trainer = try fixture.trainer()
    trainer.masks.method = .prox
    #expect(throws: TrainingError.self) { try trainer.step(batchOf(fixture)) }
    let reordered = try dense(try Pattern(.block(rows: 8, columns: 1), reorder: .tetris))
    let other = try reordered.trainer()
    other.masks.method = .gradual
    other.masks.sparsity = 0.5
    other.masks.interval = 1
    #expect(throws: TrainingError.self) { try other.step(batchOf(reordered)) }
  }
}

@Suite struct StateTests {
  @Test(arguments: ["fixed", "gradual", "prox"])
  func goingOnFromAStateEqualsNeverHavingStopped(method: String) throws {
    var fixture = try TrainingFixture(pattern: .block(8, 1))
    if method != "fixed" {
      for index in fixture.layers.indices {
        let mask = fixture.layers[index].mask
        fixture.layers[index].mask = Mask(rows: mask.rows, columns: mask.columns, keepingAll: true)
      }
    }
    func fresh() throws -> EncoderTrainer {
      let trainer = try fixture.trainer(trainsDense: true, steps: 30)
      trainer.masks.method = MaskSchedule.Method(rawValue: method)!
      trainer.masks.sparsity = 0.7
      trainer.masks.interval = 4
      trainer.masks.capOfDying = 0.05
      return trainer
    }
    let batches = (0..<30).map {
      fixture.batch(texts: 2 + $0 % 3, length: 8 + $0 % 5, seed: UInt64($0))
    }
    let unbroken = try fresh()
    for batch in batches { _ = try unbroken.step(batch) }
    for stop in [7, 15, 22] {
      let first = try fresh()
      for batch in batches[..<stop] { _ = try first.step(batch) }
      let state = first.state()
      let second = try fresh()
      try second.restore(state)
      #expect(second.state() == state)
      for batch in batches[stop...] { _ = try second.step(batch) }
      #expect(second.state() == unbroken.state(), "stopped after \(stop)")
    }
  }

  @Test func statesOfOtherTrainingsAreRefused() throws {
    let fixture = try TrainingFixture(pattern: .block(8, 1))
    let trainer = try fixture.trainer()
    let good = trainer.state()
    func refuses(_ change: (inout TrainerState) -> Void) -> Bool {
      var bad = good
      change(&bad)
      do {
        try trainer.restore(bad)
        return false
      } catch {
        if case .state = error { return trainer.state() == good }
        return false
      }
    }
    let name = fixture.layers[0].name
    #expect(refuses { $0.masks[name] = nil })
    #expect(refuses { $0.masks["other"] = Mask(rows: 1, columns: 1) })
    #expect(refuses { $0.masks[name] = Mask(rows: 3, columns: 128) })
    #expect(refuses { $0.arrays["\(name) mean"] = nil })
    #expect(refuses { $0.arrays["\(name) weight"]!.removeLast() })
  }
}
