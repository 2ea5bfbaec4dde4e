internal import Experiments

extension State {
  /// Undo, redo, held states, notes and overlays.
  mutating func recall(_ command: Command) -> [Effect] {
    let before = choices
    switch command {
    case .undo:
      guard let step = history.undo.popLast() else { return [] }
      history.redo.append(.init(choices: choices, command: step.command))
      choices = step.choices
      return follow(from: before) + say("undid \(step.command)")
    case .redo:
      guard let step = history.redo.popLast() else { return [] }
      history.undo.append(.init(choices: choices, command: step.command))
      choices = step.choices
      return follow(from: before) + say("redid \(step.command)")
    case .hold(let slot):
      guard let cell else { return [] }
      choices.held[slot == .a ? 0 : 1] = HeldState(
        tensor: cell.tensor, knobs: cell.knobs, summary: summary.final, quality: quality.final,
        measurement: measurement.final)
      return say("held as \(slot.rawValue.uppercased()); c compares")
    case .compare:
      page = .log
      log.showsComparison = true
    case .note(let text):
      note(text, .note)
      return say(text)
    case .overlay(let path): return [.load(path: path)]
    default: break
    }
    return []
  }

  /// A held state with what became known of it since: what was pending when it was put aside is
  /// filled in when the same mask was measured later.
  func held(_ slot: Slot) -> HeldState? {
    guard var held = choices.held[slot == .a ? 0 : 1] else { return nil }
    let cell = SweepCell(tensor: held.tensor, knobs: held.knobs)
    held.measurement = held.measurement ?? measured[cell]
    if cell == self.cell {
      held.summary = held.summary ?? summary.final
      held.quality = held.quality ?? quality.final
    }
    return held
  }
}
