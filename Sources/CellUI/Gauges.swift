extension Frame {
  /// A bar of `width` cells whose filled part is `fraction` of it, to an eighth of a cell.
  /// Nil is unknown and drawn as an empty track.
  public mutating func gauge(
    _ fraction: Double?, x: Int, y: Int, width: Int, theme: Theme, style: Style? = nil
  ) {
    guard width > 0 else { return }
    let full = style ?? theme.gauge
    let value = min(1, max(0, fraction.flatMap { $0.isNaN ? nil : $0 } ?? 0))
    let eighths = Int((value * Double(width * 8)).rounded())
    for column in 0..<width {
      let part = min(8, max(0, eighths - column * 8))
      let shown: Cell
      if part == 8 {
        shown = Cell("█", full)
      } else if part == 0 {
        shown = Cell("░", theme.gaugeRest)
      } else if theme.glyphs == .full {
        shown = Cell(Unicode.Scalar(0x2590 - UInt32(part))!, full)
      } else {
        shown = part >= 4 ? Cell("█", full) : Cell("░", theme.gaugeRest)
      }
      self[x + column, y] = shown
    }
  }

  /// A knob's slider: a track with a handle at `fraction`.
  public mutating func slider(
    _ fraction: Double, x: Int, y: Int, width: Int, theme: Theme, focused: Bool = false
  ) {
    guard width > 0 else { return }
    let handle = Int((min(1, max(0, fraction)) * Double(width - 1)).rounded())
    for column in 0..<width {
      self[x + column, y] =
        column < handle
        ? Cell("━", theme.gauge)
        : column == handle
          ? Cell("●", focused ? theme.accent.with(.bold) : theme.gauge)
          : Cell("─", theme.gaugeRest)
    }
  }

  /// Values as bars of an eighth of a cell each, one column a value; nil leaves a gap.
  ///
  /// `range` maps to the cell's height; without it, the values' own. More values than `width`
  /// are averaged over equal runs.
  public mutating func sparkline(
    _ values: [Double?], x: Int, y: Int, width: Int, range: ClosedRange<Double>? = nil,
    style: Style
  ) {
    let shown = Self.resampled(values, to: width)
    let known = shown.compactMap { $0 }
    guard let low = range?.lowerBound ?? known.min(), let high = range?.upperBound ?? known.max()
    else { return }
    for (column, value) in shown.enumerated() {
      guard let value else { continue }
      let fraction = high > low ? (value - low) / (high - low) : 0.5
      self[x + column, y] = Cell(Bars.vertical[1 + step(fraction, count: 8)], style)
    }
  }

  static func resampled(_ values: [Double?], to width: Int) -> [Double?] {
    guard values.count > width, width > 0 else {
      return width > 0 ? values.map { $0?.isFinite == true ? $0 : nil } : []
    }
    return (0..<width).map { column in
      let run = values[column * values.count / width..<(column + 1) * values.count / width]
      let known = run.compactMap { $0 }.filter(\.isFinite)
      return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }
  }

  /// A vertical scroll bar: which part of `total` rows the `visible` ones from `offset` are.
  /// Draws nothing when all are visible.
  public mutating func scrollBar(
    offset: Int, visible: Int, total: Int, x: Int, y: Int, height: Int, theme: Theme
  ) {
    guard height > 0, visible > 0, total > visible else { return }
    let length = max(1, height * visible / total)
    let top = (height - length) * min(max(0, offset), total - visible) / (total - visible)
    for row in 0..<height {
      self[x, y + row] =
        row >= top && row < top + length ? Cell("█", theme.accent) : Cell("│", theme.border)
    }
  }

  /// An interval on a line: `├──●──┤` on the track of `range`, as where a speedup lies.
  public mutating func interval(
    low: Double, middle: Double, high: Double, range: ClosedRange<Double>, x: Int, y: Int,
    width: Int, style: Style, theme: Theme
  ) {
    guard width > 0, range.upperBound > range.lowerBound else { return }
    func column(_ value: Double) -> Int {
      let fraction = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
      return Int((min(1, max(0, fraction.isNaN ? 0 : fraction)) * Double(width - 1)).rounded())
    }
    for step in 0..<width { self[x + step, y] = Cell("·", theme.muted) }
    let (first, center, last) = (column(low), column(middle), column(high))
    for step in first...max(first, last) { self[x + step, y] = Cell("─", style) }
    self[x + first, y] = Cell("├", style)
    self[x + last, y] = Cell("┤", style)
    self[x + center, y] = Cell("●", style.with(.bold))
  }
}

/// Block characters that fill a cell by eighths.
enum Bars {
  /// From nothing to full, growing from the bottom.
  static let vertical: [Unicode.Scalar] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
}
