internal import CellUI
internal import Experiments

/// The curves of a training against its time.
enum TrainingCharts {
  private static func nanoseconds(_ seconds: Double) -> Double { seconds * 1e9 }

  /// From the start to the end as it looks now, so that curves grow into the space they will fill.
  private static func time(_ state: State) -> Chart.Axis {
    let training = state.training
    let now = max(training.latest?.seconds ?? 0, training.evaluations.last?.seconds ?? 0)
    var end = now
    if training.isActive {
      end = max(end, training.latest.flatMap { $0.remainingSeconds.map { now + $0 } } ?? 0)
      end = max(end, (training.plan?.minutes ?? 0) * 60)
    }
    return .init("training time", Scale(.linear, from: 0, to: max(end, 1) * 1e9), .duration)
  }

  /// Cosine and rank correlation on held-out sentences, between the floor, the start and the dense model.
  static func agreement(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let training = state.training
    let count = training.start.map {
      rect.width < 64 ? "held-out" : "\(Figures.count($0.evaluationSentences)) held-out sentences"
    }
    let inside = frame.box(
      rect, title: "Agreement with the unpruned model", note: count ?? "", theme: theme)
    guard let start = training.start else {
      frame.putWrapped(
        waiting(training), in: inside.centered(width: min(60, inside.width - 4), height: 5),
        style: training.isActive ? theme.accent : theme.muted)
      return
    }
    let points = training.evaluations
    let ranks = points.compactMap(\.rankCorrelation)
    let values = points.map(\.cosine) + ranks
    let references = [start.floorCosine, start.refitCosine, start.ceilingCosine]
    var chart = Chart(
      x: time(state),
      y: .init("held-out, proxies", Scale(.linear, covering: values, including: references)))
    chart.horizontals = [
      Chart.Reference(
        start.ceilingCosine, "unpruned \(Figures.plain(start.ceilingCosine))", style: theme.muted),
      Chart.Reference(
        start.refitCosine, "one-shot, refitted \(Figures.fixed(start.refitCosine, 3))",
        style: theme.warning),
      Chart.Reference(
        start.floorCosine, "zeroed layers \(Figures.fixed(start.floorCosine, 3))",
        style: theme.muted),
    ]
    chart.verticals = training.steered.suffix(8).map {
      Chart.Reference(nanoseconds($0.seconds), $0.text, style: theme.muted)
    }
    let rankStyle = Style(theme.series[1 % theme.series.count], on: theme.text.background)
    let cosineStyle = theme.accent.with(.bold)
    if !ranks.isEmpty {
      var vertices = points.compactMap { point in
        point.rankCorrelation.map { Chart.Vertex(nanoseconds(point.seconds), $0) }
      }
      if let rank = start.refitRankCorrelation { vertices.insert(.init(0, rank), at: 0) }
      chart.lines.append(Chart.Line(vertices, style: rankStyle, dashed: true))
      chart.points += thinned(vertices, inside.width).map {
        Chart.Point(x: $0.x, y: $0.y, marker: "◆", style: rankStyle)
      }
    }
    let cosines =
      [Chart.Vertex(0, start.refitCosine)]
      + points.map { Chart.Vertex(nanoseconds($0.seconds), $0.cosine) }
    chart.lines.append(Chart.Line(cosines, style: cosineStyle))
    chart.points += thinned(cosines, inside.width).map {
      Chart.Point(x: $0.x, y: $0.y, marker: "●", style: cosineStyle)
    }
    if points.last != nil {
      chart.points[chart.points.count - 1].label = Figures.fixed(cosines[cosines.count - 1].y, 3)
    }
    let area = Rect(
      x: inside.x + 1, y: inside.y, width: inside.width - 2, height: inside.height - 1)
    frame.chart(chart, in: area, theme: theme)
    var legend = [LegendEntry("●", "mean cosine", cosineStyle)]
    if !ranks.isEmpty { legend.append(LegendEntry("◆", "rank correlation", rankStyle)) }
    if !training.steered.isEmpty { legend.append(LegendEntry("┊", "a knob turned", theme.muted)) }
    frame.legend(
      legend, x: inside.x + 1, y: inside.maxY - 1, width: inside.width - 2, theme: theme)
  }

  /// Few enough for markers to stand apart, the last one among them.
  private static func thinned(_ vertices: [Chart.Vertex], _ width: Int) -> [Chart.Vertex] {
    let step = max(1, (vertices.count * 5 + width - 1) / max(1, width))
    return vertices.enumerated().filter { (vertices.count - 1 - $0.offset) % step == 0 }
      .map(\.element)
  }

  private static func waiting(_ training: TrainingState) -> String {
    guard training.isActive else { return "No step was made." }
    return
      "Getting ready: the unpruned model runs over the text once, as the teacher, unless its "
      + "embeddings are in the cache; then the masks are chosen and the survivors refitted."
  }

  /// The loss on a log axis, the learning rate on a second one.
  static func loss(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let samples = state.training.samples
    let inside = frame.box(
      rect, title: "Training loss",
      note: rect.width >= 50 ? "log axis, ╌ learning rate" : "log axis",
      theme: theme)
    guard samples.count >= 2 else { return }
    let style = theme.accent
    let rateStyle = Style(theme.series[1 % theme.series.count], on: theme.text.background)
    // A mask that has no zeros yet has next to no loss: three decades are all that is looked at.
    let most = samples.map(\.loss).max() ?? 1
    let losses = samples.map { max($0.loss, most / 1000) }
    var chart = Chart(
      x: time(state), y: .init("loss", Scale(.logarithmic, covering: losses)))
    chart.lines = [
      Chart.Line(samples.map { Chart.Vertex(nanoseconds($0.seconds), $0.loss) }, style: style)
    ]
    let rates = SecondAxis(
      label: "rate",
      scale: Scale(.linear, covering: samples.map(\.learningRate), including: [0]), format: .plain,
      points: samples.map { Chart.Vertex(nanoseconds($0.seconds), $0.learningRate) },
      style: rateStyle)
    rates.draw(&frame, chart, inside, theme)
  }

  /// Wanted and actual zeros, λ on a second, logarithmic axis.
  static func sparsity(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let samples = state.training.samples
    let inside = frame.box(
      rect, title: "Zeros", note: "╌ wanted  ─ actual", theme: theme)
    guard samples.count >= 2 else { return }
    let style = theme.accent
    let targets = samples.compactMap { sample in
      sample.targetSparsity.map { Chart.Vertex(nanoseconds(sample.seconds), $0) }
    }
    var chart = Chart(
      x: time(state),
      y: .init(
        "zeros", Scale(.linear, covering: samples.map(\.sparsity) + targets.map(\.y)), .percent))
    chart.lines = [
      Chart.Line(targets, style: theme.text, dashed: true),
      Chart.Line(samples.map { Chart.Vertex(nanoseconds($0.seconds), $0.sparsity) }, style: style),
    ]
    let lambdas = samples.compactMap { sample in
      sample.lambda.flatMap { $0 > 0 ? Chart.Vertex(nanoseconds(sample.seconds), $0) : nil }
    }
    let lambdaStyle = Style(theme.series[1 % theme.series.count], on: theme.text.background)
    SecondAxis(
      label: "λ", scale: Scale(.logarithmic, covering: lambdas.map(\.y)), format: .plain,
      points: lambdas, style: lambdaStyle
    ).draw(&frame, chart, inside, theme)
  }
}

/// A line with an axis of its own at the right of a chart, in its own colour, dashed.
struct SecondAxis {
  var label: String
  var scale: Scale
  var format: NumberFormat
  var points: [Chart.Vertex]
  var style: Style

  /// Draws `chart` with this line laid into it; the chart alone where there is no point.
  func draw(_ frame: inout Frame, _ chart: Chart, _ inside: Rect, _ theme: Theme) {
    var rect = Rect(x: inside.x, y: inside.y, width: inside.width - 1, height: inside.height)
    guard !points.isEmpty, rect.width >= 36 else {
      frame.chart(chart, in: rect, theme: theme)
      return
    }
    let ticks = scale.ticks(about: max(3, rect.height / 3), format)
    let margin = max(CellText.width(label), ticks.map { CellText.width($0.label) }.max() ?? 0) + 1
    rect.width -= margin
    var chart = chart
    let own = chart.y.scale
    chart.lines.append(
      Chart.Line(
        points.compactMap { point in
          scale.fraction(point.y).map { Chart.Vertex(point.x, own.value(at: $0)) }
        }, style: style, dashed: true))
    frame.chart(chart, in: rect, theme: theme)
    let area = chart.plot(in: rect)
    guard area.width >= 6, area.height >= 2 else { return }
    frame.put(label, x: rect.maxX + margin - CellText.width(label), y: rect.y, style: style)
    for tick in ticks {
      guard let fraction = scale.fraction(tick.value), 0...1 ~= fraction else { continue }
      let row = Int(((1 - fraction) * Double(area.height * 4 - 1) / 4).rounded(.down))
      frame.put(tick.label, x: rect.maxX + 1, y: area.y + row, style: style)
    }
  }
}
