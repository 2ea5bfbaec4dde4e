import Experiments
import Tensors

/// The penalty Ω whose strength λ sets, over the units of a grid.
///
/// | regularizer | Ω(V) |
/// | --- | --- |
/// | l1 | `Σ|v|` |
/// | group lasso | `Σ_b √|b|·‖V_b‖` |
/// | sparse group lasso | half of each |
/// | reweighted | the same with a weight `1/(‖V_b‖/mean‖V_b‖ + 0.1)` on each unit (on each |v| for l1), taken from the last solution (Guo et al. 2019, RPP) |
///
/// A unit is pruned when all of it is zero, so under l1 a block dies with its largest weight.
struct Penalty: Sendable {
  enum Shape: Sendable { case absolute, group, mixed }

  let shape: Shape
  let isReweighted: Bool
  let grid: UnitGrid
  /// Per element for l1, per unit for groups; empty is all ones.
  private(set) var weights: [Float] = []

  init(_ regularizer: Regularizer, grid: UnitGrid) {
    self.grid = grid
    switch regularizer {
    case .l1, .reweightedL1: shape = .absolute
    case .none, .groupLasso, .reweightedGroupLasso: shape = .group
    case .sparseGroupLasso: shape = .mixed
    }
    isReweighted = regularizer == .reweightedL1 || regularizer == .reweightedGroupLasso
  }

  /// The same penalty with the weights that a solution gives.
  func reweighted(by solution: Matrix) -> Penalty {
    var copy = self
    let sizes: [Float]
    switch shape {
    case .absolute: sizes = solution.values.map(\.magnitude)
    case .group, .mixed: sizes = solution.squares(of: grid).map { $0.squareRoot() }
    }
    let mean = Float(sizes.reduce(0.0) { $0 + Double($1) } / Double(max(1, sizes.count)))
    copy.weights = sizes.map { 1 / ((mean > 0 ? $0 / mean : 0) + 0.1) }
    return copy
  }

  private func weight(_ index: Int) -> Float { weights.isEmpty ? 1 : weights[index] }

  /// For each unit the least strength λ at which the proximal step of `matrix` removes it.
  ///
  /// Its maximum over the units of `W·H` is the λ that empties the layer: the dual norm of Ω.
  func criticalStrengths(of matrix: Matrix) -> [Float] {
    switch shape {
    case .group:
      let squares = matrix.squares(of: grid)
      return squares.indices.map { unit in
        squares[unit].squareRoot() / (Float(grid.size(unit)).squareRoot() * weight(unit))
      }
    case .absolute:
      return largest(in: matrix)
    case .mixed:
      return (0..<grid.count).map { mixedStrength(matrix, unit: $0) }
    }
  }

  private func largest(in matrix: Matrix) -> [Float] {
    if grid.count == matrix.count, weights.isEmpty { return matrix.values.map(\.magnitude) }
    var result = [Float](repeating: 0, count: grid.count)
    for row in 0..<matrix.rows {
      let first = row / grid.blockRows * grid.unitColumns
      for column in 0..<matrix.columns {
        let index = row &* matrix.columns &+ column
        let unit = first &+ column / grid.blockColumns
        result[unit] = max(result[unit], matrix.values[index].magnitude / weight(index))
      }
    }
    return result
  }

  /// The root of `‖soft(W_b, λ/2)‖ = λ/2·√|b|`, by bisection; the left side falls, the right rises.
  private func mixedStrength(_ matrix: Matrix, unit: Int) -> Float {
    var values: [Float] = []
    for row in grid.rowRange(unit / grid.unitColumns) {
      for column in grid.columnRange(unit % grid.unitColumns) {
        values.append(matrix[row, column].magnitude)
      }
    }
    let root = Float(values.count).squareRoot()
    var (low, high) = (Float(0), 2 * (values.max() ?? 0))
    for _ in 0..<26 where high - low > 1e-7 * high {
      let middle = 0.5 * (low + high)
      var sum: Float = 0
      for value in values {
        let left = max(0, value - 0.5 * middle)
        sum += left * left
      }
      if sum.squareRoot() > 0.5 * middle * root { low = middle } else { high = middle }
    }
    return high
  }

  /// `argmin_V ½‖V - matrix‖² + strength·Ω(V)`, in place; what dies is exactly zero.
  func shrink(_ matrix: inout Matrix, strength: Float) {
    switch shape {
    case .absolute: soften(&matrix, by: strength)
    case .group: shrinkGroups(&matrix, by: strength)
    case .mixed:
      soften(&matrix, by: 0.5 * strength)
      shrinkGroups(&matrix, by: 0.5 * strength)
    }
  }

  private func soften(_ matrix: inout Matrix, by strength: Float) {
    let count = matrix.values.count
    matrix.values.withUnsafeMutableBufferPointer { values in
      if weights.isEmpty || shape == .mixed {
        for index in 0..<count {
          let value = values[index]
          values[index] = value - min(max(value, -strength), strength)
        }
      } else {
        weights.withUnsafeBufferPointer { weights in
          for index in 0..<count {
            let (value, bound) = (values[index], strength * weights[index])
            values[index] = value - min(max(value, -bound), bound)
          }
        }
      }
    }
  }

  private func shrinkGroups(_ matrix: inout Matrix, by strength: Float) {
    let squares = matrix.squares(of: grid)
    let columns = grid.columns
    var factors = [Float](repeating: 0, count: columns)
    for unitRow in 0..<grid.unitRows {
      let rows = grid.rowRange(unitRow)
      for unitColumn in 0..<grid.unitColumns {
        let unit = unitRow &* grid.unitColumns &+ unitColumn
        let range = grid.columnRange(unitColumn)
        let bound = strength * Float(rows.count &* range.count).squareRoot() * weight(unit)
        let norm = squares[unit].squareRoot()
        let factor = norm > bound ? 1 - bound / norm : 0
        for column in range { factors[column] = factor }
      }
      matrix.values.withUnsafeMutableBufferPointer { values in
        factors.withUnsafeBufferPointer { factors in
          for row in rows {
            let line = values.baseAddress! + row &* columns
            for column in 0..<columns { line[column] *= factors[column] }
          }
        }
      }
    }
  }

  /// Ω(matrix).
  func value(of matrix: Matrix) -> Double {
    var absolute = 0.0
    if shape != .group {
      for index in matrix.values.indices {
        let one = shape == .absolute ? weight(index) : 1
        absolute += Double(matrix.values[index].magnitude * one)
      }
    }
    if shape == .absolute { return absolute }
    let squares = matrix.squares(of: grid)
    var groups = 0.0
    for unit in 0..<grid.count {
      groups +=
        Double(grid.size(unit)).squareRoot() * Double(squares[unit]).squareRoot()
        * Double(weight(unit))
    }
    return shape == .group ? groups : 0.5 * (absolute + groups)
  }
}

extension Matrix {
  /// `Σw²` of every unit of a grid.
  func squares(of grid: UnitGrid) -> [Float] {
    var result = [Float](repeating: 0, count: grid.count)
    let columns = grid.columns
    var sums = [Float](repeating: 0, count: columns)
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for unitRow in 0..<grid.unitRows {
          for column in 0..<columns { sums[column] = 0 }
          for row in grid.rowRange(unitRow) {
            let line = values.baseAddress! + row &* columns
            for column in 0..<columns { sums[column] += line[column] * line[column] }
          }
          let first = unitRow &* grid.unitColumns
          if grid.blockColumns == 1 {
            for column in 0..<columns { result[first &+ column] = sums[column] }
          } else {
            for unitColumn in 0..<grid.unitColumns {
              var sum: Float = 0
              for column in grid.columnRange(unitColumn) { sum += sums[column] }
              result[first &+ unitColumn] = sum
            }
          }
        }
      }
    }
    return result
  }
}
