import Tensors

/// At most `kept` of every four consecutive inputs, packed with 2-bit selectors; see
/// `singleTokenQuads`.
struct PackedQuads: Sendable {
  let kept: Int
  let quads: Int
  let values: PackedWeights
  let selectors: PackedBuffer<UInt32>
  let places: OutputPlaces
  let groups: Int

  /// The largest number of weights kept in any four consecutive inputs of the layout.
  static func most(_ source: SmallBatchSource) -> Int {
    var most = 0
    for word in source.orderedWords {
      // Counts of each four bits, side by side.
      let pairs = word - (word >> 1 & 0x5555_5555_5555_5555)
      let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333)
      if fours & 0x4444_4444_4444_4444 != 0 { return 4 }
      if most < 3, fours & 0x3333_3333_3333_3333 != 0 {
        let three = fours & (fours >> 1) & 0x1111_1111_1111_1111
        if three != 0 {
          most = 3
        } else if fours & 0x2222_2222_2222_2222 != 0 {
          most = max(most, 2)
        } else {
          most = max(most, 1)
        }
      }
    }
    return most
  }

  init(_ source: SmallBatchSource, kept: Int, bias: [Float]?) {
    self.kept = kept
    quads = (source.columns + 3) / 4
    groups = (source.rows.count + 15) / 16
    let perChunk = 16 / kept
    let chunks = (quads + perChunk - 1) / perChunk
    values = PackedWeights(count: groups * quads * kept * 16, halves: source.halves)
    selectors = PackedBuffer(count: groups * chunks * 16)
    places = OutputPlaces(lanes: Array(0..<source.rows.count), source: source, bias: bias)
    let order = source.columnOrder
    source.weights.values.withUnsafeBufferPointer { weights in
      source.orderedWords.withUnsafeBufferPointer { words in
        for packed in 0..<source.rows.count {
          let (group, lane) = (packed / 16, packed % 16)
          let weightRow = source.rows[packed] * source.columns
          for word in 0..<source.wordsPerRow {
            var bits = words[packed &* source.wordsPerRow &+ word]
            var (last, slot) = (-1, 0)
            while bits != 0 {
              let position = word &* 64 &+ bits.trailingZeroBitCount
              bits &= bits &- 1
              let quad = position / 4
              slot = quad == last ? slot &+ 1 : 0
              last = quad
              values.put(
                weights[weightRow &+ (order?[position] ?? position)],
                at: ((group &* quads &+ quad) &* kept &+ slot) &* 16 &+ lane)
              let shift = UInt32(truncatingIfNeeded: 2 &* (quad % perChunk &* kept &+ slot))
              selectors.pointer[(group &* chunks &+ quad / perChunk) &* 16 &+ lane] |=
                UInt32(truncatingIfNeeded: position & 3) &<< shift
            }
          }
        }
      }
    }
  }
}
