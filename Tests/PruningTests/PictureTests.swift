import Experiments
import Pruning
import Tensors
import Testing

@Suite struct PictureTests {
  static let weights = gaussian(90, 150, seed: 70)

  static func mask(_ pattern: String) throws -> Mask {
    try prune(weights, named: "w", knobs: knobs(pattern, .sparsity(0.7)), statistics: nil).mask
  }

  static func density(_ mask: Mask, _ rows: Range<Int>, _ columns: Range<Int>) -> Double {
    var kept = 0
    for row in rows { for column in columns where mask[row, column] { kept += 1 } }
    return 255 * Double(kept) / Double(rows.count * columns.count)
  }

  @Test(arguments: [
    (Viewport(row: 0, column: 0, rows: 90, columns: 150), 20, 33),
    (Viewport(row: 13, column: 61, rows: 40, columns: 70), 40, 70),
    (Viewport(row: 5, column: 3, rows: 7, columns: 9), 100, 100),
    (Viewport(row: 60, column: 100, rows: 500, columns: 500), 10, 10),
    (Viewport(row: -4, column: -9, rows: 90, columns: 150), 30, 150),
  ])
  func pixelsCountTheWeightsTheyCover(viewport: Viewport, height: Int, width: Int) throws {
    for pattern in ["1x1", "16x16", "row"] {
      let mask = try Self.mask(pattern)
      let picture = maskPicture(
        weights: Self.weights, mask: mask, viewport: viewport, pixelRows: height,
        pixelColumns: width)
      let view = picture.viewport
      #expect(picture.pixelRows == min(height, view.rows))
      #expect(picture.pixelColumns == min(width, view.columns))
      func rows(_ y: Int) -> Range<Int> {
        view.row + y * view.rows / picture.pixelRows..<view.row + (y + 1) * view.rows
          / picture.pixelRows
      }
      func columns(_ x: Int) -> Range<Int> {
        view.column + x * view.columns / picture.pixelColumns..<view.column + (x + 1)
          * view.columns / picture.pixelColumns
      }
      for y in 0..<picture.pixelRows {
        let whole = Self.density(mask, rows(y), 0..<150)
        #expect(abs(Double(picture.rowDensity[y]) - whole) <= 1)
        for x in 0..<picture.pixelColumns {
          let exact = Self.density(mask, rows(y), columns(x))
          #expect(abs(Double(picture.density[y * picture.pixelColumns + x]) - exact) <= 1)
        }
      }
      for x in 0..<picture.pixelColumns {
        let whole = Self.density(mask, 0..<90, columns(x))
        #expect(abs(Double(picture.columnDensity[x]) - whole) <= 1)
      }
      let few = view.rows * view.columns <= 4096
      #expect((picture.values != nil) == few)
      if let values = picture.values {
        #expect(values[1] == Self.weights[view.row, view.column + 1])
        #expect(values.count == view.rows * view.columns)
      }
    }
  }

  @Test func onePrunedWeightIsNeverRoundedAway() throws {
    var mask = Mask(rows: 90, columns: 150, keepingAll: true)
    mask[40, 70] = false
    let picture = maskPicture(
      weights: Self.weights, mask: mask,
      viewport: Viewport(row: 0, column: 0, rows: 90, columns: 150), pixelRows: 1, pixelColumns: 1)
    #expect(picture.density == [254])
  }

  @Test func magnitudesAreRootMeanSquaresOnTheTensorsScale() throws {
    let sorted = Self.weights.values.map(abs).sorted()
    let scale = Double(sorted[Int(0.995 * Double(sorted.count))])
    let picture = maskPicture(
      weights: Self.weights, mask: Mask(rows: 90, columns: 150),
      viewport: Viewport(row: 0, column: 0, rows: 90, columns: 150), pixelRows: 9, pixelColumns: 10)
    for y in 0..<9 {
      for x in 0..<10 {
        var sum = 0.0
        for row in y * 10..<(y + 1) * 10 {
          for column in x * 15..<(x + 1) * 15 {
            sum += Double(Self.weights[row, column]) * Double(Self.weights[row, column])
          }
        }
        let level = min(255, (sum / 150).squareRoot() / scale * 255)
        #expect(abs(Double(picture.magnitude[y * 10 + x]) - level) <= 2)
      }
    }
  }

  @Test func aReorderedPictureIsThePictureOfTheReorderedMask() throws {
    let mask = try Self.mask("1x1")
    var generator = SeededGenerator(seed: 3)
    let rows = Permutation(Array(0..<90).shuffled(using: &generator))
    let columns = Permutation(Array(0..<150).shuffled(using: &generator))
    let viewport = Viewport(row: 10, column: 20, rows: 50, columns: 60)
    let shown = maskPicture(
      weights: Self.weights, mask: mask, viewport: viewport, pixelRows: 10, pixelColumns: 12,
      order: (rows, columns))
    let moved = maskPicture(
      weights: Self.weights.reordered(rows: rows, columns: columns),
      mask: mask.reordered(rows: rows, columns: columns), viewport: viewport, pixelRows: 10,
      pixelColumns: 12)
    #expect(shown == moved)
  }

  @Test func aWeightReportNamesUnitRankAndThreshold() throws {
    let pruner = try LayerPruner(Self.weights, named: "w", statistics: nil)
    let turned = try knobs("8x1", .sparsity(0.7))
    let naive = NaivePruning(Self.weights, criterion: .magnitude)
    let scores = naive.units(8, 1).map(\.score)
    let ranking = naive.ranking(scores)
    for (row, column) in [(0, 0), (13, 77), (89, 149), (41, 3)] {
      let report = try pruner.report(row: row, column: column, knobs: turned)
      let unit = row / 8 * 150 + column
      #expect(report.rank == ranking.firstIndex(of: unit)! + 1)
      #expect(report.units == scores.count)
      #expect(abs(report.score - scores[unit]) < 1e-5)
      #expect(report.kept == (report.score >= report.threshold))
      #expect(report.kept == (report.rank <= scores.count - Int(0.7 * Double(scores.count))))
      #expect(report.unit.contains("block (\(row / 8), \(column))"))
      #expect(report.value == Self.weights[row, column])
    }
    #expect(throws: PruningError.self) {
      try pruner.report(row: 90, column: 0, knobs: turned)
    }
  }
}
