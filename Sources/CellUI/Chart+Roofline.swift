internal import Glibc

extension Chart {
  /// A ceiling of a roofline chart.
  public struct Ceiling: Hashable, Sendable {
    public var label: String
    /// FLOP/s for a peak, bytes/s for a bandwidth.
    public var rate: Double
    public init(_ label: String, _ rate: Double) {
      self.label = label
      self.rate = rate
    }
  }

  /// Attainable FLOP/s over arithmetic intensity in FLOP/byte (Williams, Waterman and Patterson,
  /// "Roofline", CACM 2009): each bandwidth rises at slope one until it meets the peak. Both axes
  /// are logarithmic and wide enough for the points and for every ridge.
  public static func roofline(
    peak: Ceiling, bandwidths: [Ceiling], points: [Point], theme: Theme
  ) -> Chart {
    let ridges = bandwidths.filter { $0.rate > 0 }.map { peak.rate / $0.rate }
    let known = points.filter { $0.x > 0 && $0.y > 0 }
    let xScale = Scale(
      .logarithmic, covering: known.map(\.x),
      including: ridges.flatMap { [$0 / 4, $0 * 4] })
    let floors = bandwidths.map { $0.rate * xScale.low }.filter { $0 > 0 }
    let yScale = Scale(
      .logarithmic, covering: known.map(\.y),
      including: [peak.rate * 1.5, max(floors.min() ?? peak.rate / 100, peak.rate / 1000)])
    var chart = Chart(
      x: Axis("FLOP/byte", xScale), y: Axis("FLOP/s", yScale, .rate("FLOP/s")))
    chart.points = points
    chart.lines = bandwidths.enumerated().map { index, bandwidth in
      let ridge = peak.rate / bandwidth.rate
      return Line(
        [
          Vertex(xScale.low, bandwidth.rate * xScale.low), Vertex(ridge, peak.rate),
          Vertex(xScale.high, peak.rate),
        ], style: index == 0 ? theme.accent : theme.muted, dashed: index > 0)
    }
    // The name of a bandwidth stands at a third of its slope.
    for bandwidth in bandwidths where bandwidth.rate > 0 {
      let ridge = peak.rate / bandwidth.rate
      guard ridge > xScale.low else { continue }
      let x = xScale.low * exp(log(ridge / xScale.low) * 0.35)
      chart.points.append(
        Point(
          x: x, y: bandwidth.rate * x, marker: "·", style: theme.muted,
          label: "\(bandwidth.label) \(Figures.rate(bandwidth.rate, "B/s"))"))
    }
    chart.horizontals = [
      Reference(
        peak.rate, "\(peak.label) \(Figures.rate(peak.rate, "FLOP/s"))", style: theme.muted)
    ]
    return chart
  }
}
