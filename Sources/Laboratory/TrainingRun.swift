internal import Benchmarking
internal import Encoder
internal import Experiments
internal import Pruning
internal import Tensors
internal import Training

/// One training of an encoder under its masks, from the one-shot start to the model that is kept.
///
/// Time counts inside steps only: evaluations, timings and checkpoints stand still. With `steps` and one
/// thread everything but times follows from the plan, the model and the texts, bit for bit, whether or
/// not it was broken off and resumed.
final class TrainingRun {
  let experiment: ModelExperiment
  let plan: TrainingPlan
  let surroundings: TrainingSurroundings
  let material: TrainingMaterial
  /// The layers that are pruned, with what the unpruned model feeds them on training texts.
  let sources: [ModelLayer]
  /// Their one-shot prunings, refitted.
  let pruned: [PrunedLayer]
  let start: TrainingStart
  let trainer: EncoderTrainer
  /// Gives hidden states where the loss wants them.
  let stateTeacher: EncoderTrainer?
  var batches: TrainingBatches

  var position = Position()
  var history: [TrainingResult.Point] = []
  var best: Best?
  var isPaused = false
  var isStopped = false
  var speedup: Interval?
  var pictured: [String: Mask] = [:]
  let clock = MonotonicClock()
  var lastReport: UInt64 = 0
  var lastPicture: UInt64 = 0
  var lastCheckpoint: UInt64 = 0
  var timedFinalMasks = false

  /// How far the run is: with the trainer's state all that a resumed run needs.
  struct Position: Codable, Hashable {
    var step = 0
    var tokens = 0
    var seconds = 0.0
    /// Of the latest step: decides whether masks are final.
    var masksProgress = 0.0
    /// Set while the run goes on, by hand.
    var learningRate: Double
    var sparsity: Double?
    var lambda: Double?

    init(learningRate: Double = 0, sparsity: Double? = nil, lambda: Double? = nil) {
      self.learningRate = learningRate
      self.sparsity = sparsity
      self.lambda = lambda
    }
  }

  /// The best evaluated student so far.
  struct Best {
    var point: TrainingResult.Point
    /// Mean cosine on sentences that neither train nor are shown: it decides which one is best.
    var choosing: Double
    /// Whether its masks were the final ones.
    var isFinal: Bool
    var state: TrainerState
  }

  init(
    _ experiment: ModelExperiment, _ plan: TrainingPlan, _ surroundings: TrainingSurroundings,
    _ isCancelled: () -> Bool, _ progress: (String) -> Void
  ) throws(LaboratoryError) {
    try plan.check()
    self.experiment = experiment
    self.plan = plan
    self.surroundings = surroundings
    material = try TrainingMaterial(
      experiment, text: plan.text, seed: plan.seed, threads: plan.threads,
      cacheDirectory: surroundings.cacheDirectory, isCancelled, progress)
    sources = try experiment.prepare(
      experiment.layers(plan.layers), on: material.corpus.sample(tokens: TrainingCorpus.fewTokens),
      identity: "training-" + material.identity.prefix(16), threads: plan.threads, isCancelled,
      progress)
    var pruned: [PrunedLayer] = []
    for (index, source) in sources.enumerated() {
      progress("pruning \(index + 1) of \(sources.count): \(source.layer.name)")
      if isCancelled() { throw .cancelled }
      pruned.append(try source.pruned(plan.startKnobs, isCancelled: isCancelled))
    }
    self.pruned = pruned
    progress("judging the start")
    start = try Self.start(experiment, plan, sources, pruned, material)
    let settings = Self.settings(plan)
    do throws(TrainingError) {
      trainer = try EncoderTrainer(
        encoder: experiment.encoder, layers: Self.layers(plan, sources, pruned),
        trainsDense: plan.trainsDense, settings: settings)
      stateTeacher =
        plan.hiddenLoss > 0
        ? try EncoderTrainer(
          encoder: experiment.encoder, layers: [], trainsDense: true, settings: settings) : nil
    } catch { throw .training(error.description) }
    trainer.masks = Self.schedule(plan)
    batches = TrainingBatches(
      lengths: material.corpus.texts.map(\.count), tokensPerStep: plan.tokensPerStep,
      seed: plan.seed)
    position = Position(
      learningRate: plan.effectiveLearningRate, sparsity: plan.requestedSparsity,
      lambda: plan.lambda)
  }

  /// The one-shot start against the unpruned model, and what zeroed layers give.
  private static func start(
    _ experiment: ModelExperiment, _ plan: TrainingPlan, _ sources: [ModelLayer],
    _ pruned: [PrunedLayer], _ material: TrainingMaterial
  ) throws(LaboratoryError) -> TrainingStart {
    var packed: [PackedLayer] = []
    for (source, layer) in zip(sources, pruned) {
      packed.append(try source.packed(layer, plan.startKnobs))
    }
    let refit = experiment.evaluation.proxies(
      try experiment.replacing(packed), threads: plan.threads)
    let floor = try experiment.floor(of: packed, threads: plan.threads)
    return TrainingStart(
      refitCosine: refit.cosine, floorCosine: floor.cosine,
      refitRankCorrelation: refit.rankCorrelation, floorRankCorrelation: floor.rankCorrelation,
      teacherSeconds: material.teacherSeconds, tokens: material.corpus.tokens,
      sentences: material.corpus.texts.count,
      evaluationSentences: experiment.evaluation.texts.count, layers: sources.count,
      weights: sources.reduce(0) { $0 + $1.layer.rows * $1.layer.columns },
      warnings: material.warnings)
  }

  // MARK: The loop

  /// How much of the run is done before the step that comes next, 0...1.
  var progress: Double {
    if let steps = plan.steps { return min(1, Double(position.step) / Double(steps)) }
    return min(1, position.seconds / ((plan.minutes ?? 1) * 60))
  }

  var isDone: Bool { progress >= 1 }

  /// Runs to the end, or until it is stopped; `send` gets `training` now and then.
  ///
  /// - Throws: `training` when the loss is no number and `cancelled`, both after writing the last good
  ///   checkpoint.
  func run(_ isCancelled: () -> Bool, send: (Answer) -> Void) throws(LaboratoryError) {
    lastCheckpoint = clock.now()
    if position.step == 0, plan.method == .fixed {
      history.append(
        TrainingResult.Point(
          step: 0, seconds: 0, cosine: start.refitCosine,
          rankCorrelation: start.refitRankCorrelation))
    }
    while !isDone {
      steer()
      if isStopped { break }
      if isCancelled() {
        try writeCheckpoint()
        throw .cancelled
      }
      if isPaused {
        rest(send)
        continue
      }
      let step = try takeStep()
      try follow(step, send)
    }
    if history.last?.step != position.step { try evaluate() }
    try writeCheckpoint()
  }

  private func steer() {
    for change in surroundings.steering.take() {
      switch change {
      case .learningRate(let rate): if rate > 0, rate <= 1 { position.learningRate = rate }
      case .sparsity(let sparsity):
        if plan.pattern.sparsityRange.contains(sparsity) { position.sparsity = sparsity }
      case .lambda(let fraction): if (0...1).contains(fraction) { position.lambda = fraction }
      case .pause: isPaused = true
      case .resume: isPaused = false
      case .stop: isStopped = true
      }
    }
  }

  private func rest(_ send: (Answer) -> Void) {
    if clock.now() - lastReport > 500_000_000, let last = lastStep {
      send(.training(report(last)))
      lastReport = clock.now()
    }
    clock.pause(nanoseconds: 20_000_000)
  }

  /// What the latest step was, for reports.
  var lastStep: TrainingStep?

  private func takeStep() throws(LaboratoryError) -> TrainingStep {
    let texts = batches.texts(step: position.step)
    let tokens = texts.map { material.corpus.texts[$0] }
    var batch = TrainingBatch(tokens: tokens, teacher: material.teacher(of: texts))
    let begin = clock.now()
    if let stateTeacher { batch.hidden = stateTeacher.hiddenStates(tokens) }
    do throws(TrainingError) {
      trainer.settings.learningRate = position.learningRate
      trainer.masks.sparsity = position.sparsity
      trainer.masks.lambda = position.lambda
      // By steps, the middle of the step: neither the first nor the last one has a rate of nought.
      let middle = plan.steps.map { (Double(position.step) + 0.5) / Double($0) } ?? progress
      let step = try trainer.step(batch, progress: middle)
      position.step += 1
      position.masksProgress = middle
      position.tokens += step.tokens
      position.seconds += Double(clock.now() - begin) / 1e9
      lastStep = step
      return step
    } catch {
      let sentence = error.description
      try writeCheckpoint()
      throw .training(sentence + (checkpointPath.map { "; the last good state is in \($0)" } ?? ""))
    }
  }

  /// What follows a step: evaluation, checkpoint, report.
  private func follow(_ step: TrainingStep, _ send: (Answer) -> Void) throws(LaboratoryError) {
    var point: TrainingResult.Point?
    if isEvaluationDue {
      point = try evaluate()
      try timeWhenDue()
    }
    let now = clock.now()
    if Double(now - lastCheckpoint) > surroundings.checkpointSeconds * 1e9 {
      try writeCheckpoint()
    }
    let picturesAreDue = point != nil || now - lastPicture > 500_000_000 && plan.method != .fixed
    guard point != nil || now - lastReport > 100_000_000 else { return }
    send(.training(report(step, point, pictures: picturesAreDue)))
    lastReport = clock.now()
  }
}
