/// Pruned matrices as `.npz` archives that `scipy.sparse.load_npz` reads.
///
/// Entries are stored, not compressed: `format`, `shape`, `data`, `indices` and `indptr`, indices
/// 32 bits wide unless there are more than 2³¹ of them.
public enum SparseArchive {
  /// Writes the kept weights of `matrix` in compressed sparse rows; a kept zero is stored.
  ///
  /// - Precondition: mask and matrix have one shape.
  public static func writeCSR(
    _ matrix: Matrix, kept mask: Mask, to path: String, force: Bool = false
  ) throws(TensorFileError) {
    precondition(mask.rows == matrix.rows && mask.columns == matrix.columns)
    var data: [Float] = []
    var indices: [Int] = []
    var starts = [0]
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns where mask[row, column] {
        data.append(matrix[row, column])
        indices.append(column)
      }
      starts.append(data.count)
    }
    try write(
      "csr", matrix, NumPyArray(data, shape: [data.count]), indices, starts, to: path,
      force: force)
  }

  /// Writes the blocks of `matrix` that keep any weight in block sparse rows, pruned weights of
  /// such a block as zeros.
  ///
  /// - Precondition: mask and matrix have one shape; block sides are positive.
  /// - Throws: `raggedBlocks` when the blocks do not divide the matrix: SciPy has only whole ones.
  public static func writeBSR(
    _ matrix: Matrix, kept mask: Mask, blockRows: Int, blockColumns: Int, to path: String,
    force: Bool = false
  ) throws(TensorFileError) {
    precondition(mask.rows == matrix.rows && mask.columns == matrix.columns)
    precondition(blockRows > 0 && blockColumns > 0)
    guard matrix.rows % blockRows == 0, matrix.columns % blockColumns == 0 else {
      throw TensorFileError(
        path: path,
        problem: .raggedBlocks(
          rows: matrix.rows, columns: matrix.columns, blockRows: blockRows,
          blockColumns: blockColumns))
    }
    var data: [Float] = []
    var indices: [Int] = []
    var starts = [0]
    for top in stride(from: 0, to: matrix.rows, by: blockRows) {
      for left in stride(from: 0, to: matrix.columns, by: blockColumns) {
        let rows = top..<top + blockRows
        let columns = left..<left + blockColumns
        guard rows.contains(where: { row in columns.contains { mask[row, $0] } }) else { continue }
        for row in rows {
          for column in columns { data.append(mask[row, column] ? matrix[row, column] : 0) }
        }
        indices.append(left / blockColumns)
      }
      starts.append(indices.count)
    }
    let blocks = NumPyArray(data, shape: [indices.count, blockRows, blockColumns])
    try write("bsr", matrix, blocks, indices, starts, to: path, force: force)
  }

  private static func write(
    _ format: String, _ matrix: Matrix, _ data: NumPyArray, _ indices: [Int], _ starts: [Int],
    to path: String, force: Bool
  ) throws(TensorFileError) {
    let isWide = starts.last! > Int(Int32.max) || matrix.columns > Int(Int32.max)
    func array(_ numbers: [Int]) -> NumPyArray {
      isWide ? NumPyArray(numbers.map(Int64.init)) : NumPyArray(numbers.map(Int32.init))
    }
    var archive = try ZIPWriter(path, force: force)
    try archive.add("indices.npy", array(indices))
    try archive.add("indptr.npy", array(starts))
    try archive.add("format.npy", NumPyArray(text: format))
    try archive.add("shape.npy", NumPyArray([Int64(matrix.rows), Int64(matrix.columns)]))
    try archive.add("data.npy", data)
    try archive.finish()
  }
}

/// A ZIP archive of stored entries below 4 GiB, aside and then renamed.
struct ZIPWriter: ~Copyable {
  private var file: AtomicFile
  private var directory: [UInt8] = []
  private var entries = 0

  init(_ path: String, force: Bool) throws(TensorFileError) {
    file = try AtomicFile(path, force: force)
  }

  mutating func add(_ name: String, _ array: NumPyArray) throws(TensorFileError) {
    let header = array.header
    let size = header.count + array.byteCount
    guard file.count + size + 128 < Int(UInt32.max) else {
      throw TensorFileError(path: file.path, problem: .tooLargeForArchive(bytes: size))
    }
    var sum = CRC32()
    header.withUnsafeBytes { sum.update($0) }
    array.withUnsafeBytes { sum.update($0) }
    // Version 2.0, no flags, stored, 1 January 1980: the same arrays give the same archive.
    var common: [UInt8] = []
    common.append16(20, 0, 0, 0, 0x21)
    common.append32(sum.value, UInt32(size), UInt32(size))
    common.append16(name.utf8.count, 0)
    directory.append32(0x0201_4B50)
    directory.append16(20)
    directory += common
    directory.append16(0, 0, 0)
    directory.append32(0, UInt32(file.count))
    directory += Array(name.utf8)
    entries += 1
    var local: [UInt8] = []
    local.append32(0x0403_4B50)
    try file.write(local + common + Array(name.utf8) + header)
    try array.append(to: &file)
  }

  consuming func finish() throws(TensorFileError) {
    var end: [UInt8] = []
    end.append32(0x0605_4B50)
    end.append16(0, 0, entries, entries)
    end.append32(UInt32(directory.count), UInt32(file.count))
    end.append16(0)
    try file.write(directory + end)
    try file.commit()
  }
}

extension [UInt8] {
  /// Little-endian 16-bit numbers.
  fileprivate mutating func append16(_ numbers: Int...) {
    for number in numbers {
      append(UInt8(truncatingIfNeeded: number))
      append(UInt8(truncatingIfNeeded: number >> 8))
    }
  }

  /// Little-endian 32-bit numbers.
  fileprivate mutating func append32(_ numbers: UInt32...) {
    for number in numbers {
      append16(Int(number & 0xFFFF), Int(number >> 16))
    }
  }
}
