import CellUI
import Experiments
import Foundation
import Testing

@testable import Explorer

@Suite struct TrainingTests {
  static func requests(_ bench: Bench) -> [Request] {
    bench.effects.compactMap { if case .request(let request, _) = $0 { request } else { nil } }
  }

  /// In the middle of a run.
  static func running(_ line: String, _ width: Int = 120, _ height: Int = 36) -> Bench {
    var bench = Bench.opened(width: width, height: height)
    bench.trainingReports = 70
    bench.run(line)
    bench.send(.elapsed(.message(number: bench.state.messages)))
    return bench
  }

  // MARK: Starting

  @Test func trainTakesTheKnobsInForceAndRecordsAllOfThem() throws {
    var bench = Bench.opened()
    bench.run("pattern 16x16")
    bench.run("sparsity 0.7")
    bench.run("plan minutes 2")
    bench.answersAtOnce = false
    bench.run("train layers=all")
    var plan = TrainingPlan()
    plan.layers = .all
    plan.pattern = .block(16, 16)
    plan.sparsity = 0.7
    plan.minutes = 2
    #expect(Self.requests(bench) == [.train(plan)])
    #expect(bench.state.page == .training)
    #expect(bench.state.training.status == .preparing)
    guard case .command(.train(let terms)) = bench.recorded.last else {
      Issue.record("the command was not recorded")
      return
    }
    // What is recorded gives the same plan whatever the knobs are when it is read again.
    var other = Bench.opened()
    other.run("lambda 0.3")
    other.run("plan dense on")
    other.run("plan steps 10")
    #expect(try other.state.trainingPlan(terms).terms == plan.terms)
  }

  @Test func trainedChoicesAreNoChoices() {
    var bench = Bench.opened()
    let undo = bench.state.history.undoable
    bench.run("train")
    #expect(bench.state.history.undoable == undo)
    bench.run("plan method gradual")
    #expect(bench.state.history.undoable == "plan method gradual")
    bench.run("undo")
    #expect(bench.state.choices.training.method == .fixed)
  }

  @Test func lambdaMakesEveryPlanProximal() {
    var bench = Bench.opened()
    bench.run("lambda 0.1")
    #expect(bench.state.trainingPlan.method == .prox)
    #expect(bench.state.trainingPlan.sparsity == nil)
    bench.run("plan method fixed")
    #expect(bench.state.message?.text.contains("set the sparsity first") == true)
    bench.run("sparsity 0.8")
    #expect(bench.state.trainingPlan.method == .fixed)
  }

  @Test func withoutAnEncoderItSaysWhatToOpen() {
    var bench = Bench.opened()
    var model = FakeLaboratory.model
    model.isEncoder = false
    bench.state.model = .known(model)
    bench.run("train")
    #expect(bench.effects.allSatisfy { if case .request = $0 { false } else { true } })
    #expect(bench.state.message?.text.contains("open a model directory") == true)
    bench.run("view training")
    #expect(render(bench.state).text.contains("needs a whole encoder"))
  }

  @Test(arguments: [
    ("train pattern=2:4 method=prox", "no units"), ("train method=fixed lambda=0.2", "method=prox"),
    ("train minutes=0", "minutes 0"), ("train rate=5", "rate 5"), ("train sparsity=2", "0 to 1"),
    ("train layers=head", "attention, ffn, all"),
  ])
  func planThatCannotBeIsRefused(_ line: String, _ part: String) {
    var bench = Bench.opened()
    bench.run(line)
    #expect(bench.state.training.status == .none)
    #expect(bench.state.message?.text.contains(part) == true, "\(bench.state.message?.text ?? "")")
  }

  @Test func measuringWaitsForTheTraining() {
    var bench = Self.running("train")
    bench.run("measure")
    #expect(bench.state.message?.text.contains("the training has the machine") == true)
    bench.run("sweep")
    #expect(bench.state.message?.text.contains("one long job at a time") == true)
    #expect(bench.state.runs.current(.training) != nil)
  }

  // MARK: Running

  @Test func onlyEvaluationsAreRecorded() {
    let bench = Self.running("train")
    let kinds = bench.recorded.compactMap { content -> String? in
      if case .result(let result) = content { result.kind } else { nil }
    }
    #expect(kinds.count { $0 == "training-started" } == 1)
    #expect(kinds.count { $0 == "training" } == 70 / 4)
    #expect(bench.state.training.samples.count == 70)
    #expect(bench.state.training.evaluations.count == 17)
    #expect(bench.state.training.latest?.step == 350)
  }

  @Test func maskThatStaysIsRecordedOnce() {
    func pictures(_ bench: Bench) -> Int {
      bench.recorded.count {
        if case .result(.training(let progress)) = $0 { !progress.layers.isEmpty } else { false }
      }
    }
    #expect(pictures(Self.running("train method=fixed")) == 1)
    #expect(pictures(Self.running("train method=gradual")) == 17)
  }

  @Test func samplesStayFewHoweverLongItRuns() {
    var bench = Self.running("train")
    let run = bench.state.runs.current(.training)!
    for step in 0..<5000 {
      var progress = FakeLaboratory.progress(TrainingPlan(), 71)
      progress.step = 1000 + step
      progress.seconds = 100 + Double(step)
      bench.send(.answer(.training(progress), run: run))
    }
    #expect(bench.state.training.samples.count <= TrainingState.mostSamples)
    #expect(bench.state.training.samples.first?.seconds ?? 100 < 10)
    #expect(bench.state.training.samples.last!.seconds > 5000)
  }

  @Test func steeringIsSentAndRecorded() {
    var bench = Self.running("train method=prox")
    let run = bench.state.runs.current(.training)!
    bench.run("steer lambda 0.3")
    #expect(bench.effects.contains(.request(.steerTraining(.lambda(0.3)), run: run)))
    #expect(bench.effects.contains(.record(.command(.steer(.lambda(0.3))))))
    #expect(bench.state.training.steered.map(\.text) == ["λ 0.3"])
    bench.run("pause")
    #expect(bench.effects.contains(.request(.steerTraining(.pause), run: run)))
    #expect(bench.state.training.status == .paused)
    bench.press(.character(" "))
    #expect(bench.state.training.status == .running)
    bench.press(.right)
    #expect(
      bench.effects.contains {
        if case .request(.steerTraining(.learningRate), run: run) = $0 { true } else { false }
      })
  }

  @Test func whatCannotBeSteeredSaysWhy() {
    var bench = Self.running("train method=fixed")
    bench.run("steer lambda 0.3")
    #expect(bench.state.message?.text.contains("method=prox has") == true)
    bench.run("steer sparsity 0.9")
    #expect(bench.state.message?.text.contains("does not change") == true)
    bench.run("resume")
    #expect(bench.state.message?.text == "it is not paused")
    var idle = Bench.opened()
    idle.run("pause")
    #expect(idle.state.message?.text.contains("no training is running") == true)
  }

  @Test func cancelKeepsTheBestAndASecondOneDropsTheRun() {
    var bench = Self.running("train")
    bench.answersAtOnce = false
    let run = bench.state.runs.current(.training)!
    bench.run("cancel")
    #expect(bench.state.training.status == .stopping)
    #expect(bench.open.map(\.request) == [.steerTraining(.stop)])
    // It is still the current run: its result comes.
    var kept = bench
    kept.answerAll()
    #expect(kept.state.training.status == .finished)
    #expect(kept.state.training.result?.cancelled == true)
    #expect(kept.state.log.entries.last?.text.contains("stopped early") == true)

    bench.run("cancel")
    #expect(bench.effects.contains(.cancel(run)))
    #expect(bench.state.training.status == .dropped)
    let before = bench.state
    for answer in FakeLaboratory.answers(.train(TrainingPlan())) {
      #expect(update(&bench.state, .answer(answer, run: run)).isEmpty)
    }
    #expect(bench.state == before)
  }

  @Test func flashEndsByItself() {
    var bench = Self.running("train method=gradual")
    #expect(bench.state.training.isFlashing)
    let flashes = bench.timers.filter { if case .flashed = $0 { true } else { false } }
    bench.send(.elapsed(flashes[flashes.count - 2]))
    #expect(bench.state.training.isFlashing)
    bench.send(.elapsed(flashes[flashes.count - 1]))
    #expect(!bench.state.training.isFlashing)
  }

  @Test func failureIsSaidAndKept() {
    var bench = Self.running("train")
    let run = bench.state.runs.current(.training)!
    bench.send(.answer(.failed("step 351: the loss is not a number; lower the rate"), run: run))
    #expect(
      bench.state.training.status == .failed("step 351: the loss is not a number; lower the rate"))
    #expect(render(bench.state).text.contains("lower the rate"))
    #expect(bench.state.runs.current(.training) == nil)
    guard case .result(.ended(let ended)) = bench.recorded.last else {
      Issue.record("not recorded")
      return
    }
    #expect(ended.job == "training")
  }

  // MARK: Afterwards

  @Test func resultIsASentenceWithStartAndFloor() {
    var bench = Bench.opened()
    bench.run("pattern 8x1")
    bench.run("train")
    let text = bench.state.log.entries.last!.text
    #expect(
      text == "8x1 in attention, 80 % zeros: training for 60.0 s raised the held-out cosine from "
        + "0.700 to 0.890, 63 % of what pruning lost; zeroed layers give 0.540, the dense model 1; "
        + "measured 2.35x [2.33, 2.37] as fast as dense.")
    bench.press(.character("y"))
    #expect(bench.copied == [text])
  }

  @Test func nothingWonIsSaidSo() {
    var result = FakeLaboratory.trained(TrainingPlan(), evaluations: 30)
    result.best.cosine = 0.69
    result.speedup = nil
    #expect(Wording.sentence(result).contains("won nothing back"))
    #expect(!Wording.sentence(result).contains("as fast"))
  }

  @Test func trainedPointsStandBesideTheirOneShotStart() {
    var bench = Bench.opened()
    bench.run("train minutes=1")
    bench.run("train minutes=1 seed=2")
    bench.press(.character("v"))
    #expect(bench.state.page == .tradeoff)
    let points = bench.state.tradeOffPoints
    #expect(points.count { $0.row.isTrained } == 1 || points.count { $0.row.isTrained } == 2)
    #expect(points.contains { $0.row[.cosine] == .number(0.7) && !$0.row.isTrained })
    let text = render(bench.state).text
    #expect(text.contains("◉ trained"))
    // A mask that came about by training has no one-shot twin.
    let gradual = FakeLaboratory.trained(
      {
        var plan = TrainingPlan(); plan.method = .gradual; return plan
      }(), evaluations: 3)
    #expect(gradual.startRow == nil)
  }

  @Test func openingAnotherModelForgetsTheRun() {
    var bench = Self.running("train")
    let run = bench.state.runs.current(.training)!
    bench.run("open demo")
    #expect(bench.effects.contains(.cancel(run)))
    #expect(bench.state.training == TrainingState())
  }

  // MARK: Sessions

  @Test func replayShowsTheRecordedRunWithoutTraining() throws {
    var bench = Bench.opened(width: 140, height: 42)
    bench.trainingReports = 70
    bench.run("train method=gradual")
    bench.run("steer sparsity 0.85")
    bench.run("pause")
    bench.run("resume")
    bench.run("cancel")
    let entries = bench.recorded.map { SessionEntry(seconds: 1, content: $0) }
    let text = try Session(
      header: SessionHeader(machine: "7f3a", width: 140, height: 42), entries: entries
    ).text()
    let session = try Session(parsing: text)
    #expect(session.entries == entries)
    var replay = Bench(width: 140, height: 42, isReplay: true)
    for entry in session.entries {
      switch entry.content {
      case .command(let command): replay.send(.command(command))
      case .result(let result): replay.send(.recorded(result))
      }
      #expect(replay.state.message?.kind != .warning, "\(replay.state.message?.text ?? "")")
      for request in Self.requests(replay) {
        switch request {
        case .train, .steerTraining: Issue.record("a replay asked to train")
        default: break
        }
      }
    }
    let (live, shown) = (bench.state.training, replay.state.training)
    #expect(shown.result == live.result)
    #expect(shown.evaluations == live.evaluations)
    #expect(shown.pictures.map(\.kept) == live.pictures.map(\.kept))
    #expect(shown.status == .finished)
    #expect(replay.state.tradeOffPoints == bench.state.tradeOffPoints)
  }

  @Test func whatComesBeforeTheFirstStepIsSaid() throws {
    var bench = Bench.opened(width: 120, height: 36)
    bench.answersAtOnce = false
    bench.run("train")
    let run = try #require(bench.state.runs.current(.training))
    let recorded = bench.recorded
    bench.send(.answer(.preparing("calibrating on text 129 of 2010"), run: run))
    let text = render(bench.state).text
    #expect(text.contains("calibrating on text 129"))
    #expect(bench.recorded == recorded)
  }

  /// Trained on this project's own machine; the masks, curves and results are all in the record.
  @Test func recordedTrainingPlaysToItsEnd() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../data/sessions/training.sparsity")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.utf8.count < 200_000)
    let session = try Session(parsing: text)
    #expect(session.warnings.isEmpty)
    var replay = Bench(
      width: session.header.width, height: session.header.height, isReplay: true)
    var evaluations = 0
    for entry in session.entries {
      switch entry.content {
      case .command(let command):
        replay.send(.command(command))
        // The bench has another model than the one that was trained.
        if case .open = command { continue }
        let message = replay.state.message
        #expect(message?.kind != .error && message?.kind != .warning, "\(message?.text ?? "")")
      case .result(let result):
        replay.send(.recorded(result))
        if case .training(let progress) = result {
          evaluations += 1
          #expect(replay.state.training.latest?.step == progress.step)
          #expect(!replay.state.training.pictures.isEmpty)
        }
        #expect(render(replay.state).width == session.header.width)
      }
    }
    let training = replay.state.training
    let result = try #require(training.result)
    #expect(training.status == .finished)
    #expect(evaluations >= 4)
    #expect(result.start.floorCosine < result.start.refitCosine)
    #expect(result.best.cosine > result.start.refitCosine)
    #expect(result.speedup.map { Verdict(speedup: $0) } == .faster)
    #expect(replay.state.tradeOffPoints.contains { $0.row.isTrained })
    #expect(!replay.state.isDirty)
  }
}
