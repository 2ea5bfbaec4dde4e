internal import Experiments

extension State {
  /// Steps of the cursor, Enter and Escape, wherever they are.
  mutating func step(_ command: Command) throws(CommandError) -> [Effect] {
    switch command {
    case .move(let move, let count): return moved(move, count)
    case .point(let row, let column): return point(row, column)
    case .select: return select()
    case .back: return goBack()
    default: return []
    }
  }

  private mutating func moved(_ move: CursorMove, _ count: Int) -> [Effect] {
    switch page {
    case .mask:
      switch panel {
      case .knobs: return knobMoved(move, count)
      case .layers: return layerMoved(move, count)
      case .picture: return cursorMoved(move, count)
      }
    case .sweep:
      let grid = SweepGrid(self)
      let size =
        choices.sweepForm == .table
        ? (sweep.finishedCount, 1) : (grid.rows.count, grid.columns.count)
      (sweep.cursorRow, sweep.cursorColumn) = Self.stepped(
        move, count, (sweep.cursorRow, sweep.cursorColumn), size)
    case .tradeoff:
      let all = tradeOffPoints.count
      let step = move == .left || move == .up ? -count : count
      switch move {
      case .first: tradeOff.selected = 0
      case .last: tradeOff.selected = max(0, all - 1)
      default: tradeOff.selected = min(max(0, tradeOff.selected + step), max(0, all - 1))
      }
    case .layers:
      layers.selected =
        Self.stepped(move, count, (layers.selected, 0), (listedTensors.count, 1)).0
    case .log:
      let last = max(0, log.entries.count - 1)
      let next = Self.stepped(move, count, (log.selected ?? last, 0), (log.entries.count, 1)).0
      log.selected = next == last ? nil : next
    case .why: return knobMoved(move, count)
    case .training: return trainingMoved(move, count)
    }
    return []
  }

  private mutating func knobMoved(_ move: CursorMove, _ count: Int) -> [Effect] {
    switch move {
    case .up, .down:
      for _ in 0..<min(count, KnobSteps.order.count) {
        _ = perform(.knob(move == .down ? .next : .previous))
      }
    case .left, .right: return perform(.turn(move == .right ? count : -count))
    case .pageUp: return perform(.turn(5 * count))
    case .pageDown: return perform(.turn(-5 * count))
    case .first: return perform(.knob(.one(KnobSteps.order[0])))
    case .last: return perform(.knob(.one(KnobSteps.order[KnobSteps.order.count - 1])))
    }
    return []
  }

  private mutating func layerMoved(_ move: CursorMove, _ count: Int) -> [Effect] {
    let names = listedTensors.map(\.name)
    let now = choices.tensor.flatMap { names.firstIndex(of: $0) } ?? 0
    let next = Self.stepped(move, count, (now, 0), (names.count, 1)).0
    return next == now || names.isEmpty ? [] : perform(.tensor(names[next]))
  }

  /// One pixel of the picture a step, so that the cursor always moves on the screen.
  private mutating func cursorMoved(_ move: CursorMove, _ count: Int) -> [Effect] {
    guard let tensor, let window = MaskWindow(self, ScreenLayout(self)) else { return [] }
    let perPixel = window.weightsPerPixel
    let (down, across) = (
      max(1, Int((perPixel.rows * (window.showsValues ? 1 : 2)).rounded())),
      max(1, Int(perPixel.columns.rounded()))
    )
    let page = max(1, window.viewport.rows / 2)
    switch move {
    case .up: mask.cursorRow -= down * count
    case .down: mask.cursorRow += down * count
    case .left: mask.cursorColumn -= across * count
    case .right: mask.cursorColumn += across * count
    case .pageUp: mask.cursorRow -= page * count
    case .pageDown: mask.cursorRow += page * count
    case .first: (mask.cursorRow, mask.cursorColumn) = (0, 0)
    case .last: (mask.cursorRow, mask.cursorColumn) = (tensor.rows - 1, tensor.columns - 1)
    }
    return cursorPlaced()
  }

  /// Brings the window along and asks what is under the cursor.
  private mutating func cursorPlaced() -> [Effect] {
    let before = (mask.row, mask.column)
    keepCursorInSight()
    return (before == (mask.row, mask.column) ? [] : requestPictures()) + requestWeight()
  }

  private mutating func point(_ row: Int, _ column: Int) -> [Effect] {
    switch page {
    case .mask:
      (mask.cursorRow, mask.cursorColumn) = (row, column)
      panel = .picture
      return cursorPlaced()
    case .sweep:
      let grid = SweepGrid(self)
      guard grid.rows.indices.contains(row), grid.columns.indices.contains(column) else {
        return []
      }
      if (sweep.cursorRow, sweep.cursorColumn) == (row, column) { return select() }
      (sweep.cursorRow, sweep.cursorColumn) = (row, column)
    case .tradeoff:
      guard tradeOffPoints.indices.contains(row) else { return [] }
      if tradeOff.selected == row { return select() }
      tradeOff.selected = row
    case .layers:
      guard listedTensors.indices.contains(row) else { return [] }
      if layers.selected == row { return select() }
      layers.selected = row
    case .log:
      if log.entries.indices.contains(row) { log.selected = row }
    case .why: break
    case .training:
      if trainingKnobs.indices.contains(row) { training.knob = trainingKnobs[row] }
    }
    return []
  }

  private mutating func select() -> [Effect] {
    switch page {
    case .mask:
      if panel == .picture { return perform(.zoom(.closer)) }
      if panel == .layers { return perform(.focus(.one(.knobs))) }
      return perform(.prompt(knob.rawValue + " "))
    case .sweep:
      guard let index = SweepPage.selectedCell(self, SweepGrid(self)) else { return [] }
      return restore(sweep.cells[index])
    case .tradeoff:
      guard tradeOffPoints.indices.contains(tradeOff.selected) else { return [] }
      let point = tradeOffPoints[tradeOff.selected]
      if point.row.isTrained || point.row[.tensor] == .text("*") {
        return perform(.view(.training))
          + say("this point is a whole model: the training page (7) trains it again")
      }
      guard let cell = point.row.cell(in: model.value) else {
        return say("this point is of another model and cannot be restored here", .warning)
      }
      return restore(cell)
    case .layers:
      guard listedTensors.indices.contains(layers.selected) else { return [] }
      let name = listedTensors[layers.selected].name
      return perform(.tensor(name)) + perform(.view(.mask))
    case .why, .log: return []
    case .training: return typeTrainingKnob()
    }
  }

  /// Makes a measured cell what is looked at: its tensor and its knobs, as the commands that a
  /// person would have typed.
  private mutating func restore(_ cell: SweepCell) -> [Effect] {
    var effects: [Effect] = []
    if cell.tensor != choices.tensor { effects += perform(.tensor(cell.tensor)) }
    for knob in KnobSteps.order {
      guard let wanted = cell.knobs.text(of: knob) ?? (knob == .criterion ? "default" : nil),
        wanted != choices.knobs.text(of: knob) ?? (knob == .criterion ? "default" : nil)
      else { continue }
      if knob == .sparsity, cell.knobs.pattern.fixedSparsity != nil { continue }
      effects += perform(.set(knob, wanted))
    }
    return effects + perform(.view(.mask))
  }

  private mutating func goBack() -> [Effect] {
    if mode != .normal {
      mode = .normal
    } else if page == .mask, isSolving {
      return stopSolving()
    } else if page == .mask, mask.forming?.job == .path, runs.long.last == .path {
      return perform(.cancel)
    } else if message != nil {
      message = nil
    } else if page == .log, log.showsComparison {
      log.showsComparison = false
    } else if page == .layers, !choices.layerFilter.isEmpty {
      return perform(.filter(""))
    } else if page == .mask, mask.zoom != .fit {
      return perform(.zoom(.fit))
    } else if page != .mask {
      return perform(.view(.mask))
    }
    return []
  }

  static func stepped(
    _ move: CursorMove, _ count: Int, _ at: (Int, Int), _ size: (Int, Int)
  ) -> (Int, Int) {
    var (row, column) = at
    switch move {
    case .up: row -= count
    case .down: row += count
    case .left: column -= count
    case .right: column += count
    case .pageUp: row -= 10 * count
    case .pageDown: row += 10 * count
    case .first: (row, column) = (0, 0)
    case .last: (row, column) = (size.0 - 1, size.1 - 1)
    }
    return (min(max(0, row), max(0, size.0 - 1)), min(max(0, column), max(0, size.1 - 1)))
  }
}
