internal import CellUI
internal import Experiments

/// The mask with everything that can be turned around it.
enum MaskPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    if let rect = layout.layers { LayerList.draw(&frame, rect, state) }
    if let rect = layout.matrix { MatrixPanel.draw(&frame, rect, state) }
    picture(&frame, layout, state)
    CostPanel.draw(&frame, layout.costs, state)
    GainPanel.draw(&frame, layout.gains, state)
    KnobPanel.draw(&frame, layout.knobs, state)
    WhyPanel.draw(&frame, layout.why, state)
  }

  // MARK: The picture

  private static func picture(_ frame: inout Frame, _ layout: ScreenLayout, _ state: State) {
    let theme = state.theme
    let rect = layout.picture
    let title = title(state, rect)
    let used = title.reduce(0) { $0 + CellText.width($1.text) } + 13
    let notes = zoomNotes(state, layout)
    frame.box(
      rect, title: title,
      note: notes.first { CellText.width($0) + used <= rect.width } ?? notes.last ?? "",
      theme: theme, focused: state.panel == .picture)
    guard let window = MaskWindow(state, layout), let tensor = state.tensor else { return }
    let isDouble = window.areas.count == 2
    let forms: [Form] = isDouble ? [.original, .reordered] : [state.choices.form]
    for (area, form) in zip(window.areas, forms) {
      let isReordered = form == .reordered && state.knobs.pattern.reorder != nil
      let picture = shown(isReordered, window, state)
      // The first picture of a mask is a moment away; an older one stays until the new one is there.
      guard let picture, picture.viewport == window.viewport else {
        let text = failure(state) ?? "drawing…"
        frame.putWrapped(
          text, in: area.centered(width: min(60, area.width), height: 4), style: theme.muted)
        continue
      }
      if window.showsValues {
        values(&frame, area, picture, window, state)
      } else {
        pixels(
          &frame, area, picture, window, state,
          gridded: isReordered || state.knobs.pattern.reorder == nil)
      }
      margins(&frame, area, layout.picture.inset(1, 1), picture, window, state)
      cursor(&frame, area, window, state)
      if isDouble {
        let label = isReordered ? " after reordering " : " stored order "
        frame.put(label, x: area.x + 1, y: area.y, style: theme.title)
      }
    }
    readOut(&frame, rect, state, tensor)
    legend(&frame, rect, state)
  }

  /// What a solver has by now, where it is of this window; else the last mask that was finished.
  private static func shown(
    _ isReordered: Bool, _ window: MaskWindow, _ state: State
  ) -> MaskPicture? {
    let forming = state.mask.forming?.mask
    let iterate = isReordered ? forming?.reordered : forming?.picture
    if let iterate, iterate.viewport == window.viewport { return iterate }
    return isReordered ? state.mask.reordered : state.mask.picture
  }

  private static func failure(_ state: State) -> String? {
    if case .failed(let reason) = state.summary { reason } else { nil }
  }

  private static func title(_ state: State, _ rect: Rect) -> [Span] {
    let theme = state.theme
    var spans = [Span("Mask  \(state.knobs.pattern)", theme.title)]
    if let forming = state.mask.forming {
      let used = CellText.width(spans[0].text) + CellText.width(note(forming)) + 8
      return spans + progress(forming, state, rect.width - used)
    }
    if let summary = state.summary.value {
      spans.append(Span("  \(Figures.percent(summary.achievedSparsity)) zeros", theme.text))
      if let wanted = summary.requestedSparsity, abs(wanted - summary.achievedSparsity) > 0.0005 {
        spans.append(Span(" (asked \(Wording.percent(wanted)))", theme.muted))
      }
    } else if state.summary == .pending {
      spans.append(Span("  …", theme.muted))
    }
    return spans
  }

  /// Whose iterate it is, how far, and what it has pruned by now.
  private static func progress(
    _ forming: FormingState, _ state: State, _ room: Int
  ) -> [Span] {
    let theme = state.theme
    let summary = forming.mask.summary
    var spans = [
      Span(
        forming.isStopped ? "  stopped" : "  ● forming",
        forming.isStopped ? theme.warning : theme.accent),
      Span("  \(Figures.percent(summary.achievedSparsity)) zeros", theme.text),
    ]
    var parts: [String] = []
    if forming.job == .path {
      parts.append("point \((state.path.value?.points.count ?? 0) + 1) of a path")
    } else {
      parts.append(Wording.progress(of: summary))
    }
    if let lambda = summary.lambda { parts.append("λ \(Figures.plain(lambda, digits: 2))") }
    // Whole parts, as many as fit.
    var left = room - spans.reduce(0) { $0 + CellText.width($1.text) }
    for part in parts where !part.isEmpty {
      left -= CellText.width(part) + 2
      guard left >= 0 else { break }
      spans.append(Span("  " + part, theme.muted))
    }
    return spans
  }

  private static func note(_ forming: FormingState) -> String {
    forming.isStopped ? "r goes on" : "Esc stops"
  }

  /// What a pixel is, the longest way first.
  private static func zoomNotes(_ state: State, _ layout: ScreenLayout) -> [String] {
    guard let window = MaskWindow(state, layout) else { return [] }
    if let forming = state.mask.forming { return [note(forming)] }
    if state.mask.isDrawing { return ["drawing…"] }
    let grid: String
    switch state.choices.maskGrid {
    case .blocks: grid = ""
    case .off: grid = "no grid  "
    case .heads(let size): grid = "heads of \(size)  "
    }
    switch state.mask.zoom {
    case .values: return [grid + "single weights"]
    case .scale(let scale):
      return [
        grid + (scale == 1 ? "1 weight a pixel" : "\(scale)x\(scale) weights a pixel"),
        scale == 1 ? "1 weight a pixel" : "\(scale)x\(scale) a pixel",
      ]
    case .fit, .closer, .wider:
      let per = window.weightsPerPixel
      func size(_ places: Int) -> String {
        "\(NumberText.fixed(per.rows, places))x\(NumberText.fixed(per.columns, places))"
      }
      return [
        "\(grid)whole: \(size(1)) weights a pixel", "whole: \(size(1)) weights a pixel",
        "\(size(1)) weights a pixel", "\(size(1)) a pixel",
      ]
    }
  }

  private static func pixels(
    _ frame: inout Frame, _ area: Rect, _ picture: MaskPicture, _ window: MaskWindow,
    _ state: State, gridded: Bool
  ) {
    let (wide, tall) = (window.shownColumns, window.shownRows)
    guard picture.pixelRows > 0, picture.pixelColumns > 0,
      picture.density.count == picture.pixelRows * picture.pixelColumns,
      picture.magnitude.count == picture.density.count
    else { return }
    var density = [UInt8](repeating: 0, count: wide * tall)
    var magnitude = density
    for y in 0..<tall {
      let from = y * picture.pixelRows / tall * picture.pixelColumns
      for x in 0..<wide {
        let source = from + x * picture.pixelColumns / wide
        density[y * wide + x] = picture.density[source]
        magnitude[y * wide + x] = picture.magnitude[source]
      }
    }
    var image = MaskImage(width: wide, height: tall, density: density, magnitude: magnitude)
    switch state.choices.coloring {
    case .magnitude: image.coloring = .magnitude
    case .density: image.coloring = .density
    case .plain: image.coloring = .plain
    }
    if gridded, let unit = grid(state) {
      let per = window.weightsPerPixel
      let rows = Double(unit.rows) / per.rows
      let columns = Double(unit.columns) / per.columns
      // A grid finer than a few pixels would be noise. An axis that has none gets one huge cell.
      if max(rows, columns) >= 4 {
        image.grid = MaskImage.Grid(
          x: -Double(window.viewport.column % unit.columns) / per.columns,
          y: -Double(window.viewport.row % unit.rows) / per.rows,
          width: columns >= 2 ? columns : 1e9, height: rows >= 2 ? rows : 1e9)
      }
    }
    frame.mask(image, in: area, theme: state.theme)
  }

  /// What the shades tell apart, in weights. Heads are rows of the matrices that make queries, keys
  /// and values, and columns of the one that takes their results.
  private static func grid(_ state: State) -> (rows: Int, columns: Int)? {
    switch state.choices.maskGrid {
    case .blocks: return state.knobs.pattern.unit
    case .off: return nil
    case .heads(let size):
      let name = state.tensor?.name.lowercased() ?? ""
      let takesHeads = ["attention.output", "o_proj", "out_proj", "attn.c_proj"]
        .contains { name.contains($0) }
      let none = 1 << 30
      return takesHeads ? (none, size) : (size, none)
    }
  }

  private static func values(
    _ frame: inout Frame, _ area: Rect, _ picture: MaskPicture, _ window: MaskWindow,
    _ state: State
  ) {
    let theme = state.theme
    let view = picture.viewport
    guard let values = picture.values, values.count == view.rows * view.columns else { return }
    let unit = state.knobs.pattern.unit
    for row in 0..<view.rows {
      for column in 0..<view.columns {
        let value = values[row * view.columns + column]
        let kept =
          picture.density.indices.contains(row * view.columns + column)
          && picture.density[row * view.columns + column] > 127
        var style = kept ? theme.text.with(.bold) : theme.muted
        if let unit, theme.depth == .full {
          let block = (view.row + row) / unit.rows + (view.column + column) / unit.columns
          style = style.on(block & 1 == 0 ? theme.pruned : theme.prunedAlternate)
          if style.foreground == .standard { style.foreground = .indexed(kept ? 255 : 243) }
          style.attributes.remove(.dim)
        }
        let text = kept ? number(value) : "·" + number(value).dropFirst()
        frame.put(
          String(text), x: area.x + column * MaskWindow.valueWidth, y: area.y + row,
          width: MaskWindow.valueWidth, alignment: .left, style: style)
      }
    }
  }

  /// Six characters, the sign first: `-0.042`.
  static func number(_ value: Float) -> String {
    guard value.isFinite else { return value.isNaN ? " nan  " : value < 0 ? "-inf  " : " inf  " }
    let size = abs(Double(value))
    let sign = value < 0 ? "-" : " "
    if size >= 1000 { return sign + CellText.padded(Figures.plain(size, digits: 2), to: 5) }
    let places = size < 1 ? 3 : size < 10 ? 3 : size < 100 ? 2 : 1
    return sign + NumberText.fixed(size, places)
  }

  private static func margins(
    _ frame: inout Frame, _ area: Rect, _ inside: Rect, _ picture: MaskPicture,
    _ window: MaskWindow, _ state: State
  ) {
    let theme = state.theme
    let tall = window.showsValues ? window.shownRows : (window.shownRows + 1) / 2
    let wide = window.shownColumns * (window.showsValues ? MaskWindow.valueWidth : 1)
    if area.maxX >= inside.maxX - 1 {
      frame.margin(
        stretched(picture.rowDensity, to: tall), x: inside.maxX - 1, y: area.y, vertical: true,
        length: tall, theme: theme)
    }
    frame.margin(
      stretched(picture.columnDensity, to: wide), x: area.x, y: area.maxY, vertical: false,
      length: wide, theme: theme)
  }

  /// Values spread over more places than there are values.
  private static func stretched(_ values: [UInt8], to length: Int) -> [UInt8] {
    guard values.count < length, !values.isEmpty else { return values }
    return (0..<length).map { values[$0 * values.count / length] }
  }

  private static func cursor(
    _ frame: inout Frame, _ area: Rect, _ window: MaskWindow, _ state: State
  ) {
    guard let place = window.place(row: state.mask.cursorRow, column: state.mask.cursorColumn)
    else { return }
    let (x, y) = (area.x + place.x, area.y + place.y)
    guard area.contains(x: x, y: y) else { return }
    if window.showsValues {
      frame.restyle(Rect(x: x, y: y, width: MaskWindow.valueWidth - 1, height: 1)) {
        $0.attributes.insert(.reverse)
      }
    } else {
      frame[x, y] = Cell("┼", state.theme.cursor)
    }
  }

  private static func readOut(
    _ frame: inout Frame, _ rect: Rect, _ state: State, _ tensor: TensorInfo
  ) {
    let theme = state.theme
    let y = rect.maxY - 2
    let width = rect.width - 2
    let mask = state.mask
    var spans = [Span("┼ \(mask.cursorRow),\(mask.cursorColumn) ", theme.muted)]
    switch mask.weight {
    case .known(let report), .narrowing(let report):
      spans.append(Span(Figures.plain(Double(report.value)), theme.title))
      spans.append(Span(report.kept ? " kept" : " pruned", report.kept ? theme.good : theme.bad))
      // Whole parts, as many as fit, what tells most first.
      let parts = [
        ("rank \(Figures.count(report.rank)) of \(Figures.count(report.units))", theme.text),
        (report.unit, theme.muted),
        (
          "score \(Figures.plain(report.score)), kept from \(Figures.plain(report.threshold))",
          theme.muted
        ), (report.reason, theme.muted),
      ]
      var used = spans.reduce(0) { $0 + CellText.width($1.text) }
      for (text, style) in parts {
        let needed = CellText.width(text) + 2
        guard used + needed <= width else { break }
        spans.append(Span("  " + text, style))
        used += needed
      }
    case .pending: spans.append(Span("…", theme.muted))
    case .unknown: spans.append(Span(Figures.missing, theme.muted))
    case .failed(let reason): spans.append(Span(reason, theme.bad))
    }
    frame.put(spans, x: rect.x + 1, y: y, maxWidth: width)
  }

  /// On the lower edge: what colour and the margins mean.
  private static func legend(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    var x = rect.x + 2
    let y = rect.maxY - 1
    let end = rect.maxX - 2
    func put(_ text: String, _ style: Style) {
      x = frame.put(text, x: x, y: y, style: style, maxWidth: end - x)
    }
    if state.mask.zoom == .values {
      put(" bold kept, · pruned ", theme.muted)
      return
    }
    put(" ", theme.muted)
    if theme.depth == .full, theme.glyphs != .ascii {
      frame[x, y] = Cell(" ", Style(.standard, on: theme.pruned))
      frame[x + 1, y] = Cell(" ", Style(.standard, on: theme.prunedAlternate))
      x += 2
      put(" pruned  ", theme.muted)
      switch state.choices.coloring {
      case .plain:
        frame[x, y] = Cell(" ", Style(.standard, on: theme.kept))
        x += 1
        put(" kept ", theme.muted)
      case .magnitude, .density:
        let steps = theme.sequential.steps.dropFirst(2)
        for step in steps {
          frame[x, y] = Cell(" ", Style(.standard, on: .indexed(step)))
          x += 1
        }
        let names =
          state.choices.coloring == .magnitude
          ? [" kept, mean size low to high ", " kept, low to high ", " kept "]
          : [" kept share, low to high ", " kept share "]
        if let name = names.first(where: { x + $0.count <= end }) { put(name, theme.muted) }
      }
    } else {
      let ramp = theme.glyphs == .ascii ? ".:+#" : "░▒▓█"
      let names = [
        "blank pruned, \(ramp) kept, mean size low to high ", "\(ramp) kept, low to high ",
      ]
      if let name = names.first(where: { x + $0.count <= end }) { put(name, theme.muted) }
    }
    let margins = [" edges: kept share of rows and columns ", " edges: kept share "]
    if let margin = margins.first(where: { x + $0.count <= end }) { put(margin, theme.muted) }
  }
}

extension Pattern {
  /// The size of what is kept or pruned together, where it makes a grid in weights.
  var unit: (rows: Int, columns: Int)? {
    switch base {
    case .block(1, 1): nil
    case .block(let rows, let columns): (rows, columns)
    case .nm(_, let group): (1, group)
    case .row, .column: nil
    case .tile(let width), .tileElement(let width, _), .tileVector(let width): (width, 1)
    }
  }
}
