internal import CellUI
internal import Experiments

extension State {
  /// Pages, zoom, colours, order: what is shown, not what is pruned.
  mutating func look(_ command: Command) throws(CommandError) -> [Effect] {
    let before = choices
    switch command {
    case .view(let page):
      self.page = page
      panel = page == .mask ? .knobs : .picture
    case .zoom(let zoom):
      let next = zoomed(zoom)
      guard next == zoom else { return next == mask.zoom ? [] : perform(.zoom(next)) }
      setZoom(next)
      return requestPictures()
    case .pan(.step(let direction)):
      guard let window = MaskWindow(self, ScreenLayout(self)) else { return [] }
      let view = window.viewport
      let (down, across) = (max(1, view.rows / 2), max(1, view.columns / 2))
      var (row, column) = (view.row, view.column)
      switch direction {
      case .up: row -= down
      case .down: row += down
      case .left: column -= across
      case .right: column += across
      }
      return perform(.pan(.to(row: max(0, row), column: max(0, column))))
    case .pan(.to(let row, let column)):
      mask.row = row
      mask.column = column
      guard let window = MaskWindow(self, ScreenLayout(self)) else { return [] }
      mask.row = window.viewport.row
      mask.column = window.viewport.column
      let view = window.viewport
      mask.cursorRow = min(max(mask.cursorRow, view.row), view.row + view.rows - 1)
      mask.cursorColumn = min(max(mask.cursorColumn, view.column), view.column + view.columns - 1)
      return requestPictures() + requestWeight()
    case .colour(let name): try colour(name)
    case .axes(let x, let y):
      choices.tradeOffX = try column(x)
      choices.tradeOffY = try column(y)
      // The training page has no axes of its own: they are those of where its points go.
      if page == .training { page = .tradeoff }
    case .sort(let name) where page == .sweep:
      guard let sort = SweepSort(rawValue: name) else {
        throw CommandError(
          "sort \(name): a sweep is sorted by best, by family, or by model as it was planned")
      }
      choices.sweepSort = sort
    case .sort(let name):
      guard let sort = LayerSort(rawValue: name) else {
        let known = LayerSort.allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandError("sort \(name): expected one of \(known)")
      }
      choices.layerSort = sort
    case .filter(let text):
      choices.layerFilter = text
      layers.selected = 0
    case .find(let text):
      search = text
      return try find(1, includingCurrent: true)
    case .findNext(let step): return try find(step, includingCurrent: false)
    case .show(let form):
      switch form {
      case .chart, .table:
        choices.sweepForm = form
        (sweep.cursorRow, sweep.cursorColumn) = (0, 0)
      case .original, .reordered, .both: choices.form = form
      }
    case .axis(let knob):
      choices.sweepAxis = knob
      (sweep.cursorRow, sweep.cursorColumn) = (0, 0)
    case .grid(let grid): choices.maskGrid = grid
    case .scale(let scale): choices.tradeOffScale = scale
    case .theme(let name):
      guard Theme.named(name) != nil else {
        let known = Theme.all.map(\.name).joined(separator: ", ")
        throw CommandError("theme \(name): expected one of \(known)")
      }
      choices.theme = name
    case .focus(let selection): focus(selection)
    default: break
    }
    return follow(from: before)
  }

  private mutating func colour(_ name: String) throws(CommandError) {
    if let coloring = MaskColoring(rawValue: name) {
      choices.coloring = coloring
    } else {
      choices.sweepColumn = try column(name)
    }
  }

  private func column(_ name: String) throws(CommandError) -> ResultColumn {
    guard let column = ResultColumn(rawValue: name), ResultColumn.figures.contains(column) else {
      throw CommandError(
        "\(name): expected one of " + ResultColumn.figures.map(\.rawValue).joined(separator: ", "))
    }
    return column
  }

  /// Goes to the next layer whose name holds what was looked for.
  private mutating func find(
    _ step: Int, includingCurrent: Bool
  ) throws(CommandError) -> [Effect] {
    let list = listedTensors
    guard !list.isEmpty else { return [] }
    let wanted = search.lowercased()
    let names = list.map { $0.name.lowercased() }
    let now =
      page == .layers
      ? min(layers.selected, list.count - 1)
      : list.firstIndex { $0.name == choices.tensor } ?? 0
    for distance in (includingCurrent ? 0 : 1)...list.count {
      let index = ((now + step * distance) % list.count + list.count) % list.count
      guard names[index].contains(wanted) else { continue }
      if page == .layers {
        layers.selected = index
        return []
      }
      return perform(.tensor(list[index].name))
    }
    throw CommandError("no layer's name holds '\(search)'")
  }

  private mutating func focus(_ selection: Selection<Panel>) {
    let panels = focusable
    let at = panels.firstIndex(of: panel) ?? 0
    switch selection {
    case .next: panel = panels[(at + 1) % panels.count]
    case .previous: panel = panels[(at + panels.count - 1) % panels.count]
    case .one(let one): if panels.contains(one) { panel = one }
    }
  }

  /// The panels of this page that take the arrow keys.
  var focusable: [Panel] {
    guard page == .mask else { return [.picture] }
    return ScreenLayout(self).layers == nil ? [.picture, .knobs] : [.layers, .picture, .knobs]
  }
}
