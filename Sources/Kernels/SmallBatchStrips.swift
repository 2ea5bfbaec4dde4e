import Tensors

/// How the weights of a strip lie in its vectors.
struct StripShape: Hashable, Sendable {
  /// Outputs of a strip and consecutive inputs of one entry of its list.
  var height: Int
  var width: Int
  /// Entries of a step.
  var entries: Int
  /// Strips of a group.
  var strips: Int
  /// Within an entry, whether the outputs of one input stand together.
  var columnMajor = false
  /// For one output: whether the first inputs of all entries stand together, then the second ones.
  var isInterleaved = false

  /// The place of a weight of entry `entry` among the weights of its step.
  func lane(entry: Int, row: Int, column: Int) -> Int {
    if isInterleaved { return column * entries + entry }
    return entry * height * width + (columnMajor ? column * height + row : row * width + column)
  }

  /// Stored weights of one strip in one step: 8, 16 or 32.
  var unit: Int { height * width * entries }
  /// Outputs of a group.
  var outputs: Int { height * strips }
}

/// Strips packed for one token or for eight.
struct PackedStrips: Sendable {
  let shape: StripShape
  let values: PackedWeights
  let index: PackedBuffer<UInt16>
  let starts: PackedBuffer<UInt32>
  let places: OutputPlaces
  let groups: Int

  /// - Parameters:
  ///   - ordered: whether lists hold positions of the layout (activations are gathered first) and
  ///     not original columns. Needed where an entry is wider than one column and columns are
  ///     reordered.
  ///   - columns: the columns to pack, from a multiple of 64 on; list entries count from its start.
  ///   - scale: list entries are columns times this, which saves the kernels a shift for each. At
  ///     most 65 536 / scale columns fit.
  init(
    _ source: SmallBatchSource, shape: StripShape, lists: StripLists, ordered: Bool,
    columns: Range<Int>, scale: Int = 1, bias: [Float]?
  ) {
    self.shape = shape
    let groups = lists.groups(of: shape.strips, entries: shape.entries)
    self.groups = groups.count
    let steps = groups.reduce(0) { $0 + $1.steps }
    let values = PackedWeights(count: steps * shape.strips * shape.unit, halves: source.halves)
    let index = PackedBuffer<UInt16>(count: steps * shape.strips * shape.entries)
    let starts = PackedBuffer<UInt32>(count: groups.count + 1)
    var lanes = [Int](repeating: -1, count: groups.count * shape.outputs)
    var filler = StripFiller(source, shape: shape, ordered: ordered, columns: columns)
    var step = 0
    for (number, group) in groups.enumerated() {
      for (slot, strip) in group.strips.enumerated() {
        let firstRow = strip * shape.height
        let rows = firstRow..<min(firstRow + shape.height, source.rows.count)
        for row in rows {
          lanes[number * shape.outputs + slot * shape.height + row - firstRow] = row
        }
        for (position, entry) in (lists.starts[strip]..<lists.starts[strip + 1]).enumerated() {
          let at = (step + position / shape.entries) * shape.strips + slot
          let within = position % shape.entries
          let column = Int(lists.columns[entry])
          // The last run of columns may be shorter; it is moved back so that no load passes the
          // end.
          let start = max(columns.lowerBound, min(column, columns.upperBound - shape.width))
          index.pointer[at * shape.entries + within] = UInt16((start - columns.lowerBound) * scale)
          filler.place(column: column, start: start, entry: within, at: at * shape.unit)
        }
        filler.fill(values, rows: rows)
      }
      step += group.steps
      starts.pointer[number + 1] = UInt32(step)
    }
    self.values = values
    self.index = index
    self.starts = starts
    places = OutputPlaces(lanes: lanes, source: source, bias: bias)
  }
}

/// Puts the weights of one strip after the other to their places: a table from columns to places, and one
/// walk over the bits of each row.
private struct StripFiller {
  let source: SmallBatchSource
  let shape: StripShape
  let ordered: Bool
  let columns: Range<Int>
  private var places: [Int32]
  private let perRow: Int

  init(_ source: SmallBatchSource, shape: StripShape, ordered: Bool, columns: Range<Int>) {
    self.source = source
    self.shape = shape
    self.ordered = ordered
    self.columns = columns
    places = [Int32](repeating: 0, count: columns.count)
    perRow = shape.lane(entry: 0, row: 1, column: 0) - shape.lane(entry: 0, row: 0, column: 0)
  }

  /// An entry of the strip's list whose weights start at `base`.
  @inline(__always)
  mutating func place(column: Int, start: Int, entry: Int, at base: Int) {
    for position in column..<min(column + shape.width, columns.upperBound) {
      places[position &- columns.lowerBound] = Int32(
        truncatingIfNeeded: base &+ shape.lane(entry: entry, row: 0, column: position &- start))
    }
  }

  /// The strip's rows, all of whose columns have their places.
  func fill(_ values: PackedWeights, rows: Range<Int>) {
    let wordRange = columns.lowerBound / 64..<(columns.upperBound + 63) / 64
    let order = ordered ? source.columnOrder : nil
    places.withUnsafeBufferPointer { places in
      source.weights.values.withUnsafeBufferPointer { weights in
        (ordered ? source.orderedWords : source.words).withUnsafeBufferPointer { words in
          for row in rows {
            let weightRow = source.rows[row] &* source.columns
            let shift = (row &- rows.lowerBound) &* perRow
            for word in wordRange {
              var bits = words[row &* source.wordsPerRow &+ word]
              while bits != 0 {
                let position = word &* 64 &+ bits.trailingZeroBitCount
                bits &= bits &- 1
                values.put(
                  weights[weightRow &+ (order?[position] ?? position)],
                  at: Int(places[position &- columns.lowerBound]) &+ shift)
              }
            }
          }
        }
      }
    }
  }
}
