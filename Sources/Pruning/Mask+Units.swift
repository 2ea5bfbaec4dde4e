import Tensors

extension Mask {
  /// The mask that keeps exactly the units of `grid` whose score a cut keeps.
  ///
  /// - Complexity: one comparison per unit, then one word per 64 weights.
  init(grid: UnitGrid, scores: [Float], cut: Cut) {
    self.init(rows: grid.rows, columns: grid.columns)
    let wide = wordsPerRow
    let unitColumns = grid.unitColumns
    var line = [UInt64](repeating: 0, count: wide)
    var units = [UInt64](repeating: 0, count: (unitColumns + 63) / 64)
    scores.withUnsafeBufferPointer { scores in
      words.withUnsafeMutableBufferPointer { words in
        for unitRow in 0..<grid.unitRows {
          let first = unitRow &* unitColumns
          // Ties before the limit are kept: there the comparison takes equality in.
          let equalEnd = min(max(cut.tieLimit &- first, 0), unitColumns)
          for word in 0..<units.count {
            let start = word &* 64
            let end = min(start &+ 64, unitColumns)
            var bits: UInt64 = 0
            var column = start
            while column < end {
              let least = column < equalEnd ? cut.bits : cut.bits &+ 1
              let stop = column < equalEnd ? min(end, equalEnd) : end
              while column < stop {
                let keep: UInt64 = scores[first &+ column].bitPattern >= least ? 1 : 0
                bits |= keep &<< UInt64(column &- start)
                column &+= 1
              }
            }
            units[word] = bits
          }
          if grid.blockColumns == 1 {
            for word in 0..<wide { line[word] = units[word] }
          } else {
            Mask.widen(units, by: grid, into: &line)
          }
          for row in grid.rowRange(unitRow) {
            for word in 0..<wide { words[row &* wide &+ word] = line[word] }
          }
        }
      }
    }
  }

  /// The mask that keeps exactly the units whose bit is set; rows of units are padded to whole words.
  init(grid: UnitGrid, units: [UInt64]) {
    self.init(rows: grid.rows, columns: grid.columns)
    if grid.blockRows == 1, grid.blockColumns == 1 {
      words = units
      return
    }
    let wide = wordsPerRow
    let unitWide = (grid.unitColumns + 63) / 64
    var line = [UInt64](repeating: 0, count: wide)
    for unitRow in 0..<grid.unitRows {
      let own = Array(units[unitRow * unitWide..<(unitRow + 1) * unitWide])
      if grid.blockColumns == 1 { line = own } else { Mask.widen(own, by: grid, into: &line) }
      words.withUnsafeMutableBufferPointer { words in
        for row in grid.rowRange(unitRow) {
          for word in 0..<wide { words[row &* wide &+ word] = line[word] }
        }
      }
    }
  }

  /// Spreads one bit a unit to one bit a column.
  private static func widen(_ units: [UInt64], by grid: UnitGrid, into line: inout [UInt64]) {
    for word in 0..<line.count { line[word] = 0 }
    for unit in 0..<grid.unitColumns where units[unit >> 6] >> UInt64(unit & 63) & 1 == 1 {
      let range = grid.columnRange(unit)
      setBits(&line, range)
    }
  }

  /// Sets the bits of a column range in one row's words.
  static func setBits(_ line: inout [UInt64], _ range: Range<Int>) {
    var column = range.lowerBound
    while column < range.upperBound {
      let word = column >> 6
      let end = min(range.upperBound, (word + 1) << 6)
      line[word] |= bits(from: column & 63, count: end - column)
      column = end
    }
  }

  /// `count` ones starting at bit `start`.
  static func bits(from start: Int, count: Int) -> UInt64 {
    count >= 64 ? .max : ((1 << UInt64(count)) &- 1) << UInt64(start)
  }

  /// Kept weights among the columns of `range` in one row.
  func count(row: Int, columns range: Range<Int>) -> Int {
    guard !range.isEmpty else { return 0 }
    let base = row &* wordsPerRow
    let (first, last) = (range.lowerBound >> 6, (range.upperBound &- 1) >> 6)
    let head = UInt64.max << UInt64(range.lowerBound & 63)
    let tail = UInt64.max >> UInt64(63 &- ((range.upperBound &- 1) & 63))
    if first == last { return (words[base &+ first] & head & tail).nonzeroBitCount }
    var count = (words[base &+ first] & head).nonzeroBitCount
    for word in first &+ 1..<max(last, first &+ 1) {
      count &+= words[base &+ word].nonzeroBitCount
    }
    return count &+ (words[base &+ last] & tail).nonzeroBitCount
  }
}
