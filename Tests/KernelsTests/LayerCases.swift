import Experiments
import Kernels
import Tensors

/// A seeded layer whose mask follows a pattern.
struct LayerCase {
  var weights: Matrix
  var mask: Mask
  var order: LayerOrder
  var bias: [Float]
  var x: Matrix

  static let patterns = [
    "1x1", "1x4", "1x8", "1x32", "2x1", "3x2", "4x1", "4x4", "5x3", "6x1", "7x7", "8x1", "8x8",
    "12x1", "16x1", "16x16", "32x1", "32x32", "2:4", "1:4", "4:8", "3:7", "row", "column", "tw8",
    "tw64", "tew16+5%", "tvw16", "8x1/tetris", "4x4/tetris", "tw16/tetris", "2:4/permute",
  ]

  init(
    pattern: Pattern, rows: Int, columns: Int, tokens: Int, sparsity: Double, seed: UInt64
  ) {
    var generator = SeededGenerator(seed: seed)
    weights = Self.gaussian(rows, columns, &generator)
    x = Self.gaussian(tokens, columns, &generator)
    bias = (0..<rows).map { _ in Float(generator.gaussian()) }
    var inLayout = Mask(rows: rows, columns: columns)
    inLayout.fill(pattern.base, sparsity: sparsity, &generator)
    order = .none
    mask = inLayout
    if pattern.reorder == .tetris {
      order.rows = Permutation(Array(0..<rows).shuffled(using: &generator))
    }
    if pattern.reorder != nil {
      order.columns = Permutation(Array(0..<columns).shuffled(using: &generator))
      mask = inLayout.reordered(rows: order.rows?.inverse, columns: order.columns?.inverse)
    }
    // What stands behind the mask must never be read into a product.
    for row in 0..<rows {
      for column in 0..<columns where !mask[row, column] { weights[row, column] = .nan }
    }
  }

  static func gaussian(
    _ rows: Int, _ columns: Int, _ generator: inout SeededGenerator
  ) -> Matrix {
    Matrix(
      rows: rows, columns: columns,
      values: (0..<rows * columns).map { _ in Float(generator.gaussian()) })
  }
}

extension Mask {
  /// A random mask of the pattern: of 0 and 1 exactly, in between about `sparsity`.
  mutating func fill(
    _ base: Pattern.Base, sparsity: Double, _ generator: inout SeededGenerator
  ) {
    func keeps() -> Bool { sparsity < 1 && (sparsity == 0 || generator.uniform() >= sparsity) }
    switch base {
    case .block(let height, let width): fillBlocks(height, width, keeps)
    case .row: fillBlocks(1, max(1, columns), keeps)
    case .column: fillBlocks(max(1, rows), 1, keeps)
    case .nm(let kept, let group):
      for row in 0..<rows {
        for start in stride(from: 0, to: columns, by: group) {
          let places = Array(start..<min(columns, start + group)).shuffled(using: &generator)
          for column in places.prefix(kept) { self[row, column] = true }
        }
      }
    case .tile(let width): fillTiles(width, sparsity, &generator) { _, _ in true }
    case .tileElement(let width, let overlay):
      fillTiles(width, sparsity, &generator) { _, _ in true }
      if sparsity < 1 {
        for row in 0..<rows {
          for column in 0..<columns where generator.uniform() < overlay { self[row, column] = true }
        }
      }
    case .tileVector(let width):
      fillTiles(width, max(0, 2 * sparsity - 1), &generator) { position, start in
        (position + start) % 4 < 2
      }
    }
  }

  private mutating func fillBlocks(_ height: Int, _ width: Int, _ keeps: () -> Bool) {
    for top in stride(from: 0, to: rows, by: height) {
      for left in stride(from: 0, to: columns, by: width) where keeps() {
        for row in top..<min(rows, top + height) {
          for column in left..<min(columns, left + width) { self[row, column] = true }
        }
      }
    }
  }

  /// Some rows are dropped, the others form tiles in order; `within` thins the kept columns of a row.
  private mutating func fillTiles(
    _ width: Int, _ sparsity: Double, _ generator: inout SeededGenerator,
    within: (_ position: Int, _ row: Int) -> Bool
  ) {
    if sparsity >= 1 { return }
    let survivors = (0..<rows).filter { _ in sparsity == 0 || generator.uniform() > sparsity / 8 }
    for start in stride(from: 0, to: survivors.count, by: width) {
      let kept = (0..<columns).filter { _ in sparsity == 0 || generator.uniform() >= sparsity }
      for row in survivors[start..<min(survivors.count, start + width)] {
        for (position, column) in kept.enumerated() where within(position, row) {
          self[row, column] = true
        }
      }
    }
  }
}

/// Activations between guard zones, poisoned with NaN.
final class PoisonedActivations {
  let activations: Activations
  private let memory: UnsafeMutablePointer<Float>
  private static let guardFloats = 256
  private static let canary: UInt32 = 0xdead_beef

  init(features: Int, tokens: Int, layout: ActivationLayout = .panels) {
    let probe = Activations(features: features, tokens: tokens, layout: layout)
    let count = probe.count + 2 * Self.guardFloats
    memory = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
    memory.initialize(repeating: .nan, count: count)
    activations = Activations(
      features: features, tokens: tokens, layout: layout, borrowing: memory + Self.guardFloats)
    for i in 0..<Self.guardFloats {
      memory[i] = Float(bitPattern: Self.canary)
      memory[Self.guardFloats + probe.count + i] = Float(bitPattern: Self.canary)
    }
  }

  deinit { memory.deallocate() }

  var guardsAreWhole: Bool {
    (0..<Self.guardFloats).allSatisfy { i in
      memory[i].bitPattern == Self.canary
        && memory[Self.guardFloats + activations.count + i].bitPattern == Self.canary
    }
  }
}

extension Matrix {
  /// The first rows of a matrix.
  func firstRows(_ count: Int) -> Matrix {
    Matrix(rows: count, columns: columns, values: Array(values.prefix(count * columns)))
  }
}

/// Runs a kernel on guarded, poisoned memory; nil when a guard was touched.
func guardedProduct(
  _ kernel: any LinearKernel, _ x: Matrix, threads: Int = 1, layout: ActivationLayout = .panels
) -> Matrix? {
  let input = PoisonedActivations(features: x.columns, tokens: x.rows, layout: layout)
  let output = PoisonedActivations(features: kernel.rows, tokens: x.rows, layout: layout)
  // Lanes beyond the last token are zero, as the layout promises.
  input.activations.pointer.update(repeating: 0, count: input.activations.count)
  input.activations.load(x)
  kernel.multiply(input.activations, into: output.activations, threads: threads)
  guard input.guardsAreWhole, output.guardsAreWhole else { return nil }
  return output.activations.matrix()
}
