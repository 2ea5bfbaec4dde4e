internal import Experiments

extension State {
  /// What is pruned and timed: the model, the tensor, the knobs, the choices per layer.
  mutating func change(_ command: Command) throws(CommandError) -> [Effect] {
    let before = choices
    switch command {
    case .open(let path, let identity):
      expectedIdentity = identity
      return open(path)
    case .calibration(let path):
      return begin(.open, .calibrate(path: path))
    case .tensor(let name):
      if let model = model.value {
        guard let info = model.tensors.first(where: { $0.name == name }) else {
          throw CommandError("tensor \(name): \(model.name) has none of this name; / finds one")
        }
        guard info.isPrunable else {
          throw CommandError(
            "tensor \(name): it is \(info.dtype) \(info.shape), and pruning takes floating-point "
              + "matrices")
        }
      }
      choices.tensor = name
      layers.selected = listedTensors.firstIndex { $0.name == name } ?? layers.selected
    case .layer(let selection):
      guard let name = neighbour(selection) else { return [] }
      return perform(.tensor(name))
    case .set(let knob, let text):
      do { try choices.knobs.set(knob, to: text) } catch {
        throw CommandError(error.description)
      }
      self.knob = knob
    case .turn(let steps):
      guard let text = KnobSteps.turned(knob, by: steps, self) else { return [] }
      return perform(.set(knob, text))
    case .knob(let selection): choose(selection)
    case .apply(let target): return try apply(target)
    case .budget(let kind, let value): return try spend(kind, value)
    default: break
    }
    return follow(from: before)
  }

  private mutating func open(_ path: String?) -> [Effect] {
    var effects = Job.allCases.compactMap { runs.current($0) }.map(Effect.cancel)
    for job in Job.allCases { runs.end(job) }
    model = .pending
    if !history.undo.isEmpty {
      effects += say(
        "opening \(path ?? "the built-in model"): undo starts again there; the log keeps what was done"
      )
    }
    history = History()
    sweep = SweepState()
    layers = LayersState()
    measured = MeasuredMasks()
    tradeOff = TradeOffState()
    training = TrainingState()
    choices.layers = []
    choices.tensor = nil
    choices.held = [nil, nil]
    mask = MaskState()
    (summary, quality, measurement) = (.unknown, .unknown, .unknown)
    crossover = .unknown
    self.path = .unknown
    heldRecords = heldRecords ?? []
    effects += begin(.open, .open(path: path))
    return effects
  }

  /// Starts a request as the current one of its job. A replay asks for what can be computed again
  /// and waits for the record with what was measured.
  mutating func begin(_ job: Job, _ request: Request) -> [Effect] {
    let old = runs.current(job)
    let run = runs.start(job)
    guard !(isReplay && job.isMeasured) else { return [] }
    return (old.map { [.cancel($0)] } ?? []) + [.request(request, run: run)]
  }

  mutating func stop(_ job: Job) -> [Effect] {
    guard let run = runs.current(job) else { return [] }
    runs.end(job)
    endForming(job)
    return isReplay && job.isMeasured ? [] : [.cancel(run)]
  }

  /// Brings everything that follows from the choices up to them: pending markers first, then the
  /// requests that fill them in. Nothing that belongs to the old choices stays on the screen.
  mutating func follow(from before: Choices) -> [Effect] {
    guard let cell else { return [] }
    var effects: [Effect] = []
    let isNewTensor = before.tensor != choices.tensor
    if isNewTensor { mask = MaskState() }
    if isNewTensor || before.knobs.pruningPart != choices.knobs.pruningPart {
      effects += prune()
    } else if before.form != choices.form {
      effects += requestPictures()
    }
    if isNewTensor || before.knobs != choices.knobs {
      effects += stop(.measure) + stop(.crossover)
      crossover = .unknown
      if isNewTensor || before.knobs.pruningPart != choices.knobs.pruningPart {
        effects += stop(.path)
        path = .unknown
      }
      if let earlier = measured[cell] {
        measurement = .known(earlier)
      } else {
        measurement = .unknown
        effects += settle()
      }
    }
    return effects
  }

  /// Asks to start measuring by itself a moment after the last turn.
  mutating func settle() -> [Effect] {
    turns += 1
    return isReplay ? [] : [.after(milliseconds: 250, .settled(turn: turns))]
  }

  /// Prunes what is chosen and draws it.
  mutating func prune() -> [Effect] {
    guard let cell else { return [] }
    summary = .pending
    quality = .pending
    endForming(.prune)
    awaitsMask = false
    return begin(.prune, .prune(tensor: cell.tensor, knobs: cell.knobs.pruningPart))
      + requestPictures() + requestWeight()
  }

  private mutating func choose(_ selection: Selection<Knob>) {
    let order = KnobSteps.order
    let at = order.firstIndex(of: knob) ?? 0
    switch selection {
    case .next: knob = order[min(at + 1, order.count - 1)]
    case .previous: knob = order[max(at - 1, 0)]
    case .one(let one): knob = one
    }
    if page == .mask { panel = .knobs }
  }

  private func neighbour(_ selection: Selection<Int>) -> String? {
    let names = listedTensors.map(\.name)
    let at = choices.tensor.flatMap { names.firstIndex(of: $0) }
    let next: Int
    switch selection {
    case .next: next = (at ?? -1) + 1
    case .previous: next = (at ?? 1) - 1
    case .one(let number): next = number - 1
    }
    guard names.indices.contains(next), next != at else { return nil }
    return names[next]
  }
}
