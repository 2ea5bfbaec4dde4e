import Synchronization

/// Memory of one stream, kept between calls: fresh pages for a single short text would cost a tenth of
/// its time.
final class EncoderScratch: @unchecked Sendable {
  private var buffers: [Purpose: UnsafeMutableBufferPointer<Float>] = [:]

  /// What a buffer is for; each grows to the largest use.
  enum Purpose: Hashable {
    case stream, query, key, value, projection, hidden, rows
    case head(worker: Int)
  }

  deinit { for buffer in buffers.values { buffer.baseAddress!.deallocate() } }

  /// At least `count` floats, 64-byte aligned; finite numbers of earlier uses, or zeros.
  func buffer(_ purpose: Purpose, _ count: Int) -> UnsafeMutablePointer<Float> {
    if let buffer = buffers[purpose], buffer.count >= count { return buffer.baseAddress! }
    buffers[purpose]?.baseAddress!.deallocate()
    let size = count + count / 4 + 64
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: size * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: size)
    pointer.initialize(repeating: 0, count: size)
    buffers[purpose] = UnsafeMutableBufferPointer(start: pointer, count: size)
    return pointer
  }
}

/// Scratch for as many streams as run at once.
final class EncoderScratchPool: Sendable {
  private let free = Mutex<[EncoderScratch]>([])

  func with(_ body: (EncoderScratch) -> Void) {
    let scratch = free.withLock { $0.popLast() } ?? EncoderScratch()
    body(scratch)
    free.withLock { $0.append(scratch) }
  }

  /// Lets go of what no stream uses now.
  func release() { free.withLock { $0 = [] } }
}
