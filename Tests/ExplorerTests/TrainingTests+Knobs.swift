import CellUI
import Experiments
import Testing

@testable import Explorer

extension TrainingTests {
  @Test func everyKnobTurnsBothWaysAndComesBack() {
    var bench = Bench.opened()
    bench.run("view training")
    for knob in TrainingKnob.allCases where ![.text, .out].contains(knob) {
      bench.state.training.knob = knob
      let before = bench.state.trainingPlan
      bench.press(.right)
      let up = bench.state.trainingPlan
      bench.press(.left)
      bench.press(.left)
      #expect(
        up != before || bench.state.trainingPlan != before, "\(knob.rawValue) does not turn")
      bench.run("sparsity 0.8")
    }
  }

  @Test func enterTypesTheValueUnderTheCursor() {
    var bench = Bench.opened()
    bench.run("view training")
    bench.state.training.knob = .minutes
    bench.press(.enter)
    guard case .prompt(let prompt) = bench.state.mode else {
      Issue.record("no prompt")
      return
    }
    #expect(prompt.field.text == "plan minutes ")
    bench.type("2.5")
    bench.press(.enter)
    #expect(bench.state.choices.training.minutes == 2.5)
  }

  @Test func steeredValuesStayOnTheirGrid() {
    var training = TrainingState()
    training.plan = TrainingPlan()
    training.take(FakeLaboratory.progress(TrainingPlan(), 1))
    var seen: [Double] = []
    for steps in -25...25 {
      guard case .learningRate(let rate) = TrainingSteps.steered(.rate, by: steps, training) else {
        Issue.record("\(steps)")
        return
      }
      seen.append(rate)
    }
    #expect(seen == seen.sorted())
    #expect(seen.allSatisfy { $0 > 0 && $0 <= 1 })
  }
}
