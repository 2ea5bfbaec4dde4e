import Intrinsics
import Tensors

/// An index over the scores of many units, from which any exact cut is made in a few milliseconds even
/// for eleven million of them.
///
/// Every score has a code from 1 to 254, by 254 classes of about equal count, in one byte; rows of units
/// are padded with code 0 to whole mask words. A cut compares 16 codes in one instruction, looks at exact
/// scores only in the one class it falls into, and takes the sums of all other classes from a table.
struct CodeIndex: Sendable {
  private let codes: [UInt8]
  private let counts: [Int]
  private let sums: [WeightSums]
  private let grid: UnitGrid
  /// Codes of one row of units, a multiple of 64.
  private let stride: Int

  var bytes: Int { codes.count }

  /// - Parameters:
  ///   - scores: Of the units, non-negative.
  ///   - weights: `[outputs, inputs]`, cut into units by `grid`; for the sums of each class.
  /// - Complexity: two passes over the scores, one over the weights.
  init(grid: UnitGrid, scores: [Float], weights: Matrix, inputEnergy: [Float]?, scale: Float) {
    self.grid = grid
    let (rows, columns) = (grid.unitRows, grid.unitColumns)
    let stride = (columns + 63) / 64 * 64
    self.stride = stride
    // Classes are unions of the bins of the leading 16 bits. They need only be of about equal count, so
    // a quarter of the rows decides where many are.
    var histogram = [UInt32](repeating: 0, count: 1 << 16)
    var seen = 0
    for row in Swift.stride(from: 0, to: rows, by: rows >= 256 ? 4 : 1) {
      seen += columns
      scores.withUnsafeBufferPointer { scores in
        let line = scores.baseAddress! + row &* columns
        histogram.withUnsafeMutableBufferPointer { histogram in
          for index in 0..<columns { histogram[Int(line[index].bitPattern >> 15)] &+= 1 }
        }
      }
    }
    var table = [UInt8](repeating: 0, count: 1 << 16)
    var below = 0
    for bin in table.indices {
      table[bin] = UInt8(1 + min(253, below * 254 / max(1, seen)))
      below += Int(histogram[bin])
    }
    var codes = [UInt8](repeating: 0, count: rows * stride)
    var classes = ClassSums()
    var unitSums = UnitRowSums(grid: grid, weights: weights, inputEnergy, scale: scale)
    for row in 0..<rows {
      unitSums.load(row)
      scores.withUnsafeBufferPointer { scores in
        let line = scores.baseAddress! + row &* columns
        codes.withUnsafeMutableBufferPointer { codes in
          table.withUnsafeBufferPointer { table in
            for column in 0..<columns {
              codes[row &* stride &+ column] = table[Int(line[column].bitPattern >> 15)]
            }
          }
        }
      }
      codes.withUnsafeBufferPointer { classes.add(unitSums, $0.baseAddress! + row * stride) }
    }
    self.codes = codes
    (counts, sums) = classes.result
  }

  /// The units of the `count` best scores, the cut behind it, and the sums over what it keeps.
  ///
  /// - Parameter withSums: false where nobody wants them: those of the class at the cut take a look at the
  ///   weights of its units, one millisecond for 45 million in tiles of 64.
  /// - Returns: one bit a unit, rows padded to whole words.
  /// - Precondition: `0 < count < grid.count`.
  func select(
    _ count: Int, scores: [Float], weights: Matrix, inputEnergy: [Float]?, scale: Float,
    withSums: Bool = true
  ) -> (units: [UInt64], cut: Cut, sums: WeightSums) {
    var above = 0
    var total = WeightSums()
    var code = 254
    while above + counts[code] < count {
      above += counts[code]
      total.add(sums[code])
      code -= 1
    }
    var units = [UInt64](repeating: 0, count: codes.count / 64)
    let edge = scan(code, scores: scores, into: &units)
    let inner = Cut(keeping: count - above, of: edge.scores)
    var cut = Cut(bits: .max, tieLimit: 0)
    let (words, unitColumns) = (stride / 64, grid.unitColumns)
    // Where the weights of a unit that comes a few units later lie: they are in no cache.
    let ahead = 16
    weights.values.withUnsafeBufferPointer { values in
      for index in edge.scores.indices where inner.keeps(edge.scores[index], at: index) {
        if withSums, index + ahead < edge.units.count {
          let (row, column) = edge.units[index + ahead].quotientAndRemainder(
            dividingBy: unitColumns)
          let first = values.baseAddress! + column &* grid.blockColumns
          for line in grid.rowRange(row) { prefetch_line(first + line &* grid.columns) }
        }
        let unit = edge.units[index]
        let (row, column) = unit.quotientAndRemainder(dividingBy: unitColumns)
        units[row &* words &+ column >> 6] |= 1 &<< UInt64(column & 63)
        for line in withSums ? grid.rowRange(row) : 0..<0 {
          for place in grid.columnRange(column) {
            total.add(weight: values[line &* grid.columns &+ place] * scale, inputEnergy?[place])
          }
        }
        // The least score kept, and the last index that has it.
        let bits = edge.scores[index].bitPattern
        if bits <= cut.bits { cut = Cut(bits: bits, tieLimit: unit &+ 1) }
      }
    }
    return (units, cut, total)
  }

  /// Sets the bits of the units above a class, and lists the class row by row, so in the order in which
  /// ties are broken.
  private func scan(
    _ code: Int, scores: [Float], into units: inout [UInt64]
  ) -> (units: [Int], scores: [Float]) {
    let words = stride / 64
    let size = counts[code]
    let listed = [Int](unsafeUninitializedCapacity: size) { listed, initialized in
      codes.withUnsafeBufferPointer { codes in
        units.withUnsafeMutableBufferPointer { units in
          for row in 0..<grid.unitRows {
            for word in 0..<words {
              let index = row &* words &+ word
              let some = codes.baseAddress! + index &* 64
              let more = UInt64(codes_from(some, UInt8(code + 1)))
              var edge = UInt64(codes_from(some, UInt8(code))) ^ more
              units[index] = more
              let first = row &* grid.unitColumns &+ word &* 64
              while edge != 0 {
                listed[initialized] = first &+ edge.trailingZeroBitCount
                initialized &+= 1
                edge &= edge &- 1
              }
            }
          }
        }
      }
    }
    let exact = [Float](unsafeUninitializedCapacity: size) { exact, initialized in
      scores.withUnsafeBufferPointer { scores in
        for index in 0..<size {
          prefetch_line(scores.baseAddress! + listed[min(index &+ 24, size &- 1)])
          exact[index] = scores[listed[index]]
        }
      }
      initialized = size
    }
    return (listed, exact)
  }
}

/// Sums of the weights of each unit in one row of units.
private struct UnitRowSums {
  private let grid: UnitGrid
  private let weights: Matrix
  private let factors: [Float]?
  private let scale: Float
  /// By column; the units of a row are runs of columns.
  fileprivate var absolute: [Float]
  fileprivate var energy: [Float]
  fileprivate var wanda: [Float]

  init(grid: UnitGrid, weights: Matrix, _ factors: [Float]?, scale: Float) {
    self.grid = grid
    self.weights = weights
    self.factors = factors
    self.scale = scale
    absolute = [Float](repeating: 0, count: grid.columns)
    energy = absolute
    wanda = absolute
  }

  var unitColumns: Int { grid.unitColumns }

  func columns(_ unit: Int) -> Range<Int> {
    let first = unit &* grid.blockColumns
    return first..<min(grid.columns, first &+ grid.blockColumns)
  }

  /// Sums each column over the rows of the units.
  mutating func load(_ unitRow: Int) {
    let (columns, scale) = (grid.columns, scale)
    let rows = grid.rowRange(unitRow)
    absolute.withUnsafeMutableBufferPointer { absolute in
      energy.withUnsafeMutableBufferPointer { energy in
        weights.values.withUnsafeBufferPointer { values in
          for row in rows {
            let line = values.baseAddress! + row &* columns
            if row == rows.lowerBound {
              for column in 0..<columns {
                let value = line[column] * scale
                absolute[column] = value.magnitude
                energy[column] = value * value
              }
            } else {
              for column in 0..<columns {
                let value = line[column] * scale
                absolute[column] += value.magnitude
                energy[column] += value * value
              }
            }
          }
        }
      }
    }
    guard let factors else { return }
    for column in 0..<columns { wanda[column] = energy[column] * factors[column] }
  }
}

/// Sums by code.
private struct ClassSums {
  private var counts = [Int](repeating: 0, count: 256)
  private var sums = [SIMD4<Double>](repeating: .zero, count: 256)

  mutating func add(_ row: UnitRowSums, _ codes: UnsafePointer<UInt8>) {
    sums.withUnsafeMutableBufferPointer { sums in
      row.absolute.withUnsafeBufferPointer { absolute in
        row.energy.withUnsafeBufferPointer { energy in
          row.wanda.withUnsafeBufferPointer { wanda in
            for unit in 0..<row.unitColumns {
              let code = Int(codes[unit])
              for column in row.columns(unit) {
                sums[code] += SIMD4(
                  Double(absolute[column]), Double(energy[column]), Double(wanda[column]), 0)
              }
            }
          }
        }
      }
    }
    for unit in 0..<row.unitColumns { counts[Int(codes[unit])] &+= 1 }
  }

  var result: ([Int], [WeightSums]) {
    (counts, sums.map { WeightSums(absolute: $0.x, energy: $0.y, wanda: $0.z) })
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
