import Tensors

/// Single weights packed for table lookup; see `singleTokenLookup` for the format and why.
struct PackedLookup: Sendable {
  let values: PackedWeights
  let places: PackedBuffer<UInt8>
  let windows: PackedBuffer<UInt32>
  let starts: PackedBuffer<UInt32>
  let outputs: OutputPlaces
  let groups: Int

  /// Inputs of a window; activations shorter than this are padded by the caller.
  static let window = 32
  /// Windows start at multiples of this, so that their loads cross no cache line.
  private static let alignment = 16

  /// Blocks of sixteen inputs that the windows of a layer reach into, zeros behind the last column.
  static func blocks(_ columns: Int) -> Int {
    max((columns + alignment - 1) / alignment, window / alignment)
  }

  /// Packs the columns of `lists`, strips of height 1 in original column order.
  ///
  /// The window of a pair of steps starts at the lowest input that is still to come in the group;
  /// each output takes up to two of its inputs inside it.
  init(_ source: SmallBatchSource, lists: StripLists, bias: [Float]?) {
    let groups = lists.groups(of: 16, entries: 1)
    self.groups = groups.count
    let starts = PackedBuffer<UInt32>(count: groups.count + 1)
    var lanes = [Int](repeating: -1, count: groups.count * 16)
    let lastWindow = Self.blocks(source.columns) * Self.alignment - Self.window
    var pairs = LookupPairs(capacity: lists.columns.count / 20 + 64)
    source.weights.values.withUnsafeBufferPointer { weights in
      lists.columns.withUnsafeBufferPointer { columns in
        for (number, group) in groups.enumerated() {
          var members = InlineArray<16, LookupLane>(repeating: LookupLane())
          for (lane, strip) in group.strips.enumerated() {
            lanes[number * 16 + lane] = strip
            members[lane] = LookupLane(
              next: lists.starts[strip], end: lists.starts[strip + 1],
              row: source.rows[strip] * source.columns, columns: columns)
          }
          while true {
            var lowest = Int.max
            for lane in 0..<16 { lowest = min(lowest, members[lane].column) }
            guard lowest < .max else { break }
            let start = min(lowest / Self.alignment * Self.alignment, lastWindow)
            pairs.append(window: start)
            for step in 0..<2 {
              for lane in 0..<16 where members[lane].column < start + Self.window {
                let column = members[lane].column
                pairs.put(
                  weights[members[lane].row &+ column], column &- start, at: step &* 16 &+ lane)
                members[lane].advance(columns)
              }
            }
          }
          starts.pointer[number + 1] = UInt32(pairs.count)
        }
      }
    }
    values = PackedWeights(pairs.values, count: pairs.count * 32, halves: source.halves)
    places = PackedBuffer(pairs.places, count: pairs.count * 32)
    windows = PackedBuffer(pairs.windows, count: pairs.count)
    pairs.deallocate()
    self.starts = starts
    outputs = OutputPlaces(lanes: lanes, source: source, bias: bias)
  }
}

/// An output that is being packed: its next input, `Int.max` behind the last.
private struct LookupLane {
  var next = 0
  var end = 0
  var row = 0
  var column = Int.max

  init() {}

  init(next: Int, end: Int, row: Int, columns: UnsafeBufferPointer<UInt32>) {
    (self.next, self.end, self.row) = (next, end, row)
    column = next < end ? Int(columns[next]) : .max
  }

  @inline(__always)
  mutating func advance(_ columns: UnsafeBufferPointer<UInt32>) {
    next &+= 1
    column = next < end ? Int(columns[next]) : .max
  }
}

/// Pairs of steps while their number is not known.
private struct LookupPairs {
  private(set) var count = 0
  private var capacity: Int
  private(set) var values: UnsafeMutablePointer<Float>
  private(set) var places: UnsafeMutablePointer<UInt8>
  private(set) var windows: UnsafeMutablePointer<UInt32>

  init(capacity: Int) {
    self.capacity = capacity
    values = .allocate(capacity: capacity * 32)
    places = .allocate(capacity: capacity * 32)
    windows = .allocate(capacity: capacity)
  }

  func deallocate() {
    values.deallocate()
    places.deallocate()
    windows.deallocate()
  }

  /// A pair of zeros.
  @inline(__always)
  mutating func append(window: Int) {
    if count == capacity { grow() }
    windows[count] = UInt32(truncatingIfNeeded: window)
    (values + count &* 32).initialize(repeating: 0, count: 32)
    (places + count &* 32).initialize(repeating: 0, count: 32)
    count &+= 1
  }

  /// Sets a weight of the last pair.
  @inline(__always)
  func put(_ weight: Float, _ place: Int, at lane: Int) {
    let at = (count &- 1) &* 32 &+ lane
    values[at] = weight
    places[at] = UInt8(truncatingIfNeeded: place)
  }

  private mutating func grow() {
    let old = self
    self = LookupPairs(capacity: capacity * 2)
    count = old.count
    values.initialize(from: old.values, count: count * 32)
    places.initialize(from: old.places, count: count * 32)
    windows.initialize(from: old.windows, count: count)
    old.deallocate()
  }
}

extension SmallBatchSource {
  /// About how many steps table lookup takes: the fullest of each sixteen outputs in each 32 inputs,
  /// less what the sliding of windows saves of that (16 to 18 % where weights are spread evenly, 5 to
  /// 50 % kept).
  func lookupSteps() -> Int {
    var steps = 0
    words.withUnsafeBufferPointer { words in
      for first in stride(from: 0, to: rows.count, by: 16) {
        for word in 0..<wordsPerRow {
          var (low, high) = (0, 0)
          for row in first..<min(first + 16, rows.count) {
            let bits = words[row &* wordsPerRow &+ word]
            low = max(low, (bits & 0xffff_ffff).nonzeroBitCount)
            high = max(high, (bits >> 32).nonzeroBitCount)
          }
          steps &+= low &+ high
        }
      }
    }
    return steps * 84 / 100
  }
}
