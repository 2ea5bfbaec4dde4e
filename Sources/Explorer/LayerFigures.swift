internal import Experiments

/// What is known of every matrix at its choice, gathered in one pass over the results.
struct LayerFigures {
  struct Entry {
    /// Measured nanoseconds; `sparse` as it was chosen.
    var dense: Double?
    var sparse: Double?
    /// Output error at the chosen sparsity.
    var error: Double?
  }
  private var entries: [String: Entry] = [:]

  /// - Complexity: O(rows of results + matrices).
  init(_ state: State) {
    var chosen: [String: Knobs] = [:]
    for choice in state.choices.layers { chosen[choice.tensor] = choice.knobs }
    for row in state.resultRows {
      guard row[.tokens] == .integer(state.knobs.tokens),
        row[.threads] == .integer(state.knobs.threads)
      else { continue }
      let tensor = row[.tensor].text
      entries[tensor, default: Entry()].dense = row[.denseNs].number ?? entries[tensor]?.dense
      if let knobs = chosen[tensor], row.matches(knobs) {
        entries[tensor]?.sparse = row[.sparseNs].number
        entries[tensor]?.error = row[.outputError].number
      }
    }
    // What the whole model showed of a layer as it is chosen: a time for its own number of tokens.
    if let report = state.layers.report {
      for (time, choice) in zip(report.layerTimes, report.choices)
      where chosen[choice.tensor] == choice.knobs {
        entries[choice.tensor, default: Entry()].dense = time.denseNs
        entries[choice.tensor, default: Entry()].sparse = time.sparseNs
      }
    }
    // What was not measured at its choice may stand on its sensitivity curve.
    for curve in state.layers.curves where entries[curve.tensor]?.error == nil {
      guard let wanted = (chosen[curve.tensor] ?? state.knobs).requestedSparsity,
        let at = curve.sparsities.firstIndex(where: { abs($0 - wanted) < 0.005 }),
        curve.errors.indices.contains(at)
      else { continue }
      entries[curve.tensor, default: Entry()].error = curve.errors[at]
    }
  }

  subscript(tensor: String) -> Entry { entries[tensor] ?? Entry() }

  /// Dense over sparse time.
  func gain(_ tensor: String) -> Double? {
    guard let entry = entries[tensor], let dense = entry.dense, let sparse = entry.sparse else {
      return nil
    }
    return dense / sparse
  }
}
