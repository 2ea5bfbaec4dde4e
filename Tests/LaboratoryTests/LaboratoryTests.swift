import Experiments
import Testing

@testable import Laboratory

@Suite(.serialized) struct LaboratoryTests {
  static func laboratory(
    _ answers: Answers, seconds: Double = 0.02
  ) -> Laboratory {
    var configuration = briefConfiguration()
    configuration.measureSeconds = seconds
    configuration.cellSeconds = seconds
    configuration.cellHalfWidth = 0
    configuration.measureHalfWidth = 0
    return Laboratory(configuration: configuration) { answers.add($0, $1) }
  }

  @Test func everyRequestIsAnsweredUnderItsRun() throws {
    let answers = Answers()
    let laboratory = Self.laboratory(answers)
    defer { laboratory.close() }
    laboratory.submit(.open(path: nil), run: 1)
    laboratory.submit(.prune(tensor: query, knobs: Knobs()), run: 2)
    laboratory.submit(
      .picture(
        tensor: query, knobs: Knobs(),
        viewport: Viewport(row: 0, column: 0, rows: 384, columns: 384), pixelRows: 10,
        pixelColumns: 10, reordered: false), run: 3)
    laboratory.submit(.weight(tensor: query, knobs: Knobs(), row: 1, column: 1), run: 4)
    laboratory.submit(.measure(tensor: query, knobs: Knobs()), run: 5)
    #expect(answers.wait(for: 1) { if case .opened = $0 { true } else { false } } != nil)
    #expect(answers.wait(for: 2) { if case .quality = $0 { true } else { false } } != nil)
    guard case .pruned = answers.all(of: 2).first else {
      Issue.record("the proxies came before the summary")
      return
    }
    #expect(answers.wait(for: 3) { if case .picture = $0 { true } else { false } } != nil)
    #expect(answers.wait(for: 4) { if case .weight = $0 { true } else { false } } != nil)
  }

  @Test func aMeasurementEndsWithAFinalOne() throws {
    let answers = Answers()
    let laboratory = Self.laboratory(answers, seconds: 0.3)
    defer { laboratory.close() }
    _ = try laboratory.perform(.open(path: "synthetic:64x64"))
    laboratory.submit(.measure(tensor: "weight", knobs: Knobs()), run: 1)
    let last = answers.wait(for: 1) { if case .measured = $0 { true } else { false } }
    guard case .measured(let measurement) = last else {
      Issue.record("no measurement came")
      return
    }
    #expect(measurement.isFinal)
    let earlier = answers.all(of: 1).dropLast()
    #expect(!earlier.isEmpty)
    for answer in earlier {
      guard case .measuring(let estimate) = answer else {
        Issue.record("\(answer)")
        continue
      }
      #expect(!estimate.isFinal)
      #expect(estimate.samples <= measurement.samples)
    }
  }

  @Test func aSweepHoldsUpNeitherAPruningNorAMeasurement() throws {
    let answers = Answers()
    let laboratory = Self.laboratory(answers, seconds: 0.05)
    defer { laboratory.close() }
    _ = try laboratory.perform(.open(path: "synthetic:64x64"))
    var plan = SweepPlan(tensors: ["weight"], base: Knobs())
    plan.amounts = (1...100).map { .sparsity(Double($0) / 101) }
    laboratory.submit(.sweep(plan), run: 1)
    #expect(answers.wait(for: 1) { if case .sweeping = $0 { true } else { false } } != nil)
    laboratory.submit(.prune(tensor: "weight", knobs: Knobs()), run: 2)
    laboratory.submit(.measure(tensor: "weight", knobs: Knobs()), run: 3)
    #expect(answers.wait(for: 2) { if case .pruned = $0 { true } else { false } } != nil)
    #expect(answers.wait(for: 3) { if case .measured = $0 { true } else { false } } != nil)
    #expect(!answers.all(of: 1).contains { if case .swept = $0 { true } else { false } })
    laboratory.cancel(1)
    let count = answers.all(of: 1).count
    MonotonicPause.milliseconds(200)
    #expect(answers.all(of: 1).count <= count + 1)
  }

  @Test func aReplacedOrCancelledRequestGetsNoAnswer() throws {
    let answers = Answers()
    let laboratory = Self.laboratory(answers, seconds: 0.1)
    defer { laboratory.close() }
    _ = try laboratory.perform(.open(path: "synthetic:64x64"))
    // The first measurement runs; of those that wait behind it the last one stands.
    for run in 1...5 { laboratory.submit(.measure(tensor: "weight", knobs: Knobs()), run: run) }
    laboratory.submit(.crossover(tensor: "weight", knobs: Knobs(), over: .tokens), run: 6)
    laboratory.cancel(6)
    #expect(answers.wait(for: 5) { if case .measured = $0 { true } else { false } } != nil)
    for run in [3, 4, 6] { #expect(answers.all(of: run).isEmpty) }
  }

  @Test func failuresAreSentences() throws {
    let answers = Answers()
    let laboratory = Self.laboratory(answers)
    defer { laboratory.close() }
    laboratory.submit(.measure(tensor: "weight", knobs: Knobs()), run: 1)
    guard case .failed(let reason) = answers.wait(for: 1, { _ in true }) else {
      Issue.record("a measurement without a model did not fail")
      return
    }
    #expect(reason == LaboratoryError.noModelOpen.description)
    laboratory.submit(.open(path: "/nonexistent/model.safetensors"), run: 2)
    guard case .failed(let other) = answers.wait(for: 2, { _ in true }) else {
      Issue.record("a file that is not there was opened")
      return
    }
    #expect(other.contains("/nonexistent/model.safetensors"))
  }

  @Test func closingEndsWhatRuns() throws {
    let answers = Answers()
    let laboratory = Self.laboratory(answers, seconds: 5)
    _ = try laboratory.perform(.open(path: "synthetic:64x64"))
    laboratory.submit(.measure(tensor: "weight", knobs: Knobs()), run: 1)
    #expect(answers.wait(for: 1) { if case .measuring = $0 { true } else { false } } != nil)
    let start = MonotonicPause.now()
    laboratory.close()
    #expect(MonotonicPause.now() - start < 2)
    laboratory.submit(.open(path: nil), run: 2)
    MonotonicPause.milliseconds(50)
    #expect(answers.all(of: 2).isEmpty)
  }

  @Test func theSynchronousWayGivesTheSameMask() throws {
    let laboratory = Laboratory(configuration: briefConfiguration())
    _ = try laboratory.perform(.open(path: nil))
    var summaries: [PruningSummary] = []
    let answer = try laboratory.perform(
      .prune(tensor: query, knobs: Knobs()),
      progress: {
        if case .pruned(let summary) = $0 { summaries.append(summary) }
      })
    guard case .quality(let report) = answer else {
      Issue.record("\(answer)")
      return
    }
    #expect(summaries.count == 1)
    #expect(report.outputError != nil)
    guard
      case .measured(let recorded) = try laboratory.perform(
        .measure(tensor: query, knobs: Knobs()))
    else { return }
    #expect(recorded.flopsUseful == 2 * Double(summaries[0].nonzeros) * 128)
    let again = try laboratory.remeasure(recorded, tensor: query, knobs: Knobs())
    #expect(again.fresh.flopsUseful == recorded.flopsUseful)
    #expect(again.sentence.contains("recorded"))
  }
}
