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

  init(_ form: Form, _ format: PackedStrips, firstColumn: Int = 0, adding: Bool = false) {
    kind = .strips(form, firstColumn: firstColumn)
    name = "strips-" + form.text
    (groups, stored, halves) = (format.groups, format.values.count, format.values.halves)
    indexBytes = format.index.bytes + format.starts.bytes + format.places.bytes
    self.adding = adding
    values = UnsafeRawPointer(format.values.pointer)
    lists = UnsafeRawPointer(format.index.pointer)
    starts = UnsafePointer(format.starts.pointer)
    windows = starts
    (rows, runs, bias) = format.places.pointers
    owners = [format.values, format.index, format.starts] + format.places.owners
  }

  init(_ format: PackedLookup, adding: Bool = false) {
    kind = .lookup
    name = "lookup"
    (groups, stored, halves) = (format.groups, format.values.count, format.values.halves)
    indexBytes =
      format.places.bytes + format.windows.bytes + format.starts.bytes + format.outputs.bytes
    self.adding = adding
    values = UnsafeRawPointer(format.values.pointer)
    lists = UnsafeRawPointer(format.places.pointer)
    windows = UnsafePointer(format.windows.pointer)
    starts = UnsafePointer(format.starts.pointer)
    (rows, runs, bias) = format.outputs.pointers
    owners = [format.values, format.places, format.windows, format.starts] + format.outputs.owners
  }

  init(_ format: PackedQuads) {
    kind = .quads(kept: format.kept, quads: format.quads)
    name = "quads-\(format.kept):4"
    (groups, stored, halves) = (format.groups, format.values.count, format.values.halves)
    indexBytes = format.selectors.bytes + format.places.bytes
    adding = false
    values = UnsafeRawPointer(format.values.pointer)
    lists = UnsafeRawPointer(format.selectors.pointer)
    starts = UnsafePointer(format.selectors.pointer)
    windows = starts
    (rows, runs, bias) = format.places.pointers
    owners = [format.values, format.selectors] + format.places.owners
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
