import Tensors

/// A way to lay strips of weights beside activations, for one token or for eight.
protocol StripForm: CaseIterable, Sendable {
  var text: String { get }
  var shape: StripShape { get }
}

/// One packed part of a layer for fewer than 16 tokens, ready to run.
///
/// A call at one token takes a microsecond, so that counting references of the buffers would show:
/// pointers are taken out once, and the buffers are only kept alive.
final class SmallBatchPart<Form: StripForm>: @unchecked Sendable {
  enum Kind {
    /// With the first of the columns that lists count from.
    case strips(Form, firstColumn: Int)
    case lookup
    case quads(kept: Int, quads: Int)
  }

  let kind: Kind
  let name: String
  let groups: Int
  /// Stored weights, zeros that pad the format included.
  let stored: Int
  let indexBytes: Int
  /// Whether outputs are added to what an earlier part has written.
  let adding: Bool
  let halves: Bool
  let values: UnsafeRawPointer
  /// Inputs of strips (UInt16), places in windows (UInt8) or selectors (UInt32).
  let lists: UnsafeRawPointer
  let windows: UnsafePointer<UInt32>
  /// Steps before each group; none where all groups are alike.
  let starts: UnsafePointer<UInt32>
  let rows: UnsafePointer<Int32>
  let runs: UnsafePointer<UInt8>
  let bias: UnsafePointer<Float>
  private let owners: [AnyObject]

  convenience init(
    _ form: Form, _ format: PackedStrips, firstColumn: Int = 0, adding: Bool = false
  ) {
    self.init(
      .strips(form, firstColumn: firstColumn), "strips-" + form.text, format.groups, format.values,
      lists: Memory(format.index), starts: format.starts, outputs: format.places, adding: adding)
  }

  convenience init(_ format: PackedLookup, adding: Bool = false) {
    self.init(
      .lookup, "lookup", format.groups, format.values, lists: Memory(format.places),
      windows: format.windows, starts: format.starts, outputs: format.outputs, adding: adding)
  }

  convenience init(_ format: PackedQuads) {
    self.init(
      .quads(kept: format.kept, quads: format.quads), "quads-\(format.kept):4", format.groups,
      format.values, lists: Memory(format.selectors), outputs: format.places)
  }

  /// A buffer whose elements the kind tells.
  private struct Memory {
    let pointer: UnsafeRawPointer
    let bytes: Int
    let owner: AnyObject

    init<Element>(_ buffer: PackedBuffer<Element>) {
      (pointer, bytes, owner) = (UnsafeRawPointer(buffer.pointer), buffer.bytes, buffer)
    }
  }

  /// Without `windows` or `starts` the format has none, and kernels do not read them.
  private init(
    _ kind: Kind, _ name: String, _ groups: Int, _ values: PackedWeights, lists: Memory,
    windows: PackedBuffer<UInt32>? = nil, starts: PackedBuffer<UInt32>? = nil,
    outputs: OutputPlaces, adding: Bool = false
  ) {
    let none = PackedBuffer<UInt32>(count: 0)
    self.kind = kind
    self.name = name
    self.groups = groups
    self.adding = adding
    (stored, halves) = (values.count, values.halves)
    indexBytes = lists.bytes + (windows?.bytes ?? 0) + (starts?.bytes ?? 0) + outputs.bytes
    self.values = UnsafeRawPointer(values.pointer)
    self.lists = lists.pointer
    self.windows = UnsafePointer((windows ?? none).pointer)
    self.starts = UnsafePointer((starts ?? none).pointer)
    (rows, runs, bias) = outputs.pointers
    owners = [values, lists.owner, windows ?? none, starts ?? none] + outputs.owners
  }

  /// Work before group `group`, in steps.
  func work(before group: Int) -> Int {
    if case .quads = kind { group } else { Int(starts[group]) }
  }

  /// Groups of worker `worker` of `threads`: equal shares of the steps, cut between groups.
  func share(_ worker: Int, of threads: Int) -> Range<Int> {
    evenShare(worker, of: threads, count: groups) { work(before: $0) }
  }
}

/// The parts of a layer for fewer than 16 tokens, in the order in which they run.
struct SmallBatchParts<Form: StripForm>: Sendable {
  let parts: [SmallBatchPart<Form>]
  /// Kept weights.
  let kept: Int
  /// Stored weights for each thread: to fork and join takes 1 µs, which has to pay.
  let perThread: Int

  /// Whether formats hold more weights than are kept.
  var isPadded: Bool { parts.reduce(0) { $0 + $1.stored } > kept }

  var name: String { parts.map(\.name).joined(separator: "+") }

  /// Calls `body` with the groups of each share of a part, and returns when all are done.
  @inline(__always)
  func run(_ part: SmallBatchPart<Form>, threads: Int, _ body: (Range<Int>) -> Void) {
    let wanted = min(threads, 1 + part.stored / perThread, max(1, part.groups))
    if wanted <= 1 {
      body(0..<part.groups)
    } else {
      WorkerPool.shared.run(threads: wanted) { worker in body(part.share(worker, of: wanted)) }
    }
  }

  /// Bytes and operations of one call; `lanes` are the tokens that are computed.
  func storage(
    rows: Int, columns: Int, bytesPerWeight: Int, tokens: Int, lanes: Int, threads: Int
  ) -> StorageReport {
    let stored = parts.reduce(0) { $0 + $1.stored }
    let shares = (0..<max(1, threads)).map { worker in
      parts.reduce(0.0) { sum, part in
        let share = part.share(worker, of: max(1, threads))
        let steps = part.work(before: share.upperBound) - part.work(before: share.lowerBound)
        let all = max(1, part.work(before: part.groups))
        return sum + Double(part.stored) * Double(steps) / Double(all)
      }
    }
    let mean = shares.reduce(0, +) / Double(shares.count)
    return StorageReport(
      valueBytes: kept * bytesPerWeight, indexBytes: parts.reduce(0) { $0 + $1.indexBytes },
      paddingBytes: (stored - kept) * bytesPerWeight,
      activationBytes: (rows + columns) * 4 * lanes,
      usefulFlops: 2 * Double(kept) * Double(tokens),
      executedFlops: 2 * Double(stored) * Double(lanes),
      imbalance: mean == 0 ? 1 : (shares.max() ?? 0) / mean)
  }
}

/// The part of `0..<count` whose work lies between the shares `worker` and `worker + 1` of
/// `threads`.
func evenShare(
  _ worker: Int, of threads: Int, count: Int, work: (Int) -> Int
) -> Range<Int> {
  guard threads > 1 else { return 0..<count }
  let total = work(count)
  func cut(_ part: Int) -> Int {
    if part <= 0 { return 0 }
    if part >= threads { return count }
    let target = total * part / threads
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if work(middle) < target { low = middle + 1 } else { high = middle }
    }
    return low
  }
  return cut(worker)..<max(cut(worker), cut(worker + 1))
}
