internal import CellUI
internal import Experiments

/// The whole model from its parts: times are summed, then divided.
struct WholeModel {
  /// Matrices with a measured dense time, and with a measured choice.
  var timed = 0
  /// What the times are for.
  var tokens = 0
  var chosen = 0
  var measuredChoices = 0
  var linear = 0
  var denseSum = 0.0
  var sparseSum = 0.0
  var worstError: Double?
  /// Dense time of the matrices that have a choice.
  var chosenDense = 0.0

  init(_ state: State) {
    guard let model = state.model.value else { return }
    let figures = LayerFigures(state)
    tokens = figures.tokens
    for tensor in model.prunable where tensor.isLinearWeight {
      linear += 1
      let isChosen = state.choices.choice(for: tensor.name) != nil
      if isChosen {
        chosen += 1
        worstError = [worstError, figures[tensor.name].error].compactMap { $0 }.max()
      }
      guard let dense = figures[tensor.name].dense else { continue }
      let sparse = isChosen ? figures[tensor.name].sparse : nil
      timed += 1
      denseSum += dense
      sparseSum += sparse ?? dense
      if isChosen { chosenDense += dense }
      if sparse != nil { measuredChoices += 1 }
    }
  }

  /// Sum of dense times over sum of times as chosen.
  var speedup: Double? { timed > 0 && sparseSum > 0 ? denseSum / sparseSum : nil }

  /// Amdahl's bound: what is reached if the chosen matrices took no time at all.
  var bound: Double? {
    guard timed > 0, denseSum > 0 else { return nil }
    return chosenDense < denseSum ? denseSum / (denseSum - chosenDense) : .infinity
  }

  /// Lines that both paragraphs take.
  func lines(_ width: Int, _ state: State) -> Int {
    CellText.wrapped(text(state), to: width).count
      + CellText.wrapped(remarks(state), to: width).count
  }

  /// What a whole model gained and lost, measured.
  static func sentence(_ report: ModelReport) -> String {
    func figure(_ value: Double?) -> String {
      value.map { Figures.fixed($0, 2) } ?? Figures.missing
    }
    return "Measured end to end (\(report.choices.count) layers pruned, \(report.texts) texts, "
      + "\(report.tokens) tokens): \(Wording.speedup(report.speedup)), "
      + "\(Figures.duration(nanoseconds: report.denseNs.estimate)) dense, "
      + "\(Figures.duration(nanoseconds: report.sparseNs.estimate)) sparse, "
      + "\(Figures.percent(report.amdahlShare)) of Amdahl's \(Figures.ratio(report.amdahl)). "
      + "Embeddings on \(report.evaluationTexts) held-out sentences: mean cosine "
      + "\(figure(report.agreement.cosine)) (zeroed \(figure(report.floor.cosine))), rank correlation "
      + "\(figure(report.agreement.rankCorrelation)), same neighbour "
      + "\(figure(report.agreement.neighbourAgreement))."
  }

  private func text(_ state: State) -> String {
    var text =
      chosen == 0
      ? "No layer has a choice yet: A gives these knobs to all, . to those of the same kind, = to "
        + "the chosen one."
      : "\(chosen) of \(linear) linear layers have a choice, \(measuredChoices) of them measured."
        + (state.layers.report == nil && state.model.value?.isEncoder == true
          ? " E runs the whole encoder with them." : "")
    if chosen > 0, let speedup, let bound {
      text +=
        " Sum of times \(Figures.duration(nanoseconds: denseSum)) dense, "
        + "\(Figures.duration(nanoseconds: sparseSum)) as chosen: \(Figures.ratio(speedup))"
      text += bound.isFinite ? ", at most \(Figures.ratio(bound)) (Amdahl)." : "."
      if timed < linear { text += " \(linear - timed) layers were never timed and are left out." }
    } else if timed == 0 {
      text += " No layer is timed yet: sweep tensor=* pattern=… sparsity=… measures them."
    }
    if let report = state.layers.report {
      let isOfToday = report.choices.allSatisfy { state.choices.choice(for: $0.tensor) == $0.knobs }
      text +=
        (isOfToday && report.choices.count == chosen ? " " : " With other choices than now: ")
        + Self.sentence(report)
    }
    if let worstError { text += " Largest error of a layer: \(Figures.plain(worstError))." }
    return text
  }

  private func remarks(_ state: State) -> String {
    let curve = state.layers.curves.first
    return
      (curve.map {
        "The curves are \($0.proxy) of \(state.layers.curveKnobs?.pattern.description ?? "a mask") at 10 to "
          + "90 % zeros, one layer pruned at a time. "
      }
      ?? "S draws each layer's sensitivity. ")
      + "An error in brackets is what the present knobs would cost. "
      + "Layer errors do not add up; a small error everywhere is no promise for the model."
  }

  func draw(_ frame: inout Frame, _ rect: Rect, _ state: State) {
    let theme = state.theme
    let inside = frame.box(
      rect, title: "Whole model", note: "\(Figures.count(tokens)) tokens", theme: theme)
    let area = inside.inset(1, 0)
    let used = frame.putWrapped(text(state), in: area, style: theme.text)
    let rest = Rect(x: area.x, y: area.y + used, width: area.width, height: area.height - used)
    if rest.height > 0 {
      frame.putWrapped(remarks(state), in: rest, style: theme.muted)
    }
  }
}
