import Kernels
import MicroKernels256
import MicroKernels512
import MicroKernelsPortable

/// Training's entry points of one build of the micro-kernels; they are documented where they are
/// defined.
struct TrainingKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>
  typealias Words = UnsafePointer<UInt32>

  let gather: @Sendable (Input, Int, Int, Int, Int, Output, Int) -> Void
  let scatter: @Sendable (Input, Int, Int, Int, Int, Output, Int) -> Void
  let sum: @Sendable (Input, Int, Int, Int, Output) -> Void
  let transpose: @Sendable (Input, Int, Output, Int, Int, Int) -> Void
  let normalize: @Sendable (Input, Input?, Output, Output, Output, Input, Input, Int, Float) -> Void
  let normalizeBackward: @Sendable (Input, Input, Input, Input, Output, Int) -> Void
  let rowSums: @Sendable (Input, Input?, Int, Int, Int, Int, Output) -> Void
  let activate: @Sendable (Int, Output, Output, Int) -> Void
  let scale: @Sendable (Output, Input, Int) -> Void
  let add: @Sendable (Input, Input, Input?, Input?, Output, Int) -> Void
  let pull: @Sendable (Output, Input, Input, Float, Int) -> Float
  let squares: @Sendable (Input, Int) -> Float
  let adam:
    @Sendable (
      Output, Input, Output, Output, Int, Float, Float, Float, Float, Float, Float
    ) -> Void
  let select: @Sendable (Input, Words, Output, Int) -> Void
  let product: @Sendable (Input, Int, Int, Input, Int, Output, Int, Int, Int, Int, Float) -> Void
  let softmax: @Sendable (Output, Int, Int, Int) -> Void
  let softmaxBackward: @Sendable (Input, Output, Int, Int, Int, Float) -> Void
  let units:
    @Sendable (
      Int, Input, Int, Input, Int, Int, Words, Words, UnsafePointer<UInt16>, Output, Int, Int
    ) -> Void

  static let best = TrainingKernels.of(.best)

  static func of(_ set: InstructionSet) -> TrainingKernels {
    switch set {
    case .avx512:
      TrainingKernels(
        gather: MicroKernels512.encoderGatherExactly,
        scatter: MicroKernels512.encoderScatter,
        sum: MicroKernels512.encoderSum,
        transpose: MicroKernels512.transpose,
        normalize: MicroKernels512.trainingNormalize,
        normalizeBackward: MicroKernels512.trainingNormalizeBackward,
        rowSums: MicroKernels512.trainingRowSums,
        activate: MicroKernels512.trainingActivate,
        scale: MicroKernels512.trainingScale,
        add: MicroKernels512.trainingAdd,
        pull: MicroKernels512.trainingPull,
        squares: MicroKernels512.trainingSquares,
        adam: MicroKernels512.trainingAdam,
        select: MicroKernels512.trainingGather,
        product: MicroKernels512.trainingProduct,
        softmax: MicroKernels512.trainingSoftmax,
        softmaxBackward: MicroKernels512.trainingSoftmaxBackward,
        units: MicroKernels512.trainingUnits)
    case .avx2:
      TrainingKernels(
        gather: MicroKernels256.encoderGatherExactly,
        scatter: MicroKernels256.encoderScatter,
        sum: MicroKernels256.encoderSum,
        transpose: MicroKernels256.transpose,
        normalize: MicroKernels256.trainingNormalize,
        normalizeBackward: MicroKernels256.trainingNormalizeBackward,
        rowSums: MicroKernels256.trainingRowSums,
        activate: MicroKernels256.trainingActivate,
        scale: MicroKernels256.trainingScale,
        add: MicroKernels256.trainingAdd,
        pull: MicroKernels256.trainingPull,
        squares: MicroKernels256.trainingSquares,
        adam: MicroKernels256.trainingAdam,
        select: MicroKernels256.trainingGather,
        product: MicroKernels256.trainingProduct,
        softmax: MicroKernels256.trainingSoftmax,
        softmaxBackward: MicroKernels256.trainingSoftmaxBackward,
        units: MicroKernels256.trainingUnits)
    case .portable:
      TrainingKernels(
        gather: MicroKernelsPortable.encoderGatherExactly,
        scatter: MicroKernelsPortable.encoderScatter,
        sum: MicroKernelsPortable.encoderSum,
        transpose: MicroKernelsPortable.transpose,
        normalize: MicroKernelsPortable.trainingNormalize,
        normalizeBackward: MicroKernelsPortable.trainingNormalizeBackward,
        rowSums: MicroKernelsPortable.trainingRowSums,
        activate: MicroKernelsPortable.trainingActivate,
        scale: MicroKernelsPortable.trainingScale,
        add: MicroKernelsPortable.trainingAdd,
        pull: MicroKernelsPortable.trainingPull,
        squares: MicroKernelsPortable.trainingSquares,
        adam: MicroKernelsPortable.trainingAdam,
        select: MicroKernelsPortable.trainingGather,
        product: MicroKernelsPortable.trainingProduct,
        softmax: MicroKernelsPortable.trainingSoftmax,
        softmaxBackward: MicroKernelsPortable.trainingSoftmaxBackward,
        units: MicroKernelsPortable.trainingUnits)
    }
  }
}
