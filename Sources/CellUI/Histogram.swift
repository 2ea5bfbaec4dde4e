/// How often values fall into equal intervals.
public struct Histogram: Hashable, Sendable {
  public let low: Double
  public let high: Double
  /// At least one.
  public let counts: [Int]
  /// Values that lie outside `low...high` and in no interval.
  public let below: Int
  public let above: Int

  /// Counts `values` in `bins` intervals from the least to the greatest; nil without a finite value.
  public init?(_ values: [Double], bins: Int) {
    let known = values.filter(\.isFinite)
    guard bins > 0, let low = known.min(), let high = known.max() else { return nil }
    self.init(known, low: low, high: high, bins: bins)
  }

  /// The same between Tukey's outer fences, three interquartile ranges beyond the quartiles: one
  /// value far away does not press all others into one bar. What lies beyond is counted apart.
  public init?(fenced values: [Double], bins: Int) {
    let known = values.filter(\.isFinite).sorted()
    guard bins > 0, let least = known.first, let greatest = known.last else { return nil }
    let lower = known[known.count / 4]
    let upper = known[min(known.count - 1, 3 * known.count / 4)]
    let reach = 3 * (upper - lower)
    guard reach > 0 else {
      self.init(known, low: least, high: greatest, bins: bins)
      return
    }
    let low = known.first { $0 >= lower - reach } ?? least
    let high = known.last { $0 <= upper + reach } ?? greatest
    self.init(known, low: low, high: high, bins: bins)
  }

  private init(_ known: [Double], low: Double, high: Double, bins: Int) {
    self.low = low
    self.high = high
    var counts = Array(repeating: 0, count: bins)
    var below = 0
    var above = 0
    for value in known {
      if value < low {
        below += 1
      } else if value > high {
        above += 1
      } else {
        counts[high > low ? step((value - low) / (high - low), count: bins) : bins / 2] += 1
      }
    }
    self.counts = counts
    self.below = below
    self.above = above
  }
}

extension Frame {
  /// Bars to an eighth of a cell, spread over the rectangle's width, over a line with both ends'
  /// values. `marks` stand under the bars where these values lie, such as a median; what lies
  /// beyond an end is counted beside its value.
  public mutating func histogram(
    _ histogram: Histogram, in rect: Rect, format: NumberFormat,
    marks: [(Double, Unicode.Scalar)] = [],
    theme: Theme
  ) {
    let height = rect.height - 2
    let width = rect.width
    guard height > 0, width > 0 else { return }
    let most = max(1, histogram.counts.max() ?? 1)
    for column in 0..<width {
      let bin = column * histogram.counts.count / width
      let eighths = (histogram.counts[bin] * height * 8 + most - 1) / most
      for row in 0..<height {
        let part = min(8, max(0, eighths - (height - 1 - row) * 8))
        if part > 0 { self[rect.x + column, rect.y + row] = Cell(Bars.vertical[part], theme.gauge) }
      }
    }
    rule(x: rect.x, y: rect.y + height, width: width, style: theme.border)
    for (value, mark) in marks where value.isFinite {
      let fraction =
        histogram.high > histogram.low
        ? (value - histogram.low) / (histogram.high - histogram.low) : 0.5
      guard 0...1 ~= fraction else { continue }
      self[rect.x + step(fraction, count: width), rect.y + height] = Cell(mark, theme.title)
    }
    let low = format.text(histogram.low) + (histogram.below > 0 ? " ◂\(histogram.below)" : "")
    let high = (histogram.above > 0 ? "\(histogram.above)▸ " : "") + format.text(histogram.high)
    let y = rect.y + height + 1
    put(low, x: rect.x, y: y, style: theme.muted, maxWidth: width)
    let start = max(rect.x + CellText.width(low) + 1, rect.maxX - CellText.width(high))
    put(high, x: start, y: y, style: theme.muted, maxWidth: rect.maxX - start)
  }
}
