import CellUI
import Experiments
import Testing

@testable import Explorer

@Suite struct UpdateTests {
  @Test func openingShowsTheFirstLinearWeight() {
    var bench = Bench()
    bench.answersAtOnce = false
    bench.run("open demo")
    #expect(bench.state.model == .pending)
    #expect(bench.effects == [.request(.open(path: nil), run: 1)])
    bench.answerAll()
    #expect(bench.state.tensor?.name == "encoder.layer.0.attention.self.query.weight")
    #expect(bench.recorded.first == .command(.open(path: nil, identity: "5c0f00aa")))
  }

  @Test func knobTurnLeavesNoOldNumberAndAsksForNewOnes() {
    var bench = Bench.opened()
    #expect(bench.state.measurement.final != nil)
    bench.answersAtOnce = false
    bench.run("sparsity 0.9")
    #expect(bench.state.summary == .pending)
    #expect(bench.state.quality == .pending)
    #expect(bench.state.measurement == .unknown)
    #expect(bench.state.mask.weight == .pending)
    let requests = bench.effects.compactMap { effect -> Request? in
      if case .request(let request, _) = effect { request } else { nil }
    }
    var knobs = Knobs()
    knobs.amount = .sparsity(0.9)
    let tensor = "encoder.layer.0.attention.self.query.weight"
    #expect(requests.first == .prune(tensor: tensor, knobs: knobs))
    #expect(requests.contains { if case .picture = $0 { true } else { false } })
    #expect(
      bench.effects.last == .after(milliseconds: 250, .settled(turn: bench.state.turns)))
    #expect(!requests.contains { if case .measure = $0 { true } else { false } })
  }

  @Test func timingKnobKeepsTheMask() {
    var bench = Bench.opened()
    let summary = bench.state.summary
    bench.run("tokens 32")
    #expect(bench.state.summary == summary)
    #expect(bench.state.measurement == .unknown)
    #expect(!bench.effects.contains { if case .request(.prune, _) = $0 { true } else { false } })
  }

  @Test func measuringStartsByItselfOnlyAfterTheLastTurn() {
    var bench = Bench.opened()
    bench.run("sparsity 0.85")
    let old = bench.timers.last!
    bench.run("sparsity 0.86")
    bench.send(.elapsed(old))
    #expect(bench.effects.isEmpty)
    bench.settle()
    #expect(bench.state.measurement.final?.speedup.estimate == 0.6 / (1 - 0.86))
    #expect(bench.recorded.contains(.command(.measure)))
  }

  @Test func lateAnswerOfAReplacedRunIsDropped() {
    var bench = Bench.opened()
    bench.answersAtOnce = false
    bench.run("sparsity 0.5")
    let late = bench.open
    bench.run("sparsity 0.6")
    let before = bench.state
    for (request, run) in late {
      for answer in FakeLaboratory.answers(request) {
        #expect(update(&bench.state, .answer(answer, run: run)).isEmpty)
      }
    }
    #expect(bench.state == before)
    bench.answerAll()
    #expect(bench.state.summary.final?.requestedSparsity == 0.6)
  }

  @Test func turnBackShowsTheEarlierMeasurementWithoutTimingAgain() {
    var bench = Bench.opened()
    let first = bench.state.measurement
    bench.run("sparsity 0.9")
    bench.settle()
    bench.run("undo")
    #expect(bench.state.measurement == first)
    #expect(bench.state.knobs.amount == .sparsity(0.8))
    #expect(bench.state.message?.text == "undid sparsity 0.9")
    bench.run("redo")
    #expect(bench.state.knobs.amount == .sparsity(0.9))
  }

  @Test func undoAndRedoGoThroughEveryChoiceAndBack() {
    var bench = Bench.opened()
    let start = bench.state.choices
    let lines = [
      "pattern 16x16", "tensor encoder.layer.1.output.dense.weight", "theme colour-blind",
      "apply kind", "sort size", "hold a", "axes sparse_ns kept_energy", "lambda 0.2",
    ]
    for line in lines { bench.run(line) }
    let end = bench.state.choices
    for _ in lines { bench.run("undo") }
    #expect(bench.state.choices == start)
    bench.run("undo")
    #expect(bench.state.message?.text == "nothing to undo")
    for _ in lines { bench.run("redo") }
    #expect(bench.state.choices == end)
  }

  @Test func sweepFillsInAndKeepsWhatItHasWhenCancelled() {
    var bench = Bench.opened()
    bench.sweepCells = 5
    bench.press(.character("s"))
    #expect(bench.state.page == .sweep)
    #expect(bench.state.sweep.status == .running)
    #expect(bench.state.sweep.finishedCount == 5)
    #expect(bench.state.sweep.cells.count == 12 * 6 + 1)
    bench.press(.character("x"))
    #expect(bench.state.sweep.status == .cancelled)
    #expect(bench.state.sweep.finishedCount == 5)
    #expect(bench.effects.contains { if case .cancel = $0 { true } else { false } })
  }

  @Test func nothingIsMeasuredBesideASweep() {
    var bench = Bench.opened()
    bench.sweepCells = 3
    bench.run("sweep")
    bench.run("sparsity 0.7")
    bench.settle()
    #expect(bench.state.measurement == .unknown)
    bench.run("measure")
    #expect(bench.state.message?.text == "the sweep is measuring; x cancels it")
  }

  @Test func sweepCommandIsRecordedWithItsPlan() {
    var bench = Bench.opened()
    bench.run("sweep tokens=1,128 pattern=32x1")
    let expected = Command.sweep([
      SweepTerm("pattern", ["32x1"]), SweepTerm("sparsity", ["0.8"]),
      SweepTerm("tokens", ["1", "128"]),
    ])
    #expect(bench.recorded.contains(.command(expected)))
    #expect(SweepGrid(bench.state).axis == "tokens")
  }

  @Test func chosenCellOfASweepOpensItsMask() {
    var bench = Bench.opened()
    bench.run("sweep pattern=1x1,16x16,2:4 sparsity=0.5:0.9:0.2")
    bench.press(.down, .right, .right)
    let index = SweepGrid(bench.state).cell(1, 2)!
    let cell = bench.state.sweep.cells[index]
    #expect(cell.knobs.pattern == .block(16, 16))
    bench.press(.enter)
    #expect(bench.state.page == .mask)
    #expect(bench.state.cell == cell)
  }

  @Test func sortedSweepStillOpensTheCellUnderTheCursor() {
    var bench = Bench.opened()
    bench.run("sweep pattern=1x1,16x16 sparsity=0.5,0.9")
    #expect(SweepGrid(bench.state).rows.map(\.title) == ["1x1", "16x16"])
    bench.press(.character("O"))
    #expect(SweepGrid(bench.state).rows.map(\.title) == ["16x16", "1x1"])
    bench.press(.enter)
    #expect(bench.state.knobs.pattern == .block(16, 16))
    bench.run("view sweep")
    bench.press(.character("o"), .end, .enter)
    #expect(bench.state.knobs.pattern == .block(16, 16))
    #expect(bench.state.knobs.amount == .sparsity(0.9))
  }

  @Test func estimateIsShownWhileItNarrows() {
    var bench = Bench.opened()
    bench.answersAtOnce = false
    bench.run("sparsity 0.9")
    bench.answerAll()
    bench.settle()
    #expect(bench.state.measurement == .pending)
    let run = bench.state.runs.current(.measure)!
    let cell = bench.state.cell!
    let estimate = FakeLaboratory.measurement(cell.tensor, cell.knobs, isFinal: false)
    bench.send(.answer(.measuring(estimate), run: run))
    #expect(bench.state.measurement == .narrowing(estimate))
    #expect(!bench.recorded.contains(.result(.measurement(estimate))))
    #expect(render(bench.state).text.contains("6.00x faster"))
  }

  @Test func lambdaTakesTheMaskFromSparsity() {
    var bench = Bench.opened()
    bench.run("lambda 0.3")
    #expect(bench.state.knobs.requestedSparsity == nil)
    #expect(bench.state.summary.final?.requestedSparsity == nil)
  }

  @Test func fixedSparsityCannotBeTurnedAndSaysWhy() {
    var bench = Bench.opened()
    bench.run("pattern 2:4")
    bench.run("knob sparsity")
    bench.press(.right)
    #expect(bench.state.message?.text.contains("2:4 always prunes 50 %") == true)
  }

  @Test func seedStopsAtTheEndsOfItsRange() {
    var bench = Bench.opened()
    bench.run("seed \(UInt64.max)")
    bench.run("turn 1")
    #expect(bench.state.knobs.seed == UInt64.max)
    bench.run("turn -1")
    #expect(bench.state.knobs.seed == UInt64.max - 1)
    bench.run("seed 0")
    bench.run("turn -1")
    #expect(bench.state.knobs.seed == 0)
  }

  @Test func failedPruningSaysWhyAndShowsNoPicture() {
    var bench = Bench.opened()
    bench.answersAtOnce = false
    bench.run("criterion obs")
    let run = bench.state.runs.current(.prune)!
    bench.send(.answer(.failed("obs needs activations: read some with calibration FILE"), run: run))
    #expect(bench.state.mask.picture == nil)
    #expect(bench.state.message?.kind == .error)
    if case .failed = bench.state.summary {} else { Issue.record("summary should have failed") }
  }

  @Test func zoomKeepsTheCursorInSightAndPanIsKeptOnce() {
    var bench = Bench.opened()
    bench.run("focus picture")
    bench.run("point 200 100")
    for _ in 0..<12 { bench.press(.character("+")) }
    #expect(bench.state.mask.zoom == .values)
    let window = MaskWindow(bench.state, ScreenLayout(bench.state))!
    #expect(window.place(row: 200, column: 100) != nil)
    let before = bench.recorded.count
    bench.press(.character("L"), .character("L"), .character("J"))
    bench.run("note done")
    let pans = bench.recorded[before...].filter {
      if case .command(.pan) = $0 { true } else { false }
    }
    #expect(pans.count == 1)
    #expect(bench.recorded.last == .command(.note("done")))
  }

  @Test func quitAsksOnlyWhenSomethingWouldBeLost() {
    var bench = Bench.opened()
    bench.press(.character("q"))
    #expect(bench.isQuit)
    bench = Bench.opened()
    bench.run("note mine")
    bench.press(.character("q"))
    #expect(!bench.isQuit)
    #expect(bench.state.mode == .quitting)
    bench.press(.escape)
    #expect(bench.state.mode == .normal)
    bench.press(.character("q"), .character("q"))
    #expect(bench.isQuit)
  }

  @Test func budgetChoosesPerLayerFromTheCurves() {
    var bench = Bench.opened()
    bench.run("budget quality 0.2")
    #expect(bench.state.message?.text.contains("press S first") == true)
    bench.run("sensitivity *")
    #expect(bench.state.layers.curves.count == 12)
    bench.run("budget quality 0.2")
    for curve in bench.state.layers.curves {
      let knobs = bench.state.choices.choice(for: curve.tensor)
      let index = curve.sparsities.firstIndex { $0 == knobs?.requestedSparsity }!
      #expect(curve.errors[index] <= 0.2)
      #expect(index + 1 == curve.errors.count || curve.errors[index + 1] > 0.2)
    }
  }

  @Test func timeBudgetStaysWithinItsShareOfMeasuredTimes() {
    var bench = Bench.opened()
    bench.run("sweep tensor=* pattern=32x1 sparsity=0.5,0.8,0.9")
    bench.run("budget time 0.5")
    let whole = WholeModel(bench.state)
    #expect(whole.timed == 12)
    #expect(whole.sparseSum <= 0.5 * whole.denseSum)
    #expect(whole.speedup! >= 2)
    bench.run("budget time 0.01")
    #expect(bench.state.message?.text.contains("sweep more patterns") == true)
  }

  @Test func heldStatesAreComparedInWords() {
    var bench = Bench.opened()
    bench.press(.character("a"))
    bench.run("pattern 1x1")
    bench.settle()
    bench.press(.character("b"), .character("c"))
    #expect(bench.state.page == .log)
    let comparison = Comparison(bench.state.held(.a)!, bench.state.held(.b)!)
    #expect(
      comparison.sentence("A", "B")
        == "A and B differ in pattern 32x1 against 1x1. A is 2.40x as fast as B; their output errors are "
        + "equal.")
  }

  @Test func resizedScreenAsksForPicturesOfItsSize() {
    var bench = Bench.opened()
    bench.send(.resized(width: 80, height: 24))
    let window = MaskWindow(bench.state, ScreenLayout(bench.state))!
    #expect(
      bench.effects.contains {
        if case .request(.picture(_, _, _, let rows, let columns, _), _) = $0 {
          rows == window.pixelRows && columns == window.pixelColumns
        } else {
          false
        }
      })
    bench.send(.resized(width: 80, height: 24))
    #expect(bench.effects.isEmpty)
  }
}
