import Experiments
import Pruning
import Tensors
import Testing

/// The layer-wise reconstruction problem, against its optimality conditions and a slow solver.
@Suite struct ReconstructionTests {
  static let weights = gaussian(24, 40, seed: 90)

  static func turned(
    _ pattern: String, _ amount: Amount, _ regularizer: Regularizer = .none
  ) throws -> Knobs {
    var turned = try knobs(pattern, amount, regularizer: regularizer)
    turned.solve = .reconstruct
    return turned
  }

  /// `(V - W)·H` in doubles.
  static func gradient(_ v: Matrix, _ gram: Matrix) -> [[Double]] {
    var difference = v
    for index in v.values.indices { difference.values[index] -= weights.values[index] }
    return exactProduct(difference, transposed: gram)
  }

  static func norm(_ values: [Double]) -> Double {
    values.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
  }

  @Test(arguments: ["1x1", "8x1", "4x4", "5x7", "tw8", "row", "column"])
  func groupLassoSatisfiesItsOptimalityConditions(pattern: String) throws {
    let known = try statistics(40)
    let gram = try #require(known.gram)
    let word = try Pattern(parsing: pattern)
    let naive = NaivePruning(Self.weights, criterion: .magnitude)
    let units: [NaivePruning.Unit] =
      switch word.base {
      case .block(let rows, let columns): naive.units(rows, columns)
      case .row: naive.units(1, 40)
      case .column: naive.units(24, 1)
      default: naive.units(8, 1)
      }
    let zero = Self.gradient(Matrix(rows: 24, columns: 40), gram)
    let emptying = units.map { unit in
      Self.norm(unit.weights.map { zero[$0.row][$0.column] })
        / Double(unit.weights.count).squareRoot()
    }.max()!
    for fraction in [0.05, 0.2, 0.5] {
      let layer = try prune(
        Self.weights, named: "w", knobs: Self.turned(pattern, .lambda(fraction), .groupLasso),
        statistics: known)
      let slope = Self.gradient(layer.weights, gram)
      for unit in units {
        let bound = fraction * emptying * Double(unit.weights.count).squareRoot()
        let own = unit.weights.map { Double(layer.weights[$0.row, $0.column]) }
        let force = unit.weights.map { slope[$0.row][$0.column] }
        let size = Self.norm(own)
        if size == 0 {
          #expect(Self.norm(force) <= bound * 1.02)
          #expect(!layer.mask[unit.weights[0].row, unit.weights[0].column])
        } else {
          let left = zip(force, own).map { $0 + bound * $1 / size }
          #expect(Self.norm(left) <= bound * 0.05, "\(pattern) \(fraction)")
          #expect(layer.mask[unit.weights[0].row, unit.weights[0].column])
        }
      }
      let report = try #require(layer.summary.solver)
      #expect(report.converged && report.residual < 5e-3)
      #expect(abs(layer.summary.lambda! - fraction) < 1e-5)
    }
  }

  /// λ_max empties the layer, at once and exactly, and what comes after it starts from there.
  @Test(arguments: [
    Regularizer.l1, .groupLasso, .sparseGroupLasso, .reweightedL1, .reweightedGroupLasso,
  ])
  func theLargestStrengthLeavesNothing(regularizer: Regularizer) throws {
    let known = try statistics(40)
    for pattern in ["1x1", "8x1", "tw8", "row"] {
      let pruner = try LayerPruner(Self.weights, named: "w", statistics: known)
      let nothing = try pruner.prune(Self.turned(pattern, .lambda(1), regularizer))
      #expect(nothing.mask.count == 0, "\(pattern)")
      #expect(nothing.weights.values.allSatisfy { $0 == 0 })
      #expect(nothing.summary.lambda == 1)
      let report = try #require(nothing.summary.solver)
      #expect(report.converged || regularizer == .sparseGroupLasso, "\(pattern) \(report)")
      let next = try pruner.prune(Self.turned(pattern, .lambda(0.7), regularizer))
      let cold = try prune(
        Self.weights, named: "w", knobs: Self.turned(pattern, .lambda(0.7), regularizer),
        statistics: known)
      #expect(next.mask.count > 0)
      #expect(abs(next.mask.count - cold.mask.count) <= 40, "\(pattern) \(regularizer)")
    }
  }

  /// Plain proximal gradient steps in doubles, thousands of them, for lasso on single weights.
  @Test func lassoReachesTheObjectiveOfASlowSolver() throws {
    let known = try statistics(40)
    let gram = try #require(known.gram)
    let layer = try prune(
      Self.weights, named: "w", knobs: Self.turned("1x1", .lambda(0.1), .l1), statistics: known)
    let zero = Self.gradient(Matrix(rows: 24, columns: 40), gram)
    let lambda = 0.1 * zero.flatMap { $0 }.map(abs).max()!
    let trace = (0..<40).reduce(0.0) { $0 + Double(gram[$1, $1]) }
    func objective(_ v: Matrix) -> Double {
      let slope = Self.gradient(v, gram)
      var sum = 0.0
      for row in 0..<24 {
        for column in 0..<40 {
          let w = Double(v[row, column]) - Double(Self.weights[row, column])
          sum += 0.5 * w * slope[row][column] + lambda * abs(Double(v[row, column]))
        }
      }
      return sum
    }
    var v = Self.weights
    for _ in 0..<4000 {
      let slope = Self.gradient(v, gram)
      for row in 0..<24 {
        for column in 0..<40 {
          let moved = Double(v[row, column]) - slope[row][column] / trace
          v[row, column] = Float(
            moved > 0 ? max(0, moved - lambda / trace) : min(0, moved + lambda / trace))
        }
      }
    }
    let reached = objective(layer.weights)
    #expect(reached <= objective(v) * 1.001)
    #expect(abs(layer.summary.solver!.objective - reached) < 1e-3 * reached)
  }

  @Test(arguments: Regularizer.allCases.filter { $0 != .none })
  func aSparsityIsMetExactly(regularizer: Regularizer) throws {
    let known = try statistics(40)
    for pattern in ["1x1", "8x1", "4x4"] {
      for sparsity in [0.3, 0.7, 0.9] {
        let layer = try prune(
          Self.weights, named: "w",
          knobs: Self.turned(pattern, .sparsity(sparsity), regularizer), statistics: known)
        let plain = try prune(
          Self.weights, named: "w", knobs: knobs(pattern, .sparsity(sparsity)), statistics: known)
        #expect(
          layer.summary.unitsKept == plain.summary.unitsKept,
          "\(regularizer) \(pattern) \(sparsity)")
        #expect(layer.summary.nonzeros == plain.summary.nonzeros)
        for index in layer.weights.values.indices where !layer.mask[index / 40, index % 40] {
          #expect(layer.weights.values[index] == 0)
        }
      }
    }
  }

  @Test func theLargestStrengthEmptiesTheLayerAndZeroLeavesIt() throws {
    let known = try statistics(40)
    for regularizer in [Regularizer.l1, .groupLasso, .sparseGroupLasso] {
      func run(_ fraction: Double) throws -> PrunedLayer {
        try prune(
          Self.weights, named: "w", knobs: Self.turned("8x1", .lambda(fraction), regularizer),
          statistics: known)
      }
      #expect(try run(1.01).summary.nonzeros == 0)
      #expect(try run(0.9).summary.nonzeros > 0)
      let free = try run(0)
      #expect(free.summary.nonzeros == 24 * 40)
      #expect(free.summary.weightError < 1e-2)
    }
  }

  @Test func aWarmStartAgreesWithAColdOneAndIsShorter() throws {
    let known = try statistics(40)
    let pruner = try LayerPruner(Self.weights, named: "w", statistics: known)
    var before = 0
    for fraction in [0.5, 0.4, 0.3, 0.25] {
      let warm = try pruner.prune(Self.turned("8x1", .lambda(fraction), .groupLasso))
      let cold = try prune(
        Self.weights, named: "w", knobs: Self.turned("8x1", .lambda(fraction), .groupLasso),
        statistics: known)
      let distance = zip(warm.weights.values, cold.weights.values).reduce(0.0) {
        $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
      }
      let size = cold.weights.values.reduce(0.0) { $0 + Double($1 * $1) }
      #expect((distance / size).squareRoot() < 0.02)
      let total = warm.summary.solver!.iterations
      if before > 0 { #expect(total - before < 25) }
      before = total
    }
  }

  @Test func iteratesAreStreamedAndCanBeCancelled() throws {
    let known = try statistics(40)
    var seen: [Int] = []
    _ = try prune(
      Self.weights, named: "w", knobs: Self.turned("8x1", .lambda(0.3), .groupLasso),
      statistics: known
    ) {
      seen.append($0.solver!.iterations)
      return true
    }
    #expect(seen == Array(1...seen.count) && seen.count > 2)
    var calls = 0
    for amount in [Amount.lambda(0.3), .sparsity(0.7)] {
      calls = 0
      #expect(throws: PruningError.cancelled(tensor: "w")) {
        try prune(
          Self.weights, named: "w", knobs: Self.turned("8x1", amount, .groupLasso),
          statistics: known
        ) { _ in
          calls += 1
          return calls < 3
        }
      }
      #expect(calls == 3)
    }
  }

  @Test func reorderedBlocksAreSolvedInTheirLayout() throws {
    let known = try statistics(40)
    let layer = try prune(
      Self.weights, named: "w", knobs: Self.turned("8x8/tetris", .sparsity(0.6), .groupLasso),
      statistics: known)
    let moved = layer.mask.reordered(rows: layer.rowOrder, columns: layer.columnOrder)
    #expect(layer.rowOrder != nil && layer.columnOrder != nil)
    for row in 0..<24 {
      for column in 0..<40 {
        #expect(moved[row, column] == moved[row / 8 * 8, column / 8 * 8])
      }
    }
    #expect(layer.summary.unitsKept == 6)
  }

  @Test func reconstructionNeedsActivations() throws {
    #expect(throws: PruningError.needsActivations(tensor: "w", what: "solve reconstruct")) {
      try prune(
        Self.weights, named: "w", knobs: Self.turned("8x1", .lambda(0.3)), statistics: nil)
    }
  }

  @Test func thePathCanBeCancelledBetweenTwoPoints() throws {
    let known = try statistics(40)
    var (points, iterates) = (0, 0)
    #expect(throws: PruningError.cancelled(tensor: "w")) {
      try regularizationPath(
        Self.weights, named: "w", knobs: Self.turned("8x1", .lambda(0.5), .groupLasso),
        statistics: known, points: 8,
        progress: {
          points = $0.points.count
          iterates = 0
          return true
        },
        iterate: { _ in
          iterates += 1
          return points < 3 || iterates < 2
        })
    }
    #expect(points == 3 && iterates == 2)
  }

  @Test func thePathFallsFromEmptyToFull() throws {
    let known = try statistics(40)
    for solve in Solve.allCases where !solve.isGreedy {
      var turned = try Self.turned("8x1", .lambda(0.5), .groupLasso)
      turned.solve = solve
      var lengths: [Int] = []
      let path = try regularizationPath(
        Self.weights, named: "w", knobs: turned, statistics: known, points: 8
      ) {
        lengths.append($0.points.count)
        return true
      }
      #expect(lengths == Array(1...8))
      #expect(path.isFinal && path.points.count == 8)
      #expect(path.points[0].sparsity == 1 && path.points[0].lambda == 1)
      #expect(abs(path.points[0].outputError! - 1) < 1e-4)
      for (above, below) in zip(path.points, path.points.dropFirst()) {
        #expect(below.sparsity <= above.sparsity && below.lambda < above.lambda)
        #expect(below.outputError! <= above.outputError! + 0.02)
        #expect(above.sparsity == 0 || above.outputErrorRandom! > 0)
      }
    }
  }
}
