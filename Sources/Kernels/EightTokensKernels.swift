import MicroKernels256
import MicroKernels512
import MicroKernelsPortable

/// The entry points for eight tokens of one build of the micro-kernels.
struct EightTokensKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>
  typealias HalfWords = UnsafePointer<UInt16>
  typealias Words = UnsafePointer<UInt32>
  typealias Rows = UnsafePointer<Int32>

  let columns:
    @Sendable (
      Bool, Bool, UnsafeRawPointer, HalfWords, Words, Input, Output, Rows, Input, Int, Bool, Int,
      Int
    ) -> Void
  let strips:
    @Sendable (
      Int, Bool, Bool, UnsafeRawPointer, HalfWords, Words, Input, Output, Rows, Input, Int, Bool,
      Int, Int
    ) -> Void
  let quads:
    @Sendable (
      Int, Bool, UnsafeRawPointer, Words, Int, Input, Output, Rows, Input, Int, Bool, Int, Int
    ) -> Void
  let turn: @Sendable (Input, Output, Int) -> Void
  let dense:
    @Sendable (
      Bool, UnsafeRawPointer, Int, Input, Output, Rows, Input, Int, Int, Int
    ) -> Void

  static func of(_ set: InstructionSet) -> EightTokensKernels {
    switch set {
    case .avx512: avx512
    case .avx2: avx2
    case .portable: portable
    }
  }

  private static let avx512 = EightTokensKernels(
    columns: MicroKernels512.eightTokensColumns, strips: MicroKernels512.eightTokensStrips,
    quads: MicroKernels512.eightTokensQuads, turn: MicroKernels512.eightTokensTurn,
    dense: MicroKernels512.eightTokensDense)
  private static let avx2 = EightTokensKernels(
    columns: MicroKernels256.eightTokensColumns, strips: MicroKernels256.eightTokensStrips,
    quads: MicroKernels256.eightTokensQuads, turn: MicroKernels256.eightTokensTurn,
    dense: MicroKernels256.eightTokensDense)
  private static let portable = EightTokensKernels(
    columns: MicroKernelsPortable.eightTokensColumns,
    strips: MicroKernelsPortable.eightTokensStrips,
    quads: MicroKernelsPortable.eightTokensQuads, turn: MicroKernelsPortable.eightTokensTurn,
    dense: MicroKernelsPortable.eightTokensDense)
}
