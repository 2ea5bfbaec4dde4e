internal import CellUI
internal import Experiments

/// The model as a table: what was chosen for each matrix, what it costs, what it takes.
///
/// What goes when space runs out, in this order: the panel of the chosen layer (below 150 columns), the
/// bound beside the curves, the curves. The table and the whole model always stay.
enum LayersPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    let list = state.listedTensors
    let areas = Areas(layout, state, list)
    let filter = state.choices.layerFilter
    let at = min(state.layers.selected, max(0, list.count - 1))
    let note = list.isEmpty ? "0" : "\(at + 1)/\(list.count)"
    let title =
      "Layers by \(state.choices.layerSort.rawValue)" + (filter.isEmpty ? "" : "  & \(filter)")
    let inside = frame.box(areas.table, title: title, note: note, theme: theme, focused: true)
    if list.isEmpty {
      frame.put(
        "no matrix's name holds '\(filter)'; Esc shows all", x: inside.x + 1, y: inside.y,
        style: theme.muted)
    } else {
      frame.table(table(state, list), in: inside, theme: theme)
      hint(&frame, inside, list.count, state)
      if let layer = areas.layer { LayerPanel.draw(&frame, layer, list[at], state) }
    }
    if let curves = areas.curves { LayerCharts.curves(&frame, curves, list, state) }
    if let bound = areas.bound {
      LayerCharts.bound(&frame, bound, state, zeros: state.knobs.requestedSparsity)
    }
    WholeModel(state).draw(&frame, areas.whole, state)
  }

  /// Where the parts of the page are; nil for what there is no room or no reason for.
  private struct Areas {
    var table: Rect
    var layer: Rect?
    var curves: Rect?
    var bound: Rect?
    var whole: Rect

    init(_ layout: ScreenLayout, _ state: State, _ list: [TensorInfo]) {
      // The text below takes the lines it needs.
      let needed = WholeModel(state).lines(layout.body.width - 4, state)
      let parts = layout.body.rows([.share(1), .fixed(min(max(needed, 3), 8) + 2)])
      whole = parts[1]
      table = parts[0]
      let isWide = layout.body.width >= 150
      let least = LineChart.least.height + 2
      let hasCurves = !state.layers.curves.isEmpty || state.runs.current(.sensitivity) != nil
      let hasBound = LayerCharts.parts(state).count > 1
      // A long list takes the whole height of a large screen, the rest stands beside it.
      if isWide, hasBound, list.count + 3 > table.height - least,
        table.height >= LayerPanel.height(state) + least
      {
        let columns = table.columns([.share(1), .fixed(min(76, layout.body.width * 2 / 5))])
        var rows = columns[1].rows([.fixed(LayerPanel.height(state)), .share(1)])
        (table, layer, bound) = (columns[0], rows[0], rows[1])
        if hasCurves, rows[1].height >= 2 * least {
          rows = rows[1].rows([.share(1), .share(1)])
          (curves, bound) = (rows[0], rows[1])
        } else if hasCurves {
          (curves, bound) = (rows[1], nil)
        }
        return
      }
      // Titles, edges and rows; the charts take the rest, of a long list a third.
      let hint = LayersPage.hint(state).map { CellText.wrapped($0, to: 76).count + 1 } ?? 0
      let wanted = max(list.count + 3 + hint, isWide ? LayerPanel.height(state) : 0)
      var charts = table.height - wanted
      if charts < least, table.height >= 3 * least { charts = table.height / 3 }
      if charts >= least, hasCurves || hasBound {
        let rows = table.rows([.share(1), .fixed(charts)])
        table = rows[0]
        if hasCurves, hasBound, rows[1].width >= 2 * (LineChart.least.width + 4) {
          let halves = rows[1].columns([.share(3), .share(2)])
          (curves, bound) = (halves[0], halves[1])
        } else if hasCurves {
          curves = rows[1]
        } else {
          bound = rows[1]
        }
      }
      if isWide {
        let columns = table.columns([.share(1), .fixed(min(76, layout.body.width * 2 / 5))])
        (table, layer) = (columns[0], columns[1])
      }
    }
  }

  /// What would come below the table; nil once it is there or where it does not belong to it.
  private static func hint(_ state: State) -> String? {
    guard state.layers.curves.isEmpty, state.runs.current(.sensitivity) == nil else { return nil }
    return
      "S draws what each layer loses when it alone is pruned, from 10 to 90 % zeros: where the "
      + "model bears pruning, and where it does not."
  }

  private static func hint(_ frame: inout Frame, _ inside: Rect, _ rows: Int, _ state: State) {
    let spare = inside.height - rows - 1
    guard let text = hint(state), spare >= 3 else { return }
    frame.putWrapped(
      text,
      in: Rect(
        x: inside.x + 1, y: inside.maxY - spare + 1, width: min(76, inside.width - 2),
        height: spare - 1), style: state.theme.muted)
  }

  static func place(y: Int, _ state: State, _ layout: ScreenLayout) -> (row: Int, column: Int)? {
    let list = state.listedTensors
    guard !list.isEmpty else { return nil }
    return table(state, list).row(atY: y, in: Areas(layout, state, list).table.inset(1, 1)).map {
      ($0, 0)
    }
  }

  private static func table(_ state: State, _ list: [TensorInfo]) -> Table {
    let theme = state.theme
    let names = Wording.short(list.map(\.name))
    let figures = LayerFigures(state)
    let rows = zip(list, names).map { tensor, name -> [TableCell] in
      let chosen = state.choices.choice(for: tensor.name)
      let figure = figures[tensor.name]
      let curve = state.layers.curve(tensor.name)
      let ratio = figure.gain
      let isShown = tensor.name == state.choices.tensor
      return [
        TableCell((isShown ? "▸" : " ") + name, isShown ? theme.title : nil),
        TableCell("\(tensor.rows)x\(tensor.columns)", theme.muted),
        TableCell(
          chosen?.pattern.description ?? "dense", chosen == nil ? theme.muted : theme.accent),
        TableCell(chosen?.requestedSparsity.map(Wording.percent) ?? Figures.missing),
        TableCell(.sparkline(curve?.errors.map(Optional.some) ?? [], 0...1), theme.accent),
        // Without a choice it is what the present knobs would cost.
        TableCell(
          chosen == nil
            ? figure.error.map { "(\(Figures.plain($0)))" } ?? Figures.missing
            : Figures.plain(figure.error), chosen == nil ? theme.muted : nil),
        TableCell(Figures.duration(nanoseconds: figure.dense)),
        TableCell(Figures.duration(nanoseconds: chosen == nil ? nil : figure.sparse)),
        TableCell(
          ratio.map { ($0 >= 1 ? "▲" : "▼") + Figures.ratio($0) } ?? Figures.missing,
          ratio.map { $0 >= 1 ? theme.good : theme.bad } ?? theme.muted),
      ]
    }
    // Names and patterns take what they need: what tells layers apart must not be cut.
    let longest = (names.map { CellText.width($0) }.max() ?? 0) + 1
    let widest = rows.map { row -> Int in
      if case .text(let pattern) = row[2].content { CellText.width(pattern) } else { 0 }
    }.max()
    // Where there is no room for all, the curve is worth more than the time that dense and gain tell.
    let isDrawn = !state.layers.curves.isEmpty
    let curve =
      state.width < 100
      ? TableColumn("10-90 %", .fixed(9), dropOrder: isDrawn ? 1 : 3)
      : TableColumn("error 10-90 %", .fixed(13), dropOrder: isDrawn ? 1 : 3)
    let columns = [
      TableColumn(" layer", .flexible(minimum: min(max(longest, 16), 36)), truncation: .middle),
      TableColumn("out x in", .fixed(11), .right, dropOrder: 4),
      TableColumn("pattern", .fixed(max(7, widest ?? 0))),
      TableColumn("zeros", .fixed(6), .right),
      curve,
      TableColumn("error", .fixed(8), .right),
      TableColumn("dense", .fixed(7), .right, dropOrder: 2),
      TableColumn("sparse", .fixed(7), .right, dropOrder: isDrawn ? 3 : 1),
      TableColumn("gain", .fixed(7), .right),
    ]
    let at = min(state.layers.selected, list.count - 1)
    return Table(
      columns: columns, rows: rows, selected: at, offset: max(0, at - 8), focused: true)
  }
}
