import Experiments
import Glibc
import Tensors
import Testing

@testable import Kernels

/// Activations between pages that cannot be touched: `count` floats end (or start) at a guard page,
/// so that one float read or written too far ends the test.
final class GuardedActivations {
  let activations: Activations
  private let mapping: UnsafeMutableRawPointer
  private let length: Int

  /// - Parameter atEnd: whether the floats end at the upper guard page or start after the lower
  ///   one; nothing need be aligned.
  init(features: Int, tokens: Int, atEnd: Bool, poisoned: Bool) {
    let width = Activations.width(tokens: tokens)
    let bytes = (tokens + width - 1) / width * features * width * 4
    let page = 4096
    let body = max(page, (bytes + page - 1) / page * page)
    length = body + 2 * page
    mapping = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
    precondition(mprotect(mapping, page, PROT_NONE) == 0)
    precondition(mprotect(mapping + page + body, page, PROT_NONE) == 0)
    let start = mapping + page + (atEnd ? body - bytes : 0)
    let floats = start.bindMemory(to: Float.self, capacity: bytes / 4)
    floats.initialize(repeating: poisoned ? .nan : 0, count: bytes / 4)
    activations = Activations(features: features, tokens: tokens, borrowing: floats)
  }

  deinit { munmap(mapping, length) }
}

/// One layer to multiply by: seeded weights, activations and a mask that follows a pattern.
struct SmallBatchCase: CustomTestStringConvertible {
  var rows: Int
  var columns: Int
  var tokens: Int
  var pattern: Pattern
  var sparsity: Double
  var seed: UInt64 = 1

  var testDescription: String { "\(pattern) \(rows)x\(columns) tokens \(tokens) at \(sparsity)" }

  var weights: Matrix { gaussian(rows, columns, seed) }
  var activations: Matrix { gaussian(tokens, columns, seed + 1) }
  var bias: [Float] { gaussian(1, rows, seed + 2).values }

  private func gaussian(_ rows: Int, _ columns: Int, _ seed: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: seed)
    return Matrix(
      rows: rows, columns: columns,
      values: (0..<rows * columns).map { _ in Float(generator.gaussian()) })
  }

  /// A random mask of the pattern in the layout, border units included.
  var mask: Mask {
    var generator = SeededGenerator(seed: seed + 3)
    var mask = Mask(rows: rows, columns: columns)
    func keep(_ rowRange: Range<Int>, _ columnRange: Range<Int>) {
      for row in rowRange { for column in columnRange { mask[row, column] = true } }
    }
    func blocks(_ height: Int, _ width: Int, _ sparsity: Double) {
      for top in stride(from: 0, to: rows, by: height) {
        for left in stride(from: 0, to: columns, by: width) where generator.uniform() >= sparsity {
          keep(top..<min(top + height, rows), left..<min(left + width, columns))
        }
      }
    }
    switch pattern.base {
    case .block(let height, let width): blocks(height, width, sparsity)
    case .row: blocks(1, columns, sparsity)
    case .column: blocks(rows, 1, sparsity)
    case .tile(let width): blocks(width, 1, sparsity)
    case .tileElement(let width, let overlay):
      blocks(width, 1, min(1, sparsity + overlay))
      for row in 0..<rows {
        for column in 0..<columns where generator.uniform() < overlay && sparsity < 1 {
          mask[row, column] = true
        }
      }
    case .nm(let kept, let group): thin(&mask, kept, group, &generator, whole: true)
    case .tileVector(let width):
      blocks(width, 1, max(0, 2 * sparsity - 1))
      thin(&mask, 2, 4, &generator, whole: false)
    }
    return mask
  }

  /// Keeps `kept` of each `group` columns: of all, or of the kept ones of each row in order.
  private func thin(
    _ mask: inout Mask, _ kept: Int, _ group: Int, _ generator: inout SeededGenerator, whole: Bool
  ) {
    for row in 0..<rows {
      let candidates = (0..<columns).filter { whole || mask[row, $0] }
      for first in stride(from: 0, to: candidates.count, by: group) {
        let members = candidates[first..<min(first + group, candidates.count)].shuffled(
          using: &generator)
        for (place, column) in members.enumerated() { mask[row, column] = place < kept }
      }
    }
  }
}

extension SmallBatchCase {
  /// Multiplies on poisoned, guarded memory and compares every output with the reference.
  func expectCorrect(
    _ kernel: any LinearKernel, weights: Matrix, mask: Mask?, x: Matrix, bias: [Float]?,
    threads: Int = 1, atEnd: Bool = true
  ) {
    let input = GuardedActivations(
      features: columns, tokens: tokens, atEnd: atEnd, poisoned: false)
    let output = GuardedActivations(features: rows, tokens: tokens, atEnd: atEnd, poisoned: true)
    input.activations.load(x)
    kernel.multiply(input.activations, into: output.activations, threads: threads)
    let agreement = Agreement(
      of: output.activations.matrix(),
      with: referenceProduct(weights: weights, mask: mask, bias: bias, x: x),
      within: tolerance(weights: weights, mask: mask, bias: bias, x: x))
    if let wrong = agreement.wrong {
      Issue.record(
        "\(kernel.name), \(testDescription): token \(wrong.token), output \(wrong.output)")
    }
    let y = output.activations
    if y.width == 8, tokens % 8 != 0 {
      let last = y.pointer + (y.panels - 1) * rows * 8
      for row in 0..<rows {
        for lane in tokens % 8..<8 where last[row * 8 + lane] != 0 {
          Issue.record("\(kernel.name), \(testDescription): lane \(lane) of output \(row) is not 0")
          return
        }
      }
    }
  }
}

/// The layer for this number of tokens.
func smallBatchLayer(
  _ test: SmallBatchCase, weights: Matrix, mask: Mask, rows: Permutation? = nil,
  columns: Permutation? = nil, bias: [Float]? = nil, dtype: WeightType = .f32,
  instructionSet: InstructionSet
) throws -> any LinearKernel {
  if test.tokens == 1 {
    try SingleTokenLayer(
      weights: weights, mask: mask, pattern: test.pattern, rows: rows, columns: columns, bias: bias,
      dtype: dtype, instructionSet: instructionSet)
  } else {
    try EightTokensLayer(
      weights: weights, mask: mask, pattern: test.pattern, rows: rows, columns: columns, bias: bias,
      dtype: dtype, instructionSet: instructionSet)
  }
}
