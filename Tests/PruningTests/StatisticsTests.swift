import Experiments
import Kernels
import Pruning
import Tensors
import Testing

@Suite struct StatisticsTests {
  /// Squares beyond F32 would make every score infinite, or zero.
  @Test(arguments: [Float(1e25), 1e-30])
  func activationsBeyondTheRangeOfSquaresAreRefused(scale: Float) {
    var x = activations(40, 6, seed: 3)
    for index in x.values.indices { x.values[index] *= scale }
    let error = #expect(throws: PruningError.self) {
      try CalibrationStatistics(
        calibration: x, evaluation: Matrix(rows: 0, columns: 6), identity: "a")
    }
    guard case .activationRange = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.about(activations: "x.npy").description.hasPrefix("x.npy: the largest") == true)
  }

  @Test func secondMomentsAreThoseOfTheActivations() throws {
    let x = activations(37, 21, seed: 1)
    let known = try CalibrationStatistics(
      calibration: x, evaluation: activations(5, 21, seed: 2), identity: "x")
    let gram = try #require(known.gram)
    let exact = exactProduct(x.transposed(), transposed: x.transposed())
    for i in 0..<21 {
      #expect(abs(Double(known.inputEnergy[i]) - exact[i][i] / 37) < 1e-5 * exact[i][i] / 37)
      for j in 0..<21 {
        let scale = (exact[i][i] * exact[j][j]).squareRoot() / 37
        #expect(abs(Double(gram[i, j]) - exact[i][j] / 37) < 1e-5 * scale)
      }
    }
  }

  @Test(arguments: [1, 7, 64, 65, 130, 200])
  func theInverseInverts(size: Int) throws {
    // Fewer rows than inputs: H is singular and only the damping makes it invertible.
    let known = try statistics(size, rows: max(2, size / 3))
    let damped = try #require(known.dampedGram)
    let inverse = try #require(known.dampedInverse)
    let product = exactProduct(damped, transposed: inverse.transposed())
    for i in 0..<size {
      for j in 0..<size { #expect(abs(product[i][j] - (i == j ? 1 : 0)) < 2e-4) }
    }
  }

  @Test func dampingGrowsWhenRowsAreFew() throws {
    #expect(try statistics(8, rows: 399).damping == 0.5)
    #expect(try statistics(8, rows: 400).damping == 0.1)
  }

  @Test func badActivationsAreNamed() throws {
    func make(_ a: Matrix, _ b: Matrix) throws {
      _ = try CalibrationStatistics(calibration: a, evaluation: b, identity: "acts.npy")
    }
    let good = gaussian(4, 3, seed: 1)
    var bad = good
    bad[2, 1] = .nan
    #expect(throws: PruningError.activationNotFinite(source: "acts.npy", row: 2, column: 1)) {
      try make(bad, good)
    }
    #expect(throws: PruningError.activationsDead(source: "acts.npy")) {
      try make(Matrix(rows: 4, columns: 3), good)
    }
    #expect(throws: PruningError.activationsEmpty(source: "acts.npy")) {
      try make(Matrix(rows: 0, columns: 3), good)
    }
    #expect(throws: PruningError.activationWidth(tensor: "acts.npy", expected: 3, found: 5)) {
      try make(good, gaussian(4, 5, seed: 1))
    }
  }
}

/// Bad input gives a sentence with the place in it, or a result; never a crash or a silent mask.
@Suite struct BadInputTests {
  @Test func weightsThatAreNotFiniteAreNamed() throws {
    var weights = gaussian(9, 11, seed: 1)
    weights[4, 7] = .nan
    weights[8, 0] = -.infinity
    let error = PruningError.weightNotFinite(tensor: "h.0.weight", row: 4, column: 7, count: 2)
    #expect(throws: error) {
      try prune(weights, named: "h.0.weight", knobs: knobs("1x1"), statistics: nil)
    }
    #expect(error.description.contains("row 4, column 7"))
  }

  @Test func activationsOfAnotherLayerAreRefused() throws {
    #expect(throws: PruningError.activationWidth(tensor: "w", expected: 11, found: 7)) {
      try prune(
        gaussian(9, 11, seed: 1), named: "w", knobs: knobs("1x1"), statistics: statistics(7))
    }
  }

  @Test func criteriaThatNeedActivationsSaySo() throws {
    for criterion in [Criterion.wanda, .obs] {
      let error = PruningError.needsActivations(
        tensor: "w", what: "criterion \(criterion.rawValue)")
      #expect(throws: error) {
        try prune(
          gaussian(9, 11, seed: 1), named: "w", knobs: knobs("1x1", criterion: criterion),
          statistics: nil)
      }
    }
  }

  @Test func sparsitiesOutOfReachAreRefused() throws {
    let weights = gaussian(9, 11, seed: 1)
    for (pattern, sparsity) in [("2:4", 0.6), ("tvw4", 0.4), ("tew4+5%", 0.96), ("1x1", 1.2)] {
      let word = try Pattern(parsing: pattern)
      if word.fixedSparsity != nil { continue }
      #expect(throws: PruningError.sparsityOutOfRange(pattern: word, requested: sparsity)) {
        try prune(weights, named: "w", knobs: knobs(pattern, .sparsity(sparsity)), statistics: nil)
      }
    }
  }

  @Test func deadInputsAreThePrunedOnes() throws {
    var x = activations(500, 12, seed: 1)
    for row in 0..<500 {
      x[row, 3] = 0
      x[row, 8] = 0
    }
    let known = try CalibrationStatistics(calibration: x, evaluation: x, identity: "x")
    let weights = gaussian(8, 12, seed: 2)
    for criterion in [Criterion.wanda, .obs] {
      let layer = try prune(
        weights, named: "w", knobs: knobs("column", .sparsity(2 / 12.0), criterion: criterion),
        statistics: known)
      if criterion == .wanda {
        #expect((0..<12).filter { !layer.mask[0, $0] } == [3, 8])
      }
      let solved = try refit(layer, original: weights, statistics: known)
      #expect(solved.weights.values.allSatisfy { $0.isFinite })
    }
  }

  @Test func aBlockLargerThanTheTensorIsTheWholeTensor() throws {
    let weights = gaussian(5, 6, seed: 3)
    let half = try prune(weights, named: "w", knobs: knobs("64x64"), statistics: nil)
    #expect(half.summary.nonzeros == 30 && half.summary.units == 1)
    let none = try prune(weights, named: "w", knobs: knobs("64x64", .sparsity(1)), statistics: nil)
    #expect(none.summary.nonzeros == 0)
    let groups = try prune(weights, named: "w", knobs: knobs("3:500"), statistics: nil)
    #expect(groups.summary.nonzeros == 15)
  }

  @Test func emptyTensorsAreRefusedAndZeroTensorsPruned() throws {
    #expect(throws: PruningError.empty(tensor: "w", rows: 0, columns: 4)) {
      try prune(Matrix(rows: 0, columns: 4), named: "w", knobs: knobs("1x1"), statistics: nil)
    }
    let layer = try prune(
      Matrix(rows: 4, columns: 4), named: "w", knobs: knobs("1x1"), statistics: nil)
    #expect(layer.summary.nonzeros == 8)
    #expect(layer.summary.keptEnergy == 1 && layer.summary.weightError == 0)
  }
}
