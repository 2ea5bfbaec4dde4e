internal import Experiments

extension State {
  /// Why a command makes no sense now, in words for the bottom line and the help; nil if it may run.
  func refusal(of command: Command) -> String? {
    switch command {
    case .tensor, .set:
      // Before a model is open these choose what will be looked at.
      return nil
    case .turn: return cell == nil ? noModel : stuck
    case .measure:
      if runs.current(.sweep) != nil { return "the sweep is measuring; x cancels it" }
      if runs.current(.training) != nil { return "the training has the machine; x ends it" }
      if case .failed(let reason) = summary { return "there is no mask to measure: \(reason)" }
      if isSolving { return "the mask still forms; it is timed when it is there" }
      if mask.forming?.isStopped == true { return "this mask is not finished; r goes on with it" }
      return noCell
    case .sweep, .solvePath, .sensitivity, .crossover, .encode:
      if let job = runs.long.first(where: { $0 != .measure }) {
        return "one long job at a time: \(job.title) is running; x cancels it"
      }
      if case .solvePath = command, tensor?.hasActivations == false, knobs.solve == .reconstruct {
        return "reconstruction needs activations: calibration FILE reads some, or choose solve prox"
      }
      if case .encode(let models) = command, let model = model.value {
        if !model.isEncoder {
          return
            "\(model.name) is no whole encoder: open a directory with config.json and all weights"
        }
        if models == nil, choices.layers.isEmpty {
          return "no layer has a choice yet: A gives these knobs to all"
        }
      }
      return noCell
    case .train: return noCell ?? refusalOfTraining(command)
    case .steer: return refusalOfTraining(command)
    case .resume where training.status == .paused: return nil
    case .resume where mask.forming?.isStopped == true: return nil
    case .resume where runs.current(.training) != nil: return "it is not paused"
    case .resume:
      guard sweep.plan != nil else { return "there is no sweep to go on with: s starts one" }
      if let job = runs.long.first(where: { $0 != .measure }) {
        return "one long job at a time: \(job.title) is running; x cancels it"
      }
      return sweep.rows.indices.allSatisfy({ sweep.isMeasured($0) })
        ? "every cell of this sweep is measured" : noCell
    case .axis(let knob?):
      let axes = SweepGrid.varying(sweep.plan)
      if sweep.plan == nil { return "there is no sweep yet: s starts one" }
      return axes.contains(knob)
        ? nil
        : "only \(axes.map(\.rawValue).joined(separator: ", ")) varies in this sweep: "
          + "sweep \(knob.rawValue)=… varies another"
    case .cancel: return runs.long.isEmpty && !isSolving ? "nothing is running" : nil
    case .calibration, .layer, .apply, .hold: return noCell
    case .budget(.quality, _):
      return layers.curves.isEmpty
        ? "a quality budget needs the layers' sensitivity: press S first" : noCell
    case .budget(.time, _):
      return resultRows.isEmpty ? "a time budget needs measured layers: sweep tensor=* first" : nil
    case .compare:
      return choices.held.compactMap { $0 }.isEmpty ? "nothing is held: press a or b first" : nil
    case .undo: return history.undo.isEmpty ? "nothing to undo" : nil
    case .redo: return history.redo.isEmpty ? "nothing to redo" : nil
    case .zoom, .pan: return noCell ?? elsewhere(.mask, "zooming and panning")
    case .show(let form):
      switch form {
      case .chart, .table: return nil
      case .original: return nil
      case .reordered, .both:
        return knobs.pattern.reorder == nil
          ? "\(knobs.pattern) does not reorder; R adds a reordering" : nil
      }
    case .copy: return cell == nil ? noModel : nil
    case .findNext: return search.isEmpty ? "nothing was looked for yet: / finds a layer" : nil
    default: return nil
    }
  }

  private var noModel: String {
    switch model {
    case .pending, .narrowing: "the model is still being opened"
    case .failed(let reason): reason
    case .unknown, .known: "no matrix is open: open PATH opens a model, open demo the built-in one"
    }
  }

  private var noCell: String? { cell == nil ? noModel : nil }

  private func elsewhere(_ page: Page, _ what: String) -> String? {
    self.page == page ? nil : "\(what) belongs to the \(page.title) page"
  }

  /// Why the chosen knob cannot be turned.
  private var stuck: String? {
    if knob == .sparsity, let fixed = knobs.pattern.fixedSparsity, knobs.amount.lambda == nil {
      return
        "\(knobs.pattern) always prunes \(Wording.percent(fixed)): choose another pattern to turn it"
    }
    return nil
  }
}
