internal import CellUI
internal import Experiments

/// All masks of a training as tiles: a column a layer of the encoder, a row a kind of matrix. What
/// died since the picture before flashes once.
enum TrainingMasks {
  /// Pictures by kind and layer, and the names of both.
  private struct Grid {
    var kinds: [String] = []
    var layers: [String] = []
    var tiles: [[TrainingLayerPicture?]] = []

    init(_ pictures: [TrainingLayerPicture]) {
      var places: [(kind: Int, layer: Int, picture: TrainingLayerPicture)] = []
      for picture in pictures {
        let (kind, layer) = Self.names(picture.name)
        if !kinds.contains(kind) { kinds.append(kind) }
        if !layers.contains(layer) { layers.append(layer) }
        places.append((kinds.firstIndex(of: kind)!, layers.firstIndex(of: layer)!, picture))
      }
      tiles = Array(
        repeating: Array(repeating: nil, count: layers.count), count: kinds.count)
      for place in places { tiles[place.kind][place.layer] = place.picture }
    }

    /// `query` and `3` of `encoder.layer.3.attention.self.query.weight`.
    private static func names(_ name: String) -> (kind: String, layer: String) {
      var parts = name.split(separator: ".").map(String.init)
      if parts.last == "weight" { parts.removeLast() }
      guard let at = parts.firstIndex(where: { $0.allSatisfy(\.isNumber) }), at < parts.count - 1
      else { return (parts.joined(separator: "."), "") }
      let rest = parts[(at + 1)...].joined(separator: ".")
      let known = [
        "attention.self.query": "query", "attention.self.key": "key",
        "attention.self.value": "value", "attention.output.dense": "output",
        "intermediate.dense": "ffn up", "output.dense": "ffn down",
      ]
      return (known[rest] ?? rest, parts[at])
    }
  }

  /// Lines of names above the tiles and of the legend below, and the frame's two.
  private static let margins = 4

  /// Cells of one tile and the gap below it.
  private static func tile(
    _ grid: Grid, width: Int, height: Int
  ) -> (label: Int, width: Int, height: Int, gap: Int) {
    let label = min(12, (grid.kinds.map { CellText.width($0) }.max() ?? 0)) + 1
    let rows = max(1, grid.kinds.count)
    let slot = max(1, height / rows)
    let gap = slot >= 3 ? 1 : 0
    let tall = min(slot - gap, 8)
    let wide = max(1, (width - label) / max(1, grid.layers.count) - 1)
    return (label, wide, tall, gap)
  }

  /// What whole rows of tiles need, at most `most`.
  static func height(_ state: State, width: Int, most: Int) -> Int {
    let grid = Grid(state.training.pictures)
    let size = tile(grid, width: width - 4, height: most - margins)
    return min(most, grid.kinds.count * (size.height + size.gap) + margins)
  }

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let grid = Grid(state.training.pictures)
    let zeros = state.training.latest.map { "\(Figures.percent($0.sparsity)) zeros" } ?? ""
    let inside = frame.box(rect, title: "Masks", note: zeros, theme: theme)
    let area = inside.inset(1, 0)
    let size = tile(grid, width: area.width, height: rect.height - margins)
    for (column, layer) in grid.layers.enumerated() {
      let x = area.x + size.label + column * (size.width + 1)
      frame.put(layer, x: x, y: area.y, width: size.width, alignment: .center, style: theme.muted)
    }
    frame.put("layer", x: area.x, y: area.y, style: theme.muted, maxWidth: size.label - 1)
    for (row, kind) in grid.kinds.enumerated() {
      let y = area.y + 1 + row * (size.height + size.gap)
      guard y + size.height < area.maxY else { break }
      frame.put(kind, x: area.x, y: y, style: theme.muted, maxWidth: size.label - 1)
      for (column, picture) in grid.tiles[row].enumerated() {
        guard let picture else { continue }
        let place = Rect(
          x: area.x + size.label + column * (size.width + 1), y: y, width: size.width,
          height: size.height)
        // Without a line between the kinds half a line keeps their tiles apart.
        let pixels = size.height * 2 - (size.gap == 0 && size.height > 1 ? 1 : 0)
        draw(&frame, picture, place, pixels, state)
      }
    }
    legend(&frame, area, state)
  }

  private static func legend(_ frame: inout Frame, _ area: Rect, _ state: State) {
    let theme = state.theme
    let y = area.maxY - 1
    let width = min(40, area.width)
    // The shades follow the square root: between 5 % and 20 % kept is where masks differ.
    frame.scaleBar(
      theme.sequential, low: "0 % kept", high: "100 %", x: area.x, y: y, width: width,
      theme: theme)
    let mark = theme.depth == .full && theme.glyphs != .ascii ? "█" : flashMark(theme)
    let text = [" died just now", " died"].first { area.width >= width + 4 + CellText.width($0) }
    if let text {
      frame.put(String(mark), x: area.x + width + 2, y: y, style: flashStyle(theme))
      frame.put(text, x: area.x + width + 3, y: y, style: theme.muted)
    }
  }

  private static func flashMark(_ theme: Theme) -> String { theme.glyphs == .ascii ? "x" : "×" }

  private static let flash = Color.indexed(231)

  private static func flashStyle(_ theme: Theme) -> Style {
    theme.depth == .full && theme.glyphs != .ascii
      ? Style(flash, on: theme.text.background) : theme.title
  }

  /// One tile, two pixels a cell, `pixels` of them down; pixels of several tiles of the picture take
  /// their mean.
  private static func draw(
    _ frame: inout Frame, _ picture: TrainingLayerPicture, _ rect: Rect, _ pixels: Int,
    _ state: State
  ) {
    let theme = state.theme
    let isColored = theme.depth == .full && theme.glyphs != .ascii
    for y in 0..<rect.height {
      for x in 0..<rect.width {
        let down = isColored ? pixels : rect.height * 2
        let upper = pixel(picture, x, 2 * y, rect.width, down)
        let isLast = 2 * y + 1 >= down
        let lower =
          isLast ? (kept: 0.0, died: false) : pixel(picture, x, 2 * y + 1, rect.width, down)
        let isFlash = state.training.isFlashing
        let cell: Cell
        if isColored {
          let top = color(upper, isFlash, theme)
          if isLast {
            frame[rect.x + x, rect.y + y] = Cell("▀", Style(top, on: theme.text.background))
            continue
          }
          let bottom = color(lower, isFlash, theme)
          // The character says what is kept, so that the picture survives as plain text.
          switch (upper.kept > 0, lower.kept > 0) {
          case (true, true): cell = Cell(top == bottom ? "█" : "▀", Style(top, on: bottom))
          case (true, false): cell = Cell("▀", Style(top, on: bottom))
          case (false, true): cell = Cell("▄", Style(bottom, on: top))
          case (false, false): cell = Cell(top == bottom ? " " : "▄", Style(bottom, on: top))
          }
        } else if isFlash, upper.died || lower.died {
          cell = Cell(flashMark(theme).unicodeScalars.first!, theme.title)
        } else {
          let kept = (upper.kept + lower.kept) / 2
          cell = Cell(Shade.character(kept.squareRoot(), theme.glyphs), theme.text)
        }
        frame[rect.x + x, rect.y + y] = cell
      }
    }
  }

  private static func color(
    _ pixel: (kept: Double, died: Bool), _ isFlash: Bool, _ theme: Theme
  ) -> Color {
    if isFlash, pixel.died { return flash }
    return pixel.kept > 0 ? theme.sequential.color(pixel.kept.squareRoot()) : theme.pruned
  }

  private static func pixel(
    _ picture: TrainingLayerPicture, _ x: Int, _ y: Int, _ width: Int, _ height: Int
  ) -> (kept: Double, died: Bool) {
    guard picture.rows > 0, picture.columns > 0 else { return (0, false) }
    func range(_ at: Int, _ count: Int, _ tiles: Int) -> Range<Int> {
      let first = at * tiles / count
      return first..<max(first + 1, (at + 1) * tiles / count)
    }
    let rows = range(min(y, height - 1), height, picture.rows)
    let columns = range(x, width, picture.columns)
    var sum = 0
    var died = false
    for row in rows {
      for column in columns {
        let index = row * picture.columns + column
        sum += Int(picture.kept[index])
        if !picture.died.isEmpty, picture.died[index] > 0 { died = true }
      }
    }
    let share = Double(sum) / Double(rows.count * columns.count * TrainingLayerPicture.unit)
    return (share, died)
  }
}
