internal import CellUI
internal import Experiments

/// The tensors of the model beside the mask.
enum LayerList {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let list = state.listedTensors
    let focused = state.panel == .layers
    let at = list.firstIndex { $0.name == state.choices.tensor }
    let note = at.map { "\($0 + 1)/\(list.count)" } ?? "\(list.count)"
    let title =
      state.choices.layerFilter.isEmpty ? "Layers" : "Layers & \(state.choices.layerFilter)"
    let inside = frame.box(rect, title: title, note: note, theme: theme, focused: focused)
    frame.table(table(list, at, state, inside), in: inside, theme: theme)
  }

  private static func table(
    _ list: [TensorInfo], _ at: Int?, _ state: State, _ inside: Rect
  ) -> Table {
    let names = Wording.short(list.map(\.name))
    let hasCurves = !state.layers.curves.isEmpty
    // A name that can be read goes before its curve.
    let longest = names.map { CellText.width($0) + 1 }.max() ?? 0
    var columns = [
      TableColumn("", .flexible(minimum: min(inside.width, longest)), truncation: .middle)
    ]
    if hasCurves { columns.append(TableColumn("", .fixed(9), dropOrder: 1)) }
    let rows = zip(list, names).map { tensor, name -> [TableCell] in
      let isChosen = state.choices.choice(for: tensor.name) != nil
      var cells = [TableCell((isChosen ? "✓" : " ") + name)]
      if hasCurves {
        let errors = state.layers.curve(tensor.name)?.errors.map(Optional.some) ?? []
        cells.append(TableCell(.sparkline(errors, 0...1), state.theme.accent))
      }
      return cells
    }
    return Table(
      columns: columns, rows: rows, selected: at,
      offset: max(0, (at ?? 0) - inside.height / 2), showsTitles: false,
      focused: state.panel == .layers)
  }

  static func tensor(atY y: Int, _ state: State, _ rect: Rect) -> String? {
    let list = state.listedTensors
    let at = list.firstIndex { $0.name == state.choices.tensor }
    let inside = rect.inset(1, 1)
    return table(list, at, state, inside).row(atY: y, in: inside).map { list[$0].name }
  }
}
