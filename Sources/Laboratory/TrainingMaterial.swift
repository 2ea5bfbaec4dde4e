internal import Benchmarking
internal import Encoder
internal import Experiments
internal import Tensors

/// What a training learns from: texts, and what the unpruned model makes of them.
struct TrainingMaterial: Sendable {
  let corpus: TrainingCorpus
  /// `[texts, hidden]`.
  let teacher: Matrix
  /// 0 where the cache held everything.
  let teacherSeconds: Double
  /// For a person: few texts, splices, a damaged cache.
  let warnings: [String]
  /// SHA-256 of the texts' tokens: a resumed run must have the same.
  let identity: String

  /// - Parameter text: a file or directory; nil makes splices of the calibration sentences.
  /// - Throws: `unreadable` with what is wrong with the text; `cancelled`.
  init(
    _ experiment: ModelExperiment, text: String?, seed: UInt64, threads: Int,
    cacheDirectory: String?, _ isCancelled: () -> Bool, _ progress: (String) -> Void
  ) throws(LaboratoryError) {
    let heldOut = experiment.evaluation.texts + experiment.choosing.texts
    let encoder = experiment.encoder
    var warnings: [String] = []
    if let text {
      progress("reading \(text)")
      let prose = try TrainingText(path: text)
      warnings += prose.notes
      corpus = try TrainingCorpus(
        prose.sentences, heldOut: heldOut, encoder: encoder, source: text)
    } else {
      warnings.append(TrainingCorpus.splicesWarning)
      corpus = try TrainingCorpus(
        TrainingCorpus.splices(of: experiment.calibration, seed: seed), heldOut: heldOut,
        encoder: encoder, source: "the calibration sentences")
    }
    let clock = MonotonicClock()
    let start = clock.now()
    let cache = TeacherCache(directory: cacheDirectory.map { $0 + "/teacher" })
    let count = corpus.texts.count
    let found = try cache.embeddings(
      of: corpus, by: encoder, weights: try experiment.contentIdentity(), threads: threads,
      isCancelled: isCancelled
    ) { done in progress("the unpruned model on text \(done) of \(count)") }
    teacher = found.embeddings
    teacherSeconds = found.computedTexts == 0 ? 0 : Double(clock.now() - start) / 1e9
    self.warnings = warnings + corpus.warnings + found.notes
    var sum = SHA256Sum()
    for text in corpus.texts {
      sum.update(text.count)
      text.withUnsafeBytes { sum.update($0) }
    }
    identity = sum.hexadecimal
  }

  /// The teacher's embeddings of some texts, in their order.
  func teacher(of texts: [Int]) -> Matrix {
    let columns = teacher.columns
    return Matrix(
      rows: texts.count, columns: columns,
      values: texts.flatMap { teacher.values[$0 * columns..<($0 + 1) * columns] })
  }
}

extension ModelExperiment {
  /// SHA-256 over all weights' bytes and the way they are run: what the teacher's embeddings follow from.
  func contentIdentity() throws(LaboratoryError) -> String {
    var sum = SHA256Sum()
    sum.update("\(encoder.configuration)\n")
    do throws(TensorFileError) {
      let model = try Model.open(directory)
      for header in model.tensors {
        sum.update(header.name + " " + (try model.sha256(of: header.name)) + "\n")
      }
    } catch { throw .file(error) }
    return sum.hexadecimal
  }
}
