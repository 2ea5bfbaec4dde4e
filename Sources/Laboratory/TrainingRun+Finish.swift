internal import Encoder
internal import Experiments
internal import Pruning
internal import Tensors
internal import Training

extension TrainingRun {
  /// Goes back to the best student, measures it as a whole, and writes it where the plan says.
  func finish(
    _ isCancelled: () -> Bool, _ progress: (String) -> Void
  ) throws(LaboratoryError) -> TrainingResult {
    guard let best, let last = history.last else { throw .cancelled }
    do { try trainer.restore(best.state) } catch { throw .training(error.description) }
    let packed = try packedLayers()
    var files: [String] = []
    if let output = plan.output {
      progress("writing \(output)")
      files = try TrainingExport(self, packed).write(
        to: output, replacing: surroundings.replaces || surroundings.resumes)
    }
    // A stopped run is timed briefly: somebody waits.
    let question = ModelQuestion(
      plan.layers, rowKnobs, Array(experiment.evaluation.texts.prefix(32)),
      isStopped ? min(0.5, surroundings.timingSeconds) : surroundings.timingSeconds)
    let report = try experiment.judge(
      packed, question, changed: plan.trainsDense ? try student() : nil, { false }, progress)
    var result = TrainingResult(
      plan: plan, start: start, final: last, best: best.point, history: history,
      sparsity: report.achievedSparsity ?? trainer.sparsity, steps: position.step,
      tokensSeen: position.tokens, seconds: position.seconds, speedup: report.speedup,
      files: files, cancelled: isStopped)
    result.row = row(report, best.point)
    return result
  }

  /// The knobs that a row of results names: λ only where it owns the mask.
  private var rowKnobs: Knobs {
    var knobs = plan.knobs
    knobs.refit = plan.method == .fixed
    return knobs
  }

  /// The trained layers packed as the whole-model measurement takes them, checked against the reference.
  private func packedLayers() throws(LaboratoryError) -> [PackedLayer] {
    var packed: [PackedLayer] = []
    for (source, start) in zip(sources, pruned) {
      let name = source.layer.name
      guard let weights = trainer.weights(of: name), let mask = trainer.mask(of: name),
        let bias = trainer.bias(of: name)
      else { throw .training("layer \"\(name)\" is not among the trained ones") }
      var layer = start
      layer.weights = weights
      layer.mask = mask
      layer.summary = summary(of: source, start.summary, weights, mask)
      var trained = source
      trained.bias = bias
      packed.append(try trained.packed(layer, rowKnobs))
    }
    return packed
  }

  /// What the mask keeps of the original weights, counted in weights.
  private func summary(
    of source: ModelLayer, _ start: PruningSummary, _ weights: Matrix, _ mask: Mask
  ) -> PruningSummary {
    var (l1, energy, keptL1, keptEnergy, change) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for row in 0..<mask.rows {
      for column in 0..<mask.columns {
        let original = Double(source.weights[row, column])
        let difference = Double(weights[row, column]) - original
        l1 += abs(original)
        energy += original * original
        change += difference * difference
        if mask[row, column] {
          keptL1 += abs(original)
          keptEnergy += original * original
        }
      }
    }
    return PruningSummary(
      tensor: source.layer.name, rows: mask.rows, columns: mask.columns,
      criterion: start.criterion, nonzeros: mask.count, requestedSparsity: plan.requestedSparsity,
      keptL1: keptL1 / max(l1, .leastNormalMagnitude),
      keptEnergy: keptEnergy / max(energy, .leastNormalMagnitude),
      weightError: (change / max(energy, .leastNormalMagnitude)).squareRoot(),
      units: mask.rows * mask.columns, unitsKept: mask.count,
      randomKeptEnergy: Double(mask.count) / Double(max(1, mask.rows * mask.columns)))
  }

  private func row(_ report: ModelReport, _ point: TrainingResult.Point) -> ResultRow {
    var row = ModelExperiment.row(
      report, run: ModelExperiment.freshRun(), machine: ModelExperiment.machine)
    row[.solve] = .text(plan.method.solve)
    if plan.method == .prox {
      row[.regularizer] = .text(plan.effectiveRegularizer.rawValue)
    } else {
      row[.regularizer] = .text(Regularizer.none.rawValue)
    }
    row[.calibrationID] = .text("training-" + String(material.identity.prefix(16)))
    if isStopped { row[.status] = .text(ResultStatus.partial.rawValue) }
    var notes = [
      "\(plan.layers.rawValue) layers, \(report.texts) texts",
      "\(position.step) steps, \(position.tokens) tokens, "
        + "\(NumberText.fixed(position.seconds, 1)) s",
      "kept step \(point.step)",
      "learning rate \(NumberText.shortest(position.learningRate))",
    ]
    if plan.trainsDense { notes.append("dense weights trained too") }
    if plan.hiddenLoss > 0 {
      notes.append("hidden loss \(NumberText.shortest(plan.hiddenLoss))")
    }
    if plan.text == nil { notes.append("trained on splices") }
    row[.note] = .text(notes.joined(separator: "; "))
    return row
  }
}
