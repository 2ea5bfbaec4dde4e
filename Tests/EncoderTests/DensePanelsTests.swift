import Experiments
import Kernels
import Tensors
import Testing

@testable import Encoder

/// The dense kernel of the encoder against the reference in double precision, for every number of tokens.
@Suite(.enabled(if: InstructionSet.available.contains(.avx512))) struct DensePanelsTests {
  private func expectMatch(
    _ rows: Int, _ columns: Int, _ tokens: [Int], threads: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var generator = SeededGenerator(seed: UInt64(rows * 7 + columns))
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(
        rows: rows, columns: columns,
        values: (0..<rows * columns).map { _ in Float(generator.gaussian()) })
    }
    let weights = matrix(rows, columns)
    let bias = matrix(1, rows).values
    let arena = WeightArena(floats: weights.count)
    let kernel = try #require(
      packDensePanels(weights: weights, bias: bias, arena: arena), sourceLocation: sourceLocation)
    for tokens in tokens {
      let input = matrix(tokens, columns)
      let panels = (tokens + 31) / 32
      var x = [Float](repeating: .nan, count: panels * columns * 32 + 16)
      var y = [Float](repeating: .nan, count: panels * rows * 32 + 16)
      try x.withUnsafeMutableBufferPointer { x in
        try y.withUnsafeMutableBufferPointer { y in
          let from = Activations(
            features: columns, tokens: tokens, borrowingPanels: aligned(x.baseAddress!))
          let to = Activations(
            features: rows, tokens: tokens, borrowingPanels: aligned(y.baseAddress!))
          from.load(input)
          kernel.multiply(from, into: to, threads: threads)
          let found = to.matrix()
          let all = Mask(rows: rows, columns: columns, keepingAll: true)
          let agreement = Agreement(
            of: found,
            with: referenceProduct(weights: weights, mask: all, bias: bias, x: input),
            within: tolerance(weights: weights, mask: all, bias: bias, x: input))
          #expect(
            agreement.firstWrong == nil, "\(rows)x\(columns), \(tokens) tokens, \(threads) threads",
            sourceLocation: sourceLocation)
          try #require(found.values.allSatisfy { $0.isFinite }, sourceLocation: sourceLocation)
        }
      }
    }
  }

  private func aligned(_ pointer: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    UnsafeMutablePointer(bitPattern: (UInt(bitPattern: pointer) + 63) & ~63)!
  }

  @Test func everyNumberOfTokensOfAPanelMatchesTheReference() throws {
    try expectMatch(48, 33, Array(1...33))
  }

  @Test func severalPanelsAndARestMatchTheReference() throws {
    try expectMatch(32, 40, [59, 60, 61, 63, 64, 65, 78, 91, 93, 96, 150])
  }

  @Test(arguments: [(16, 1), (16, 2), (80, 7), (160, 130), (128, 2100)])
  func oddShapesMatchTheReference(_ shape: (rows: Int, columns: Int)) throws {
    try expectMatch(shape.rows, shape.columns, [1, 13, 14, 15, 27, 28, 29, 32, 70])
  }

  @Test(arguments: [2, 3, 7])
  func threadsShareTheOutputs(_ threads: Int) throws {
    try expectMatch(80, 24, [1, 20, 32, 50, 64], threads: threads)
    try expectMatch(16, 24, [1, 20, 32, 50, 64], threads: threads)
  }

  @Test func whatDoesNotFitIsLeftToOtherKernels() {
    let arena = WeightArena(floats: 1024)
    #expect(packDensePanels(weights: Matrix(rows: 24, columns: 8), bias: nil, arena: arena) == nil)
    #expect(
      packDensePanels(weights: Matrix(rows: 4096, columns: 1024), bias: nil, arena: arena) == nil)
    #expect(
      packDensePanels(
        weights: Matrix(rows: 16, columns: 8), bias: nil, arena: arena, instructionSet: .portable)
        == nil)
  }
}
