internal import Experiments

/// What is known of every matrix at its choice, gathered in one pass over the results.
struct LayerFigures {
  struct Entry {
    /// Measured nanoseconds; `sparse` as it was chosen.
    var dense: Double?
    var sparse: Double?
    /// Dense over sparse: of one matrix the median of the paired ratios, as everywhere.
    var gain: Double?
    /// Output error at the chosen sparsity; of weights where there are no activations.
    var error: Double?
  }
  /// What the times are for.
  private(set) var tokens: Int
  private var entries: [String: Entry] = [:]

  /// - Complexity: O(rows of results + matrices).
  init(_ state: State) {
    tokens = state.knobs.tokens
    var chosen: [String: Knobs] = [:]
    for choice in state.choices.layers { chosen[choice.tensor] = choice.knobs }
    let fed = Set(state.model.value?.tensors.filter(\.hasActivations).map(\.name) ?? [])
    let calibration = ResultCell(state.model.value?.calibration?.identity)
    for row in state.resultRows {
      guard row.isTimed(like: state.knobs) else { continue }
      let tensor = row[.tensor].text
      // An error belongs to the activations that it was taken with.
      let isOfToday = row[.calibrationID] == calibration
      // Without activations it is the error of the weights, as on the curves.
      let error = row[fed.contains(tensor) ? .outputError : .weightError].number
      entries[tensor, default: Entry()].dense = row[.denseNs].number ?? entries[tensor]?.dense
      if let knobs = chosen[tensor],
        row.matches(knobs, hasActivations: fed.contains(tensor))
      {
        entries[tensor]?.sparse = row[.sparseNs].number
        entries[tensor]?.gain = row[.speedup].number
        if isOfToday { entries[tensor]?.error = error }
      } else if chosen[tensor] == nil, isOfToday,
        row.matches(state.knobs, hasActivations: fed.contains(tensor))
      {
        entries[tensor]?.error = error
      }
    }
    // What the whole model showed of its layers as they are chosen goes before single timings, which are
    // for another number of tokens: the two are never summed.
    if let report = state.layers.report {
      let times = zip(report.layerTimes, report.choices).filter {
        chosen[$0.1.tensor] == $0.1.knobs
      }.map(\.0)
      if !times.isEmpty {
        tokens = report.tokens
        for name in entries.keys {
          entries[name]?.dense = nil
          entries[name]?.sparse = nil
          entries[name]?.gain = nil
        }
      }
      for time in times {
        entries[time.tensor, default: Entry()].dense = time.denseNs
        entries[time.tensor, default: Entry()].sparse = time.sparseNs
        entries[time.tensor, default: Entry()].gain = time.denseNs / time.sparseNs
      }
    }
    // What was not measured at its choice may stand on its sensitivity curve.
    for curve in state.layers.curves where entries[curve.tensor]?.error == nil {
      let knobs = chosen[curve.tensor] ?? state.knobs
      guard let wanted = knobs.requestedSparsity,
        state.layers.curve(curve.tensor, for: knobs) != nil,
        let at = curve.sparsities.firstIndex(where: { abs($0 - wanted) < 0.005 }),
        curve.errors.indices.contains(at)
      else { continue }
      entries[curve.tensor, default: Entry()].error = curve.errors[at]
    }
  }

  subscript(tensor: String) -> Entry { entries[tensor] ?? Entry() }
}
