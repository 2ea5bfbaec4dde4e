internal import Benchmarking
internal import Encoder
internal import Experiments
internal import Tensors
internal import Training

extension TrainingRun {
  /// Whether the step just done is one that is evaluated: which ones follows from the plan, not from the
  /// clock, where steps bound the run.
  ///
  /// About 30 evaluations; fewer in short runs, since one takes as long as some ten steps.
  var isEvaluationDue: Bool {
    if isDone { return true }
    if plan.evaluateEvery > 0 { return position.step % plan.evaluateEvery == 0 }
    if let steps = plan.steps {
      return position.step % max(1, steps / Self.evaluations(expected: steps)) == 0
    }
    let minutes = plan.minutes ?? 1
    let share = 1 / Double(Self.evaluations(expected: Int(minutes * 60 * 20)))
    return progress >= ((history.last?.seconds ?? 0) / (minutes * 60)) + share
  }

  private static func evaluations(expected steps: Int) -> Int { min(30, max(4, steps / 50)) }

  /// Whether masks are what the kept model's will be.
  var hasFinalMasks: Bool {
    plan.method == .fixed || position.masksProgress >= plan.rampShare
  }

  /// Judges the student as it stands on held-out sentences, and keeps it if it is the best.
  @discardableResult
  func evaluate() throws(LaboratoryError) -> TrainingResult.Point {
    let student = try student()
    let proxies = experiment.evaluation.proxies(student, threads: plan.threads)
    let choosing = experiment.choosing.proxies(student, threads: plan.threads).cosine
    let point = TrainingResult.Point(
      step: position.step, seconds: position.seconds, cosine: proxies.cosine,
      rankCorrelation: proxies.rankCorrelation)
    history.append(point)
    // While masks still form, a later one is the better candidate whatever its cosine: it is nearer to
    // the sparsity that was asked for.
    if let best, best.isFinal, choosing <= best.choosing { return point }
    best = Best(
      point: point, choosing: choosing, isFinal: hasFinalMasks, state: trainer.state())
    return point
  }

  func student() throws(LaboratoryError) -> BERTEncoder {
    do { return try trainer.encoder() } catch { throw .training(error.description) }
  }

  /// Texts of the short timings on the way: enough for two panels a product, few enough for many rounds.
  private static let timedTexts = 8

  /// Times the whole model as it stands against the unpruned one, where that can have changed: masks that
  /// form are timed at each evaluation, fixed ones once.
  func timeWhenDue() throws(LaboratoryError) {
    if speedup != nil, plan.method == .fixed || hasFinalMasks && timedFinalMasks { return }
    let texts = Array(experiment.evaluation.texts.prefix(Self.timedTexts))
    let student = try student()
    let (dense, threads) = (experiment.encoder, plan.threads)
    let timing = try experiment.pairs(0.3, { false }) {
      _ = dense.encode(texts, threads: threads)
    } against: {
      _ = student.encode(texts, threads: threads)
    }
    speedup = timing.ratio
    timedFinalMasks = hasFinalMasks
  }

  /// The training as it stands behind a step.
  func report(
    _ step: TrainingStep, _ point: TrainingResult.Point? = nil, pictures: Bool = false
  ) -> TrainingProgress {
    let done = max(progress, 1e-9)
    let perStep = position.seconds / Double(max(1, position.step))
    return TrainingProgress(
      step: position.step,
      steps: plan.steps ?? max(position.step, Int((Double(position.step) / done).rounded())),
      seconds: position.seconds, remainingSeconds: position.seconds * (1 - done) / done,
      tokensSeen: position.tokens, loss: step.loss, learningRate: step.learningRate,
      gradientNorm: step.gradientNorm, targetSparsity: step.targetSparsity, sparsity: step.sparsity,
      lambda: step.lambda, cosine: point?.cosine, rankCorrelation: point?.rankCorrelation,
      tokensPerSecond: Double(position.tokens) / max(position.seconds, 1e-9),
      productShare: step.seconds.productShare, stepMilliseconds: perStep * 1000,
      speedup: point == nil ? nil : speedup, layers: pictures ? self.pictures() : [],
      isPaused: isPaused)
  }

  /// The masks as they stand, with what died since the last pictures.
  private func pictures() -> [TrainingLayerPicture] {
    lastPicture = clock.now()
    return sources.compactMap { source in
      let name = source.layer.name
      guard let mask = trainer.mask(of: name) else { return nil }
      let earlier = pictured.updateValue(mask, forKey: name)
      return TrainingLayerPicture(name, mask, earlier: earlier)
    }
  }
}

extension TrainingLayerPicture {
  /// - Complexity: O(rows · columns / 64).
  init(_ name: String, _ mask: Mask, earlier: Mask?) {
    let grid = Self.grid(rows: mask.rows, columns: mask.columns)
    func shares(_ words: [UInt64]) -> [Double] {
      var counts = [Int](repeating: 0, count: grid.rows * grid.columns)
      var sizes = counts
      let columnTiles = (0..<mask.columns).map { $0 * grid.columns / mask.columns }
      for row in 0..<mask.rows {
        let base = row * grid.rows / mask.rows * grid.columns
        for word in 0..<mask.wordsPerRow {
          var bits = words[row * mask.wordsPerRow + word]
          while bits != 0 {
            counts[base + columnTiles[word * 64 + bits.trailingZeroBitCount]] += 1
            bits &= bits - 1
          }
        }
        for tile in columnTiles { sizes[base + tile] += 1 }
      }
      return zip(counts, sizes).map { $1 == 0 ? 0 : Double($0) / Double($1) }
    }
    var died: [Double] = []
    if let earlier, earlier != mask {
      died = shares(zip(earlier.words, mask.words).map { $0 & ~$1 })
    }
    self.init(
      name: name, rows: grid.rows, columns: grid.columns, kept: shares(mask.words), died: died)
  }
}
