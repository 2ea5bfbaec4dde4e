import Glibc
import Synchronization
import Tensors

/// The word embeddings, each read from the checkpoint when a text first has it.
///
/// They are more than half of a small model (47 of 91 MB in all-MiniLM-L6-v2), and a text needs few of
/// them: the 320 sentences that come with the program have 1900 different pieces, 3 MB. A row that was
/// read stays, and is found again without a lock.
final class WordVectors: @unchecked Sendable {
  let count: Int
  let width: Int
  private let model: Model
  private let name: String
  /// Of each row, or 0.
  private let addresses: UnsafeMutablePointer<Atomic<UInt>>
  private let store = Mutex(Store())

  private struct Store {
    /// Blocks of rows, and how many rows of the last one are in use.
    var blocks: [Block] = []
    var used = 0
    var failure: TensorFileError?
  }

  private struct Block: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
  }

  private static let rowsPerBlock = 128

  /// - Precondition: `name` is a matrix `[count, width]` of the model.
  init(model: Model, name: String, count: Int, width: Int) {
    self.model = model
    self.name = name
    self.count = count
    self.width = width
    addresses = .allocate(capacity: count)
    for index in 0..<count { (addresses + index).initialize(to: Atomic(0)) }
  }

  deinit {
    addresses.deinitialize(count: count)
    addresses.deallocate()
    store.withLock { for block in $0.blocks { block.base.deallocate() } }
  }

  /// Why rows could not be read, if that happened; those rows are NaN.
  var failure: TensorFileError? { store.withLock { $0.failure } }

  /// The row of a piece, `width` floats that stay where they are.
  subscript(index: Int) -> UnsafePointer<Float> {
    let known = (addresses + index).pointee.load(ordering: .acquiring)
    if let row = UnsafePointer<Float>(bitPattern: known) { return row }
    return read(index)
  }

  private func read(_ index: Int) -> UnsafePointer<Float> {
    store.withLock { store in
      // Another thread may have been first.
      let known = (addresses + index).pointee.load(ordering: .acquiring)
      if known != 0 { return Row(base: UnsafePointer(bitPattern: known)!) }
      if store.blocks.isEmpty || store.used == Self.rowsPerBlock {
        store.blocks.append(Block(base: .allocate(capacity: Self.rowsPerBlock * width)))
        store.used = 0
      }
      let row = store.blocks[store.blocks.count - 1].base + store.used * width
      do throws(TensorFileError) {
        try model.readRow(
          index, of: name, into: UnsafeMutableBufferPointer(start: row, count: width))
      } catch {
        store.failure = error
        row.initialize(repeating: .nan, count: width)
      }
      store.used += 1
      (addresses + index).pointee.store(UInt(bitPattern: row), ordering: .releasing)
      return Row(base: UnsafePointer(row))
    }.base
  }

  private struct Row: @unchecked Sendable {
    let base: UnsafePointer<Float>
  }
}
