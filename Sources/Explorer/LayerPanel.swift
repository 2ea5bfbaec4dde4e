internal import CellUI
internal import Experiments

/// What is known of the layer under the cursor, and what pruning it alone can give.
enum LayerPanel {
  /// Lines that it takes with its edges.
  static func height(_ state: State) -> Int { state.layers.curves.isEmpty ? 11 : 14 }

  static func draw(
    _ frame: inout Frame, _ rect: Rect, _ tensor: TensorInfo, _ state: State
  ) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: Wording.tail(tensor.name, rect.width - 6), theme: theme)
    let area = inside.inset(1, 0)
    var y = area.y
    for (label, text) in lines(tensor, state) where y < area.maxY {
      frame.put(label, x: area.x, y: y, style: theme.muted, maxWidth: 11)
      frame.put(
        Wording.fitting(text, area.width - 13), x: area.x + 13, y: y, style: theme.text,
        maxWidth: area.width - 13)
      y += 1
    }
    for (text, style) in [(curve(tensor, state), theme.text), (keys(tensor, state), theme.muted)]
    where y < area.maxY && !text.isEmpty {
      y += frame.putWrapped(
        text, in: Rect(x: area.x, y: y, width: area.width, height: area.maxY - y), style: style)
    }
  }

  private static func lines(_ tensor: TensorInfo, _ state: State) -> [(String, String)] {
    let figures = LayerFigures(state)
    let (figure, tokens) = (figures[tensor.name], figures.tokens)
    let choice = state.choices.choice(for: tensor.name)
    let size = tensor.rows * tensor.columns
    var lines = [
      (
        "weights",
        "\(tensor.rows)x\(tensor.columns) \(tensor.dtype.lowercased()), \(Figures.count(size)), "
          + Figures.bytes(Double(tensor.bytes))
      ),
      (
        "activations",
        tensor.hasActivations
          ? "known, so its output error can be told" : "none, so only errors of weights"
      ),
      ("choice", choice.map(words) ?? "dense; \(words(state.knobs)) is what the knobs say"),
    ]
    let knobs = choice ?? state.knobs
    let isPresent = choice == nil ? " at the present knobs" : " as chosen"
    lines.append(
      (
        "error",
        figure.error.map { Figures.plain($0) + isPresent }
          ?? Figures.missing + (tensor.isLinearWeight ? ", S finds it" : "")
      ))
    lines.append(
      (
        "times",
        figure.dense.map { dense in
          "\(Figures.duration(nanoseconds: dense)) dense"
            + (figure.sparse.map {
              ", \(Figures.duration(nanoseconds: $0)) as chosen, \(Figures.ratio(figure.gain))"
            } ?? "")
        } ?? "\(Figures.missing), not timed at \(tokens) tokens yet"
      ))
    let linear = (state.model.value?.prunable ?? []).filter(\.isLinearWeight)
    let total = linear.reduce(0) { $0 + $1.rows * $1.columns }
    if tensor.isLinearWeight, total > size {
      let share = Double(size) / Double(total)
      lines.append(
        ("share", "\(Figures.percent(share)) of the linear layers' multiplications"))
      if let zeros = knobs.requestedSparsity {
        lines.append(
          (
            "alone",
            "the model at most \(Figures.ratio(LayerCharts.ratio(share, zeros))) with "
              + "\(Wording.percent(zeros)) zeros here only"
          ))
      }
    }
    return lines
  }

  /// `32x1 at 80 %`.
  private static func words(_ knobs: Knobs) -> String {
    let amount =
      knobs.requestedSparsity.map(Wording.percent)
      ?? knobs.amount.lambda.map { "λ \(Figures.plain($0, digits: 2))" } ?? Figures.missing
    return "\(knobs.pattern) at \(amount)"
  }

  private static func curve(_ tensor: TensorInfo, _ state: State) -> String {
    guard let curve = state.layers.curve(tensor.name) else { return "" }
    let pattern = state.layers.curveKnobs.map { " of \($0.pattern)" } ?? ""
    return "\(curve.proxy)\(pattern) at "
      + zip(curve.sparsities, curve.errors).map {
        "\(Wording.percent($0)) \(Figures.plain($1, digits: 2))"
      }.joined(separator: ", ")
  }

  private static func keys(_ tensor: TensorInfo, _ state: State) -> String {
    "Enter opens its mask, = gives it \(words(state.knobs))."
  }
}
