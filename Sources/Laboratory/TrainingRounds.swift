internal import Benchmarking
internal import Encoder
public import Experiments
internal import Pruning
internal import Tensors
internal import Training

/// A pruned student in training, its gradients open to view and its steps timed one by one on somebody
/// else's signal: for comparing both with other programs.
public final class TrainingRounds {
  /// The texts of every step, as tokens; all of one length.
  public let tokens: [[Int32]]
  private let trainer: EncoderTrainer
  private let batch: TrainingBatch

  /// - Parameters:
  ///   - knobs: pattern and sparsity; ranked by magnitude.
  ///   - trainsDense: whether everything but the embeddings is trained.
  ///   - texts: seeded texts of `length` tokens each.
  /// - Throws: `LaboratoryError` with the reason for a checkpoint or a setting that cannot be used.
  public init(
    directory: String, selection: LayerSelection, knobs: Knobs, trainsDense: Bool, texts: Int,
    length: Int, threads: Int
  ) throws(LaboratoryError) {
    do {
      let encoder = try BERTEncoder(directory: directory, threads: threads)
      guard texts > 0, (3...encoder.configuration.maxPositions).contains(length) else {
        throw LaboratoryError.request(
          "\(texts) texts of \(length) tokens: at least one, of 3 to "
            + "\(encoder.configuration.maxPositions)")
      }
      var layers: [TrainedLayer] = []
      for layer in encoder.layers {
        let isChosen =
          switch selection {
          case .attention: layer.role.isAttention
          case .feedForward: !layer.role.isAttention
          case .all: true
          }
        guard isChosen else { continue }
        let pruned = try prune(
          try encoder.weights(of: layer), named: layer.name, knobs: knobs, statistics: nil)
        layers.append(
          TrainedLayer(
            name: layer.name, pattern: knobs.pattern, mask: pruned.mask, weights: pruned.weights))
      }
      var generator = SeededGenerator(seed: knobs.seed)
      let vocabulary = UInt64(encoder.configuration.vocabulary)
      let tokens = (0..<texts).map { _ in
        (0..<length).map { _ in Int32(generator.next() % vocabulary) }
      }
      self.tokens = tokens
      batch = TrainingBatch(tokens: tokens, teacher: encoder.encode(tokens: tokens))
      var settings = TrainerSettings()
      settings.threads = threads
      settings.learningRate = 1e-4
      trainer = try EncoderTrainer(
        encoder: encoder, layers: layers, trainsDense: trainsDense, settings: settings)
    } catch let error as LaboratoryError {
      throw error
    } catch let error as PruningError {
      throw .pruning(error)
    } catch {
      throw .unreadable("\(error)")
    }
  }

  /// Writes `student.safetensors` (what is trained, before any step), `teacher.safetensors` (the goal
  /// of each text) and `gradients.safetensors` (of the loss, by the same names; pruned places 0).
  ///
  /// - Returns: the loss.
  public func write(to directory: String) throws(LaboratoryError) -> Double {
    do {
      var student = SafetensorsWriter()
      for (name, tensor) in trainer.changedTensors { student.set(name, tensor) }
      try student.write(to: directory + "/student.safetensors", force: true)
      var teacher = SafetensorsWriter()
      teacher.set("embeddings", batch.teacher)
      try teacher.write(to: directory + "/teacher.safetensors", force: true)
      let (loss, gradients) = try trainer.gradientTensors(batch)
      var writer = SafetensorsWriter()
      for (name, tensor) in gradients { writer.set(name, tensor) }
      try writer.write(to: directory + "/gradients.safetensors", force: true)
      return loss
    } catch let error as TensorFileError {
      throw .file(error)
    } catch {
      throw .request("\(error)")
    }
  }

  /// Nanoseconds of one whole step, after one that is not timed.
  public func round() throws(LaboratoryError) -> Double {
    let clock = MonotonicClock()
    do {
      _ = try trainer.step(batch, progress: 0.5)
      let start = clock.now()
      _ = try trainer.step(batch, progress: 0.5)
      return Double(clock.now() - start)
    } catch { throw .request("\(error)") }
  }
}
