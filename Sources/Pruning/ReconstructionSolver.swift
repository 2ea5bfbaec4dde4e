import Experiments
import Glibc
import Kernels
import Tensors

/// Solves `min_V ½·tr((V-W) H (V-W)ᵀ) + λ·Ω(V)` for one layer, warm from one λ to the next.
///
/// ADMM on `V = Z`: `V = (W·H + ρ(Z - U))(H + ρI)⁻¹`, over-relaxed by 1.6, `Z = prox(V + U)` with step
/// `λ/ρ`, `U += V - Z` (Boyd et al. 2011, 3.4 and 6.4). `ρ = max(0.3·geomean(diag H), λ·√|b|/rms block
/// norm)` and both `Z` and `U` are carried over, `U` rescaled by the change of ρ: 4 to 8 iterations a
/// slider step on 384x384 layers, where FISTA with restart takes 10 to 25 and ADMM with a fixed ρ 13 to
/// 20. `(H + ρI)⁻¹` is inverted anew for each ρ: on the fast product that costs a few iterations, and
/// less than the eigendecomposition that would serve all ρ.
///
/// Zeros of `Z` are exact, so the mask can be read off any iterate.
struct ReconstructionSolver: Sendable {
  let weights: Matrix
  private let gram: Matrix
  private let image: Matrix
  private let floor: Float
  private let blockRoot: Float
  private let blockNorm: Float
  /// The λ that empties the layer under the unweighted penalty.
  let emptying: Float
  private let plain: Penalty
  private(set) var penalty: Penalty

  /// The solution so far, exact zeros included.
  private(set) var solution: Matrix
  private var dual: Matrix
  private var rho: Float = 0
  private var inverse: Matrix?
  private(set) var iterations = 0
  /// Of the last iteration: the fit of the smooth half plus the penalty of the sparse one, and the
  /// larger of the relative primal and dual residuals.
  private(set) var objective = 0.0
  private(set) var residual = 1.0

  /// - Parameters:
  ///   - weights: `[outputs, inputs]`, in the layout of the penalty's units.
  ///   - gram: `H` in the same column order.
  init(weights: Matrix, gram: Matrix, penalty: Penalty) {
    self.weights = weights
    self.gram = gram
    self.plain = penalty
    self.penalty = penalty
    image = Product.multiply(weights, gram)
    emptying = penalty.criticalStrengths(of: image).max() ?? 0
    let mean = (0..<gram.rows).reduce(0.0) { $0 + Double(gram[$1, $1]) } / Double(gram.rows)
    let logs = (0..<gram.rows).reduce(0.0) {
      $0 + log(max(Double(gram[$1, $1]), 1e-3 * mean))
    }
    floor = Float(0.3 * exp(logs / Double(gram.rows)))
    let squares = weights.squares(of: penalty.grid)
    let total = squares.reduce(0.0) { $0 + Double($1) }
    blockNorm = Float((total / Double(max(1, squares.count))).squareRoot())
    blockRoot = Float(Double(weights.count) / Double(max(1, squares.count))).squareRoot()
    solution = weights
    dual = Matrix(rows: weights.rows, columns: weights.columns)
  }

  /// Iterates at one λ until both residuals fall below `tolerance`, or `limit` is reached.
  ///
  /// - Parameters:
  ///   - strength: λ itself, not a fraction.
  ///   - onIterate: Called after each iteration with the solver; false cancels.
  /// - Returns: Whether it was let run.
  mutating func solve(
    strength: Float, tolerance: Float, limit: Int, onIterate: (borrowing Self) -> Bool
  ) -> Bool {
    setRho(strength)
    for _ in 0..<limit {
      let residual = iterate(strength)
      iterations += 1
      if !onIterate(self) { return false }
      if residual < tolerance { break }
    }
    return true
  }

  /// Takes the solution from `emptying` on: nothing is left, and the dual holds `W·H/ρ` in balance.
  mutating func empty(strength: Float) {
    penalty = plain
    setRho(strength)
    solution = Matrix(rows: weights.rows, columns: weights.columns)
    dual = image
    for index in dual.values.indices { dual.values[index] /= rho }
    objective = 0.5 * image.rowProducts(weights).reduce(0, +)
    residual = 0
  }

  private mutating func setRho(_ strength: Float) {
    let group = blockNorm > 0 ? strength * blockRoot / blockNorm : 0
    let wanted = max(floor, group, .leastNormalMagnitude)
    // A factor below 1.25 is not worth an inversion.
    if rho > 0, wanted / rho < 1.25, rho / wanted < 1.25 { return }
    if rho > 0 {
      let ratio = rho / wanted
      for index in dual.values.indices { dual.values[index] *= ratio }
    }
    rho = wanted
    var lifted = gram
    for input in 0..<gram.rows { lifted[input, input] += rho }
    inverse = inverseOfPositiveDefinite(lifted)
  }

  /// One iteration; the larger of the relative primal and dual residuals.
  private mutating func iterate(_ strength: Float) -> Float {
    let rho = rho
    // W·H + ρ(Z - U)
    var right = image
    right.combine(solution, dual) { $0 + rho * ($1 - $2) }
    let smooth = Product.multiply(right, inverse!)
    // V solves V·(H + ρI) = right, so (V - W)·H = right - ρV - W·H needs no product of its own.
    let force = Self.sums(smooth, weights, right, image) { v, w, r, h in
      (v - w) * (r - rho * v - h)
    }
    // V + U, over-relaxed towards the old Z.
    var target = smooth
    target.combine(solution, dual) { 1.6 * $0 - 0.6 * $1 + $2 }
    var next = target
    penalty.shrink(&next, strength: strength / rho)
    dual = target
    dual.combine(next, next) { target, z, _ in target - z }
    let primal = Self.sums(smooth, next, next, next) { v, z, _, _ in (v - z) * (v - z) }
    let moved = Self.sums(next, solution, next, next) { z, old, _, _ in (z - old) * (z - old) }
    let sizeV = Self.sums(smooth, smooth, smooth, smooth) { v, _, _, _ in v * v }
    let sizeZ = Self.sums(next, next, dual, dual) { z, _, _, _ in z * z }
    let sizeU = Self.sums(dual, dual, dual, dual) { u, _, _, _ in u * u }
    solution = next
    objective = 0.5 * force + Double(strength) * penalty.value(of: next)
    let first = (primal / max(sizeV, sizeZ, 1e-30)).squareRoot()
    let second = (moved / max(sizeU, sizeZ, 1e-30)).squareRoot()
    residual = max(first, second)
    return Float(residual)
  }

  /// `Σ term(a, b, c, d)` over all elements, in 16 lanes a row.
  @inline(__always)
  private static func sums(
    _ a: Matrix, _ b: Matrix, _ c: Matrix, _ d: Matrix,
    _ term: (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>, SIMD16<Float>) -> SIMD16<Float>
  ) -> Double {
    let columns = a.columns
    let whole = columns / 16 * 16
    var total = 0.0
    a.values.withUnsafeBytes { a in
      b.values.withUnsafeBytes { b in
        c.values.withUnsafeBytes { c in
          d.values.withUnsafeBytes { d in
            func load(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> SIMD16<Float> {
              bytes.loadUnaligned(fromByteOffset: index &* 4, as: SIMD16<Float>.self)
            }
            func one(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> SIMD16<Float> {
              var lanes = SIMD16<Float>.zero
              lanes[0] = bytes.load(fromByteOffset: index &* 4, as: Float.self)
              return lanes
            }
            var index = 0
            let count = a.count / 4
            while index < count {
              let end = index &+ whole
              var sum = SIMD16<Float>.zero
              while index < end {
                sum += term(load(a, index), load(b, index), load(c, index), load(d, index))
                index &+= 16
              }
              for _ in whole..<columns {
                sum += term(one(a, index), one(b, index), one(c, index), one(d, index))
                index &+= 1
              }
              total += Double(sum.sum())
            }
          }
        }
      }
    }
    return total
  }

  /// Forgets the weights of earlier solutions.
  mutating func resetWeights() { penalty = plain }

  /// Replaces the penalty's weights by those of the present solution.
  mutating func reweight() { penalty = plain.reweighted(by: solution) }

  /// How the present iterate stands, without a product of its own.
  var progress: SolverReport {
    SolverReport(
      iterations: iterations, objective: objective, residual: residual,
      measure: "ADMM residual", converged: false)
  }

  /// Units that are not all zero.
  var unitsAlive: Int {
    solution.squares(of: penalty.grid).reduce(0) { $0 + ($1 > 0 ? 1 : 0) }
  }

  /// Objective, and how far the solution is from a fixed point of the proximal gradient step, relative
  /// to the gradient at zero: `‖Z - prox(Z - t·G)‖/t / ‖W·H‖`, `G = (Z - W)·H`, `t = 1/ρ`.
  func report(strength: Float, tolerance: Double) -> SolverReport {
    var difference = solution
    difference.subtract(weights)
    let gradient = Product.multiply(difference, gram)
    let fit = 0.5 * gradient.rowProducts(difference).reduce(0, +)
    let step = 1 / max(rho, .leastNormalMagnitude)
    var moved = solution
    moved.addRows([Float](repeating: -step, count: weights.rows), of: gradient)
    penalty.shrink(&moved, strength: strength * step)
    moved.subtract(solution)
    let distance = moved.rowProducts(moved).reduce(0, +).squareRoot() / Double(step)
    let scale = image.rowProducts(image).reduce(0, +).squareRoot()
    let residual = scale > 0 ? distance / scale : 0
    return SolverReport(
      iterations: iterations, objective: fit + Double(strength) * penalty.value(of: solution),
      residual: residual, measure: "KKT residual relative to |WH|",
      converged: residual <= tolerance)
  }
}

extension Matrix {
  /// `self[i] = term(self[i], a[i], b[i])`.
  @inline(__always)
  mutating func combine(_ a: Matrix, _ b: Matrix, _ term: (Float, Float, Float) -> Float) {
    let count = values.count
    values.withUnsafeMutableBufferPointer { values in
      a.values.withUnsafeBufferPointer { a in
        b.values.withUnsafeBufferPointer { b in
          for index in 0..<count { values[index] = term(values[index], a[index], b[index]) }
        }
      }
    }
  }
}
