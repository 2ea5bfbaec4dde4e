import CellUI
import Experiments
import Explorer
import Glibc
import Laboratory
import Terminal

/// Times the program's own answers on this machine, without a screen: what a person waits for.
///
/// The same state, laboratory and views as on the screen; only the terminal's own drawing is missing
/// (0.3 ms for a full frame).
final class SelfTest {
  private let mailbox = Mailbox<LaboratoryMessage>(wakeup: Wakeup())

  func run() throws {
    print("times of the program itself; limits in brackets")
    for model in [nil, "synthetic:768x768"] {
      try answers(model)
      if Interrupt.isRaised { throw Failure(.interrupted, "interrupted") }
    }
    try sweep()
  }

  private func answers(_ model: String?) throws {
    let start = monotonicSeconds()
    let mailbox = self.mailbox
    let laboratory = Laboratory(configuration: Workbench.configuration()) { answer, run in
      mailbox.post(LaboratoryMessage(answer: answer, run: run))
    }
    defer { laboratory.close() }
    let exploration = Exploration(
      state: State(width: 140, height: 42, isFirstRun: false), laboratory: laboratory,
      recorder: nil)
    exploration.send(.command(.open(path: model)))
    _ = render(exploration.state)
    let first = monotonicSeconds() - start
    try wait(exploration) { $0.state.model.value != nil && !$0.state.awaitsPicture }
    let shown = monotonicSeconds() - start

    var turns: [Double] = []
    for step in 0..<40 {
      let began = monotonicSeconds()
      let sparsity = NumberText.shortest(Double(30 + step) / 100)
      exploration.send(.command(.set(.sparsity, sparsity)))
      try wait(exploration) { !$0.state.awaitsPicture }
      _ = render(exploration.state)
      turns.append(monotonicSeconds() - began)
    }
    turns.sort()
    let began = monotonicSeconds()
    exploration.send(.command(.measure))
    try wait(exploration) { $0.state.measurement.value != nil }
    let estimate = monotonicSeconds() - began
    func milliseconds(_ seconds: Double) -> String { Figures.fixed(seconds * 1000, 1) + " ms" }
    print(model ?? "built-in model")
    print(
      "  first frame after \(milliseconds(first)), with its mask after \(milliseconds(shown)) [100]"
    )
    print(
      "  knob turn to frame, mask and instant numbers: median \(milliseconds(turns[20])), "
        + "worst of 40 \(milliseconds(turns[39])) [16]")
    print("  measure to the first estimate: \(milliseconds(estimate)) [150]")
  }

  private func wait(
    _ exploration: Exploration, until condition: (Exploration) -> Bool
  ) throws {
    let limit = monotonicSeconds() + 20
    while !condition(exploration) {
      guard monotonicSeconds() < limit, !Interrupt.isRaised else {
        throw Failure(.failed, "no answer within 20 s")
      }
      mailbox.wakeup.wait(milliseconds: 20)
      for message in mailbox.drain() {
        exploration.send(.answer(message.answer, run: message.run))
      }
      exploration.fireTimers()
    }
  }

  private func sweep() throws {
    let bench = try Workbench(model: "synthetic:384x384")
    var base = Knobs()
    base.refit = false
    var plan = SweepPlan(tensors: [bench.model.prunable[0].name], base: base)
    plan.patterns = [
      (1, 1), (1, 4), (1, 8), (1, 16), (1, 32), (4, 1), (8, 1), (16, 1), (32, 1), (4, 4), (8, 8),
      (16, 16), (32, 32),
    ].map { Pattern.block($0.0, $0.1) }
    plan.amounts = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95].map { .sparsity($0) }
    let start = monotonicSeconds()
    let closing = try bench.answer(.sweep(plan))
    let seconds = Figures.fixed(monotonicSeconds() - start, 1)
    print("sweep of \(plan.cells.count) cells, 384x384, 128 tokens: \(seconds) s [60]")
    guard case .swept(let progress) = closing, let share = progress.measuredShare else { return }
    print(
      "  of that in samples, packing and checks: \(Figures.percent(share, places: 0)) [at least 90 %]"
    )
  }
}
