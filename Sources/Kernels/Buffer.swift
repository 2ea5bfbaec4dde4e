import Experiments

/// Uninitialised memory on a 64-byte boundary, given back when the last owner goes.
final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
  let count: Int
  let pointer: UnsafeMutablePointer<Element>

  init(count: Int) {
    self.count = count
    let bytes = max(1, count) * MemoryLayout<Element>.stride
    pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Element.self, capacity: max(1, count))
  }

  convenience init(_ elements: [Element]) {
    self.init(count: elements.count)
    elements.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { pointer.initialize(from: base, count: source.count) }
    }
  }

  deinit { pointer.deallocate() }

  var bytes: Int { count * MemoryLayout<Element>.stride }
}

/// Stored weights: F32, or BF16 that is widened block by block into a scratch area in L1.
///
/// Widening costs 1.5 cycles a register of 16 weights and is shared by all panels of a call, so that
/// BF16 halves the bytes of weights for a few percent of time where they are not the limit.
enum StoredValues: Sendable {
  case f32(Buffer<Float>)
  case bf16(Buffer<UInt16>)

  var bytes: Int {
    switch self {
    case .f32(let buffer): buffer.bytes
    case .bf16(let buffer): buffer.bytes
    }
  }

  /// Whether floats are made of the stored form when they are needed.
  var isWidened: Bool { if case .bf16 = self { true } else { false } }

  /// Lets `fill` write all values as F32; BF16 is rounded from what it wrote.
  init(count: Int, dtype: WeightType, fill: (UnsafeMutablePointer<Float>) -> Void) {
    let floats = Buffer<Float>(count: count)
    fill(floats.pointer)
    guard dtype == .bf16 else {
      self = .f32(floats)
      return
    }
    let halves = Buffer<UInt16>(count: count)
    for i in 0..<count { halves.pointer[i] = Kernels.bf16(floats.pointer[i]) }
    self = .bf16(halves)
  }

  /// Calls `body` with the F32 values `range`, as a pointer to be indexed from 0 of all values.
  @inline(__always)
  func withFloats(
    _ range: Range<Int>, _ kernels: MicroKernels, _ body: (UnsafePointer<Float>) -> Void
  ) {
    switch self {
    case .f32(let buffer): body(buffer.pointer)
    case .bf16(let buffer):
      withUnsafeTemporaryAllocation(
        byteCount: max(64, range.count * 4), alignment: 64
      ) { raw in
        let scratch = raw.baseAddress!.bindMemory(to: Float.self, capacity: range.count)
        kernels.widen(buffer.pointer + range.lowerBound, scratch, range.count)
        body(scratch - range.lowerBound)
      }
    }
  }
}
