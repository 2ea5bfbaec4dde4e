import Glibc

/// A regular file held open for reading at any offset, from any thread.
///
/// Values are read with `pread`, never through a standing memory map: a map of a file that
/// shrinks raises SIGBUS, a read comes back short and becomes an error.
final class TensorFile: Sendable {
  let path: String
  /// Bytes when it was opened.
  let size: Int
  private let descriptor: Int32
  private let modified: timespec

  init(opening path: String) throws(TensorFileError) {
    // Non-blocking, or opening a pipe without a writer waits for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw TensorFileError(path: path, problem: .cannotOpen(code: errno))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw TensorFileError(path: path, problem: .cannotOpen(code: code))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      throw TensorFileError(path: path, problem: isDirectory ? .isDirectory : .notRegular)
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
    modified = status.st_mtim
  }

  deinit { close(descriptor) }

  func error(_ problem: TensorFileError.Problem) -> TensorFileError {
    TensorFileError(path: path, problem: problem)
  }

  /// Throws `changed` when the file was written to or cut since it was opened.
  func checkUnchanged() throws(TensorFileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw error(.cannotRead(offset: 0, code: errno))
    }
    guard
      Int(status.st_size) == size, status.st_mtim.tv_sec == modified.tv_sec,
      status.st_mtim.tv_nsec == modified.tv_nsec
    else { throw error(.changed(size: size, found: Int(status.st_size))) }
  }

  /// Fills `target` from the bytes at `offset`.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(TensorFileError) {
    var done = 0
    while done < target.count {
      // Linux moves at most 2 GiB a call; a smaller step also keeps a slow disk interruptible.
      let step = min(target.count - done, 64 << 20)
      let got = pread(descriptor, target.baseAddress! + done, step, off_t(offset + done))
      if got < 0 {
        if errno == EINTR { continue }
        throw error(.cannotRead(offset: offset + done, code: errno))
      }
      if got == 0 { throw error(.changed(size: size, found: offset + done)) }
      done += got
    }
  }

  func bytes(at offset: Int, count: Int) throws(TensorFileError) -> [UInt8] {
    var failure: TensorFileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      do throws(TensorFileError) {
        try read(
          at: offset,
          into: UnsafeMutableRawBufferPointer(start: target.baseAddress, count: count))
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Calls `body` with consecutive pieces of at most 1 MiB: they stay in the second-level cache
  /// between the copy from the page cache and whatever reads them.
  func forEachChunk(
    at offset: Int, count: Int,
    _ body: (UnsafeRawBufferPointer) throws(TensorFileError) -> Void
  ) throws(TensorFileError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(count, 1 << 20), alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let piece = UnsafeMutableRawBufferPointer(
        rebasing: buffer[..<min(buffer.count, count - done)])
      try read(at: offset + done, into: piece)
      try body(UnsafeRawBufferPointer(piece))
      done += piece.count
    }
  }

  /// Calls `body` with the bytes mapped into memory: no copy, nothing read until touched.
  ///
  /// The size is checked before; a file that is cut by someone else while `body` runs raises
  /// SIGBUS, so what must not fail uses `read`.
  func withMapping<Result>(
    at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(TensorFileError) -> Result {
    try checkUnchanged()
    guard count > 0 else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    let inPage = offset % Int(getpagesize())
    let length = count + inPage
    guard
      let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, off_t(offset - inPage)),
      address != MAP_FAILED
    else { throw error(.cannotRead(offset: offset, code: errno)) }
    defer { munmap(address, length) }
    return body(UnsafeRawBufferPointer(start: address + inPage, count: count))
  }
}
