import CellUI
import Testing

@Suite struct ChartTests {
  let theme = Theme.terminal

  func chart() -> Chart {
    var chart = Chart(
      x: .init("speedup", Scale(.logarithmic, from: 0.5, to: 8), .ratio),
      y: .init("error", Scale(.linear, from: 0, to: 1)))
    chart.points = [
      .init(x: 1, y: 0.1), .init(x: 2, y: 0.3, xInterval: 1.7...2.4, label: "32x1"),
      .init(x: 6, y: 0.9, marker: "▲"), .init(x: .nan, y: 0.5), .init(x: 100, y: 0.5),
    ]
    return chart
  }

  @Test func scatterWithStepsWhiskersAndAReference() {
    var chart = chart()
    chart.lines = [.init(chart.points.prefix(3).map { .init($0.x, $0.y) }, .steps, style: Style())]
    chart.verticals = [.init(1, "dense", style: Style())]
    chart.regions = [.init(x: 0...1, label: "slower", style: Style())]
    var frame = Frame(width: 48, height: 16)
    frame.chart(chart, in: frame.bounds, theme: theme)
    #expect(frame.text == Snapshots.scatter, "\(frame.text)")
  }

  @Test func pointsAreWhereTheScalesSay() {
    let chart = chart()
    let rect = Rect(x: 3, y: 2, width: 60, height: 20)
    let area = chart.plot(in: rect)
    // Corners of the domain are corners of the plot.
    #expect(chart.cell(x: 0.5, y: 0, in: rect)! == (area.x, area.maxY - 1))
    #expect(chart.cell(x: 8, y: 1, in: rect)! == (area.maxX - 1, area.y))
    #expect(chart.cell(x: 2, y: 0.5, in: rect)!.x == area.x + (area.width - 1) / 2)
    #expect(chart.cell(x: 0.4, y: 0, in: rect) == nil)
    #expect(chart.cell(x: .nan, y: 0, in: rect) == nil)
    var frame = Frame(width: 70, height: 24)
    frame.chart(chart, in: rect, theme: theme)
    let place = chart.cell(x: 6, y: 0.9, in: rect)!
    #expect(frame[place.x, place.y].scalar == "▲")
  }

  @Test func pickingFindsTheNearestPointWithinReach() {
    let chart = chart()
    let rect = Rect(x: 0, y: 0, width: 60, height: 20)
    for index in 0..<3 {
      let place = chart.cell(x: chart.points[index].x, y: chart.points[index].y, in: rect)!
      #expect(chart.nearestPoint(toX: place.x + 1, y: place.y, in: rect) == index)
    }
    #expect(chart.nearestPoint(toX: 0, y: 0, in: rect) == nil)
  }

  @Test func extremeZoomAndTinySizesAreHarmless() {
    var chart = chart()
    chart.lines = [.init([.init(1e-300, -1e300), .init(1e300, 1e300)], style: Style())]
    chart.x.scale = Scale(.logarithmic, from: 1.999, to: 2.001)
    for width in 0...30 {
      for height in 0...10 {
        var frame = Frame(width: 34, height: 14)
        frame.chart(chart, in: Rect(x: 2, y: 2, width: width, height: height), theme: theme)
        for y in 0..<14 {
          for x in 0..<34 where x < 2 || y < 2 || x >= 2 + width || y >= 2 + height {
            #expect(frame[x, y] == Cell(), "\(width)x\(height) at \(x),\(y)")
          }
        }
      }
    }
  }

  @Test func brailleLinesAreConnectedAndClipped() {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<300 {
      func coordinate() -> Double { Double.random(in: -60...120, using: &generator) }
      let (x0, y0, x1, y1) = (coordinate(), coordinate(), coordinate(), coordinate())
      var canvas = BrailleCanvas(width: 20, height: 10)
      canvas.line(fromX: x0, y: y0, toX: x1, y: y1, style: Style())
      var frame = Frame(width: 20, height: 10)
      frame.draw(canvas, x: 0, y: 0, theme: theme)
      // Every point of the line well inside the canvas is on a cell with dots.
      for step in 0...200 {
        let t = Double(step) / 200
        let (x, y) = (x0 + t * (x1 - x0), y0 + t * (y1 - y0))
        guard x > 1, y > 1, x < 38, y < 38 else { continue }
        let near = [(-0.6, 0.0), (0.6, 0), (0, -0.6), (0, 0.6), (0, 0)].contains { dx, dy in
          frame[Int((x + dx).rounded()) / 2, Int((y + dy).rounded()) / 4].scalar != " "
        }
        #expect(near)
      }
    }
  }

  @Test func brailleDotsAreTheStandardOnes() {
    var canvas = BrailleCanvas(width: 2, height: 1)
    canvas.dot(x: 0, y: 0, style: Style())
    canvas.dot(x: 1, y: 3, style: Style())
    canvas.dot(x: 2, y: 3, style: Style())
    canvas.dot(x: -1, y: 0, style: Style())
    canvas.dot(x: 4, y: 0, style: Style())
    var frame = Frame(width: 2, height: 1)
    frame.draw(canvas, x: 0, y: 0, theme: theme)
    #expect(frame.text == "⢁⡀")
    frame.draw(canvas, x: 0, y: 0, theme: theme.adapted(to: .eight, .blocks))
    #expect(frame.text == "█▄")
    frame.draw(canvas, x: 0, y: 0, theme: theme.adapted(to: .none, .ascii))
    #expect(frame.text == ":.")
  }

  @Test func rooflineRidgesLieWherePeakMeetsBandwidth() {
    let chart = Chart.roofline(
      peak: .init("FMA peak", 128e9), bandwidths: [.init("L1", 256e9), .init("DRAM", 16e9)],
      points: [.init(x: 30, y: 100e9, label: "dense")], theme: theme)
    #expect(chart.lines.count == 2)
    #expect(chart.lines[0].vertices[1] == .init(0.5, 128e9))
    #expect(chart.lines[1].vertices[1] == .init(8, 128e9))
    for (line, rate) in zip(chart.lines, [256e9, 16e9]) {
      let start = line.vertices[0]
      #expect(abs(start.y / start.x / rate - 1) < 1e-12)
      #expect(chart.x.scale.fraction(line.vertices[1].x)! > 0)
      #expect(chart.x.scale.fraction(line.vertices[1].x)! < 1)
    }
    #expect((0...1).contains(chart.y.scale.fraction(100e9)!))
  }

  @Test func histogramCountsEveryFiniteValueOnce() throws {
    var generator = SeededGenerator(seed: 9)
    let values = (0..<1000).map { _ in Double.random(in: 3...9, using: &generator) }
    let histogram = try #require(Histogram(values + [.nan, .infinity], bins: 17))
    #expect(histogram.counts.reduce(0, +) == 1000)
    #expect(Histogram([.nan], bins: 4) == nil && Histogram([], bins: 4) == nil)
    #expect(Histogram([5, 5], bins: 5)?.counts == [0, 0, 2, 0, 0])
    var frame = Frame(width: 12, height: 5)
    frame.histogram(
      Histogram([1, 2, 2, 3, 3, 3, 3], bins: 3)!, in: frame.bounds, format: .plain,
      marks: [(3, "▲")], theme: theme)
    #expect(
      frame.text == "        ████\n    ▄▄▄▄████\n▆▆▆▆████████\n───────────▲\n1.00    3.00",
      "\(frame.text)")
  }
}
