internal import CellUI
internal import Experiments

/// The model as a table: what was chosen for each matrix, what it costs, what it takes.
enum LayersPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let theme = state.theme
    let list = state.listedTensors
    let (tableBox, side) = areas(layout, state)
    let filter = state.choices.layerFilter
    let note =
      list.isEmpty ? "0" : "\(min(state.layers.selected, list.count - 1) + 1)/\(list.count)"
    let title =
      "Layers by \(state.choices.layerSort.rawValue)" + (filter.isEmpty ? "" : "  & \(filter)")
    let inside = frame.box(tableBox, title: title, note: note, theme: theme, focused: true)
    if list.isEmpty {
      frame.put(
        "no matrix's name holds '\(filter)'; Esc shows all", x: inside.x + 1, y: inside.y,
        style: theme.muted)
    } else {
      frame.table(table(state, list), in: inside, theme: theme)
      curves(&frame, inside, list, state)
    }
    WholeModel(state).draw(&frame, side, state)
  }

  /// Every layer's sensitivity as a line under the table, where there is room.
  private static func curves(
    _ frame: inout Frame, _ inside: Rect, _ list: [TensorInfo], _ state: State
  ) {
    let spare = inside.height - list.count - 2
    let curves = list.compactMap { state.layers.curve($0.name) }
    guard let first = curves.first else {
      guard spare >= 3 else { return }
      let isRunning = state.runs.current(.sensitivity) != nil
      let text =
        isRunning
        ? "Each layer is pruned alone at 10 to 90 % zeros; the first curve comes in a moment."
        : "S draws what each layer loses when it alone is pruned, from 10 to 90 % zeros: where the "
          + "model bears pruning, and where it does not."
      frame.putWrapped(
        text,
        in: Rect(
          x: inside.x + 1, y: inside.maxY - spare + 1, width: min(76, inside.width - 2),
          height: spare - 1), style: state.theme.muted)
      return
    }
    let selected = list[min(state.layers.selected, list.count - 1)].name
    let names = Wording.short(curves.map(\.tensor))
    LineChart(
      x: .init("sparsity", Scale(.linear, covering: first.sparsities), .percent),
      yLabel: "\(first.proxy), one layer pruned at a time; bright the chosen one", yFormat: .plain,
      lines: zip(curves, names).map { curve, name in
        LineChart.Line(
          title: name,
          points: zip(curve.sparsities, curve.errors).map { Chart.Point(x: $0, y: $1) })
      }, chosen: curves.firstIndex { $0.tensor == selected }
    ).draw(
      &frame,
      Rect(x: inside.x + 1, y: inside.maxY - spare, width: inside.width - 2, height: spare),
      state.theme)
  }

  static func place(y: Int, _ state: State, _ layout: ScreenLayout) -> (row: Int, column: Int)? {
    let list = state.listedTensors
    guard !list.isEmpty else { return nil }
    return table(state, list).row(atY: y, in: areas(layout, state).table.inset(1, 1)).map {
      ($0, 0)
    }
  }

  /// The text below takes the lines it needs, the table the rest.
  private static func areas(_ layout: ScreenLayout, _ state: State) -> (table: Rect, side: Rect) {
    let needed = WholeModel(state).lines(layout.body.width - 4, state)
    let parts = layout.body.rows([.share(1), .fixed(min(max(needed, 3), 8) + 2)])
    return (parts[0], parts[1])
  }

  private static func table(_ state: State, _ list: [TensorInfo]) -> Table {
    let theme = state.theme
    let names = Wording.short(list.map(\.name))
    let figures = LayerFigures(state)
    let rows = zip(list, names).map { tensor, name -> [TableCell] in
      let chosen = state.choices.choice(for: tensor.name)
      let figure = figures[tensor.name]
      let curve = state.layers.curve(tensor.name)
      let ratio = figures.gain(tensor.name)
      let isShown = tensor.name == state.choices.tensor
      return [
        TableCell((isShown ? "▸" : " ") + name, isShown ? theme.title : nil),
        TableCell("\(tensor.rows)x\(tensor.columns)", theme.muted),
        TableCell(
          chosen?.pattern.description ?? "dense", chosen == nil ? theme.muted : theme.accent),
        TableCell(chosen?.requestedSparsity.map(Wording.percent) ?? Figures.missing),
        TableCell(.sparkline(curve?.errors.map(Optional.some) ?? [], 0...1), theme.accent),
        // Without a choice it is what the present knobs would cost.
        TableCell(Figures.plain(figure.error), chosen == nil ? theme.muted : nil),
        TableCell(Figures.duration(nanoseconds: figure.dense)),
        TableCell(Figures.duration(nanoseconds: chosen == nil ? nil : figure.sparse)),
        TableCell(
          ratio.map { ($0 >= 1 ? "▲" : "▼") + Figures.ratio($0) } ?? Figures.missing,
          ratio.map { $0 >= 1 ? theme.good : theme.bad } ?? theme.muted),
      ]
    }
    let columns = [
      TableColumn("layer", .flexible(minimum: 22), truncation: .head),
      TableColumn("out x in", .fixed(11), .right, dropOrder: 4),
      TableColumn("pattern", .fixed(12)),
      TableColumn("zeros", .fixed(7), .right),
      TableColumn("error 10-90 %", .fixed(13), dropOrder: 3),
      TableColumn("error", .fixed(7), .right),
      TableColumn("dense", .fixed(8), .right, dropOrder: 2),
      TableColumn("sparse", .fixed(8), .right, dropOrder: 1),
      TableColumn("gain", .fixed(7), .right),
    ]
    let at = min(state.layers.selected, list.count - 1)
    return Table(
      columns: columns, rows: rows, selected: at, offset: max(0, at - 8), focused: true)
  }
}

/// The whole model from its parts: times are summed, then divided.
struct WholeModel {
  /// Matrices with a measured dense time, and with a measured choice.
  var timed = 0
  var chosen = 0
  var measuredChoices = 0
  var linear = 0
  var denseSum = 0.0
  var sparseSum = 0.0
  var worstError: Double?
  /// Dense time of the matrices that have a choice.
  var chosenDense = 0.0

  init(_ state: State) {
    guard let model = state.model.value else { return }
    let figures = LayerFigures(state)
    for tensor in model.prunable where tensor.isLinearWeight {
      linear += 1
      let isChosen = state.choices.choice(for: tensor.name) != nil
      if isChosen {
        chosen += 1
        worstError = [worstError, figures[tensor.name].error].compactMap { $0 }.max()
      }
      guard let dense = figures[tensor.name].dense else { continue }
      let sparse = isChosen ? figures[tensor.name].sparse : nil
      timed += 1
      denseSum += dense
      sparseSum += sparse ?? dense
      if isChosen { chosenDense += dense }
      if sparse != nil { measuredChoices += 1 }
    }
  }

  /// Sum of dense times over sum of times as chosen.
  var speedup: Double? { timed > 0 && sparseSum > 0 ? denseSum / sparseSum : nil }

  /// Amdahl's bound: what is reached if the chosen matrices took no time at all.
  var bound: Double? {
    guard timed > 0, denseSum > 0 else { return nil }
    return chosenDense < denseSum ? denseSum / (denseSum - chosenDense) : .infinity
  }

  /// Lines that both paragraphs take.
  func lines(_ width: Int, _ state: State) -> Int {
    CellText.wrapped(text(state), to: width).count
      + CellText.wrapped(remarks(state), to: width).count
  }

  /// What a whole model gained and lost, measured.
  static func sentence(_ report: ModelReport) -> String {
    func figure(_ value: Double?) -> String {
      value.map { Figures.fixed($0, 2) } ?? Figures.missing
    }
    return "Measured end to end (\(report.choices.count) layers pruned, \(report.texts) texts, "
      + "\(report.tokens) tokens): \(Wording.speedup(report.speedup)), "
      + "\(Figures.duration(nanoseconds: report.denseNs.estimate)) dense, "
      + "\(Figures.duration(nanoseconds: report.sparseNs.estimate)) sparse, "
      + "\(Figures.percent(report.amdahlShare)) of Amdahl's \(Figures.ratio(report.amdahl)). "
      + "Embeddings on \(report.evaluationTexts) held-out sentences: mean cosine "
      + "\(figure(report.agreement.cosine)) (zeroed \(figure(report.floor.cosine))), rank correlation "
      + "\(figure(report.agreement.rankCorrelation)), same neighbour "
      + "\(figure(report.agreement.neighbourAgreement))."
  }

  private func text(_ state: State) -> String {
    var text =
      chosen == 0
      ? "No layer has a choice yet: A gives these knobs to all, . to those of the same kind, = to "
        + "the chosen one."
      : "\(chosen) of \(linear) linear layers have a choice, \(measuredChoices) of them measured."
        + (state.layers.report == nil && state.model.value?.isEncoder == true
          ? " E runs the whole encoder with them." : "")
    if chosen > 0, let speedup, let bound {
      text +=
        " Sum of times \(Figures.duration(nanoseconds: denseSum)) dense, "
        + "\(Figures.duration(nanoseconds: sparseSum)) as chosen: \(Figures.ratio(speedup))"
      text += bound.isFinite ? ", at most \(Figures.ratio(bound)) (Amdahl)." : "."
      if timed < linear { text += " \(linear - timed) layers were never timed and are left out." }
    } else if timed == 0 {
      text += " No layer is timed yet: sweep tensor=* pattern=… sparsity=… measures them."
    }
    if let report = state.layers.report { text += " " + Self.sentence(report) }
    if let worstError { text += " Largest error of a layer: \(Figures.plain(worstError))." }
    return text
  }

  private func remarks(_ state: State) -> String {
    let curve = state.layers.curves.first
    return
      (curve.map { "The curves are \($0.proxy) at 10 to 90 % zeros, one layer pruned at a time. " }
      ?? "S draws each layer's sensitivity. ")
      + "A dim error is what the present knobs would cost. "
      + "Layer errors do not add up; a small error everywhere is no promise for the model."
  }

  func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: "Whole model", note: "\(state.knobs.tokens) tokens", theme: theme)
    let area = inside.inset(1, 0)
    let used = frame.putWrapped(text(state), in: area, style: theme.text)
    let rest = Rect(x: area.x, y: area.y + used, width: area.width, height: area.height - used)
    if rest.height > 0 {
      frame.putWrapped(remarks(state), in: rest, style: theme.muted)
    }
  }
}
