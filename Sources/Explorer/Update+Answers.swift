internal import Experiments

extension State {
  /// Takes the laboratory's answer for the current run of `job`.
  mutating func receive(_ answer: Answer, _ job: Job) -> [Effect] {
    switch answer {
    case .opened(let info): return opened(info)
    case .pruned(let summary):
      self.summary = .known(summary)
      endForming(.prune)
      guard awaitsMask else { return [] }
      awaitsMask = false
      return settle()
    case .iterating(let summary):
      self.summary = .narrowing(summary)
      return []
    case .forming(let forming):
      receive(forming, job)
      return []
    case .quality(let report):
      quality = .known(report)
      runs.end(.prune)
      return addMeasuredRow()
    case .picture(let picture):
      if job == .reorderedPicture { mask.reordered = picture } else { mask.picture = picture }
      runs.end(job)
      mask.isDrawing = runs.current(.picture) != nil || runs.current(.reorderedPicture) != nil
      return []
    case .weight(let report):
      mask.weight = .known(report)
      runs.end(.weight)
      return []
    case .measuring(let measurement):
      self.measurement = .narrowing(measurement)
      return []
    case .measured(let measurement): return receive(.measurement(measurement))
    case .sweeping(let progress): return receive(.cell(progress))
    case .swept(let progress): return receive(.swept(progress))
    case .sensitivity(let curve): return receive(.sensitivity(curve))
    case .path(let path): return receive(.path(path))
    case .crossover(let crossover): return receive(.crossover(crossover))
    case .encoded(let report): return receive(.model(report))
    case .machine(let machine): return receive(.machine(machine))
    case .preparing(let what):
      training.preparation = what
      return []
    case .trainingStarted(let start): return receive(.trainingStarted(start))
    case .training(let progress): return receive(progress)
    case .trained(let result): return receive(.trained(result))
    case .finished: return finished(job)
    case .failed(let reason): return failed(job, reason)
    }
  }

  /// Takes a result that a session keeps, live or from the record.
  mutating func receive(_ result: RecordedResult) -> [Effect] {
    var effects: [Effect] = []
    switch result {
    case .measurement(let measurement):
      runs.end(.measure)
      self.measurement = .known(measurement)
      if let cell { measured[cell] = measurement }
      effects = record(result)
      note("\(measurement.verdict.rawValue) \(Wording.speedup(measurement.speedup))", .result)
      return effects + addMeasuredRow()
    case .row(let row):
      tradeOff.add(row)
      return record(result)
    case .cell(let progress):
      take(progress)
      return record(result)
    case .swept(let progress):
      take(progress)
      runs.end(.sweep)
      sweep.status = .finished
      note("sweep: \(sweep.finishedCount) of \(sweep.cells.count) cells", .result)
      effects = record(result)
      return effects + (measurement.final == nil ? settle() : [])
    case .sensitivity(let curve):
      layers.curves.removeAll { $0.tensor == curve.tensor }
      layers.curves.append(curve)
      return record(result)
    case .path(let path):
      self.path = path.isFinal ? .known(path) : .narrowing(path)
      guard path.isFinal else { return [] }
      runs.end(.path)
      endForming(.path)
      return record(result)
    case .crossover(let crossover):
      self.crossover = crossover.isFinal ? .known(crossover) : .narrowing(crossover)
      guard crossover.isFinal else { return [] }
      runs.end(.crossover)
      note(crossover.sentence, .result)
      return record(result)
    case .model(let report):
      // One of several along the front says so in its notes; `finished` ends those.
      if !report.notes.contains(where: { $0.hasPrefix("front ") }) { runs.end(.encode) }
      layers.report = report
      tradeOff.add(ResultRow(report, machine: machine))
      let text =
        "whole model: \(Wording.speedup(report.speedup)) end to end, mean cosine "
        + NumberText.fixed(report.agreement.cosine, 3)
      note(text, .result)
      return record(result) + say(text + "; axes speedup cosine shows it on page 3")
    case .machine(let machine):
      runs.end(.machine)
      self.machine = machine
      return record(result)
    case .trainingStarted, .training, .trained: return receiveTraining(result)
    case .ended(let ended):
      guard let job = Job.allCases.first(where: { $0.title == ended.job }) else { return [] }
      return ended.reason.isEmpty ? finished(job) : failed(job, ended.reason)
    }
  }

  private mutating func opened(_ info: ModelInfo) -> [Effect] {
    runs.end(.open)
    let isSame = model.value?.identity == info.identity
    let path = info.path == "demo" ? nil : info.path
    model = .known(info)
    measured = MeasuredMasks()
    var effects: [Effect] = []
    if let held = heldRecords {
      heldRecords = nil
      let opening = Command.open(path: path, identity: info.identity)
      effects += [.record(.command(opening))]
      effects += held.compactMap { content in
        if case .command(.open) = content { nil } else { .record(content) }
      }
    }
    if choices.tensor.flatMap({ name in info.prunable.first { $0.name == name } }) == nil {
      if let name = choices.tensor {
        effects += say("\(info.name) has no matrix named \(name); showing its first", .warning)
      }
      choices.tensor =
        (info.prunable.first(where: \.isLinearWeight) ?? info.prunable.first)?.name
    }
    if let expected = expectedIdentity, expected != info.identity {
      effects += say(
        "\(info.name) is not the model of this session: it is \(info.identity.prefix(8)), recorded was "
          + "\(expected.prefix(8))", .warning)
    }
    expectedIdentity = nil
    guard choices.tensor != nil else {
      return effects
        + say("\(info.name): no floating-point matrix in it that could be pruned", .error)
    }
    layers.selected = listedTensors.firstIndex { $0.name == choices.tensor } ?? 0
    // What was judged with other activations is not comparable with what comes now.
    layers.curves = []
    layers.report = nil
    self.path = .unknown
    crossover = .unknown
    if machine == nil, runs.current(.machine) == nil {
      effects += begin(.machine, .describeMachine)
    }
    mask = MaskState()
    measurement = .unknown
    if isSame, let calibration = info.calibration {
      let text = Wording.sentence(calibration, info)
      note(text, .result)
      effects += say(text)
    }
    return effects + prune() + settle()
  }

  private mutating func finished(_ job: Job) -> [Effect] {
    runs.end(job)
    if job == .encode { return record(.ended(EndedJob(job: job.title, reason: ""))) }
    guard job == .sensitivity else { return [] }
    note("sensitivity of \(layers.curves.count) layers", .result)
    return record(.ended(EndedJob(job: job.title, reason: "")))
  }

  private mutating func failed(_ job: Job, _ reason: String) -> [Effect] {
    runs.end(job)
    endForming(job)
    switch job {
    case .open:
      // A file of activations that cannot be read leaves the open model as it is.
      if model.value == nil { model = .failed(reason) }
      if let held = heldRecords, model.value == nil {
        heldRecords = nil
        note(reason, .problem)
        return held.map(Effect.record) + say(reason, .error)
      }
    case .prune:
      summary = .failed(reason)
      quality = .failed(reason)
      mask.picture = nil
      mask.reordered = nil
    case .picture, .reorderedPicture: mask.isDrawing = false
    case .weight: mask.weight = .failed(reason)
    case .measure: measurement = .failed(reason)
    case .sweep: sweep.status = .failed(reason)
    case .crossover: crossover = .failed(reason)
    case .path: path = .failed(reason)
    case .training: training.status = .failed(reason)
    case .machine, .sensitivity, .encode: break
    }
    note(reason, .problem)
    let effects = job.isMeasured ? record(.ended(EndedJob(job: job.title, reason: reason))) : []
    return effects + say(reason, .error)
  }

  private mutating func take(_ progress: SweepProgress) {
    sweep.progress = progress
    guard let cell = progress.cell, let row = progress.row, sweep.rows.indices.contains(cell) else {
      return
    }
    sweep.rows[cell] = row
  }

  /// A measurement and its quality together are a row of results; whichever comes last makes it.
  /// A replay takes the rows from the record.
  private mutating func addMeasuredRow() -> [Effect] {
    guard !isReplay, let measurement = measurement.final, let summary = summary.final,
      let quality = quality.final, let model = model.value, let cell
    else { return [] }
    let row = ResultRow(
      model: model, machine: machine, cell: cell, summary: summary, quality: quality,
      measurement: measurement)
    guard !tradeOff.rows.contains(row) else { return [] }
    return receive(.row(row))
  }

  mutating func note(_ text: String, _ kind: LogState.Entry.Kind) {
    log.entries.append(.init(text: text, kind: kind))
  }
}

extension TradeOffState {
  /// Adds a row; a newer one of the same mask and timing takes the older one's place.
  mutating func add(_ row: ResultRow) {
    var identity: [ResultColumn] = [
      .modelID, .tensor, .pattern, .criterion, .regularizer, .solve, .refit, .sparsityRequested,
      .lambda, .tokens, .threads, .dtype, .layout, .cache, .seed,
    ]
    // Every training is a point of its own: how long it took is in none of these columns.
    if row.isTrained {
      if !rows.contains(row) { rows.append(row) }
      return
    }
    // Whole models with a pattern for each layer differ in what is zero and in their notes.
    if row[.tensor] == .text("*") { identity += [.sparsityAchieved, .note] }
    if let old = rows.firstIndex(where: { other in identity.allSatisfy { other[$0] == row[$0] } }) {
      rows[old] = row
    } else {
      rows.append(row)
    }
  }
}

extension ResultRow {
  /// Whether it is of a trained model.
  var isTrained: Bool { self[.solve].text.hasPrefix("train-") }
}
