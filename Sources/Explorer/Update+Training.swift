internal import CellUI
internal import Experiments

extension State {
  /// `train`, `plan`, `steer`, `pause` and `resume`.
  mutating func train(_ command: Command) throws(CommandError) -> [Effect] {
    switch command {
    case .train(let terms):
      let plan = try trainingPlan(terms)
      training.begin(plan)
      page = .training
      panel = .picture
      let effects = stop(.measure)
      if measurement.final == nil { measurement = .unknown }
      return effects + begin(.training, .train(plan))
    case .plan(let knob, let text):
      if let shared = knob.shared { return perform(.set(shared, text)) }
      var plan = choices.training
      do { try plan.set(knob, to: text) } catch { throw CommandError(error.description) }
      if knob == .method, plan.method != .prox, let lambda = knobs.amount.lambda {
        throw CommandError(
          "plan method \(text): lambda \(NumberText.shortest(lambda)) owns the mask, which only prox "
            + "can follow; set the sparsity first")
      }
      choices.training = plan
      training.knob = knob
    case .steer(let steer): return self.steer(steer)
    default: break
    }
    return []
  }

  private mutating func steer(_ steer: TrainingSteer) -> [Effect] {
    guard let run = runs.current(.training) else { return [] }
    switch steer {
    case .pause: training.status = .paused
    case .resume: training.status = .running
    case .stop: training.status = .stopping
    case .lambda, .learningRate, .sparsity:
      // Coalesced on the chart: a hand goes through many values to the one it wants.
      let seconds = training.latest?.seconds ?? 0
      if training.steered.last?.seconds == seconds { training.steered.removeLast() }
      training.steered.append(.init(seconds: seconds, text: steer.label))
    }
    return isReplay ? [] : [.request(.steerTraining(steer), run: run)]
  }

  /// The first `cancel` ends the run with the best so far, a second one drops it.
  mutating func cancelTraining() -> [Effect] {
    if training.status == .stopping || training.start == nil {
      let effects = stop(.training)
      training.status = .dropped
      return effects + say("training dropped; nothing of it is kept")
    }
    return steer(.stop) + say("the training ends with the best so far; x again drops it")
  }

  /// Reports between evaluations are shown and not recorded.
  mutating func receive(_ progress: TrainingProgress) -> [Effect] {
    guard progress.cosine == nil else { return receive(.training(progress)) }
    training.take(progress)
    return flash(progress)
  }

  /// What died flashes once: for this long, or until the next picture.
  func flash(_ progress: TrainingProgress) -> [Effect] {
    guard training.isFlashing, !isReplay, !progress.layers.isEmpty else { return [] }
    return [.after(milliseconds: 400, .flashed(picture: training.pictureNumber))]
  }

  /// Takes a result of a training that a session keeps, live or from the record.
  mutating func receiveTraining(_ result: RecordedResult) -> [Effect] {
    switch result {
    case .trainingStarted(let start):
      training.start = start
      for warning in start.warnings { note(warning, .problem) }
      return record(result)
    case .training(let progress):
      training.take(progress)
      var kept = progress
      // A mask that did not change since it was recorded is not written again.
      if kept.layers.map(\.kept) == training.recordedPictures.map(\.kept) { kept.layers = [] }
      if !kept.layers.isEmpty { training.recordedPictures = kept.layers }
      return record(.training(kept)) + flash(progress)
    case .trained(let trained):
      runs.end(.training)
      training.end(trained)
      let sentence = Wording.sentence(trained)
      note(sentence, .result)
      var effects = record(result)
      if let row = trained.row {
        for row in [trained.startRow, row].compactMap({ $0 }) { tradeOff.add(row) }
      }
      // The page itself says it; a line over its foot would say it twice.
      if page != .training { effects += say(sentence) }
      return effects + (measurement.final == nil ? settle() : [])
    default: return []
    }
  }

  /// The training page in a sentence: its result, or where the run stands.
  var copiedTraining: String? {
    if let result = training.result { return Wording.sentence(result) }
    guard let plan = training.plan, let latest = training.latest else { return nil }
    var text =
      "training \(plan.layers.rawValue) \(plan.method.rawValue) \(plan.short), step \(latest.step)"
    if let last = training.evaluations.last {
      text += ", held-out cosine \(Figures.fixed(last.cosine, 3))"
    }
    if let start = training.start {
      text += ", after refit \(Figures.fixed(start.refitCosine, 3))"
    }
    return text
  }

  // MARK: Turning

  /// The knobs that the page shows: those of the plan, or those that steer the run.
  var trainingKnobs: [TrainingKnob] {
    training.isActive ? training.steerable : TrainingSteps.order
  }

  /// The one under the cursor.
  var trainingKnob: TrainingKnob? {
    let knobs = trainingKnobs
    return knobs.contains(training.knob) ? training.knob : knobs.first
  }

  mutating func trainingMoved(_ move: CursorMove, _ count: Int) -> [Effect] {
    let knobs = trainingKnobs
    guard let knob = trainingKnob, let at = knobs.firstIndex(of: knob) else { return [] }
    switch move {
    case .up, .down, .first, .last:
      training.knob = knobs[Self.stepped(move, count, (at, 0), (knobs.count, 1)).0]
      return []
    case .left: return turnTraining(knob, by: -count)
    case .right: return turnTraining(knob, by: count)
    case .pageUp: return turnTraining(knob, by: 5 * count)
    case .pageDown: return turnTraining(knob, by: -5 * count)
    }
  }

  private mutating func turnTraining(_ knob: TrainingKnob, by steps: Int) -> [Effect] {
    if training.isActive {
      guard let steer = TrainingSteps.steered(knob, by: steps, training) else { return [] }
      return perform(.steer(steer))
    }
    if let shared = knob.shared {
      guard let text = KnobSteps.turned(shared, by: steps, self) else { return [] }
      return perform(.set(shared, text))
    }
    guard let text = TrainingSteps.turned(knob, by: steps, trainingPlan) else { return [] }
    return perform(.plan(knob, text))
  }

  /// Enter: the value of the knob under the cursor is typed.
  mutating func typeTrainingKnob() -> [Effect] {
    guard let knob = trainingKnob else { return [] }
    if training.isActive { return perform(.prompt("steer \(knob.rawValue) ")) }
    return perform(.prompt((knob.shared == nil ? "plan " : "") + knob.rawValue + " "))
  }

  // MARK: Refusals

  /// Why a command about training makes no sense now; nil if it may run.
  func refusalOfTraining(_ command: Command) -> String? {
    switch command {
    case .train:
      if let reason = cannotTrain { return reason }
      if let job = runs.long.first(where: { $0 != .measure }) {
        return "one long job at a time: \(job.title) is running; x cancels it"
      }
      return nil
    case .steer(let steer):
      guard let plan = training.plan, runs.current(.training) != nil else {
        return "no training is running: t on the training page (7) starts one"
      }
      switch steer {
      case .pause where training.status == .paused: return "it is paused already; resume goes on"
      case .resume where training.status != .paused: return "it is not paused"
      default: break
      }
      guard training.start != nil else {
        return "the teacher is still at work: wait for the first step, or x drops the run"
      }
      return training.status == .stopping ? "it is ending already" : steer.problem(for: plan)
    default: return nil
    }
  }
}

extension TrainingSteer {
  /// Short, for the chart.
  var label: String {
    switch self {
    case .lambda(let value): "λ \(NumberText.shortest(value))"
    case .learningRate(let value): "rate \(NumberText.shortest(value))"
    case .sparsity(let value): "\(NumberText.fixed(value * 100, 0)) %"
    case .pause, .resume, .stop: description
    }
  }
}

extension TrainingResult {
  /// The same mask before training as a row beside the trained one: with a fixed mask it is the same
  /// kernels on the same blocks, so that the measured time is the same too. Nil for other methods,
  /// whose masks came about by training.
  var startRow: ResultRow? {
    guard plan.method == .fixed, var row else { return nil }
    row[.solve] = .text(Solve.prox.rawValue)
    row[.refit] = .text("on")
    row[.cosine] = ResultCell(start.refitCosine)
    row[.rankCorrelation] = ResultCell(start.refitRankCorrelation)
    row[.neighbourAgreement] = .missing
    row[.note] = .text("before training: the same mask one-shot, survivors refitted")
    return row
  }
}

extension Wording {
  /// What a training won back, against which start and which floor, in one plain sentence.
  static func sentence(_ result: TrainingResult) -> String {
    let plan = result.plan
    let start = result.start
    func cosine(_ value: Double) -> String { Figures.fixed(value, 3) }
    let zeros = percent(result.sparsity)
    let time = Figures.duration(nanoseconds: result.seconds * 1e9)
    let what = "\(plan.pattern) in \(layersText(plan.layers)), \(zeros) zeros"
    var text: String
    if result.best.cosine > start.refitCosine {
      let share = result.wonBack.map { ", \(whole($0)) of what pruning lost" } ?? ""
      text =
        "\(what): training for \(time) raised the held-out cosine from \(cosine(start.refitCosine)) "
        + "to \(cosine(result.best.cosine))\(share)"
    } else {
      text =
        "\(what): training for \(time) won nothing back: the held-out cosine is "
        + "\(cosine(result.best.cosine)), after refit alone it was \(cosine(start.refitCosine))"
    }
    text += "; zeroed layers give \(cosine(start.floorCosine)), the dense model 1"
    if let speed = result.speedup {
      switch Verdict(speedup: speed) {
      case .faster: text += "; measured \(speedup(speed)) as fast as dense"
      case .slower: text += "; measured slower than dense, \(speedup(speed))"
      case .indistinguishable: text += "; measured as fast as dense, \(speedup(speed))"
      }
    }
    return text + (result.cancelled ? "; stopped early." : ".")
  }

  static func layersText(_ selection: LayerSelection) -> String {
    switch selection {
    case .attention: "attention"
    case .feedForward: "feed-forward"
    case .all: "all linear layers"
    }
  }
}
