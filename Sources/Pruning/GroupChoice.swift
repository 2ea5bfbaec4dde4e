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
    var line = [Float](repeating: 0, count: columns + 4)
    mask.words.withUnsafeMutableBufferPointer { words in
      line.withUnsafeMutableBufferPointer { line in
        for row in 0..<rows {
          scores.fill(row: row, line.baseAddress!)
          let target = words.baseAddress! + row &* wide
          var start = 0
          if kept == 2, group == 4 {
            while start &+ 4 <= columns {
              // Groups of four never straddle a word.
              let bits = bestTwo(line.baseAddress! + start)
              target[start >> 6] |= bits &<< UInt64(start & 63)
              start &+= 4
            }
          }
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

  /// Thins a mask to the best two of every four kept columns of a row, in the columns' order.
  ///
  /// The rows of a tile have one list of kept columns, so it is made once for a run of equal rows.
  static func thinTwoOfFour(_ mask: Mask, scores: ElementScores) -> Mask {
    var result = Mask(rows: mask.rows, columns: mask.columns)
    let wide = mask.wordsPerRow
    var line = [Float](repeating: 0, count: mask.columns)
    var columns: [UInt32] = []
    var packed = [Float](repeating: 0, count: mask.columns + 4)
    /// Four bits a group of kept columns.
    var chosen = [UInt8](repeating: 0, count: mask.columns / 4 + 1)
    for row in 0..<mask.rows {
      let base = row * wide
      let isRepeated =
        row > 0
        && mask.words.withUnsafeBufferPointer { words in
          (0..<wide).allSatisfy { words[base &+ $0] == words[base &- wide &+ $0] }
        }
      if !isRepeated { columns = mask.keptColumns(row: row) }
      line.withUnsafeMutableBufferPointer { scores.fill(row: row, $0.baseAddress!) }
      let count = columns.count
      columns.withUnsafeBufferPointer { columns in
        line.withUnsafeBufferPointer { line in
          packed.withUnsafeMutableBufferPointer { packed in
            for index in 0..<count { packed[index] = line[Int(columns[index])] }
            var start = 0
            while start &+ 4 <= count {
              chosen[start >> 2] = UInt8(truncatingIfNeeded: bestTwo(packed.baseAddress! + start))
              start &+= 4
            }
            var last: UInt8 = 0
            best(2, of: packed.baseAddress! + start, count: count &- start) { last |= 1 &<< $0 }
            chosen[start >> 2] = last
          }
        }
      }
      // The choices go to the places of the kept columns, a word of the mask at a time.
      result.words.withUnsafeMutableBufferPointer { target in
        mask.words.withUnsafeBufferPointer { words in
          chosen.withUnsafeBufferPointer { chosen in
            var index = 0
            for word in 0..<wide {
              var bits = words[base &+ word]
              var kept: UInt64 = 0
              while bits != 0 {
                let choice = UInt64(chosen[index >> 2] &>> UInt8(index & 3)) & 1
                kept |= (bits & (0 &- bits)) & (0 &- choice)
                bits &= bits &- 1
                index &+= 1
              }
              target[base &+ word] = kept
            }
          }
        }
      }
    }
    return result
  }

  /// Two of four without branches: an element stays when fewer than two others beat it.
  @inline(__always)
  private static func bestTwo(_ s: UnsafePointer<Float>) -> UInt64 {
    let (a, b, c, d) = (s[0], s[1], s[2], s[3])
    // Of two equal ones the later loses: it is "beaten" by >=, the earlier only by >.
    let ab = b > a ? 1 : 0
    let ac = c > a ? 1 : 0
    let ad = d > a ? 1 : 0
    let bc = c > b ? 1 : 0
    let bd = d > b ? 1 : 0
    let cd = d > c ? 1 : 0
    let beatenA = ab &+ ac &+ ad
    let beatenB = (1 &- ab) &+ bc &+ bd
    let beatenC = (1 &- ac) &+ (1 &- bc) &+ cd
    let beatenD = (1 &- ad) &+ (1 &- bd) &+ (1 &- cd)
    var bits: UInt64 = beatenA < 2 ? 1 : 0
    bits |= beatenB < 2 ? 2 : 0
    bits |= beatenC < 2 ? 4 : 0
    bits |= beatenD < 2 ? 8 : 0
    return bits
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

extension Mask {
  /// The columns that one row keeps, ascending.
  fileprivate func keptColumns(row: Int) -> [UInt32] {
    var columns: [UInt32] = []
    for word in 0..<wordsPerRow {
      var bits = words[row * wordsPerRow + word]
      while bits != 0 {
        columns.append(UInt32(word * 64 + bits.trailingZeroBitCount))
        bits &= bits &- 1
      }
    }
    return columns
  }
}
