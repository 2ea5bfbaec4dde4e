import Experiments

/// A matrix cut into a grid of rectangles that are kept or pruned whole; border units are smaller.
///
/// Units are numbered row-major: unit `I · unitColumns + J` covers rows `I·blockRows ..<` and columns
/// `J·blockColumns ..<`, cut off at the matrix' edge.
struct UnitGrid: Hashable, Sendable {
  let rows: Int
  let columns: Int
  let blockRows: Int
  let blockColumns: Int

  /// - Precondition: all four are at least 1.
  init(rows: Int, columns: Int, blockRows: Int, blockColumns: Int) {
    self.rows = rows
    self.columns = columns
    // A block larger than the matrix is the whole matrix.
    self.blockRows = min(blockRows, rows)
    self.blockColumns = min(blockColumns, columns)
  }

  var unitRows: Int { (rows + blockRows - 1) / blockRows }
  var unitColumns: Int { (columns + blockColumns - 1) / blockColumns }
  var count: Int { unitRows * unitColumns }

  func rowRange(_ unitRow: Int) -> Range<Int> {
    unitRow * blockRows..<min(rows, (unitRow + 1) * blockRows)
  }

  func columnRange(_ unitColumn: Int) -> Range<Int> {
    unitColumn * blockColumns..<min(columns, (unitColumn + 1) * blockColumns)
  }

  /// Weights of a unit.
  func size(_ unit: Int) -> Int {
    rowRange(unit / unitColumns).count * columnRange(unit % unitColumns).count
  }

  /// The unit that holds a weight.
  func unit(row: Int, column: Int) -> Int {
    row / blockRows * unitColumns + column / blockColumns
  }
}

extension Pattern {
  /// The grid of a pattern on a matrix (of a tile pattern: its tile columns); nil for N:M.
  func grid(rows: Int, columns: Int) -> UnitGrid? {
    switch base {
    case .block(let height, let width):
      UnitGrid(rows: rows, columns: columns, blockRows: height, blockColumns: width)
    case .row: UnitGrid(rows: rows, columns: columns, blockRows: 1, blockColumns: columns)
    case .column: UnitGrid(rows: rows, columns: columns, blockRows: rows, blockColumns: 1)
    case .tile(let width), .tileElement(let width, _), .tileVector(let width):
      UnitGrid(rows: rows, columns: columns, blockRows: width, blockColumns: 1)
    case .nm: nil
    }
  }

  /// Whether units are counted by weights rather than by number (the tile patterns).
  var countsWeights: Bool {
    switch base {
    case .tile, .tileElement, .tileVector: true
    default: false
    }
  }

  /// The sparsity at which a pattern's tile columns are chosen for a total of `sparsity`.
  func unitSparsity(for sparsity: Double) -> Double {
    switch base {
    case .tileElement(_, let overlay): min(1, sparsity + overlay)
    case .tileVector: max(0, 1 - 2 * (1 - sparsity))
    default: sparsity
    }
  }
}

/// How many of `total` units stay when the fraction `sparsity` goes: `floor(s·N + 1e-6)` are pruned.
func unitsKept(of total: Int, sparsity: Double) -> Int {
  total - min(total, max(0, Int((sparsity * Double(total) + 1e-6).rounded(.down))))
}
