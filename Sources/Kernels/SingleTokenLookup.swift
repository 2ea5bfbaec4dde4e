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

  /// Packs the columns of `lists`, strips of height 1 in original column order.
  ///
  /// The window of a pair of steps starts at the lowest input that is still to come in the group;
  /// each output takes up to two of its inputs inside it.
  init(_ source: SmallBatchSource, lists: StripLists, bias: [Float]?) {
    let groups = lists.groups(of: 16, entries: 1)
    self.groups = groups.count
    var windows: [UInt32] = []
    var places: [UInt8] = []
    var targets: [(place: Int, packed: Int, column: Int)] = []
    targets.reserveCapacity(lists.columns.count)
    places.reserveCapacity(lists.columns.count * 3)
    let starts = PackedBuffer<UInt32>(count: groups.count + 1)
    var lanes = [Int](repeating: -1, count: groups.count * 16)
    let lastWindow = max(0, source.columns - Self.window)
    var next = [Int](repeating: 0, count: 16)
    var ends = [Int](repeating: 0, count: 16)
    for (number, group) in groups.enumerated() {
      let members = group.strips.count
      for (lane, strip) in group.strips.enumerated() {
        lanes[number * 16 + lane] = strip
        next[lane] = lists.starts[strip]
        ends[lane] = lists.starts[strip + 1]
      }
      while true {
        var lowest = UInt32.max
        for lane in 0..<members where next[lane] < ends[lane] {
          lowest = min(lowest, lists.columns[next[lane]])
        }
        guard lowest < .max else { break }
        let start = min(Int(lowest) / Self.alignment * Self.alignment, lastWindow)
        windows.append(UInt32(start))
        for _ in 0..<2 {
          for lane in 0..<16 {
            let at = places.count
            if lane < members, next[lane] < ends[lane],
              Int(lists.columns[next[lane]]) < start + Self.window
            {
              let column = Int(lists.columns[next[lane]])
              next[lane] += 1
              targets.append((at, group.strips[lane], column))
              places.append(UInt8(column - start))
            } else {
              places.append(0)
            }
          }
        }
      }
      starts.pointer[number + 1] = UInt32(windows.count)
    }
    let values = PackedWeights(count: places.count, halves: source.halves)
    source.weights.values.withUnsafeBufferPointer { weights in
      for target in targets {
        values.put(
          weights[source.rows[target.packed] * source.columns + target.column], at: target.place)
      }
    }
    self.values = values
    self.places = PackedBuffer(places)
    self.windows = PackedBuffer(windows)
    self.starts = starts
    outputs = OutputPlaces(lanes: lanes, source: source, bias: bias)
  }

  /// Steps expected before packing: uniformly random masks of 768 columns take one step for each
  /// sixteen weights and 0.07 of a step for each sixteen places beside (5 to 50 % kept, measured on
  /// the packer).
  static func expectedSteps(kept: Int, rows: Int, columns: Int) -> Double {
    (Double(kept) + 0.07 * Double(rows * columns)) / 16
  }
}
