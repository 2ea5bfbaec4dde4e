import Tensors

/// An index over the scores of single weights, from which any exact cut is made in a few milliseconds
/// even for 45 million of them.
///
/// Every score has a code from 1 to 127, by 127 classes of about equal count, in one byte; rows are
/// padded with code 0 to whole mask words. A cut compares eight codes in one integer operation, looks
/// at exact scores only in the one class it falls into, and takes the sums of all other classes from a
/// table.
struct CodeIndex: Sendable {
  private let codes: [UInt8]
  private let counts: [Int]
  private let sums: [WeightSums]
  private let rows: Int
  private let columns: Int
  /// Codes of one row, a multiple of 64.
  private let stride: Int

  /// - Parameters:
  ///   - scores: One per weight, row-major, non-negative.
  ///   - weights: Of the same shape, for the sums of each class.
  /// - Complexity: two passes over scores and weights.
  init(scores: [Float], weights: Matrix, inputEnergy: [Float]?, scale: Float) {
    rows = weights.rows
    columns = weights.columns
    let (rows, columns) = (weights.rows, weights.columns)
    let stride = (columns + 63) / 64 * 64
    self.stride = stride
    // Classes are unions of the bins of the leading 16 bits.
    var histogram = [UInt32](repeating: 0, count: 1 << 16)
    scores.withUnsafeBufferPointer { scores in
      histogram.withUnsafeMutableBufferPointer { histogram in
        for index in 0..<scores.count { histogram[Int(scores[index].bitPattern >> 15)] &+= 1 }
      }
    }
    var table = [UInt8](repeating: 0, count: 1 << 16)
    var below = 0
    for bin in table.indices {
      table[bin] = UInt8(1 + min(126, below * 127 / max(1, scores.count)))
      below += Int(histogram[bin])
    }
    var codes = [UInt8](repeating: 0, count: rows * stride)
    var counts = [Int](repeating: 0, count: 129)
    var absolute = [Double](repeating: 0, count: 128)
    var energy = absolute
    var wanda = absolute
    let factors = inputEnergy ?? [Float](repeating: 0, count: columns)
    // One row at a time in F32 would do, but classes have few weights a row: doubles throughout.
    for row in 0..<rows {
      for column in 0..<columns {
        let index = row &* columns &+ column
        let code = table[Int(scores[index].bitPattern >> 15)]
        codes[row &* stride &+ column] = code
        let value = Double(weights.values[index] * scale)
        let square = value * value
        counts[Int(code)] &+= 1
        absolute[Int(code)] += value.magnitude
        energy[Int(code)] += square
        wanda[Int(code)] += square * Double(factors[column])
      }
    }
    self.codes = codes
    self.counts = counts
    sums = (0..<128).map {
      WeightSums(absolute: absolute[$0], energy: energy[$0], wanda: wanda[$0])
    }
  }

  /// The mask of the `count` best weights, the cut behind it, and the sums over what it keeps.
  ///
  /// - Precondition: `0 < count < scores.count`.
  func select(
    _ count: Int, scores: [Float], weights: Matrix, inputEnergy: [Float]?, scale: Float
  ) -> (mask: Mask, cut: Cut, sums: WeightSums) {
    var above = 0
    var total = WeightSums()
    var code = 127
    while above + counts[code] < count {
      above += counts[code]
      total.add(sums[code])
      code -= 1
    }
    var mask = Mask(rows: rows, columns: columns)
    var candidates: [Int] = []
    candidates.reserveCapacity(counts[code])
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let gather: UInt64 = 0x0102_0408_1020_4080
    let (from, beyond) = (ones &* UInt64(code), ones &* UInt64(code + 1))
    codes.withUnsafeBytes { codes in
      mask.words.withUnsafeMutableBufferPointer { words in
        for word in 0..<words.count {
          var kept: UInt64 = 0
          var edge: UInt64 = 0
          for byte in 0..<8 {
            let eight =
              codes.loadUnaligned(fromByteOffset: word &* 64 &+ byte &* 8, as: UInt64.self) | highs
            let least = (((eight &- from) & highs) &>> 7 &* gather) &>> 56
            let more = (((eight &- beyond) & highs) &>> 7 &* gather) &>> 56
            kept |= more &<< UInt64(byte &* 8)
            edge |= (least ^ more) &<< UInt64(byte &* 8)
          }
          words[word] = kept
          while edge != 0 {
            candidates.append(word &* 64 &+ edge.trailingZeroBitCount)
            edge &= edge &- 1
          }
        }
      }
    }
    // Candidates come row by row, so their order is the order ties are broken in.
    let wide = stride
    let exact = candidates.map { scores[$0 / wide &* columns &+ $0 % wide] }
    let inner = Cut(keeping: count - above, of: exact)
    var cut = Cut(bits: .max, tieLimit: 0)
    for (place, candidate) in candidates.enumerated() where inner.keeps(exact[place], at: place) {
      let (row, column) = (candidate / wide, candidate % wide)
      mask.words[candidate >> 6] |= 1 &<< UInt64(candidate & 63)
      let value = Double(weights.values[row &* columns &+ column] * scale)
      total.absolute += value.magnitude
      total.energy += value * value
      total.wanda += value * value * Double(inputEnergy?[column] ?? 0)
      // The least score kept, and the last index that has it.
      let bits = exact[place].bitPattern
      if bits <= cut.bits { cut = Cut(bits: bits, tieLimit: row &* columns &+ column &+ 1) }
    }
    return (mask, cut, total)
  }
}

/// Sums over the weights of each unit, so that the shares of a cut need no pass over the weights.
struct UnitSums: Sendable {
  private let absolute: [Float]
  private let energy: [Float]
  private let wanda: [Float]
  private let grid: UnitGrid

  /// - Complexity: two or three passes over the weights.
  init(_ weights: Matrix, grid: UnitGrid, inputEnergy: [Float]?, largest: Float) {
    self.grid = grid
    func means(_ rule: ElementScores.Rule) -> [Float] {
      ElementScores(weights: weights, rule: rule, largest: largest).means(of: grid)
    }
    absolute = means(.absolute)
    energy = means(.squared(factors: nil))
    wanda = inputEnergy.map { means(.squared(factors: $0)) } ?? []
  }

  /// The sums over the units that a cut keeps.
  func kept(by cut: Cut, scores: [Float]) -> WeightSums {
    var sums = WeightSums()
    let full = grid.blockRows * grid.blockColumns
    let isRagged =
      grid.rows % grid.blockRows != 0 || grid.columns % grid.blockColumns != 0
    scores.withUnsafeBufferPointer { scores in
      for unit in 0..<scores.count where cut.keeps(scores[unit], at: unit) {
        let size = Double(isRagged ? grid.size(unit) : full)
        sums.absolute += size * Double(absolute[unit])
        sums.energy += size * Double(energy[unit])
        if !wanda.isEmpty { sums.wanda += size * Double(wanda[unit]) }
      }
    }
    return sums
  }
}

extension WeightSums {
  init(absolute: Double, energy: Double, wanda: Double) {
    self.absolute = absolute
    self.energy = energy
    self.wanda = wanda
  }

  mutating func add(_ other: WeightSums) {
    absolute += other.absolute
    energy += other.energy
    wanda += other.wanda
  }
}
