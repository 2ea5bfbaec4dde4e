import Intrinsics

/// What the micro-kernels were built for; one source, three builds.
public enum InstructionSet: String, CaseIterable, Codable, Hashable, Sendable {
  /// x86-64-v4: 16 floats a register, 32 registers.
  case avx512
  /// x86-64-v3: 8 floats a register, fused multiply-add, 16 registers.
  case avx2
  /// What every machine of this architecture has; on x86-64 without fused multiply-add.
  case portable

  /// What this machine can run, the best first. Looked up once.
  public static let available: [InstructionSet] = {
    let level = cpu_vector_level()
    return level >= 4
      ? [.avx512, .avx2, .portable] : level >= 3 ? [.avx2, .portable] : [.portable]
  }()

  public static var best: InstructionSet { available[0] }
}
