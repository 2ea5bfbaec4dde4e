import Experiments
import Tensors

/// Memory of a packed format: 64-byte aligned, with a register's length to spare at the end.
final class PackedBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  var bytes: Int { count * MemoryLayout<Element>.stride }

  init(count: Int) {
    self.count = count
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Element>.stride + 64, alignment: 64)
    raw.initializeMemory(
      as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride + 64)
    pointer = raw.assumingMemoryBound(to: Element.self)
  }

  /// Copies `count` elements.
  convenience init(_ elements: UnsafePointer<Element>, count: Int) {
    self.init(count: count)
    pointer.update(from: elements, count: count)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}

/// Stored weights: F32 or BF16, zero where nothing was put.
final class PackedWeights: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  let count: Int
  let halves: Bool
  var bytesPerWeight: Int { halves ? 2 : 4 }

  init(count: Int, halves: Bool) {
    self.count = count
    self.halves = halves
    let bytes = count * (halves ? 2 : 4) + 64
    pointer = .allocate(byteCount: bytes, alignment: 64)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }

  /// Stores `count` weights as they stand.
  convenience init(_ weights: UnsafePointer<Float>, count: Int, halves: Bool) {
    self.init(count: count, halves: halves)
    if halves {
      let target = pointer.assumingMemoryBound(to: UInt16.self)
      for i in 0..<count { target[i] = bf16(weights[i]) }
    } else {
      pointer.copyMemory(from: weights, byteCount: count * 4)
    }
  }

  deinit { pointer.deallocate() }

  @inline(__always)
  func put(_ weight: Float, at place: Int) {
    if halves {
      pointer.storeBytes(of: bf16(weight), toByteOffset: place &* 2, as: UInt16.self)
    } else {
      pointer.storeBytes(of: weight, toByteOffset: place &* 4, as: Float.self)
    }
  }
}
