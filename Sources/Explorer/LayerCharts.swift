internal import CellUI
internal import Experiments

/// What every layer loses, and what pruning a part of the model can give at most.
enum LayerCharts {
  /// Every layer's sensitivity as a line.
  static func curves(
    _ frame: inout Frame, _ rect: Rect, _ list: [TensorInfo], _ state: State
  ) {
    let inside = frame.box(
      rect, title: "Sensitivity" + (state.layers.curveKnobs.map { "  \($0.pattern)" } ?? ""),
      note: "one layer pruned at a time", theme: state.theme)
    let curves = list.compactMap { state.layers.curve($0.name) }
    guard let first = curves.first else {
      frame.putWrapped(
        "Each layer is pruned alone at 10 to 90 % zeros; the first curve comes in a moment.",
        in: inside.inset(1, 0), style: state.theme.muted)
      return
    }
    let selected = list[min(state.layers.selected, list.count - 1)].name
    let names = Wording.short(curves.map(\.tensor))
    LineChart(
      x: .init("sparsity", Scale(.linear, covering: first.sparsities), .percent),
      yLabel: "\(first.proxy); bright the chosen layer", yFormat: .plain,
      lines: zip(curves, names).map { curve, name in
        LineChart.Line(
          title: name,
          points: zip(curve.sparsities, curve.errors).map { Chart.Point(x: $0, y: $1) })
      }, chosen: curves.firstIndex { $0.tensor == selected }
    ).draw(&frame, inside.inset(1, 0), state.theme)
  }

  /// Layers that are pruned together, and which share of the linear layers' multiplications is theirs.
  struct Part: Hashable {
    var title: String
    var share: Double
  }

  /// All linear layers, their parts by the word behind the layer's number (`attention`, `mlp`), the
  /// largest first, and the layer under the cursor. Parts of one size are one line.
  static func parts(_ state: State) -> [Part] {
    guard let model = state.model.value else { return [] }
    let linear = model.prunable.filter(\.isLinearWeight)
    let total = linear.reduce(0.0) { $0 + Double($1.rows * $1.columns) }
    guard linear.count > 1, total > 0 else { return [] }
    var groups: [Part] = []
    for (tensor, name) in zip(linear, Wording.short(linear.map(\.name))) {
      let words = name.split(separator: ".").drop { $0.allSatisfy(\.isNumber) }
      let title = words.first.map(String.init) ?? name
      let share = Double(tensor.rows * tensor.columns) / total
      if let at = groups.firstIndex(where: { $0.title == title }) {
        groups[at].share += share
      } else {
        groups.append(Part(title: title, share: share))
      }
    }
    // Stable: the model's order among equals.
    let ranked = groups.enumerated().sorted {
      ($1.element.share, $0.offset) < ($0.element.share, $1.offset)
    }.map(\.element).prefix(4)
    var parts = [Part(title: "all", share: 1)]
    var index = ranked.startIndex
    while index < ranked.endIndex, groups.count > 1 {
      let alike = ranked[index...].prefix { abs($0.share - ranked[index].share) < 0.005 }
      let names = alike.map(\.title)
      let title =
        names.count == 1
        ? names[0] : names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
      parts.append(Part(title: title, share: ranked[index].share))
      index = alike.endIndex
    }
    let list = state.listedTensors
    if !list.isEmpty {
      let chosen = list[min(state.layers.selected, list.count - 1)]
      if chosen.isLinearWeight, let at = linear.firstIndex(where: { $0.name == chosen.name }) {
        let name = Wording.short(linear.map(\.name))[at]
        parts.append(
          Part(title: name + " alone", share: Double(chosen.rows * chosen.columns) / total))
      }
    }
    return parts
  }

  /// Dense multiplications over those that are left when a part of this share is pruned: Amdahl's law,
  /// by counting.
  static func ratio(_ share: Double, _ zeros: Double) -> Double { 1 / (1 - share * zeros) }

  static func bound(
    _ frame: inout Frame, _ rect: Rect, _ state: State, zeros now: Double?
  ) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: "Amdahl's bound", note: "a FLOP ratio, not a time", theme: theme)
    let parts = parts(state)
    let zeros = stride(from: 0.0, through: 0.9, by: 0.05).map { $0 }
    var chart = Chart(
      x: .init("zeros in that part", Scale(.linear, from: 0, to: 0.9), .percent),
      y: .init(
        "multiplications, dense over pruned",
        Scale(.logarithmic, from: 1, to: 10), .ratio))
    for (index, part) in parts.enumerated() {
      let isChosen = index == parts.count - 1 && index > 0
      let style = isChosen ? theme.accent.with(.bold) : index == 0 ? theme.text : theme.muted
      chart.lines.append(
        Chart.Line(zeros.map { Chart.Vertex($0, ratio(part.share, $0)) }, style: style))
      let share =
        index == 0 || inside.width < 70 ? "" : ", \(Wording.whole(part.share)) of them"
      chart.points.append(
        Chart.Point(
          x: 0.9, y: ratio(part.share, 0.9), marker: "·", style: style,
          label: part.title + share))
    }
    // The line in front has its name first.
    chart.points.reverse()
    if let now, now > 0, now <= 0.9 {
      chart.verticals = [
        Chart.Reference(now, "\(Wording.percent(now)) now", style: theme.muted)
      ]
    }
    frame.chart(chart, in: inside.inset(1, 0), theme: theme)
  }
}
