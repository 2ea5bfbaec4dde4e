import MicroKernels256
import MicroKernels512
import MicroKernelsPortable

/// The entry points for eight tokens of one build of the micro-kernels.
struct EightTokensKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>
  typealias Bytes = UnsafePointer<UInt8>
  typealias HalfWords = UnsafePointer<UInt16>
  typealias Words = UnsafePointer<UInt32>
  typealias Rows = UnsafePointer<Int32>
  typealias Turn = @Sendable (Input, Output, Int) -> Void

  let columns:
    @Sendable (
      Bool, Bool, UnsafeRawPointer, HalfWords, Words, Input, Output, Rows, Bytes, Input, Int, Bool,
      Int, Int
    ) -> Void
  let strips:
    @Sendable (
      Int, Bool, Bool, UnsafeRawPointer, HalfWords, Words, Input, Output, Rows, Bytes, Input, Int,
      Bool, Int, Int
    ) -> Void
  let lookup:
    @Sendable (
      Bool, UnsafeRawPointer, Bytes, Words, Words, Input, Output, Rows, Bytes, Input, Int, Bool,
      Int, Int
    ) -> Void
  let quads:
    @Sendable (
      Int, Bool, UnsafeRawPointer, Words, Int, Input, Output, Rows, Bytes, Input, Int, Bool, Int,
      Int
    ) -> Void
  let turn: Turn
  let turnBlocks: Turn
  let dense:
    @Sendable (
      Bool, UnsafeRawPointer, Int, Input, Output, Rows, Bytes, Input, Int, Int, Int
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
    lookup: MicroKernels512.eightTokensLookup, quads: MicroKernels512.eightTokensQuads,
    turn: MicroKernels512.eightTokensTurn,
    turnBlocks: MicroKernels512.eightTokensTurnBlocks,
    dense: MicroKernels512.eightTokensDense)
  private static let avx2 = EightTokensKernels(
    columns: MicroKernels256.eightTokensColumns, strips: MicroKernels256.eightTokensStrips,
    lookup: MicroKernels256.eightTokensLookup, quads: MicroKernels256.eightTokensQuads,
    turn: MicroKernels256.eightTokensTurn,
    turnBlocks: MicroKernels256.eightTokensTurnBlocks,
    dense: MicroKernels256.eightTokensDense)
  private static let portable = EightTokensKernels(
    columns: MicroKernelsPortable.eightTokensColumns,
    strips: MicroKernelsPortable.eightTokensStrips,
    lookup: MicroKernelsPortable.eightTokensLookup, quads: MicroKernelsPortable.eightTokensQuads,
    turn: MicroKernelsPortable.eightTokensTurn,
    turnBlocks: MicroKernelsPortable.eightTokensTurnBlocks,
    dense: MicroKernelsPortable.eightTokensDense)
}
