import CellUI
import Experiments
import Testing

@testable import Explorer

/// What can be done with a sweep beyond starting it.
@Suite struct SweepTests {
  @Test func cancelledSweepIsResumedWithWhatIsLeft() throws {
    var bench = Bench.opened()
    bench.sweepCells = 5
    bench.run("sweep pattern=1x1,32x1 sparsity=0.5,0.7,0.8,0.9")
    bench.run("cancel")
    #expect(bench.state.sweep.finishedCount == 5)
    let rows = bench.state.sweep.rows
    bench.answersAtOnce = false
    bench.press(.character("r"))
    #expect(bench.state.sweep.status == .running)
    #expect(bench.state.sweep.rows == rows)
    let plan = try #require(
      bench.open.compactMap { open -> SweepPlan? in
        if case .sweep(let plan) = open.request { plan } else { nil }
      }.last)
    #expect(plan.finishedCells == [0, 1, 2, 3, 4])
    #expect(plan.cells == bench.state.sweep.cells)
    #expect(bench.recorded.contains(.command(.resume)))
  }

  @Test func completeSweepIsNotResumedAndSaysSo() {
    var bench = Bench.opened()
    bench.run("resume")
    #expect(bench.state.message?.text == "there is no sweep to go on with: s starts one")
    bench.run("sweep pattern=1x1 sparsity=0.5,0.9")
    bench.run("resume")
    #expect(bench.state.message?.text == "every cell of this sweep is measured")
  }

  @Test func failedCellsAreTriedAgain() {
    var bench = Bench.opened()
    bench.run("sweep pattern=1x1 sparsity=0.5,0.9")
    bench.state.sweep.rows[1]?[.status] = .text(ResultStatus.failed.rawValue)
    bench.answersAtOnce = false
    bench.run("resume")
    #expect(
      bench.effects.contains {
        if case .request(.sweep(let plan), _) = $0 { plan.finishedCells == [0] } else { false }
      })
  }

  @Test func everyVaryingKnobCanLieAlongTheColumns() {
    var bench = Bench.opened()
    bench.run("sweep pattern=32x1,1x1 sparsity=0.5,0.9 tokens=1,8,128 threads=1,2")
    var grid = SweepGrid(bench.state)
    #expect(grid.axis == "sparsity")
    #expect(grid.columns == ["50 %", "90 %"])
    #expect(grid.rows.count == 2 * 3 * 2)
    bench.press(.character("t"))
    grid = SweepGrid(bench.state)
    #expect(grid.axis == "tokens")
    #expect(grid.columns == ["1", "8", "128"])
    #expect(grid.rows.first?.title == "32x1 50 % 1 thr")
    bench.run("axis threads")
    grid = SweepGrid(bench.state)
    #expect(grid.columns == ["1", "2"])
    // Every cell of the plan has one place, whatever lies along the columns.
    let cells = grid.rows.indices.flatMap { row in
      grid.columns.indices.compactMap { grid.cell(row, $0) }
    }
    #expect(cells.sorted() == Array(bench.state.sweep.cells.indices))
    bench.run("axis lambda")
    #expect(bench.state.message?.text.contains("only sparsity, tokens, threads varies") == true)
    #expect(SweepGrid(bench.state).axis == "threads")
  }

  @Test func lambdaIsAnAxisOfItsOwn() {
    var bench = Bench.opened()
    bench.run("sweep pattern=32x1,8x1 lambda=0.1,0.3 tokens=1,128")
    #expect(SweepGrid(bench.state).axis == "lambda")
    bench.run("axis tokens")
    #expect(SweepGrid(bench.state).rows.first?.title == "32x1 λ 0.1")
  }

  @Test func familiesStandTogetherInTheOrderOfTheLegend() {
    var bench = Bench.opened()
    bench.run("sweep pattern=tw64,16x16,1x1,8x8,32x1 sparsity=0.5,0.9")
    bench.run("sort family")
    #expect(SweepGrid(bench.state).rows.map(\.title) == ["1x1", "32x1", "16x16", "8x8", "tw64"])
    bench.run("sort model")
    #expect(SweepGrid(bench.state).rows.first?.title == "tw64")
  }

  @Test func valuesOfASweepAreCompletedOneByOne() {
    let state = Bench.opened().state
    #expect(Completion.candidates("sweep tok", state).words == ["tokens="])
    #expect(
      Completion.candidates("sweep pattern=32x1,tw1", state).words == [
        "pattern=32x1,tw16", "pattern=32x1,tw128",
      ])
    let (stem, words) = Completion.candidates("sweep pattern=1x1 tokens=1,", state)
    #expect(stem == "sweep pattern=1x1 ")
    #expect(words.first == "tokens=1,2")
    #expect(!words.contains("tokens=1,1"))
  }

  @Test(arguments: ResultColumn.figures) func anyFigureColoursTheMap(_ column: ResultColumn) {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("sweep pattern=1x1,32x1 sparsity=0.5,0.9")
    bench.run("colour \(column.rawValue)")
    let text = render(bench.state).text
    #expect(text.contains(SweepPage.columnTitle(column)))
    for row in bench.state.sweep.rows {
      let shown = row?[column].number.map { SweepPage.text(column, $0) } ?? Figures.missing
      #expect(text.contains(shown), "\(shown)")
    }
  }

  @Test func tableNamesWhatVaries() {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("sweep pattern=1x1 sparsity=0.5,0.9 tokens=1,8")
    bench.run("show table")
    let text = render(bench.state).text
    #expect(text.contains("1x1 1 tok") && text.contains("1x1 8 tok"))
    #expect(!text.contains("sparsity_achieved"))
  }
}
