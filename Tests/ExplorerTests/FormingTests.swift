import CellUI
import Experiments
import Testing

@testable import Explorer

/// The mask is seen to form while a solver or a path over λ is at work.
@Suite struct FormingTests {
  /// An iterate at half of the zeros that are asked for, in the window that is shown.
  private static func iterate(_ bench: Bench, zeros: Double, iterations: Int) -> FormingMask {
    var knobs = bench.state.knobs
    knobs.amount = .sparsity(zeros)
    let tensor = bench.state.choices.tensor!
    let window = MaskWindow(bench.state, ScreenLayout(bench.state))!
    var summary = FakeLaboratory.summary(tensor, knobs)
    summary.lambda = 0.31
    summary.solver = SolverReport(
      iterations: iterations, objective: 1, residual: 0.1, measure: "ADMM residual",
      converged: false)
    return FormingMask(
      summary: summary,
      picture: FakeLaboratory.picture(
        tensor, knobs, window.viewport, window.pixelRows, window.pixelColumns))
  }

  /// In the middle of a solution, with one iterate shown.
  private static func solving() -> Bench {
    var bench = Bench.opened(width: 140, height: 42)
    bench.answersAtOnce = false
    bench.run("lambda 0.3")
    let run = bench.state.runs.current(.prune)!
    bench.send(
      .answer(.forming(iterate(bench, zeros: 0.4, iterations: 7)), run: run))
    return bench
  }

  @Test func iteratesAreDrawnWithTheirNumbers() throws {
    var bench = Self.solving()
    let first = render(bench.state)
    #expect(first.text.contains("● forming  40.0 % zeros  iterate 7  λ 0.31"))
    #expect(first.text.contains("Esc stops"))
    let run = bench.state.runs.current(.prune)!
    bench.send(.answer(.forming(Self.iterate(bench, zeros: 0.6, iterations: 9)), run: run))
    let second = render(bench.state)
    #expect(second.text.contains("60.0 % zeros  iterate 9"))
    #expect(second != first)
    // The figures beside it are the iterate's, its quality is still to come.
    #expect(bench.state.summary.value?.solver?.iterations == 9)
    #expect(bench.state.summary.final == nil)
    #expect(bench.state.quality == .pending)
    bench.answerAll()
    #expect(bench.state.mask.forming == nil)
    #expect(bench.state.summary.final != nil)
    #expect(!render(bench.state).text.contains("forming"))
  }

  @Test func lastIterateStaysUntilTheFinalPictureIsThere() {
    var bench = Self.solving()
    let picture = bench.state.mask.forming?.mask.picture
    let index = bench.open.firstIndex { if case .prune = $0.request { true } else { false } }!
    let prune = bench.open.remove(at: index)
    for answer in FakeLaboratory.answers(prune.request) {
      bench.send(.answer(answer, run: prune.run))
    }
    #expect(bench.state.mask.picture == picture)
    bench.answerAll()
    #expect(bench.state.mask.picture != picture)
    #expect(!bench.state.mask.isDrawing)
  }

  @Test func escapeStopsTheSolverWhereItStands() {
    var bench = Self.solving()
    let run = bench.state.runs.current(.prune)!
    let late = bench.open
    bench.press(.escape)
    #expect(bench.effects.contains(.cancel(run)))
    // Nobody solves the same problem once more for a picture or a read-out.
    #expect(bench.open.isEmpty)
    #expect(bench.state.mask.forming?.isStopped == true)
    #expect(bench.state.message?.text.contains("stopped at iterate 7") == true)
    #expect(render(bench.state).text.contains("stopped  40.0 % zeros  iterate 7"))
    let before = bench.state
    for (request, run) in late {
      for answer in FakeLaboratory.answers(request) {
        #expect(update(&bench.state, .answer(answer, run: run)).isEmpty)
      }
    }
    #expect(bench.state == before)
    bench.run("measure")
    #expect(bench.state.message?.text.contains("not finished") == true)
    bench.settle()
    #expect(bench.state.runs.current(.measure) == nil)
  }

  @Test func stoppedSolverGoesOn() {
    var bench = Self.solving()
    let recorded = bench.recorded
    bench.press(.escape)
    bench.press(.character("r"))
    #expect(bench.state.runs.current(.prune) != nil)
    bench.answerAll()
    #expect(bench.state.summary.final != nil)
    #expect(bench.state.mask.forming == nil)
    // A session keeps what was chosen; a replay of it solves to the end.
    #expect(bench.recorded == recorded)
    bench.settle()
    bench.answerAll()
    #expect(bench.state.measurement.final != nil)
  }

  @Test func anotherTurnStartsFromThere() {
    var bench = Self.solving()
    bench.press(.escape)
    bench.run("lambda 0.2")
    #expect(bench.state.mask.forming == nil)
    bench.answerAll()
    #expect(bench.state.summary.final?.requestedSparsity == nil)
    #expect(bench.state.mask.picture != nil)
  }

  @Test func timingWaitsForTheMask() {
    var bench = Self.solving()
    bench.settle()
    #expect(bench.state.runs.current(.measure) == nil)
    bench.run("measure")
    #expect(bench.state.message?.text.contains("still forms") == true)
    bench.answerAll()
    bench.settle()
    #expect(bench.state.runs.current(.measure) != nil)
  }

  @Test func pathShowsItsMasksAndGivesTheChosenOneBack() {
    var bench = Bench.opened(width: 140, height: 42)
    let chosen = bench.state.mask.picture
    let summary = bench.state.summary
    bench.answersAtOnce = false
    bench.run("solve-path")
    bench.run("view mask")
    let run = bench.state.runs.current(.path)!
    bench.send(.answer(.forming(Self.iterate(bench, zeros: 0.9, iterations: 3)), run: run))
    let text = render(bench.state).text
    #expect(text.contains("● forming  90.0 % zeros  point 1 of a path  λ 0.31"))
    // What is chosen and what it costs have not changed.
    #expect(bench.state.summary == summary)
    bench.press(.escape)
    #expect(bench.effects.contains(.cancel(run)))
    #expect(bench.state.mask.forming == nil)
    #expect(bench.state.mask.picture == chosen)
    #expect(!render(bench.state).text.contains("forming"))
  }

  @Test func iterateOfAnotherWindowIsNotShown() {
    var bench = Self.solving()
    bench.run("zoom 1")
    let window = MaskWindow(bench.state, ScreenLayout(bench.state))!
    #expect(bench.state.mask.forming?.mask.picture?.viewport != window.viewport)
    #expect(render(bench.state).text.contains("drawing…"))
  }

  @Test(arguments: [(80, 24), (120, 36), (200, 60)])
  func noWordOfTheTitleIsCut(_ size: (Int, Int)) {
    var bench = Self.solving()
    bench.send(.resized(width: size.0, height: size.1))
    let title = render(bench.state).text.split(separator: "\n").first { $0.contains("forming") }
    #expect(title?.contains("40.0 % zeros") == true)
    #expect(title?.contains("Esc stops") == true)
    #expect(title?.contains("…") == false)
  }

  @Test func failureEndsTheForming() {
    var bench = Self.solving()
    let run = bench.state.runs.current(.prune)!
    bench.send(.answer(.failed("the penalty emptied the layer"), run: run))
    #expect(bench.state.mask.forming == nil)
    #expect(render(bench.state).text.contains("the penalty emptied the layer"))
  }

  @Test func noticesStandOnTheScreenAndInTheLog() {
    var bench = Bench.opened()
    bench.send(.notice("judgements/ab.json: damaged, so it is judged anew"))
    #expect(bench.state.message?.kind == .warning)
    #expect(render(bench.state).text.contains("! judgements/ab.json: damaged"))
    #expect(
      bench.state.log.entries.last?.text == "judgements/ab.json: damaged, so it is judged anew")
  }

  @Test func newActivationsSayWhatTheyAreFor() {
    var bench = Bench.opened()
    bench.answersAtOnce = false
    bench.run("calibration some.npz")
    let run = bench.state.runs.current(.open)!
    var model = FakeLaboratory.model
    for index in model.tensors.indices where model.tensors[index].columns == 1536 {
      model.tensors[index].hasActivations = false
    }
    bench.send(.answer(.opened(model), run: run))
    #expect(bench.state.message?.text.contains("activations for 10 of") == true)
    #expect(bench.state.message?.text.contains("their criterion is magnitude") == true)
  }
}
