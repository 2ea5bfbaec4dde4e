extension Model {
  /// A two-dimensional tensor of F32, F16 or BF16 as F32 `[outputs, inputs]`, row-major, whatever
  /// its order in the file. NaNs and infinities are kept.
  ///
  /// Complexity: one read of the tensor; memory is the result and 1 MiB (twice the result for a
  /// column-major one).
  public func matrix(named name: String) throws(TensorFileError) -> Matrix {
    if let synthetic, name == "weight" { return synthetic.matrix() }
    let header = try tensor(named: name).header
    guard header.shape.count == 2 else {
      throw error(.wrongDimensions(tensor: name, shape: header.shape, wanted: 2))
    }
    let values = try floats(named: name)
    guard header.isColumnMajor else {
      return Matrix(rows: header.rows, columns: header.columns, values: values)
    }
    return Matrix(rows: header.columns, columns: header.rows, values: values).transposed()
  }

  /// A one-dimensional tensor of F32, F16 or BF16 as F32.
  public func vector(named name: String) throws(TensorFileError) -> [Float] {
    let header = try tensor(named: name).header
    guard header.shape.count == 1 else {
      throw error(.wrongDimensions(tensor: name, shape: header.shape, wanted: 1))
    }
    return try floats(named: name)
  }

  /// One row of a matrix of F32, F16 or BF16 as F32, read from the file each time.
  ///
  /// - Parameters:
  ///   - index: below the number of rows.
  ///   - target: as many floats as there are columns.
  public func readRow(
    _ index: Int, of name: String, into target: UnsafeMutableBufferPointer<Float>
  ) throws(TensorFileError) {
    let tensor = try tensor(named: name)
    let header = tensor.header
    guard header.shape.count == 2 else {
      throw error(.wrongDimensions(tensor: name, shape: header.shape, wanted: 2))
    }
    precondition(index >= 0 && index < header.shape[0] && target.count == header.shape[1])
    guard header.dtype.isLoadable, !header.isColumnMajor, let file = tensor.file else {
      let whole = try matrix(named: name)
      _ = target.update(from: whole.values[index * target.count..<(index + 1) * target.count])
      return
    }
    var row = header
    row.bytes = header.bytes / header.shape[0]
    row.offset = header.offset + index * row.bytes
    try Self.fill(target, from: file, row)
  }

  /// Calls `body` with the bytes of the tensor as they stand in the file, mapped and not copied.
  ///
  /// The file's size is checked before; one that is cut by another program while `body` runs
  /// ends this one (SIGBUS). `matrix`, `vector`, `sha256` and the writers read instead, and
  /// report it.
  public func bytes<Result>(
    named name: String, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(TensorFileError) -> Result {
    let tensor = try tensor(named: name)
    if let file = tensor.file {
      return try file.withMapping(at: tensor.header.offset, count: tensor.header.bytes, body)
    }
    return synthetic!.matrix().values.withUnsafeBytes(body)
  }

  /// Calls `body` with consecutive pieces of the tensor's bytes as they stand in the file.
  func forEachChunk(
    of name: String, _ body: (UnsafeRawBufferPointer) throws(TensorFileError) -> Void
  ) throws(TensorFileError) {
    let tensor = try tensor(named: name)
    if let file = tensor.file {
      try file.checkUnchanged()
      try checkEntry(tensor)
      try file.forEachChunk(at: tensor.header.offset, count: tensor.header.bytes, body)
      return
    }
    let values = synthetic!.matrix().values
    let result: Result<Void, TensorFileError> = values.withUnsafeBytes { bytes in
      Result { () throws(TensorFileError) in try body(bytes) }
    }
    try result.get()
  }

  /// The values in the order of the file.
  private func floats(named name: String) throws(TensorFileError) -> [Float] {
    let tensor = try tensor(named: name)
    let header = tensor.header
    guard header.dtype.isLoadable, let file = tensor.file else {
      throw error(.notLoadable(tensor: name, dtype: header.dtype))
    }
    try file.checkUnchanged()
    try checkEntry(tensor)
    var failure: TensorFileError?
    let values = [Float](unsafeUninitializedCapacity: header.count) { target, initialized in
      do throws(TensorFileError) {
        try Self.fill(
          UnsafeMutableBufferPointer(rebasing: target[..<header.count]), from: file, header)
        initialized = header.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  private static func fill(
    _ target: UnsafeMutableBufferPointer<Float>, from file: TensorFile, _ header: TensorHeader
  ) throws(TensorFileError) {
    if header.dtype == .f32 {
      try file.read(at: header.offset, into: UnsafeMutableRawBufferPointer(target))
      return
    }
    var done = 0
    try file.forEachChunk(at: header.offset, count: header.bytes) { chunk in
      let part = UnsafeMutableBufferPointer(rebasing: target[done..<done + chunk.count / 2])
      if header.dtype == .f16 {
        HalfPrecision.widen16(chunk.baseAddress!, part)
      } else {
        HalfPrecision.widenBrain(chunk.baseAddress!, part)
      }
      done += part.count
    }
  }

  /// An archive knows the CRC-32 of each entry: a damaged one is told before it is used.
  private func checkEntry(_ tensor: StoredTensor) throws(TensorFileError) {
    guard let entry = tensor.entry, let file = tensor.file else { return }
    var sum = CRC32()
    let end = tensor.header.offset + tensor.header.bytes
    try file.forEachChunk(at: entry.start, count: end - entry.start) { sum.update($0) }
    guard sum.value == entry.checksum else {
      throw error(
        .checksumDiffers(tensor: tensor.header.name, expected: entry.checksum, found: sum.value))
    }
  }
}
