/// The strip formats for one token; raw values are the forms of `singleTokenStrips`.
enum SingleTokenForm: Int, CaseIterable, Sendable {
  case columns16, columns8, columns4, block4, dots16, dots8, dots4, columns32

  var text: String {
    switch self {
    case .columns32: "32x1"
    case .columns16: "16x1"
    case .columns8: "8x1"
    case .columns4: "4x1"
    case .block4: "4x4"
    case .dots16: "1x16"
    case .dots8: "1x8"
    case .dots4: "1x4"
    }
  }

  var shape: StripShape {
    switch self {
    case .columns32: StripShape(height: 32, width: 1, entries: 1, strips: 1)
    case .columns16: StripShape(height: 16, width: 1, entries: 1, strips: 1)
    case .columns8: StripShape(height: 8, width: 1, entries: 2, strips: 2)
    case .columns4: StripShape(height: 4, width: 1, entries: 4, strips: 4)
    case .block4: StripShape(height: 4, width: 4, entries: 1, strips: 4)
    case .dots16: StripShape(height: 1, width: 16, entries: 1, strips: 16)
    case .dots8: StripShape(height: 1, width: 8, entries: 2, strips: 16)
    case .dots4: StripShape(height: 1, width: 4, entries: 4, strips: 16)
    }
  }

  /// Cycles of one step of one strip on Zen 5: what its loads take when weights come from the L2
  /// cache.
  var cycles: Double {
    switch self {
    case .columns32: 2.7
    case .columns16, .block4, .dots16: 1.4
    case .columns8, .dots8: 1.7
    case .columns4, .dots4: 2.6
    }
  }

  /// Cycles of one step of table lookup, by far the dearest without AVX-512.
  static func lookupCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 2 : 24 }
  static func quadCycles(_ set: InstructionSet) -> Double { set == .avx512 ? 1.3 : 24 }
}

/// One packed part of a layer; a later part adds to what the earlier ones have written.
enum SingleTokenPart: Sendable {
  case strips(SingleTokenForm, PackedStrips)
  case lookup(PackedLookup)
  case quads(PackedQuads)

  var name: String {
    switch self {
    case .strips(let form, _): "strips-" + form.text
    case .lookup: "lookup"
    case .quads(let format): "quads-\(format.kept):4"
    }
  }

  var groups: Int {
    switch self {
    case .strips(_, let format): format.groups
    case .lookup(let format): format.groups
    case .quads(let format): format.groups
    }
  }

  var values: PackedWeights {
    switch self {
    case .strips(_, let format): format.values
    case .lookup(let format): format.values
    case .quads(let format): format.values
    }
  }

  var indexBytes: Int {
    switch self {
    case .strips(_, let format):
      format.index.bytes + format.starts.bytes + format.places.bytes
    case .lookup(let format):
      format.places.bytes + format.windows.bytes + format.starts.bytes + format.outputs.bytes
    case .quads(let format): format.selectors.bytes + format.places.bytes
    }
  }

  /// Work before group `group`, in steps.
  func work(before group: Int) -> Int {
    switch self {
    case .strips(_, let format): Int(format.starts.pointer[group])
    case .lookup(let format): Int(format.starts.pointer[group])
    case .quads: group
    }
  }

  /// Groups of worker `worker` of `threads`: equal shares of the steps, cut between groups.
  func share(_ worker: Int, of threads: Int) -> Range<Int> {
    evenShare(worker, of: threads, count: groups) { work(before: $0) }
  }

  func run(
    _ kernels: SingleTokenKernels, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    adding: Bool, groups: Range<Int>
  ) {
    guard !groups.isEmpty else { return }
    let (from, to) = (groups.lowerBound, groups.upperBound)
    let halves = values.halves
    switch self {
    case .strips(let form, let f):
      kernels.strips(
        form.rawValue, halves, f.values.pointer, f.index.pointer, f.starts.pointer, x, y,
        f.places.rows.pointer, f.places.runs.pointer,
        (adding ? f.places.noBias : f.places.bias).pointer, adding, from, to)
    case .lookup(let f):
      kernels.lookup(
        halves, f.values.pointer, f.places.pointer, f.windows.pointer, f.starts.pointer, x, y,
        f.outputs.rows.pointer, f.outputs.runs.pointer,
        (adding ? f.outputs.noBias : f.outputs.bias).pointer, adding, from, to)
    case .quads(let f):
      kernels.quads(
        f.kept, halves, f.values.pointer, f.selectors.pointer, f.quads, x, y,
        f.places.rows.pointer, f.places.runs.pointer,
        (adding ? f.places.noBias : f.places.bias).pointer, adding, from, to)
    }
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
