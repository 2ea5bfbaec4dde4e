import Encoder
import Kernels
public import Tensors

extension EncoderTrainer {
  /// One step: forward, loss, backward, clipping, Adam.
  ///
  /// - Parameter progress: how much of the run is done, 0...1, for the learning rate; nil takes it from
  ///   the number of steps.
  /// - Returns: the loss of the weights before the step.
  /// - Throws: `batch` for a batch that does not fit, `notFinite` when loss or gradient is no number; the
  ///   weights are then as they were before.
  public func step(
    _ batch: TrainingBatch, progress: Double? = nil
  ) throws(TrainingError) -> TrainingStep {
    try check(batch)
    try Self.check(settings)
    var seconds = StepSeconds()
    let start = nanoseconds()
    let progress = progress ?? (Double(stepsDone) + 0.5) / Double(settings.steps)
    let rate = settings.rate(progress: progress)
    let losses = gradients(batch)
    let afterBackward = nanoseconds()
    seconds.forward = (forwardEnd - start) / 1e9
    seconds.backward = (afterBackward - forwardEnd) / 1e9
    func fail(_ what: String) -> TrainingError {
      .notFinite(
        what: what, step: stepsDone + 1, texts: batch.tokens.count, tokens: batch.tokens[0].count,
        learningRate: rate)
    }
    guard losses.loss.isFinite else { throw fail("loss") }
    let norm = gradientNorm()
    guard norm.isFinite else { throw fail("gradient") }
    stepsDone += 1
    update(rate: rate, gradientScale: norm > settings.clip ? settings.clip / norm : 1)
    let died = try advanceMasks(progress: progress)
    let end = nanoseconds()
    seconds.optimizer = (end - afterBackward) / 1e9
    seconds.productShare =
      productNanoseconds.reduce(0, +) / ((end - start) * Double(settings.threads))
    return TrainingStep(
      step: stepsDone, loss: losses.loss, cosine: losses.cosine, hiddenError: losses.hidden,
      learningRate: rate, gradientNorm: norm, tokens: batch.tokenCount,
      sparsity: sparsity,
      targetSparsity: masks.method == .fixed ? nil : masks.target(progress: progress),
      lambda: lambda, died: died, seconds: seconds)
  }

  /// Forward and backward pass without an update: the gradients stay until the next call.
  @discardableResult
  func gradients(_ batch: TrainingBatch) -> (loss: Double, cosine: Double, hidden: Double?) {
    let usesHidden = settings.hiddenLoss > 0 && batch.hidden != nil
    productNanoseconds = Array(repeating: 0, count: settings.threads)
    buffers.prepare(
      texts: batch.tokens.count, length: batch.tokens[0].count, threads: settings.threads,
      needsTeacher: usesHidden)
    forward(batch.tokens)
    let (loss, cosine) = pooledLoss(teacher: batch.teacher)
    hiddenFactors = []
    if usesHidden, let states = batch.hidden { prepareHidden(states) }
    forwardEnd = nanoseconds()
    backward()
    let hidden = finishHidden()
    return (loss + settings.hiddenLoss * (hidden ?? 0), cosine, hidden)
  }

  func check(_ batch: TrainingBatch) throws(TrainingError) {
    func refuse(_ reason: String) -> TrainingError { .batch(step: stepsDone + 1, reason: reason) }
    guard let length = batch.tokens.first?.count else { throw refuse("it has no texts") }
    guard (1...configuration.maxPositions).contains(length) else {
      throw refuse("a text of \(length) tokens; the model takes 1 to \(configuration.maxPositions)")
    }
    guard batch.tokens.allSatisfy({ $0.count == length }) else {
      throw refuse("its texts are not of one length: the first has \(length) tokens")
    }
    let vocabulary = 0..<Int32(configuration.vocabulary)
    guard batch.tokens.allSatisfy({ $0.allSatisfy(vocabulary.contains) }) else {
      throw refuse("a token lies outside the vocabulary of \(configuration.vocabulary)")
    }
    guard batch.teacher.rows == batch.tokens.count,
      batch.teacher.columns == configuration.hidden
    else {
      throw refuse(
        "\(batch.teacher.rows)x\(batch.teacher.columns) teacher embeddings for "
          + "\(batch.tokens.count) texts of \(configuration.hidden) features")
    }
    if settings.hiddenLoss > 0 {
      let shapes = batch.hidden?.map { [$0.rows, $0.columns] } ?? []
      let wanted = [batch.tokenCount, configuration.hidden]
      guard shapes == Array(repeating: wanted, count: configuration.layers) else {
        throw refuse(
          "a hidden loss needs the teacher's states: \(configuration.layers) times "
            + "\(wanted[0])x\(wanted[1])")
      }
    }
  }

  /// The outputs of all layers for texts of one length, `[tokens of all texts, hidden]` each.
  ///
  /// With the unpruned weights these are what `TrainingBatch.hidden` takes: a trainer made with every
  /// weight kept is such a teacher.
  /// - Precondition: at least one text; all of one length that the model takes.
  public func hiddenStates(_ tokens: [[Int32]]) -> [Matrix] {
    productNanoseconds = Array(repeating: 0, count: settings.threads)
    buffers.prepare(
      texts: tokens.count, length: tokens[0].count, threads: settings.threads, needsTeacher: false)
    forward(tokens)
    let count = buffers.tokens
    return (0..<configuration.layers).map { layer in
      Activations(
        features: configuration.hidden, tokens: max(16, count), borrowing: outputs(of: layer)
      ).matrix().prefix(rows: count)
    }
  }

  func load(_ matrix: Matrix, into target: UnsafeMutablePointer<Float>) {
    Activations(features: matrix.columns, tokens: matrix.rows, borrowing: target).load(matrix)
  }
}

extension Matrix {
  fileprivate func prefix(rows count: Int) -> Matrix {
    Matrix(rows: count, columns: columns, values: Array(values.prefix(count * columns)))
  }
}
