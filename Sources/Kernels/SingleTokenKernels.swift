import MicroKernels256
import MicroKernels512
import MicroKernelsPortable

/// The entry points for one token of one build of the micro-kernels.
struct SingleTokenKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>
  typealias Bytes = UnsafePointer<UInt8>
  typealias HalfWords = UnsafePointer<UInt16>
  typealias Words = UnsafePointer<UInt32>
  typealias Rows = UnsafePointer<Int32>

  let strips:
    @Sendable (
      Int, Bool, UnsafeRawPointer, HalfWords, Words, Input, Output, Rows, Bytes, Input, Bool, Int,
      Int
    ) -> Void
  let lookup:
    @Sendable (
      Bool, UnsafeRawPointer, Bytes, Words, Words, Input, Output, Rows, Bytes, Input, Bool, Int, Int
    ) -> Void
  let quads:
    @Sendable (
      Int, Bool, UnsafeRawPointer, Words, Int, Input, Output, Rows, Bytes, Input, Bool, Int, Int
    ) -> Void
  let dense:
    @Sendable (
      Bool, UnsafeRawPointer, Int, Input, Output, Rows, Bytes, Input, Int, Int
    ) -> Void
  let isFinite: @Sendable (Input, Int) -> Bool

  static func of(_ set: InstructionSet) -> SingleTokenKernels {
    switch set {
    case .avx512: avx512
    case .avx2: avx2
    case .portable: portable
    }
  }

  private static let avx512 = SingleTokenKernels(
    strips: MicroKernels512.singleTokenStrips, lookup: MicroKernels512.singleTokenLookup,
    quads: MicroKernels512.singleTokenQuads, dense: MicroKernels512.singleTokenDense,
    isFinite: MicroKernels512.smallBatchIsFinite)
  private static let avx2 = SingleTokenKernels(
    strips: MicroKernels256.singleTokenStrips, lookup: MicroKernels256.singleTokenLookup,
    quads: MicroKernels256.singleTokenQuads, dense: MicroKernels256.singleTokenDense,
    isFinite: MicroKernels256.smallBatchIsFinite)
  private static let portable = SingleTokenKernels(
    strips: MicroKernelsPortable.singleTokenStrips, lookup: MicroKernelsPortable.singleTokenLookup,
    quads: MicroKernelsPortable.singleTokenQuads, dense: MicroKernelsPortable.singleTokenDense,
    isFinite: MicroKernelsPortable.smallBatchIsFinite)
}
