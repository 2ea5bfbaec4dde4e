internal import CellUI
internal import Experiments

/// Where everything is: computed from the state alone, so that `update` can ask for pictures of the
/// right size, the mouse finds what is under it, and drawing remembers nothing.
///
/// What goes when space runs out, in this order: what was measured of this matrix (below 30 rows), the
/// list of layers (below 100 columns), the lower half of the knobs (it scrolls), the tables beside
/// charts. Below 80x24 nothing is drawn but what is missing.
struct ScreenLayout {
  var title: Rect
  var body: Rect
  var foot: Rect
  var layers: Rect?
  /// What was measured of the matrix that is shown, below the list of layers.
  var matrix: Rect?
  var picture = Rect(x: 0, y: 0, width: 0, height: 0)
  var costs = Rect(x: 0, y: 0, width: 0, height: 0)
  var gains = Rect(x: 0, y: 0, width: 0, height: 0)
  var knobs = Rect(x: 0, y: 0, width: 0, height: 0)
  var why = Rect(x: 0, y: 0, width: 0, height: 0)

  init(_ state: State) {
    let width = state.width
    let height = state.height
    title = Rect(x: 0, y: 0, width: width, height: 1)
    body = Rect(x: 0, y: 1, width: width, height: max(0, height - 2))
    foot = Rect(x: 0, y: height - 1, width: width, height: 1)
    guard !state.isTooSmall else { return }
    let side = width < 100 ? 25 : min(34, 26 + (width - 100) / 12)
    let list = width < 100 ? 0 : Self.list(min(40, 22 + (width - 100) / 6), state)
    let columns = body.columns([.fixed(list), .share(1), .fixed(side)])
    if list > 0 {
      layers = columns[0]
      // A short list takes what it needs; a long one still leaves a third to what was measured.
      let needed = (state.model.value?.prunable.count ?? 0) + 2
      let rest = columns[0].height - max(6, needed)
      if columns[0].height >= 28 {
        let parts = columns[0].rows([.share(1), .fixed(max(rest, columns[0].height / 3))])
        (layers, matrix) = (parts[0], parts[1])
      }
    }
    let lower = height < 30 ? 8 : height < 44 ? 10 : 12
    let middle = columns[1].rows([.share(1), .fixed(lower)])
    picture = middle[0]
    let halves = middle[1].columns([.share(1), .share(1)])
    (costs, gains) = (halves[0], halves[1])
    let reason = height < 30 ? 9 : height < 44 ? 11 : 13
    // The knobs take no more lines than they have; the reason is worth what is left.
    let knobLines = KnobSteps.order.count + KnobPanel.explanationLines + 4
    let right = columns[2].rows([
      .fixed(min(columns[2].height - reason, knobLines)), .share(1),
    ])
    (knobs, why) = (right[0], right[1])
  }

  /// The list of layers takes a few columns more where that keeps names whole. Hundreds of names are not
  /// looked at: this is worked out several times a key.
  private static func list(_ usual: Int, _ state: State) -> Int {
    guard state.width >= 112, let prunable = state.model.value?.prunable, prunable.count <= 100
    else { return usual }
    let names = Wording.short(prunable.map(\.name))
    // The table below the list shows the errors from 28 columns on.
    let needed = max(28, (names.map { CellText.width($0) }.max() ?? 0) + 3)
    return min(max(usual, needed), max(usual, min(usual + 4, 40)))
  }

  /// Lines of knobs that are shown.
  var knobLines: Int { max(0, knobs.height - 2) }
}

/// How the mask lies on the screen: which weights, in how many pixels, in which cells.
struct MaskWindow {
  /// Cells of the picture, one rectangle a layout (two while original and reordered stand side by
  /// side).
  var areas: [Rect]
  var viewport: Viewport
  /// Pixels of the picture that is asked for; two of them a cell, one over the other.
  var pixelRows: Int
  var pixelColumns: Int
  /// Pixels on the screen, where a small matrix is drawn larger than one pixel a weight.
  var shownRows: Int
  var shownColumns: Int
  var showsValues: Bool

  /// Cells that one weight takes where its value is written.
  static let valueWidth = 7

  init?(_ state: State, _ layout: ScreenLayout) {
    guard let tensor = state.tensor, !state.isTooSmall else { return nil }
    let inside = layout.picture.inset(1, 1)
    // A row for the columns' density, one for what is under the cursor; a column for the rows'.
    let area = Rect(x: inside.x, y: inside.y, width: inside.width - 1, height: inside.height - 2)
    let isDouble = state.choices.form == .both && state.knobs.pattern.reorder != nil
    areas = isDouble ? area.columns([.share(1), .share(1)], gap: 1) : [area]
    let cell = areas[areas.count - 1]
    let (tall, wide) = (cell.height * 2, cell.width)
    guard tall > 0, wide > 0 else { return nil }
    let (rows, columns) = (tensor.rows, tensor.columns)
    showsValues = false
    var size = (rows: rows, columns: columns)
    switch state.mask.zoom {
    case .values:
      showsValues = true
      size = (min(rows, cell.height), min(columns, max(1, wide / Self.valueWidth)))
      pixelRows = size.rows
      pixelColumns = size.columns
      shownRows = size.rows
      shownColumns = size.columns
    case .scale(let scale):
      size = (min(rows, tall * scale), min(columns, wide * scale))
      pixelRows = (size.rows + scale - 1) / scale
      pixelColumns = (size.columns + scale - 1) / scale
      let larger = max(1, min(tall / pixelRows, wide / pixelColumns))
      shownRows = pixelRows * larger
      shownColumns = pixelColumns * larger
    case .fit, .closer, .wider:
      pixelRows = min(rows, tall)
      pixelColumns = min(columns, wide)
      shownRows = tall
      shownColumns = wide
    }
    viewport = Viewport(
      row: min(max(0, state.mask.row), rows - size.rows),
      column: min(max(0, state.mask.column), columns - size.columns),
      rows: size.rows, columns: size.columns)
  }

  /// Weights a pixel along each axis.
  var weightsPerPixel: (rows: Double, columns: Double) {
    (Double(viewport.rows) / Double(shownRows), Double(viewport.columns) / Double(shownColumns))
  }

  /// The weight that is drawn at a cell; nil outside.
  func weight(x: Int, y: Int) -> (row: Int, column: Int)? {
    guard let area = areas.first(where: { $0.contains(x: x, y: y) }) else { return nil }
    let across = showsValues ? Self.valueWidth : 1
    let down = showsValues ? 1 : 2
    let (pixelX, pixelY) = ((x - area.x) / across, (y - area.y) * down)
    guard pixelX < shownColumns, pixelY < shownRows else { return nil }
    return (
      viewport.row + pixelY * viewport.rows / shownRows,
      viewport.column + pixelX * viewport.columns / shownColumns
    )
  }

  /// The cell in which a weight is drawn, relative to an area's corner; nil outside the window.
  func place(row: Int, column: Int) -> (x: Int, y: Int)? {
    guard row >= viewport.row, row < viewport.row + viewport.rows, column >= viewport.column,
      column < viewport.column + viewport.columns
    else { return nil }
    let across = showsValues ? Self.valueWidth : 1
    let down = showsValues ? 1 : 2
    return (
      (column - viewport.column) * shownColumns / viewport.columns * across,
      (row - viewport.row) * shownRows / viewport.rows / down
    )
  }
}
