import Glibc

/// All trained weights in one row, with their gradients and Adam's two moments beside them: norm and
/// update are one pass each, whatever the layers are.
final class Parameters: @unchecked Sendable {
  let count: Int
  let values: UnsafeMutablePointer<Float>
  let gradients: UnsafeMutablePointer<Float>
  let means: UnsafeMutablePointer<Float>
  let squares: UnsafeMutablePointer<Float>

  /// Zeros.
  init(count: Int) {
    self.count = count
    values = Self.floats(count)
    gradients = Self.floats(count)
    means = Self.floats(count)
    squares = Self.floats(count)
  }

  deinit {
    for pointer in [values, gradients, means, squares] { pointer.deallocate() }
  }

  private static let largePage = 1 << 21

  /// 64-byte aligned zeros.
  static func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = max(16, count) * MemoryLayout<Float>.stride
    let isLarge = bytes >= largePage
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: isLarge ? largePage : 64)
    // A step walks through some hundred megabytes: with pages of 4 KiB it misses the TLB on most rows.
    if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    let pointer = raw.bindMemory(to: Float.self, capacity: max(16, count))
    pointer.initialize(repeating: 0, count: max(16, count))
    return pointer
  }
}

/// Aligned floats that are given back with their last owner.
final class Floats: @unchecked Sendable {
  let count: Int
  let pointer: UnsafeMutablePointer<Float>

  init(_ count: Int) {
    self.count = count
    pointer = Parameters.floats(count)
  }

  deinit { pointer.deallocate() }
}
