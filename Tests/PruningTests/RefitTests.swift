import Experiments
import Pruning
import Tensors
import Testing

@Suite struct RefitTests {
  /// At the optimum the gradient `(V - W)H'` vanishes on every kept weight.
  @Test(arguments: [
    "1x1", "8x1", "16x16", "1x8", "2:4", "tw8", "tvw8", "tew8+5%", "row", "column", "7x3",
  ])
  func keptWeightsHaveNoGradientLeft(pattern: String) throws {
    let weights = gaussian(45, 70, seed: 50)
    let known = try statistics(70)
    let damped = try #require(known.dampedGram)
    let word = try Pattern(parsing: pattern)
    for sparsity in [0.5, 0.8] {
      let layer = try prune(
        weights, named: "w", knobs: knobs(pattern, .sparsity(word.fixedSparsity ?? sparsity)),
        statistics: known)
      let solved = try refit(layer, original: weights, statistics: known)
      #expect(solved.mask == layer.mask)
      for row in 0..<45 {
        for column in 0..<70 {
          if !layer.mask[row, column] {
            #expect(solved.weights[row, column] == 0)
            continue
          }
          var (gradient, scale) = (0.0, 0.0)
          for k in 0..<70 {
            let term = Double(solved.weights[row, k] - weights[row, k]) * Double(damped[k, column])
            gradient += term
            scale += abs(term)
          }
          // F32 weights carry 24 bits, the product that forms the right-hand side a few less.
          #expect(abs(gradient) <= 2e-4 * max(scale, 1e-3), "\(pattern) \(row) \(column)")
        }
      }
    }
  }

  @Test func largeSeparateSupportsAreSolvedAsWellByConjugateGradients() throws {
    // 1x1 at low sparsity on a wide layer takes the iterative way; the gradient decides as above.
    let weights = gaussian(96, 256, seed: 51)
    let known = try statistics(256, rows: 600)
    let damped = try #require(known.dampedGram)
    let layer = try prune(
      weights, named: "w", knobs: knobs("1x1", .sparsity(0.3)), statistics: known)
    let solved = try refit(layer, original: weights, statistics: known)
    var worst = 0.0
    for row in 0..<96 {
      for column in 0..<256 where layer.mask[row, column] {
        var (gradient, scale) = (0.0, 0.0)
        for k in 0..<256 {
          let term = Double(solved.weights[row, k] - weights[row, k]) * Double(damped[k, column])
          gradient += term
          scale += abs(term)
        }
        worst = max(worst, abs(gradient) / max(scale, 1e-3))
      }
    }
    #expect(worst < 1e-3)
  }

  @Test func anUnprunedLayerIsReturnedBitForBit() throws {
    let weights = gaussian(20, 30, seed: 52)
    let known = try statistics(30)
    let layer = try prune(weights, named: "w", knobs: knobs("4x1", .sparsity(0)), statistics: known)
    #expect(try refit(layer, original: weights, statistics: known).weights == weights)
    let empty = try prune(weights, named: "w", knobs: knobs("4x1", .sparsity(1)), statistics: known)
    let solved = try refit(empty, original: weights, statistics: known)
    #expect(solved.weights.values.allSatisfy { $0 == 0 })
  }

  @Test func refitNeedsActivationsOfItsLayer() throws {
    let weights = gaussian(6, 8, seed: 1)
    let layer = try prune(weights, named: "w", knobs: knobs("1x1"), statistics: nil)
    #expect(throws: PruningError.needsActivations(tensor: "w", what: "refit")) {
      try refit(layer, original: weights, statistics: nil)
    }
    #expect(throws: PruningError.activationWidth(tensor: "w", expected: 8, found: 5)) {
      try refit(layer, original: weights, statistics: statistics(5))
    }
  }
}

@Suite struct QualityTests {
  /// The reported error is the relative error of `X·Vᵀ` against `X·Wᵀ` on the held-out rows.
  @Test(arguments: [7, 300])
  func outputErrorIsThatOfTheHeldOutOutputs(evaluationRows: Int) throws {
    let weights = gaussian(24, 40, seed: 60)
    let held = activations(evaluationRows, 40, seed: 12)
    let known = try CalibrationStatistics(
      calibration: activations(500, 40, seed: 11), evaluation: held, identity: "x")
    var turned = try knobs("8x1", .sparsity(0.6))
    let layer = try prune(weights, named: "w", knobs: turned, statistics: known)
    let report = quality(of: layer, original: weights, knobs: turned, statistics: known)
    let solved = try refit(layer, original: weights, statistics: known)

    func direct(_ v: Matrix) -> (error: Double, cosine: Double) {
      let dense = exactProduct(held, transposed: weights).flatMap { $0 }
      let sparse = exactProduct(held, transposed: v).flatMap { $0 }
      let lost = zip(dense, sparse).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let energy = dense.reduce(0.0) { $0 + $1 * $1 }
      let other = sparse.reduce(0.0) { $0 + $1 * $1 }
      let cross = zip(dense, sparse).reduce(0.0) { $0 + $1.0 * $1.1 }
      return ((lost / energy).squareRoot(), cross / (energy * other).squareRoot())
    }
    #expect(abs(report.outputErrorUnrefitted! - direct(layer.weights).error) < 1e-4)
    #expect(abs(report.outputError! - direct(solved.weights).error) < 1e-4)
    #expect(abs(report.outputCosine! - direct(solved.weights).cosine) < 1e-4)
    #expect(report.outputError! < report.outputErrorUnrefitted!)
    #expect(report.outputErrorUnrefitted! < report.outputErrorRandom!)
    #expect(report.unavailable == nil)

    turned.refit = false
    let plain = quality(of: layer, original: weights, knobs: turned, statistics: known)
    #expect(abs(plain.outputError! - direct(layer.weights).error) < 1e-4)
  }

  @Test func whatCannotBeKnownIsMissingWithAReason() throws {
    let weights = gaussian(8, 8, seed: 1)
    let layer = try prune(weights, named: "w", knobs: knobs("1x1"), statistics: nil)
    let blind = quality(of: layer, original: weights, knobs: Knobs(), statistics: nil)
    #expect(blind.outputError == nil && blind.outputErrorRandom == nil)
    #expect(blind.unavailable?.contains("activations") == true)
    let half = try CalibrationStatistics(
      calibration: activations(9, 8, seed: 1), evaluation: Matrix(rows: 0, columns: 8),
      identity: "x")
    let report = quality(of: layer, original: weights, knobs: Knobs(), statistics: half)
    #expect(report.outputError == nil)
    #expect(report.unavailable?.contains("held-out") == true)
  }

  @Test func cancellingKeepsWhatWasReady() throws {
    let weights = gaussian(8, 8, seed: 1)
    let known = try statistics(8)
    let layer = try prune(weights, named: "w", knobs: knobs("1x1"), statistics: known)
    let report = quality(
      of: layer, original: weights, knobs: Knobs(), statistics: known, isCancelled: { true })
    #expect(report.outputErrorUnrefitted != nil)
    #expect(report.outputError == nil && report.outputErrorRandom == nil)
  }
}
