import Tensors

/// Keeping the best N of every M along a row.
enum GroupChoice {
  /// The mask that keeps, in every row, the `kept` best of each `group` consecutive columns; a last,
  /// shorter group keeps `min(kept, length)`. Ties go to the lower column.
  static func mask(_ scores: ElementScores, kept: Int, group: Int) -> Mask {
    let (rows, columns) = (scores.weights.rows, scores.weights.columns)
    var mask = Mask(rows: rows, columns: columns)
    let wide = mask.wordsPerRow
    let group = min(group, columns)
    var line = [Float](repeating: 0, count: columns)
    mask.words.withUnsafeMutableBufferPointer { words in
      line.withUnsafeMutableBufferPointer { line in
        for row in 0..<rows {
          scores.fill(row: row, line.baseAddress!)
          let target = words.baseAddress! + row &* wide
          var start = 0
          while start < columns {
            let end = min(start &+ group, columns)
            best(kept, of: line.baseAddress! + start, count: end &- start) { offset in
              let column = start &+ offset
              target[column >> 6] |= 1 &<< UInt64(column & 63)
            }
            start = end
          }
        }
      }
    }
    return mask
  }

  /// Calls `keep` with the offsets of the `kept` best of `count` scores.
  ///
  /// - Complexity: O(count²) comparisons for groups up to 32, O(count·log count) beyond.
  @inline(__always)
  private static func best(
    _ kept: Int, of scores: UnsafePointer<Float>, count: Int, _ keep: (Int) -> Void
  ) {
    if kept >= count {
      for offset in 0..<count { keep(offset) }
    } else if count <= 32 {
      for offset in 0..<count {
        let own = scores[offset]
        var beaten = 0
        for other in 0..<offset where scores[other] >= own { beaten &+= 1 }
        for other in offset &+ 1..<max(count, offset &+ 1) where scores[other] > own {
          beaten &+= 1
        }
        if beaten < kept { keep(offset) }
      }
    } else {
      let cut = Cut(
        keeping: kept, of: UnsafeBufferPointer(start: scores, count: count))
      for offset in 0..<count where cut.keeps(scores[offset], at: offset) { keep(offset) }
    }
  }
}
