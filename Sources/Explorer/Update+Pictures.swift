internal import Experiments

extension State {
  /// Asks for what the mask's window shows, in the layouts that are shown.
  mutating func requestPictures() -> [Effect] {
    guard let cell, let window = MaskWindow(self, ScreenLayout(self)) else { return [] }
    let reorders = cell.knobs.pattern.reorder != nil
    var effects: [Effect] = []
    func picture(_ reordered: Bool) -> Request {
      .picture(
        tensor: cell.tensor, knobs: cell.knobs.pruningPart, viewport: window.viewport,
        pixelRows: window.pixelRows, pixelColumns: window.pixelColumns, reordered: reordered)
    }
    if choices.form != .reordered || !reorders {
      effects += begin(.picture, picture(false))
    }
    if reorders, choices.form == .reordered || choices.form == .both {
      effects += begin(.reorderedPicture, picture(true))
    }
    mask.isDrawing = true
    return effects
  }

  mutating func requestWeight() -> [Effect] {
    guard let cell else { return [] }
    mask.weight = .pending
    return begin(
      .weight,
      .weight(
        tensor: cell.tensor, knobs: cell.knobs.pruningPart, row: mask.cursorRow,
        column: mask.cursorColumn))
  }

  /// Moves the window so that the cursor is in it, and both into the matrix.
  mutating func keepCursorInSight() {
    guard let tensor else { return }
    mask.cursorRow = min(max(0, mask.cursorRow), tensor.rows - 1)
    mask.cursorColumn = min(max(0, mask.cursorColumn), tensor.columns - 1)
    guard let window = MaskWindow(self, ScreenLayout(self)) else { return }
    let view = window.viewport
    mask.row = Self.shifted(view.row, view.rows, toShow: mask.cursorRow)
    mask.column = Self.shifted(view.column, view.columns, toShow: mask.cursorColumn)
  }

  private static func shifted(_ start: Int, _ length: Int, toShow place: Int) -> Int {
    place < start ? place : place >= start + length ? place - length + 1 : start
  }

  /// The scale one step closer or wider: the whole, then powers of two down to one weight a pixel,
  /// then the values. Pixels of the whole need not be square: a scale that is closer along one axis but
  /// would leave more than a third of the other empty is passed over.
  func zoomed(_ zoom: Zoom) -> Zoom {
    switch zoom {
    case .closer, .wider: break
    default: return zoom
    }
    var whole = self
    whole.mask.zoom = .fit
    guard let window = MaskWindow(whole, ScreenLayout(whole)) else { return mask.zoom }
    let (rows, columns) = (window.weightsPerPixel.rows, window.weightsPerPixel.columns)
    let perPixel = min(max(rows, columns), 1.5 * min(rows, columns))
    var scales: [Zoom] = [.fit]
    var scale = 1 << 20
    while scale >= 1 {
      if Double(scale) < perPixel { scales.append(.scale(scale)) }
      scale /= 2
    }
    scales.append(.values)
    let now =
      scales.firstIndex(of: mask.zoom)
      ?? scales.firstIndex { known in
        if case .scale(let a) = known, case .scale(let b) = mask.zoom { a <= b } else { false }
      } ?? 0
    return scales[min(max(0, now + (zoom == .closer ? 1 : -1)), scales.count - 1)]
  }

  /// The window of `zoom` with the cursor in its middle.
  mutating func setZoom(_ zoom: Zoom) {
    mask.zoom = zoom
    guard let window = MaskWindow(self, ScreenLayout(self)) else { return }
    mask.row = max(0, mask.cursorRow - window.viewport.rows / 2)
    mask.column = max(0, mask.cursorColumn - window.viewport.columns / 2)
    guard let centred = MaskWindow(self, ScreenLayout(self)) else { return }
    mask.row = centred.viewport.row
    mask.column = centred.viewport.column
  }
}
