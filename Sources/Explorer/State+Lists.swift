internal import CellUI
internal import Experiments

/// A point of the trade-off: a row of results and where it comes from.
struct TradeOffPoint: Hashable {
  var row: ResultRow
  /// 0 is this session, then the overlays in their order.
  var source: Int
}

extension State {
  /// The matrices of the layers page in its order, filtered.
  var listedTensors: [TensorInfo] {
    guard let model = model.value else { return [] }
    let wanted = choices.layerFilter.lowercased()
    let all = model.prunable.filter {
      wanted.isEmpty || $0.name.lowercased().contains(wanted)
    }
    func sorted(by value: (TensorInfo) -> Double?) -> [TensorInfo] {
      all.enumerated().sorted { a, b in
        let (x, y) = (value(a.element) ?? -.infinity, value(b.element) ?? -.infinity)
        return x != y ? x > y : a.offset < b.offset
      }.map(\.element)
    }
    switch choices.layerSort {
    case .model: return all
    case .name:
      return all.enumerated().sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }
        .map(\.element)
    case .size: return sorted { Double($0.rows * $0.columns) }
    case .time:
      let figures = LayerFigures(self)
      return sorted { figures[$0.name].sparse ?? figures[$0.name].dense }
    case .error:
      let figures = LayerFigures(self)
      return sorted { figures[$0.name].error }
    case .speedup:
      let figures = LayerFigures(self)
      return sorted { figures[$0.name].gain }
    }
  }

  /// The points of the trade-off: rows with a figure on both axes, in order of the horizontal one.
  var tradeOffPoints: [TradeOffPoint] {
    var points = resultRows.map { TradeOffPoint(row: $0, source: 0) }
    for (index, overlay) in tradeOff.overlays.enumerated() {
      points += overlay.rows.map { TradeOffPoint(row: $0, source: index + 1) }
    }
    let (x, y) = (choices.tradeOffX, choices.tradeOffY)
    return points.enumerated()
      .filter { $0.element.row[x].number != nil && $0.element.row[y].number != nil }
      .sorted { a, b in
        let (p, q) = (a.element.row[x].number!, b.element.row[x].number!)
        // Of two at one place the session's own is drawn last, on top.
        return p != q
          ? p < q : (-a.element.source, a.offset) < (-b.element.source, b.offset)
      }
      .map(\.element)
  }

  /// The rows of this session and of what is laid over it.
  var comparableRows: [ResultRow] { resultRows + tradeOff.overlays.flatMap(\.rows) }

  /// What the why page and the panel of that name say.
  var diagnosis: Diagnosis { Diagnosis(self) }
}

extension ResultRow {
  /// Whether this row is of these knobs, as far as a row tells; without a criterion by name it depends on
  /// the activations of its tensor.
  func matches(_ knobs: Knobs, hasActivations: Bool) -> Bool {
    guard self[.pattern] == .text(knobs.pattern.description), isTimed(like: knobs),
      says(.regularizer, knobs.effectiveRegularizer.rawValue),
      says(.solve, knobs.solve.rawValue), says(.refit, knobs.refit ? "on" : "off")
    else { return false }
    let criterion = knobs.criterion ?? (hasActivations ? .wanda : .magnitude)
    guard says(.criterion, criterion.rawValue) else { return false }
    if let wanted = knobs.requestedSparsity {
      return self[.sparsityRequested].number.map { abs($0 - wanted) < 1e-9 } ?? false
    }
    guard let wanted = knobs.amount.lambda, let lambda = self[.lambda].number else { return false }
    return abs(wanted - lambda) < 1e-9
  }

  /// Whether it was timed as these knobs say: figures of others are not comparable.
  func isTimed(like knobs: Knobs) -> Bool {
    self[.tokens] == .integer(knobs.tokens) && self[.threads] == .integer(knobs.threads)
      && says(.dtype, knobs.dtype.rawValue) && says(.layout, knobs.layout.rawValue)
      && says(.cache, knobs.cache.rawValue)
  }

  /// Whether the column has this word; rows of other tools may leave it out.
  private func says(_ column: ResultColumn, _ word: String) -> Bool {
    self[column] == .missing || self[column].text == word
  }

  /// The tensor and knobs of this row, if the open model has it.
  func cell(in model: ModelInfo?) -> SweepCell? {
    guard let model, model.prunable.contains(where: { .text($0.name) == self[.tensor] }) else {
      return nil
    }
    var knobs = Knobs()
    func take(_ knob: Knob, _ column: ResultColumn) {
      if self[column] != .missing { try? knobs.set(knob, to: self[column].text) }
    }
    take(.pattern, .pattern)
    if self[.sparsityRequested] != .missing {
      take(.sparsity, .sparsityRequested)
    } else {
      take(.lambda, .lambda)
    }
    for (knob, column) in [
      (Knob.criterion, ResultColumn.criterion), (.regularizer, .regularizer), (.solve, .solve),
      (.refit, .refit), (.tokens, .tokens), (.threads, .threads), (.dtype, .dtype),
      (.layout, .layout), (.cache, .cache), (.seed, .seed),
    ] { take(knob, column) }
    return SweepCell(tensor: self[.tensor].text, knobs: knobs)
  }
}
