import Kernels
import MicroKernels256
import MicroKernels512
import MicroKernelsPortable
import Tensors

/// The entry points for scores of one build of the micro-kernels; they are documented where they are
/// defined.
struct ScoreKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>
  typealias Words = UnsafePointer<UInt64>
  typealias WordsOut = UnsafeMutablePointer<UInt64>

  let squares: @Sendable (Input, Input?, Float, Output, Int) -> Void
  let raise:
    @Sendable (
      Input, Int, Input, Float, Input?, Int, Words?, WordsOut, UInt32, UInt32,
      UnsafeMutablePointer<UInt32>, Output, Output, Output
    ) -> Int
  let thinTwoOfFour:
    @Sendable (
      Input, Int, Input, Float, Input?, Int, Words, WordsOut, Output,
      UnsafeMutablePointer<UInt16>, Output
    ) -> Void
  let pack: @Sendable (Input, Words, Int, Output) -> Int
  let sums: @Sendable (Input, Words?, Input?, Float, Int, Output, Output) -> Void
  let countBits: @Sendable (Words, Int) -> Int

  static let best = ScoreKernels.of(.best)

  static func of(_ set: InstructionSet) -> ScoreKernels {
    switch set {
    case .avx512:
      ScoreKernels(
        squares: MicroKernels512.scoreSquares, raise: MicroKernels512.scoreRaise,
        thinTwoOfFour: MicroKernels512.scoreThinTwoOfFour, pack: MicroKernels512.scorePack,
        sums: MicroKernels512.scoreSums, countBits: MicroKernels512.countBits)
    case .avx2:
      ScoreKernels(
        squares: MicroKernels256.scoreSquares, raise: MicroKernels256.scoreRaise,
        thinTwoOfFour: MicroKernels256.scoreThinTwoOfFour, pack: MicroKernels256.scorePack,
        sums: MicroKernels256.scoreSums, countBits: MicroKernels256.countBits)
    case .portable:
      ScoreKernels(
        squares: MicroKernelsPortable.scoreSquares, raise: MicroKernelsPortable.scoreRaise,
        thinTwoOfFour: MicroKernelsPortable.scoreThinTwoOfFour,
        pack: MicroKernelsPortable.scorePack, sums: MicroKernelsPortable.scoreSums,
        countBits: MicroKernelsPortable.countBits)
    }
  }
}

extension Mask {
  /// Kept weights; `count` with the processor's own instruction.
  var kept: Int {
    words.withUnsafeBufferPointer { words in
      words.baseAddress.map { ScoreKernels.best.countBits($0, words.count) } ?? 0
    }
  }
}
