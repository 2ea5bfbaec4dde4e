import Experiments
import Kernels
public import Tensors

/// Re-solves the kept weights of a pruned layer for the least damped output error.
///
/// Row by row, with support `s`: `H'_ss v = H'_s: wᵀ`, `w` the original row and
/// `H' = H + damping·mean(diag H)·I`. Rows that share a support (the rows of a block row or a tile)
/// share one Cholesky factorisation in double precision; where supports differ from row to row and are
/// large, all rows are solved together by conjugate gradients, one matrix product an iteration.
///
/// - Parameters:
///   - layer: Decides the supports; its weights only matter as a shape.
///   - original: The unpruned weights, `[outputs, inputs]`.
/// - Returns: The layer with new weights; mask, orders and summary are unchanged.
/// - Throws: `needsActivations`, `activationWidth`, `tooWide`, `shape`.
/// - Complexity: Cholesky `|s|³/3` per distinct support and `2·|s|²` per row; conjugate gradients
///   `2·outputs·inputs²` FLOP an iteration, at most 60.
public func refit(
  _ layer: consuming PrunedLayer, original: Matrix, statistics: CalibrationStatistics?
) throws(PruningError) -> PrunedLayer {
  let tensor = layer.summary.tensor
  guard let statistics else { throw .needsActivations(tensor: tensor, what: "refit") }
  guard statistics.inputs == original.columns else {
    throw .activationWidth(
      tensor: tensor, expected: original.columns, found: statistics.inputs)
  }
  guard layer.mask.rows == original.rows, layer.mask.columns == original.columns else {
    throw .shape(
      tensor: tensor, expected: "a mask of \(original.rows)x\(original.columns)",
      found: "\(layer.mask.rows)x\(layer.mask.columns)")
  }
  guard let gram = statistics.gram else {
    throw .tooWide(
      tensor: tensor, inputs: original.columns, limit: CalibrationStatistics.widestGram,
      what: "refit")
  }
  let supports = SharedSupports(layer.mask)
  // From here on they only would take memory.
  layer.weights = Matrix(rows: 0, columns: 0)
  let iterationCost = Double(original.rows) * Double(original.columns) * Double(original.columns)
  // A product runs about 20 times as fast per FLOP as the factorisations here, and ten iterations
  // reach 99.8 % of a refit's gain; 25 leave nothing to see.
  if supports.factorisationCost > iterationCost * 25 * 2 / 20, supports.groups.count > 64 {
    layer.weights = conjugateGradientRefit(
      original: original, mask: layer.mask, damped: gram.lifted(by: statistics.ridge))
  } else {
    layer.weights = choleskyRefit(
      original: original, supports: supports, gram: gram, ridge: statistics.ridge)
  }
  return layer
}

/// `a · b`, 256 columns at a time where there are many: a product copies its operands, and of a wide
/// layer's second moment that is as much as the layer several times over. The sums are the same.
private func productByColumns(_ a: Matrix, _ b: Matrix) -> Matrix {
  guard b.columns > 1024 else { return Product.multiply(a, b) }
  var result = Matrix(rows: a.rows, columns: b.columns)
  for start in stride(from: 0, to: b.columns, by: 256) {
    let range = start..<min(b.columns, start + 256)
    let part = Product.multiply(a, b.columnSlice(range))
    for row in 0..<a.rows {
      for column in range {
        result.values[row * b.columns + column] =
          part.values[row * range.count + column - start]
      }
    }
  }
  return result
}

/// The rows of a mask gathered by equal support.
struct SharedSupports {
  struct Group {
    var columns: [Int]
    var rows: [Int]
  }
  var groups: [Group]

  init(_ mask: Mask) {
    var index: [ArraySlice<UInt64>: Int] = [:]
    groups = []
    for row in 0..<mask.rows {
      let words = mask.words[row * mask.wordsPerRow..<(row + 1) * mask.wordsPerRow]
      if let known = index[words] {
        groups[known].rows.append(row)
      } else {
        index[words] = groups.count
        let columns = (0..<mask.columns).filter { mask[row, $0] }
        groups.append(Group(columns: columns, rows: [row]))
      }
    }
  }

  /// FLOP of factoring every distinct support and solving every row.
  var factorisationCost: Double {
    groups.reduce(0) { sum, group in
      let size = Double(group.columns.count)
      return sum + size * size * size / 3 + 2 * size * size * Double(group.rows.count)
    }
  }
}

/// Solves for the *change* `v - w_s`, whose right-hand side is what the pruned weights contributed, so
/// that an unpruned row is returned bit for bit.
private func choleskyRefit(
  original: Matrix, supports: SharedSupports, gram: Matrix, ridge: Float
) -> Matrix {
  let inputs = original.columns
  // The pruned part of each row through H': right-hand sides of all rows by one product.
  var pruned = original
  for group in supports.groups {
    for row in group.rows {
      for column in group.columns { pruned.values[row * inputs + column] = 0 }
    }
  }
  // Damping is on the diagonal alone, where a row's pruned part meets its own kept inputs as zeros: the
  // product is the same with H and with H', and no damped copy of H is needed.
  let pull = productByColumns(pruned, gram)
  // Its memory is the result's.
  var result = consume pruned
  for index in result.values.indices { result.values[index] = 0 }
  for group in supports.groups where !group.columns.isEmpty {
    let size = group.columns.count
    if size == inputs {
      for row in group.rows {
        for column in 0..<inputs { result[row, column] = original[row, column] }
      }
      continue
    }
    var system = CholeskySystem(gram, support: group.columns, ridge: ridge)
    system.factor()
    let changes = system.solve(rows: group.rows, of: pull, support: group.columns)
    for (index, row) in group.rows.enumerated() {
      for (position, column) in group.columns.enumerated() {
        result.values[row * inputs + column] = Float(
          Double(original.values[row * inputs + column]) + changes[index * size + position])
      }
    }
  }
  return result
}

/// All rows at once: `min_V ½·tr((V-W) H' (V-W)ᵀ)` over matrices with the mask's zeros, by conjugate
/// gradients with a Jacobi preconditioner; rows are independent problems with their own step lengths.
private func conjugateGradientRefit(original: Matrix, mask: Mask, damped: Matrix) -> Matrix {
  let (rows, columns) = (original.rows, original.columns)
  let inverseDiagonal = (0..<columns).map { 1 / max(damped[$0, $0], .leastNormalMagnitude) }
  var solution = original.kept(by: mask)
  var residual = original
  residual.subtract(solution)
  residual = Product.multiply(residual, damped).kept(by: mask)
  var direction = residual.scaled(columns: inverseDiagonal)
  var energy = residual.rowProducts(direction)
  let goal = energy.map { $0 * 1e-12 }
  for _ in 0..<60 {
    if zip(energy, goal).allSatisfy({ $0 <= $1 }) { break }
    let image = Product.multiply(direction, damped).kept(by: mask)
    let curvature = direction.rowProducts(image)
    let steps = (0..<rows).map { row in
      energy[row] > goal[row] && curvature[row] > 0 ? Float(energy[row] / curvature[row]) : 0
    }
    solution.addRows(steps, of: direction)
    residual.addRows(steps.map { -$0 }, of: image)
    let scaled = residual.scaled(columns: inverseDiagonal)
    let next = residual.rowProducts(scaled)
    let turns = (0..<rows).map { row in
      energy[row] > goal[row] ? Float(next[row] / energy[row]) : 0
    }
    direction.combineRows(scaled, plus: turns)
    energy = next
  }
  return solution
}

extension Matrix {
  func scaled(columns factors: [Float]) -> Matrix {
    var result = self
    result.values.withUnsafeMutableBufferPointer { values in
      factors.withUnsafeBufferPointer { factors in
        for row in 0..<rows {
          let line = values.baseAddress! + row &* columns
          for column in 0..<columns { line[column] *= factors[column] }
        }
      }
    }
    return result
  }

  /// `Σ_j self[i, j]·other[i, j]` for every row.
  func rowProducts(_ other: Matrix) -> [Double] {
    values.withUnsafeBufferPointer { a in
      other.values.withUnsafeBufferPointer { b in
        (0..<rows).map { row in
          dotProduct(a.baseAddress! + row &* columns, b.baseAddress! + row &* columns, columns)
        }
      }
    }
  }

  mutating func addRows(_ factors: [Float], of other: Matrix) {
    let columns = columns
    values.withUnsafeMutableBufferPointer { values in
      other.values.withUnsafeBufferPointer { other in
        for row in 0..<factors.count {
          let factor = factors[row]
          for index in row &* columns..<(row &+ 1) &* columns {
            values[index] += factor * other[index]
          }
        }
      }
    }
  }

  /// `self = base + factors[row]·self`.
  mutating func combineRows(_ base: Matrix, plus factors: [Float]) {
    let columns = columns
    values.withUnsafeMutableBufferPointer { values in
      base.values.withUnsafeBufferPointer { base in
        for row in 0..<factors.count {
          let factor = factors[row]
          for index in row &* columns..<(row &+ 1) &* columns {
            values[index] = base[index] + factor * values[index]
          }
        }
      }
    }
  }
}

/// A dot product in 16 F32 lanes, flushed to double precision every 4096 elements.
func dotProduct(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
) -> Double {
  let (left, right) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
  var total = 0.0
  var index = 0
  let whole = count / 16 * 16
  while index < whole {
    let end = min(whole, index &+ 4096)
    var sum = SIMD16<Float>.zero
    while index < end {
      sum +=
        left.loadUnaligned(fromByteOffset: index &* 4, as: SIMD16<Float>.self)
        * right.loadUnaligned(fromByteOffset: index &* 4, as: SIMD16<Float>.self)
      index &+= 16
    }
    total += Double(sum.sum())
  }
  while index < count {
    total += Double(a[index]) * Double(b[index])
    index &+= 1
  }
  return total
}
