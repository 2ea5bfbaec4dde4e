/// How often values fall into equal intervals.
public struct Histogram: Hashable, Sendable {
  public let low: Double
  public let high: Double
  /// At least one.
  public let counts: [Int]

  /// Counts `values` in `bins` intervals from the least to the greatest; nil without a finite value.
  public init?(_ values: [Double], bins: Int) {
    let known = values.filter(\.isFinite)
    guard bins > 0, let low = known.min(), let high = known.max() else { return nil }
    self.low = low
    self.high = high
    var counts = Array(repeating: 0, count: bins)
    for value in known {
      counts[high > low ? step((value - low) / (high - low), count: bins) : bins / 2] += 1
    }
    self.counts = counts
  }
}

extension Frame {
  /// Bars to an eighth of a cell, one column a bin, over a line with both ends' values. `marks`
  /// stand under the bars where these values lie, such as a median.
  public mutating func histogram(
    _ histogram: Histogram, in rect: Rect, format: NumberFormat,
    marks: [(Double, Unicode.Scalar)] = [],
    theme: Theme
  ) {
    let height = rect.height - 2
    let bins = min(rect.width, histogram.counts.count)
    guard height > 0, bins > 0 else { return }
    let most = max(1, histogram.counts.max() ?? 1)
    for bin in 0..<bins {
      let eighths = (histogram.counts[bin] * height * 8 + most - 1) / most
      for row in 0..<height {
        let part = min(8, max(0, eighths - (height - 1 - row) * 8))
        if part > 0 { self[rect.x + bin, rect.y + row] = Cell(Bars.vertical[part], theme.gauge) }
      }
    }
    rule(x: rect.x, y: rect.y + height, width: bins, style: theme.border)
    for (value, mark) in marks where value.isFinite {
      let fraction =
        histogram.high > histogram.low
        ? (value - histogram.low) / (histogram.high - histogram.low) : 0.5
      guard 0...1 ~= fraction else { continue }
      self[rect.x + step(fraction, count: bins), rect.y + height] = Cell(mark, theme.title)
    }
    let low = format.text(histogram.low)
    let high = format.text(histogram.high)
    let y = rect.y + height + 1
    put(low, x: rect.x, y: y, style: theme.muted, maxWidth: rect.width)
    let start = max(rect.x + CellText.width(low) + 1, rect.x + bins - CellText.width(high))
    put(high, x: start, y: y, style: theme.muted, maxWidth: rect.maxX - start)
  }
}
