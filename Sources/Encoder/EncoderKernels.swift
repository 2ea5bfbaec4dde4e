import Kernels
import MicroKernels256
import MicroKernels512
import MicroKernelsPortable

/// The encoder's entry points of one build of the micro-kernels; they are documented where they are
/// defined.
struct EncoderKernels: Sendable {
  typealias Input = UnsafePointer<Float>
  typealias Output = UnsafeMutablePointer<Float>

  let gather: @Sendable (Input, Int, Int, Int, Int, Output, Int) -> Void
  let scatter: @Sendable (Input, Int, Int, Int, Int, Output, Int) -> Void
  let attend: @Sendable (Input, Output, Input, Output, Output, Int, Int, Int, Float) -> Void
  let normalize: @Sendable (Output, Input?, Input, Input, Int, Float, Int) -> Void
  let gelu: @Sendable (Output, Int) -> Void
  let geluTanh: @Sendable (Output, Int) -> Void
  let relu: @Sendable (Output, Int) -> Void
  let sum: @Sendable (Input, Int, Int, Int, Output) -> Void

  static let best = EncoderKernels.of(.best)

  static func of(_ set: InstructionSet) -> EncoderKernels {
    switch set {
    case .avx512:
      EncoderKernels(
        gather: MicroKernels512.encoderGather, scatter: MicroKernels512.encoderScatter,
        attend: MicroKernels512.encoderAttend, normalize: MicroKernels512.encoderNormalize,
        gelu: MicroKernels512.encoderGELU, geluTanh: MicroKernels512.encoderGELUTanh,
        relu: MicroKernels512.encoderReLU, sum: MicroKernels512.encoderSum)
    case .avx2:
      EncoderKernels(
        gather: MicroKernels256.encoderGather, scatter: MicroKernels256.encoderScatter,
        attend: MicroKernels256.encoderAttend, normalize: MicroKernels256.encoderNormalize,
        gelu: MicroKernels256.encoderGELU, geluTanh: MicroKernels256.encoderGELUTanh,
        relu: MicroKernels256.encoderReLU, sum: MicroKernels256.encoderSum)
    case .portable:
      EncoderKernels(
        gather: MicroKernelsPortable.encoderGather, scatter: MicroKernelsPortable.encoderScatter,
        attend: MicroKernelsPortable.encoderAttend,
        normalize: MicroKernelsPortable.encoderNormalize, gelu: MicroKernelsPortable.encoderGELU,
        geluTanh: MicroKernelsPortable.encoderGELUTanh, relu: MicroKernelsPortable.encoderReLU,
        sum: MicroKernelsPortable.encoderSum)
    }
  }

  func activate(_ activation: EncoderConfiguration.Activation, _ values: Output, _ count: Int) {
    switch activation {
    case .gelu: gelu(values, count)
    case .geluTanh: geluTanh(values, count)
    case .relu: relu(values, count)
    }
  }
}
