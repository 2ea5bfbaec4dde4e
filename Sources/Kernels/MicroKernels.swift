import MicroKernels256
import MicroKernels512
import MicroKernelsPortable

/// The entry points of one build of the micro-kernels; see their documentation in `MicroKernels512`.
struct MicroKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>
  typealias Words = UnsafePointer<UInt32>
  typealias HalfWords = UnsafePointer<UInt16>

  let slabs:
    @Sendable (
      Int, Int, Input, Int, Output, Int, Int, Words, Words, HalfWords, Input, Input, Bool, Int, Int,
      Int
    ) -> Void
  let singleRows:
    @Sendable (
      Int, Input, Int, Output, Int, Int, Words, HalfWords, Words, HalfWords, Input, Input, Bool,
      Bool, Int, Int, Bool, Int, Int
    ) -> Void
  let transpose: @Sendable (Input, Int, Output, Int, Int, Int) -> Void
  let widen: @Sendable (HalfWords, Output, Int) -> Void
  let probePeak: @Sendable (Int, Float) -> Float
  let probeLanes: @Sendable () -> Int
  let probeRead: @Sendable (Input, Int, Int) -> Float

  static let best = MicroKernels.of(.best)

  static func of(_ set: InstructionSet) -> MicroKernels {
    switch set {
    case .avx512:
      MicroKernels(
        slabs: MicroKernels512.slabs, singleRows: MicroKernels512.singleRows,
        transpose: MicroKernels512.transpose, widen: MicroKernels512.widen,
        probePeak: MicroKernels512.probePeak, probeLanes: MicroKernels512.probeLanes,
        probeRead: MicroKernels512.probeRead)
    case .avx2:
      MicroKernels(
        slabs: MicroKernels256.slabs, singleRows: MicroKernels256.singleRows,
        transpose: MicroKernels256.transpose, widen: MicroKernels256.widen,
        probePeak: MicroKernels256.probePeak, probeLanes: MicroKernels256.probeLanes,
        probeRead: MicroKernels256.probeRead)
    case .portable:
      MicroKernels(
        slabs: MicroKernelsPortable.slabs, singleRows: MicroKernelsPortable.singleRows,
        transpose: MicroKernelsPortable.transpose, widen: MicroKernelsPortable.widen,
        probePeak: MicroKernelsPortable.probePeak, probeLanes: MicroKernelsPortable.probeLanes,
        probeRead: MicroKernelsPortable.probeRead)
    }
  }
}
