import Intrinsics

// One source, three builds: the same kernels over 16, 8 or 4 floats a register. Only pointers and
// integers cross the module border: anything generic that leaked out would carry this build's
// instructions into the rest of the program.

#if AVX512
  typealias Vector = SIMD16<Float>
#elseif AVX2
  typealias Vector = SIMD8<Float>
#else
  typealias Vector = SIMD4<Float>
#endif

/// Tokens of a panel; activations of one feature are this many floats apart.
let panelWidth = 32

/// Registers that hold one feature of one panel: 2, 4 or 8.
var registersPerPanel: Int { @inline(__always) get { panelWidth / Vector.scalarCount } }

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inline(__always)
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}

/// `sum + a · b`; fused where the build has the instruction. Without it the fused form would be a
/// library call for each element (a hundred times slower), and Swift never fuses `+` and `*` itself.
@inline(__always)
func multiplyAdd(_ a: Vector, _ b: Vector, _ sum: Vector) -> Vector {
  #if PORTABLE && !arch(arm64)
    sum + a * b
  #else
    sum.addingProduct(a, b)
  #endif
}
