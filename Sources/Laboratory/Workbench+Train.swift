internal import Benchmarking
internal import Experiments
internal import Glibc
internal import Tensors

extension Workbench {
  /// Trains the open model, which must be a whole encoder in a directory.
  ///
  /// - Throws: `request` where a tensor file or the built-in layer is open; what training throws.
  func train(
    _ plan: TrainingPlan, _ steering: TrainingSteering, isCancelled: () -> Bool,
    progress: (Answer) -> Void
  ) throws(LaboratoryError) -> TrainingResult {
    let open = try current()
    guard let directory = open.model.directory, access(directory + "/config.json", R_OK) == 0 else {
      throw .request(
        "training takes a whole encoder: open a model directory as Hugging Face lays it out; make "
          + "model fetches one")
    }
    guard let calibration = configuration.calibrationText,
      let evaluation = configuration.evaluationText
    else {
      throw .unreadable(
        "the sentences that calibrate and judge were not found: install the program with its data")
    }
    let experiment = try ModelExperiment(
      directory: directory, calibration: try Self.lines(calibration),
      evaluation: try Self.lines(evaluation), threads: plan.threads)
    var surroundings = TrainingSurroundings(cacheDirectory: configuration.cacheDirectory)
    surroundings.steering = steering
    // What comes before the first step takes seconds to minutes; a screen needs to hear of it ten times
    // a second, not at each of some hundred pieces.
    let clock = MonotonicClock()
    var told: UInt64?
    return try experiment.train(plan, surroundings, isCancelled: isCancelled) { what in
      let now = clock.now()
      if let told, now - told < 100_000_000 { return }
      told = now
      progress(.preparing(what))
    } send: {
      progress($0)
    }
  }

  private static func lines(_ path: String) throws(LaboratoryError) -> [String] {
    let bytes: [UInt8]
    do { bytes = try OpenText.read(path) } catch { throw .unreadable(error.description) }
    return bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
  }
}
