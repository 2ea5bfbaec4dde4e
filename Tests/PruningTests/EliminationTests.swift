import Experiments
import Foundation
import Tensors
import Testing

@testable import Pruning

/// The greedy second-order solvers, against the papers' definitions in doubles and by hand.
@Suite struct EliminationTests {
  static func turned(
    _ pattern: String, _ sparsity: Double, _ solve: Solve
  ) throws -> Knobs {
    let word = try Pattern(parsing: pattern)
    var turned = try knobs(pattern, .sparsity(word.fixedSparsity ?? sparsity))
    turned.solve = solve
    return turned
  }

  static func units(_ pattern: Pattern, rows: Int, columns: Int) -> (Int, Int) {
    switch pattern.base {
    case .block(let height, let width): (min(height, rows), min(width, columns))
    case .row: (1, columns)
    case .column: (rows, 1)
    case .tile(let width): (min(width, rows), 1)
    default: fatalError("no units")
    }
  }

  /// Two inputs, `H' = [2 1; 1 2]`, `w = (3, 1)`.
  ///
  /// `H'⁻¹ = [2 -1; -1 2]/3`. Removing the first weight costs 9/(2/3) = 13.5 and leaves
  /// 1 + 3·(1/2) = 2.5; removing the second costs 1.5 and leaves 3 + 1/2 = 3.5. What is left then costs
  /// w²·2 alone: 24.5.
  static func handmade() throws -> CalibrationStatistics {
    // The damping adds 0.1·mean to the diagonal: 20/11 gives 2 with it.
    let lifted = Float(20.0 / 11)
    return try CalibrationStatistics(
      gram: Matrix(rows: 2, columns: 2, values: [lifted, 1, 1, lifted]), rows: 1000,
      evaluationGram: nil, evaluationRows: 0, identity: "by hand")
  }

  @Test func aPairByHandLosesTheCheaperWeightAndTheOtherAnswers() throws {
    let weights = Matrix(rows: 1, columns: 2, values: [3, 1])
    let known = try Self.handmade()
    let elimination = BlockElimination(
      grid: UnitGrid(rows: 1, columns: 2, blockRows: 1, blockColumns: 1),
      inverse: try #require(known.dampedInverse))
    let trace = try #require(elimination.trace(of: weights) { _ in true })
    #expect(trace.order == [1, 0])
    #expect(abs(trace.costs[0] - 1.5) < 1e-5 && abs(trace.costs[1] - 24.5) < 1e-4)
    let layer = try prune(
      weights, named: "w", knobs: Self.turned("1x1", 0.5, .obc), statistics: known)
    #expect(layer.mask[0, 0] && !layer.mask[0, 1])
    #expect(abs(layer.weights[0, 0] - 3.5) < 1e-5 && layer.weights[0, 1] == 0)
    // The sweep sees the first column in the inverse of both, 9/(2/3), and the second alone, 1·2.
    let swept = try prune(
      weights, named: "w", knobs: Self.turned("1x1", 0.5, .sweep), statistics: known)
    #expect(swept.mask[0, 0] && !swept.mask[0, 1])
    // Nothing follows the second column, so nothing answers.
    #expect(swept.weights[0, 0] == 3)
    #expect(swept.summary.criterion == .obs)
  }

  @Test func aSweptFirstColumnIsAnsweredByTheSecond() throws {
    let weights = Matrix(rows: 1, columns: 2, values: [1, 3])
    let layer = try prune(
      weights, named: "w", knobs: Self.turned("1:2", 0.5, .sweep), statistics: Self.handmade())
    #expect(!layer.mask[0, 0] && layer.mask[0, 1])
    #expect(abs(layer.weights[0, 1] - 3.5) < 1e-5)
  }

  @Test(arguments: ["1x1", "3x1", "2x2", "4x3", "1x5", "row", "column", "tw3", "30x40"])
  func eliminationFollowsItsDefinition(pattern: String) throws {
    let (rows, columns) = (7, 18)
    let weights = gaussian(rows, columns, seed: 401)
    let known = try statistics(columns)
    let word = try Pattern(parsing: pattern)
    let (height, width) = Self.units(word, rows: rows, columns: columns)
    let naive = NaiveElimination(weights, damped: try #require(known.dampedGram))
    let traces = naive.trace(height, width)
    let unitColumns = (columns + width - 1) / width
    let total = traces.count * unitColumns
    for sparsity in [0.0, 0.3, 0.5, 0.8, 1] {
      let layer = try prune(
        weights, named: "w", knobs: Self.turned(pattern, sparsity, .obc), statistics: known)
      var count = total - unitsKept(of: total, sparsity: sparsity)
      if word.countsWeights {
        // The most tile columns that leave enough weights.
        let target = weights.count - Int((sparsity * Double(weights.count) + 1e-6).rounded(.down))
        count = (0...total).last { count in
          let gone = NaiveElimination.gone(traces, count: count)
          let held = gone.reduce(weights.count) {
            $0 - min(height, rows - $1[0] * height)
          }
          return held >= target
        }!
      }
      let gone = NaiveElimination.gone(traces, count: count)
      for row in 0..<rows {
        for column in 0..<columns {
          #expect(
            layer.mask[row, column] == !gone.contains([row / height, column / width]),
            "\(pattern) \(sparsity) \(row) \(column)")
        }
      }
      #expect(layer.summary.nonzeros == layer.mask.count)
    }
  }

  @Test(arguments: ["2:4", "1:3", "3:5"])
  func groupsLoseTheirCheapestInTurn(pattern: String) throws {
    let weights = gaussian(5, 17, seed: 402)
    let known = try statistics(17)
    guard case .nm(let kept, let group) = try Pattern(parsing: pattern).base else { return }
    let damped = try #require(known.dampedGram)
    let eliminated = try prune(
      weights, named: "w", knobs: Self.turned(pattern, 0, .obc), statistics: known)
    let naive = NaiveElimination(weights, damped: damped)
    #expect(eliminated.mask == naive.groupMask(kept: kept, group: group))
    let swept = try prune(
      weights, named: "w", knobs: Self.turned(pattern, 0, .sweep), statistics: known)
    var other = NaiveElimination(weights, damped: damped)
    #expect(swept.mask == other.sweep(kept: kept, group: group))
    expectEqual(swept.weights, other.weights)
  }

  @Test(arguments: ["1x1", "3x1", "2x2", "4x3", "1x5", "column", "tw4"])
  func sweepsFollowTheirDefinition(pattern: String) throws {
    // Wider than a batch, so errors travel through the product too.
    let (rows, columns) = (6, 140)
    let weights = gaussian(rows, columns, seed: 403)
    let known = try statistics(columns)
    let word = try Pattern(parsing: pattern)
    let (height, width) = Self.units(word, rows: rows, columns: columns)
    let batch = max(width, 128 / width * width)
    let total = (rows + height - 1) / height * ((columns + width - 1) / width)
    for sparsity in [0.5, 0.8] {
      let layer = try prune(
        weights, named: "w", knobs: Self.turned(pattern, sparsity, .sweep), statistics: known)
      var gone = total - unitsKept(of: total, sparsity: sparsity)
      if word.countsWeights {
        let target = Double(unitsKept(of: weights.count, sparsity: sparsity))
        gone = total - Int((target * Double(total) / Double(weights.count)).rounded(.up))
      }
      var naive = NaiveElimination(weights, damped: try #require(known.dampedGram))
      #expect(layer.mask == naive.sweep(height, width, gone: gone, batch: batch))
      expectEqual(layer.weights, naive.weights)
    }
  }

  /// F32 through some 140 columns of updates whose factors are below 1.
  func expectEqual(_ matrix: Matrix, _ exact: [[Double]]) {
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns {
        #expect(abs(Double(matrix[row, column]) - exact[row][column]) < 2e-4)
      }
    }
  }

  @Test func theFactorIsARootOfTheInverse() throws {
    for size in [1, 2, 63, 64, 65, 130, 257] {
      let damped = try #require(try statistics(size, rows: 600).dampedGram)
      let factor = inverseFactor(damped)
      let inverse = NaiveElimination(Matrix(rows: 1, columns: size), damped: damped)
        .inverse(of: Array(0..<size))
      let largest = inverse.flatMap { $0 }.map(abs).max()!
      for row in 0..<size {
        for column in 0..<row { #expect(factor[row, column] == 0) }
      }
      for row in Set([0, size / 2, size - 1]) {
        for column in 0..<size {
          let sum = (0...min(row, column)).reduce(0.0) {
            $0 + Double(factor[$1, row]) * Double(factor[$1, column])
          }
          #expect(abs(sum - inverse[row][column]) < 3e-5 * largest, "\(size) \(row) \(column)")
        }
      }
    }
  }

  /// Inputs that share a dozen strong factors, so that weights can answer for one another.
  static func correlated(_ inputs: Int) throws -> CalibrationStatistics {
    let loadings = gaussian(12, inputs, seed: 410)
    func rows(_ count: Int, _ seed: UInt64) -> Matrix {
      let factors = gaussian(count, 12, seed: seed)
      var noise = gaussian(count, inputs, seed: seed + 1)
      for row in 0..<count {
        for column in 0..<inputs {
          noise[row, column] +=
            (0..<12).reduce(Float(0)) { $0 + factors[row, $1] * loadings[$1, column] }
        }
      }
      return noise
    }
    return try CalibrationStatistics(
      calibration: rows(900, 411), evaluation: rows(300, 413), identity: "factors")
  }

  @Test(arguments: ["1x1", "8x1", "4x4", "2:4", "tw8", "8x8/tetris"])
  func whereInputsShareFactorsEliminationBeatsOneShotMasks(pattern: String) throws {
    let weights = gaussian(48, 96, seed: 404)
    let known = try Self.correlated(96)
    func error(_ solve: Solve) throws -> Double {
      let turned = try Self.turned(pattern, 0.6, solve)
      let layer = try prune(weights, named: "w", knobs: turned, statistics: known)
      #expect(layer.summary.nonzeros == layer.mask.count)
      let report = quality(of: layer, original: weights, knobs: turned, statistics: known)
      return try #require(report.outputError)
    }
    let oneShot = try error(.prox)
    #expect(try error(.obc) < oneShot * 1.001)
    // A sweep cannot look ahead, so it only has to come near; and reordered columns, the best gathered
    // together, are what its even share per batch of columns is worst at.
    if !pattern.contains("/") { #expect(try error(.sweep) < oneShot * 1.1) }
  }

  @Test func solvedWeightsBeatTheirMaskAlone() throws {
    let weights = gaussian(32, 64, seed: 405)
    let known = try Self.correlated(64)
    for solve in [Solve.sweep, .obc] {
      var turned = try Self.turned("1x1", 0.6, solve)
      turned.refit = false
      var layer = try prune(weights, named: "w", knobs: turned, statistics: known)
      func error() throws -> Double {
        try #require(
          quality(of: layer, original: weights, knobs: turned, statistics: known).outputError)
      }
      let solved = try error()
      layer.weights = weights.masked(by: layer.mask)
      #expect(try error() > solved * 1.1)
    }
  }

  @Test func whatASolverCannotDecideIsSaid() throws {
    let weights = gaussian(16, 24, seed: 406)
    let known = try statistics(24)
    func message(_ change: (inout Knobs) -> Void, _ known: CalibrationStatistics?) -> String {
      var turned = (try? Self.turned("4x1", 0.5, .obc)) ?? Knobs()
      change(&turned)
      do {
        _ = try prune(weights, named: "w", knobs: turned, statistics: known)
        return ""
      } catch { return error.description }
    }
    #expect(message({ _ in }, nil).contains("solve obc needs calibration activations"))
    #expect(message({ $0.amount = .lambda(0.5) }, known).contains("set the sparsity"))
    #expect(message({ $0.regularizer = .groupLasso }, known).contains("regularizer none"))
    #expect(message({ try? $0.set(.pattern, to: "tew4+5%") }, known).contains("tew4+5%"))
    #expect(message({ try? $0.set(.pattern, to: "tvw4") }, known).contains("use twG, RxC or N:M"))
    #expect(
      message(
        {
          $0.solve = .sweep
          try? $0.set(.pattern, to: "row")
        }, known
      ).contains("a whole row leaves no column"))
    #expect(
      message(
        {
          try? $0.set(.pattern, to: "tw4")
          $0.rowsShare = 0.5
        }, known
      ).contains("rows-share 0"))
    let pruner = try LayerPruner(weights, named: "w", statistics: known)
    #expect(throws: PruningError.self) {
      try pruneGlobally([pruner], knobs: Self.turned("4x1", 0.5, .sweep))
    }
    #expect(throws: PruningError.cancelled(tensor: "w")) {
      try pruner.prune(Self.turned("4x1", 0.5, .obc)) { _ in false }
    }
    #expect(throws: PruningError.cancelled(tensor: "w")) {
      try pruner.prune(Self.turned("4x1", 0.5, .sweep)) { _ in false }
    }
  }

  @Test func deadInputsAndEmptyRequestsAreHandled() throws {
    var rows = activations(300, 20, seed: 11)
    for row in 0..<300 { rows[row, 3] = 0 }
    let known = try CalibrationStatistics(
      calibration: rows, evaluation: rows, identity: "dead input")
    let weights = gaussian(8, 20, seed: 407)
    for solve in [Solve.sweep, .obc] {
      for sparsity in [0.0, 0.5, 1] {
        let layer = try prune(
          weights, named: "w", knobs: Self.turned("2x1", sparsity, solve), statistics: known)
        #expect(!layer.weights.values.contains { !$0.isFinite })
        #expect(layer.mask.count == Int((1 - sparsity) * 160))
        if sparsity == 0 { #expect(layer.weights == weights) }
      }
    }
    // All weights equal to zero: every cost is 0 and ties decide.
    let zeros = Matrix(rows: 8, columns: 20)
    let layer = try prune(
      zeros, named: "w", knobs: Self.turned("1x1", 0.5, .obc), statistics: known)
    #expect(layer.mask.count == 80)
  }

  @Test func aWeightsReportFollowsTheSolversMask() throws {
    let weights = gaussian(8, 20, seed: 408)
    let pruner = try LayerPruner(weights, named: "w", statistics: statistics(20))
    let turned = try Self.turned("2x1", 0.5, .obc)
    let mask = try pruner.prune(turned).mask
    for column in 0..<20 {
      let report = try pruner.report(row: 3, column: column, knobs: turned)
      #expect(report.kept == mask[3, column] && report.reason.contains("solve obc"))
    }
  }
}
