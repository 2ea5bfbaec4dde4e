internal import Experiments

/// Carries `event` out: the only place where state changes. Reads no clock, no file and no random
/// number; what has to be done outside comes back as effects, in order.
public func update(_ state: inout State, _ event: Event) -> [Effect] {
  switch event {
  case .command(let command): return state.perform(command)
  case .answer(let answer, let run):
    // The one place where late answers end: a run that was cancelled or replaced has no job.
    guard let job = state.runs.job(of: run) else { return [] }
    return state.receive(answer, job)
  case .recorded(let result): return state.receive(result)
  case .resized(let width, let height):
    guard width != state.width || height != state.height else { return [] }
    state.width = max(0, width)
    state.height = max(0, height)
    state.keepCursorInSight()
    return state.requestPictures()
  case .elapsed(let token): return state.elapsed(token)
  case .loaded(let path, let rows):
    state.tradeOff.overlays.removeAll { $0.path == path }
    state.tradeOff.overlays.append(.init(path: path, rows: rows))
    return state.say("\(path): \(rows.count) rows laid over the trade-off")
  case .wrote(let kind, let path):
    if kind == .session { state.isDirty = false }
    return state.say(kind == .session ? "session saved as \(path)" : "written: \(path)")
  case .problem(let text):
    state.log.entries.append(.init(text: text, kind: .problem))
    return state.say(text, .error)
  case .notice(let text):
    state.log.entries.append(.init(text: text, kind: .problem))
    return state.say(text, .warning)
  }
}

extension State {
  /// Carries out one command: refuses what makes no sense here with the reason, keeps what is a
  /// choice for undo, and records what a session keeps.
  mutating func perform(_ command: Command) -> [Effect] {
    if let reason = refusal(of: command) {
      return fail(reason, .warning)
    }
    // One word for all: what was interrupted last goes on.
    if case .resume = command {
      if training.status == .paused { return perform(.steer(.resume)) }
      // A session keeps what was chosen, and its replay solves to the end.
      if mask.forming?.isStopped == true { return prune() + settle() }
    }
    if case .cancel = command, isSolving, runs.long.isEmpty { return stopSolving() }
    let before = choices
    let depth = history.undo.count
    switch command {
    // Escape takes the message away itself, and nothing else with it.
    case .edit, .back: break
    default: message = nil
    }
    do {
      if case .sweep(let terms) = command, let cell, let model = model.value {
        let plan = try SweepPlan(terms: terms, around: cell, model: model)
        guard plan.terms == terms else { return perform(.sweep(plan.terms)) }
      }
      if case .train(let terms) = command {
        let plan = try trainingPlan(terms)
        guard plan.terms == terms else { return perform(.train(plan.terms)) }
      }
      let carried = try carryOut(command)
      var effects: [Effect] = []
      if command.isRecorded { effects += record(command) }
      switch command {
      case .set, .turn, .sweep, .train, .view, .help, .prompt: isFirstRun = false
      case .note, .apply, .budget, .sensitivity, .encode: isDirty = !isReplay
      default: break
      }
      switch command {
      case .sweep, .resume, .train: isDirty = isDirty || !isReplay
      default: break
      }
      switch command {
      case .undo, .redo, .open: break
      default:
        // What the command did by way of others has been kept by them.
        if choices != before, history.undo.count == depth {
          history.undo.append(.init(choices: before, command: command.text))
          history.redo = []
        }
      }
      return effects + carried
    } catch {
      return fail(error.description, .error)
    }
  }

  /// Carries out one command without asking whether it may.
  private mutating func carryOut(_ command: Command) throws(CommandError) -> [Effect] {
    switch command {
    case .open, .tensor, .calibration, .set, .turn, .knob, .layer, .apply, .budget:
      return try change(command)
    case .train, .plan, .steer: return try train(command)
    case .measure, .sweep, .solvePath, .sensitivity, .crossover, .encode, .resume, .cancel:
      return try start(command)
    case .hold, .compare, .undo, .redo, .note, .overlay: return recall(command)
    case .view, .zoom, .pan, .colour, .axes, .sort, .filter, .find, .findNext, .show, .theme,
      .focus, .axis, .grid, .scale:
      return try look(command)
    case .move, .point, .select, .back: return try step(command)
    case .help, .prompt, .edit, .paste, .explain, .quit: return talk(command)
    case .copy, .export, .save, .tutorial: return try hand(command)
    }
  }

  mutating func elapsed(_ token: TimerToken) -> [Effect] {
    switch token {
    case .settled(let turn):
      guard turn == turns, !isReplay, measurement.final == nil, runs.long.isEmpty else {
        return []
      }
      // To time a mask that a solver still works on would solve the same problem once more beside it.
      if summary.isWaiting, runs.current(.prune) != nil {
        awaitsMask = true
        return []
      }
      guard refusal(of: .measure) == nil else { return [] }
      // It starts by itself: what the line at the bottom says was not read yet.
      let unread = message
      let effects = perform(.measure)
      message = message ?? unread
      return effects
    case .viewed(let step):
      return step == viewSteps ? flushRecord() : []
    case .flashed(let picture):
      if picture == training.pictureNumber { training.isFlashing = false }
      return []
    case .message(let number):
      if message?.number == number { message = nil }
      return []
    }
  }

  /// Shows a line at the bottom for a while.
  mutating func say(_ text: String, _ kind: Message.Kind = .information) -> [Effect] {
    messages += 1
    message = Message(text: text, kind: kind, number: messages)
    return isReplay
      ? [] : [.after(milliseconds: kind == .error ? 12_000 : 6_000, .message(number: messages))]
  }

  /// An error belongs to the prompt's line if that is where it was typed.
  mutating func fail(_ text: String, _ kind: Message.Kind) -> [Effect] {
    if case .prompt(var prompt) = mode {
      prompt.error = text
      mode = .prompt(prompt)
      return []
    }
    return say(text, kind)
  }

  // MARK: The session

  mutating func record(_ command: Command) -> [Effect] {
    if command.isCoalesced {
      let same = pendingRecord.map { $0.text.prefix(3) == command.text.prefix(3) } ?? false
      let flushed = same ? [] : flushRecord()
      pendingRecord = command
      viewSteps += 1
      return flushed + (isReplay ? [] : [.after(milliseconds: 500, .viewed(step: viewSteps))])
    }
    var shown = command
    if case .open(let path, _) = command { shown = .open(path: path) }
    // A note stands in the log as itself.
    if case .note = command {
    } else {
      log.entries.append(.init(text: shown.text, kind: .command))
    }
    return flushRecord() + record(.command(command))
  }

  mutating func flushRecord() -> [Effect] {
    guard let command = pendingRecord else { return [] }
    pendingRecord = nil
    return record(.command(command))
  }

  mutating func record(_ result: RecordedResult) -> [Effect] {
    flushRecord() + record(.result(result))
  }

  private mutating func record(_ content: SessionContent) -> [Effect] {
    guard heldRecords == nil else {
      heldRecords?.append(content)
      return []
    }
    return [.record(content)]
  }
}
