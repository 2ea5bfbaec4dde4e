public import Experiments

/// The training page: the run that is under way or was last, and those before it in this session.
public struct TrainingState: Hashable, Sendable {
  public enum Status: Hashable, Sendable {
    case none
    /// The teacher's pass and the one-shot masks; no step yet.
    case preparing
    case running, paused
    /// Asked to stop; the best so far is on its way.
    case stopping
    case finished
    /// Ended without a result because it was dropped.
    case dropped
    case failed(String)
  }

  /// Figures of one report, for the curves.
  public struct Sample: Hashable, Sendable {
    public var seconds: Double
    public var loss: Double
    public var learningRate: Double
    public var sparsity: Double
    public var targetSparsity: Double?
    public var lambda: Double?
  }

  /// A knob turned while it ran, and when.
  public struct Steered: Hashable, Sendable {
    public var seconds: Double
    public var text: String
  }

  /// The knob under the cursor.
  public var knob: TrainingKnob = .pattern
  public var status: Status = .none
  /// The plan of the run that is shown; nil before the first.
  public var plan: TrainingPlan?
  /// What is being done before the first step; nil where nothing is known of it.
  public var preparation: String?
  public var start: TrainingStart?
  public var latest: TrainingProgress?
  public var samples: [Sample] = []
  /// Held-out evaluations in order.
  public var evaluations: [TrainingResult.Point] = []
  public var pictures: [TrainingLayerPicture] = []
  /// Counts pictures; what died flashes until the timer of the same number.
  var pictureNumber = 0
  public var isFlashing = false
  /// The last measured speedup of the model as it stood.
  public var speedup: Interval?
  public var steered: [Steered] = []
  public var result: TrainingResult?
  /// Results of this session, oldest first, without their rows.
  public var finished: [TrainingResult] = []
  /// The pictures that were recorded last: a mask that stays is recorded once.
  var recordedPictures: [TrainingLayerPicture] = []

  public init() {}

  /// Whether a run is under way, paused ones too.
  public var isActive: Bool {
    switch status {
    case .preparing, .running, .paused, .stopping: true
    case .none, .finished, .dropped, .failed: false
    }
  }

  /// More samples than any screen has dots across; beyond, every other one goes.
  static let mostSamples = 1024

  /// Forgets the run that was shown and starts another.
  mutating func begin(_ plan: TrainingPlan) {
    var fresh = TrainingState()
    fresh.knob = knob
    fresh.finished = finished
    fresh.plan = plan
    fresh.status = .preparing
    self = fresh
  }

  mutating func take(_ progress: TrainingProgress) {
    latest = progress
    if status != .stopping { status = progress.isPaused ? .paused : .running }
    if let speedup = progress.speedup { self.speedup = speedup }
    if let last = samples.last, progress.seconds < last.seconds { return }
    samples.append(
      Sample(
        seconds: progress.seconds, loss: progress.loss, learningRate: progress.learningRate,
        sparsity: progress.sparsity, targetSparsity: progress.targetSparsity,
        lambda: progress.lambda))
    if samples.count > Self.mostSamples {
      samples = stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
    }
    if let cosine = progress.cosine {
      evaluations.append(
        .init(
          step: progress.step, seconds: progress.seconds, cosine: cosine,
          rankCorrelation: progress.rankCorrelation))
    }
    if !progress.layers.isEmpty {
      pictures = progress.layers
      pictureNumber += 1
      isFlashing = pictures.contains { !$0.died.isEmpty }
    }
  }

  mutating func end(_ result: TrainingResult) {
    status = .finished
    self.result = result
    plan = result.plan
    start = result.start
    evaluations = result.history
    isFlashing = false
    if let speedup = result.speedup { self.speedup = speedup }
    var kept = result
    kept.row = nil
    finished.append(kept)
  }

  /// Knobs that can be turned while it runs.
  var steerable: [TrainingKnob] {
    guard let plan else { return [] }
    var knobs: [TrainingKnob] = [.rate]
    if plan.method == .prox { knobs.append(.lambda) }
    if plan.method != .fixed, plan.lambda == nil { knobs.append(.sparsity) }
    return knobs
  }

  /// Share of the run that is done, 0...1; nil before the first step.
  var share: Double? {
    guard let latest, let plan else { return nil }
    let share =
      plan.minutes.map { latest.seconds / ($0 * 60) }
      ?? Double(latest.step) / Double(max(1, plan.steps ?? latest.steps))
    return min(1, max(0, share))
  }
}

extension TrainingResult {
  /// Share of what pruning lost that training won back; negative where it lost more.
  var wonBack: Double? {
    let lost = start.ceilingCosine - start.refitCosine
    return lost > 0 ? (best.cosine - start.refitCosine) / lost : nil
  }
}

extension State {
  /// What `train` would do now: the knobs of single layers where they mean the same, the training's
  /// own for the rest.
  public var trainingPlan: TrainingPlan {
    var plan = choices.training
    plan.pattern = knobs.pattern
    plan.lambda = knobs.amount.lambda
    plan.sparsity = plan.lambda == nil ? knobs.requestedSparsity : nil
    if plan.lambda != nil { plan.method = .prox }
    plan.criterion = knobs.criterion ?? .wanda
    plan.regularizer = knobs.regularizer
    plan.seed = knobs.seed
    plan.threads = knobs.threads
    return plan
  }

  /// The plan of a `train` command.
  /// - Throws: `CommandError` for a value that a knob does not take and for a plan that cannot be.
  func trainingPlan(_ terms: [TrainingTerm]) throws(CommandError) -> TrainingPlan {
    var plan = trainingPlan
    let method = choices.training.method
    for term in terms {
      do { try plan.set(term.knob, to: term.value) } catch {
        throw CommandError("train: \(error.description)")
      }
    }
    if !terms.contains(where: { $0.knob == .method }) {
      plan.method = plan.lambda == nil ? method : .prox
    }
    if let problem = plan.problem { throw CommandError("train: \(problem)") }
    return plan
  }

  /// Why nothing can be trained here, in words; nil if something can.
  var cannotTrain: String? {
    guard let model = model.value else { return nil }
    guard !model.isEncoder else { return nil }
    return
      "training needs a whole encoder, and \(model.name) is none: open a model directory with "
      + "config.json, vocab.txt and model.safetensors, such as ~/.cache/sparsity-tui/all-MiniLM-L6-v2 "
      + "(make model fetches it)"
  }
}
