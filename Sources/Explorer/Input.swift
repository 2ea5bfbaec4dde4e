public import CellUI
internal import Experiments

/// What an input means in this state, as commands. A key that means nothing here gives a command
/// that says why. Resizing and signals are no commands and give none.
public func commands(for input: InputEvent, in state: State) -> [Command] {
  switch input {
  case .key(let key): commands(for: key, in: state)
  case .paste(let text):
    switch state.mode {
    case .prompt, .help: [.paste(text)]
    case .normal: [.prompt(text)]
    case .quitting: []
    }
  case .mouse(let event): state.isTooSmall ? [] : Mouse.commands(event, state)
  case .resize, .resumed, .terminate: []
  }
}

private func commands(for key: Key, in state: State) -> [Command] {
  switch state.mode {
  case .prompt, .help: return [.edit(key)]
  case .quitting:
    switch key {
    case .character("y"), .character("q"), .enter: return [.quit]
    case .character("w"), .character("s"): return [.prompt("save ")]
    default: return [.back]
    }
  case .normal:
    // Half of nothing is shown: only leaving works.
    if state.isTooSmall { return key == .character("q") ? [.quit] : [] }
    if let binding = KeyTable.binding(key, on: state.page) { return [binding.command(state)] }
    if case .unknown = key { return [] }
    return [
      .explain(
        KeyTable.elsewhere(key) ?? "\(KeyName.label(key)) does nothing here; ? lists what does")
    ]
  }
}

/// What is under the mouse.
enum Mouse {
  static func commands(_ event: MouseEvent, _ state: State) -> [Command] {
    guard state.mode == .normal else {
      return event.action == .press ? [.back] : []
    }
    let layout = ScreenLayout(state)
    if layout.foot.contains(x: event.x, y: event.y) {
      guard event.action == .press,
        let binding = HintLine(state).binding(atX: event.x)
      else { return [] }
      return [binding.command(state)]
    }
    switch state.page {
    case .mask: return onMask(event, state, layout)
    default: return onPage(event, state, layout)
    }
  }

  private static func onMask(
    _ event: MouseEvent, _ state: State, _ layout: ScreenLayout
  ) -> [Command] {
    let (x, y) = (event.x, event.y)
    if layout.picture.contains(x: x, y: y) {
      let weight = MaskWindow(state, layout)?.weight(x: x, y: y)
      switch event.action {
      case .wheelUp, .wheelDown:
        let zoom = Command.zoom(event.action == .wheelUp ? .closer : .wider)
        return (weight.map { [.point(row: $0.row, column: $0.column)] } ?? []) + [zoom]
      case .press: return weight.map { [.point(row: $0.row, column: $0.column)] } ?? []
      case .drag:
        guard let weight, let window = MaskWindow(state, layout) else { return [] }
        let view = window.viewport
        // The whole matrix has nowhere to go: there the cursor follows the hand.
        guard state.mask.zoom != .fit else {
          return [.point(row: weight.row, column: weight.column)]
        }
        // The press put the cursor on a weight; that weight stays under the hand.
        let row = max(0, view.row + state.mask.cursorRow - weight.row)
        let column = max(0, view.column + state.mask.cursorColumn - weight.column)
        return (row, column) == (view.row, view.column) ? [] : [.pan(.to(row: row, column: column))]
      case .release: return []
      }
    }
    if layout.knobs.contains(x: x, y: y) {
      guard let knob = KnobPanel.knob(atY: y, state, layout) else { return [] }
      switch event.action {
      case .press: return [.knob(.one(knob))] + KnobPanel.turn(atX: x, knob, state, layout)
      case .drag: return KnobPanel.slide(toX: x, state, layout)
      case .wheelUp: return [.knob(.one(knob)), .turn(1)]
      case .wheelDown: return [.knob(.one(knob)), .turn(-1)]
      case .release: return []
      }
    }
    if let list = layout.layers, list.contains(x: x, y: y) {
      switch event.action {
      case .press: return LayerList.tensor(atY: y, state, list).map { [.tensor($0)] } ?? []
      case .wheelUp: return [.layer(.previous)]
      case .wheelDown: return [.layer(.next)]
      case .drag, .release: return []
      }
    }
    return []
  }

  private static func onPage(
    _ event: MouseEvent, _ state: State, _ layout: ScreenLayout
  ) -> [Command] {
    switch event.action {
    case .wheelUp: return [.move(.up)]
    case .wheelDown: return [.move(.down)]
    case .drag, .release: return []
    case .press: break
    }
    let place: (row: Int, column: Int)?
    switch state.page {
    case .sweep: place = SweepPage.place(x: event.x, y: event.y, state, layout)
    case .tradeoff: place = TradeOffPage.place(x: event.x, y: event.y, state, layout)
    case .layers: place = LayersPage.place(y: event.y, state, layout)
    case .log: place = LogPage.place(y: event.y, state, layout)
    case .training: place = TrainingPage.place(y: event.y, x: event.x, state, layout)
    case .mask, .why: place = nil
    }
    return place.map { [.point(row: $0.row, column: $0.column)] } ?? []
  }
}
