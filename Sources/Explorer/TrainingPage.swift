internal import CellUI
internal import Experiments

/// Training under a mask, live: what is won back, what it costs, and the masks as they form.
///
/// What goes when space runs out, in this order: the chart of sparsity and λ, the chart of the loss,
/// the list of earlier runs, the masks' height, the masks. The agreement and the figures always stay.
enum TrainingPage {
  static func draw(_ frame: inout Frame, _ state: State, _ layout: ScreenLayout) {
    let areas = Areas(state, layout)
    if let figures = areas.figures { TrainingFigures.draw(&frame, figures, state) }
    TrainingKnobPanel.draw(&frame, areas.knobs, state)
    if let before = areas.before { TrainingIntroduction.draw(&frame, before, state) }
    if let bound = areas.bound {
      LayerCharts.bound(&frame, bound, state, zeros: state.trainingPlan.requestedSparsity)
    }
    if let result = areas.result { TrainingOutcome.draw(&frame, result, state) }
    if let agreement = areas.agreement { TrainingCharts.agreement(&frame, agreement, state) }
    if let masks = areas.masks { TrainingMasks.draw(&frame, masks, state) }
    if let loss = areas.loss { TrainingCharts.loss(&frame, loss, state) }
    if let sparsity = areas.sparsity { TrainingCharts.sparsity(&frame, sparsity, state) }
  }

  /// The knob at a cell; the column is 0.
  static func place(
    y: Int, x: Int, _ state: State, _ layout: ScreenLayout
  ) -> (row: Int, column: Int)? {
    let panel = Areas(state, layout).knobs
    guard panel.contains(x: x, y: y) else { return nil }
    return TrainingKnobPanel.index(atY: y, panel, state).map { ($0, 0) }
  }

  /// Where the parts of the page are; nil for what there is no room or no reason for.
  struct Areas {
    var figures: Rect?
    var knobs: Rect
    var before: Rect?
    /// What the plan can gain at most, before anything is trained.
    var bound: Rect?
    var result: Rect?
    var agreement: Rect?
    var masks: Rect?
    var loss: Rect?
    var sparsity: Rect?

    init(_ state: State, _ layout: ScreenLayout) {
      let body = layout.body
      let training = state.training
      let side = body.width < 100 ? 27 : min(38, 32 + (body.width - 100) / 10)
      let columns = body.columns([.share(1), .fixed(side)])
      guard training.status != .none else {
        before = columns[0]
        knobs = columns[1]
        if columns[0].height >= 30, LayerCharts.parts(state).count > 1 {
          let rows = columns[0].rows([.fixed(18), .share(1)])
          (before, bound) = (rows[0], rows[1])
        }
        return
      }
      let lines = TrainingFigures.lines(state).count + 3
      let least = training.isActive ? training.steerable.count + 3 : min(8, body.height / 3)
      let tall = min(lines + 2, body.height - least)
      let right = columns[1].rows([.fixed(tall), .share(1)])
      (figures, knobs) = (right[0], right[1])

      var main = columns[0]
      let outcome = TrainingOutcome.height(state, width: main.width, among: main.height)
      if outcome > 0 {
        let parts = main.rows([.fixed(outcome), .share(1)])
        (result, main) = (parts[0], parts[1])
      }
      let showsSparsity = training.plan.map { $0.method != .fixed } ?? false
      let lower = main.height >= 28 ? max(9, main.height * 3 / 10) : 0
      if lower > 0, main.width >= 44 {
        let parts = main.rows([.share(1), .fixed(lower)])
        main = parts[0]
        if showsSparsity, main.width >= 88 {
          let halves = parts[1].columns([.share(1), .share(1)])
          (loss, sparsity) = (halves[0], halves[1])
        } else {
          loss = parts[1]
        }
      }
      if training.pictures.isEmpty || main.height < 20 {
        agreement = main
      } else {
        // The masks take what whole rows of tiles need, at most a little less than half.
        let wanted = TrainingMasks.height(state, width: main.width, most: main.height * 9 / 20)
        let parts = main.rows([.share(1), .fixed(wanted)])
        (agreement, masks) = (parts[0], parts[1])
      }
    }
  }
}

/// What can be trained, the plan in words, and what starts it.
enum TrainingIntroduction {
  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: "Training", note: "nothing trained yet", theme: theme)
    var area = inside.inset(1, 0)
    func put(_ text: String, _ style: Style, gap: Int = 1) {
      let used = frame.putWrapped(text, in: area, style: style)
      area = Rect(
        x: area.x, y: area.y + used + gap, width: area.width, height: area.height - used - gap)
    }
    if let reason = state.cannotTrain {
      put(reason.prefix(1).uppercased() + reason.dropFirst() + ".", theme.warning)
      put(explanation, theme.muted)
      return
    }
    let plan = state.trainingPlan
    put(subject(plan, state), theme.text)
    if let problem = plan.problem { put("Not as it stands: " + problem + ".", theme.warning) }
    put(method(plan), theme.text)
    put(duration(plan, state), theme.text)
    put(
      "t starts it.  ← → turn the plan, Enter types a value.  While it runs: space pauses, x ends it "
        + "with the best so far.", theme.accent)
    put(source(plan), plan.text == nil ? theme.warning : theme.text)
    put(explanation, theme.muted)
  }

  private static let explanation =
    "Above about 60 % zeros in blocks a one-shot mask is near the floor. Training the weights that are "
    + "left wins much of it back: the unpruned model is the teacher, no labels are needed, and what is "
    + "shown is measured on sentences that are never trained on."

  /// `24 matrices of attention, 3.54 million weights; 8x1 at 80 % keeps 708 k of them.`
  private static func subject(_ plan: TrainingPlan, _ state: State) -> String {
    guard let model = state.model.value else { return "" }
    let matrices = model.prunable.filter { plan.layers.holds($0.name) }
    guard !matrices.isEmpty else {
      return
        "\(model.name) has no matrix that its name says is of \(Wording.layersText(plan.layers))."
    }
    let weights = matrices.reduce(0) { $0 + $1.rows * $1.columns }
    var text =
      "\(model.name): \(matrices.count) matrices, \(Wording.layersText(plan.layers)), "
      + "\(Figures.count(weights)) weights. "
    if let zeros = plan.requestedSparsity {
      let kept = Int((Double(weights) * (1 - zeros)).rounded())
      text += "\(plan.pattern) at \(Wording.percent(zeros)) zeros keeps \(Figures.count(kept))."
    } else if let lambda = plan.lambda {
      text +=
        "\(plan.pattern) keeps what λ = \(NumberText.shortest(lambda)) leaves: the sparsity follows."
    }
    return text
  }

  private static func method(_ plan: TrainingPlan) -> String {
    switch plan.method {
    case .fixed:
      "fixed: the mask is chosen in one shot by \(plan.criterion.rawValue), the survivors are refitted "
        + "and then trained."
    case .gradual:
      "gradual: the mask grows to its sparsity along a cubic schedule over the first "
        + "\(Wording.percent(plan.rampShare)) of the run, then the survivors train on."
    case .prox:
      "prox: \(plan.effectiveRegularizer.rawValue) shrinks whole units until they are zero, at most "
        + "\(Wording.percent(plan.capOfDying)) of a layer's in a step; from "
        + "\(Wording.percent(plan.rampShare)) of the run on the survivors train without it."
    }
  }

  private static func duration(_ plan: TrainingPlan, _ state: State) -> String {
    let rate = "learning rate \(Figures.plain(plan.effectiveLearningRate, digits: 2))"
    let last = state.training.finished.last.map { $0.seconds / Double(max(1, $0.steps)) }
    if let minutes = plan.minutes {
      return "It takes \(NumberText.shortest(minutes)) min of training, after the "
        + "teacher's pass over the text; \(rate), \(plan.tokensPerStep) tokens a step."
    }
    let steps = plan.steps ?? 0
    let about =
      last.map {
        "about \(Figures.duration(nanoseconds: $0 * Double(steps) * 1e9)) like the last run"
      }
      ?? "how long shows after the first steps"
    return
      "It takes \(Figures.count(steps)) steps of \(plan.tokensPerStep) tokens, \(about), after the "
      + "teacher's pass over the text; \(rate)."
  }

  private static func source(_ plan: TrainingPlan) -> String {
    if let text = plan.text { return "It learns from \(text)." }
    return
      "No text is named: random splices of the calibration sentences are made. They win back less than "
      + "text of one's own does, and what is learned carries over less; :plan text FILE names one."
  }
}

extension LayerSelection {
  /// Whether a matrix of an encoder layer belongs to it, by the names that BERT checkpoints have.
  func holds(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    guard parts.contains(where: { $0.allSatisfy(\.isNumber) }) else { return false }
    let isAttention = parts.contains("attention")
    switch self {
    case .attention: return isAttention
    case .feedForward: return !isAttention
    case .all: return true
    }
  }
}

/// What came of it, in one sentence, and the runs before it.
enum TrainingOutcome {
  /// Lines that it takes in all; 0 for none.
  static func height(_ state: State, width: Int, among total: Int) -> Int {
    guard let text = text(state) else { return 0 }
    let lines = CellText.wrapped(text, to: width - 4).count
    return min(lines + 2 + earlier(state, among: total), total / 2)
  }

  private static func text(_ state: State) -> String? {
    switch state.training.status {
    case .finished: state.training.result.map { Wording.sentence($0) }
    case .failed(let reason): "It failed: \(reason)"
    case .dropped: "This run was dropped; nothing of it is kept. t starts another."
    case .none, .preparing, .running, .paused, .stopping: nil
    }
  }

  /// Rows of the list of earlier runs: its title and the newest ones.
  private static func earlier(_ state: State, among total: Int) -> Int {
    let count = state.training.finished.count
    return count >= 2 && total >= 30 ? min(count, 5) + 1 : 0
  }

  static func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    guard let text = text(state) else { return }
    let result = state.training.result
    let inside = frame.box(
      rect, title: "Result", note: result == nil ? "" : "v trade-off  e export", theme: theme)
    let isGood = (result?.wonBack ?? 0) > 0 && state.training.status == .finished
    let area = inside.inset(1, 0)
    let rows = earlier(state, among: state.height - 2)
    var room = area
    room.height -= min(rows, max(0, area.height - 1))
    frame.putWrapped(text, in: room, style: isGood ? theme.text : theme.warning)
    guard rows > 0 else { return }
    frame.table(
      table(state, rows - 1),
      in: Rect(x: area.x, y: room.maxY, width: area.width, height: area.maxY - room.maxY),
      theme: theme)
  }

  private static func table(_ state: State, _ count: Int) -> Table {
    let theme = state.theme
    let rows = state.training.finished.suffix(count).reversed().map { result -> [TableCell] in
      [
        TableCell("\(result.plan.method.rawValue) \(result.plan.layers.rawValue)"),
        TableCell(result.plan.pattern.description, theme.accent),
        TableCell(Wording.percent(result.sparsity)),
        TableCell(Figures.fixed(result.start.refitCosine, 3), theme.muted),
        TableCell(Figures.fixed(result.best.cosine, 3), theme.title),
        TableCell(result.wonBack.map(Wording.whole) ?? Figures.missing),
        TableCell(Figures.ratio(result.speedup?.estimate)),
        TableCell(Figures.duration(nanoseconds: result.seconds * 1e9), theme.muted),
      ]
    }
    return Table(
      columns: [
        TableColumn("runs so far", .flexible(minimum: 14)),
        TableColumn("pattern", .fixed(9)),
        TableColumn("zeros", .fixed(7), .right),
        TableColumn("refit", .fixed(6), .right, dropOrder: 2),
        TableColumn("trained", .fixed(7), .right),
        TableColumn("back", .fixed(5), .right),
        TableColumn("speedup", .fixed(7), .right),
        TableColumn("time", .fixed(12), .right, dropOrder: 1),
      ], rows: rows)
  }
}
