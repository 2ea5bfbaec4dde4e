import ArgumentParser
import Experiments
import Glibc
import Laboratory

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train what pruning left of a whole encoder: win back what one shot loses.",
    discussion: """
      The unpruned model is the teacher: no labels are needed, any prose will do. Held-out sentences are \
      never trained on, and the figures are theirs. The kept model is the best evaluated one.

        make model                     # fetches all-MiniLM-L6-v2 into the cache
        apt-get install fortunes fortunes-min
        sparsity-tui train --text /usr/share/games/fortunes --pattern 8x1 --sparsity 0.8 -o out
        sparsity-tui train --pattern 16x16 --method gradual --steps 900 --seed 2 --csv run.csv
        sparsity-tui train --pattern 32x1 --method prox --layers ffn --minutes 5 -o out.safetensors
        sparsity-tui train --pattern 8x1 --sparsity 0.9 --dense --minutes 15 -o out --resume

      A run with -o writes checkpoints beside OUT; --resume goes on from the last one, with --steps and \
      one thread to the same result as unbroken. Ctrl-C ends with the best so far (status 130).
      """)

  @Argument(help: "A Hugging Face directory; the model that make model fetched when left out.")
  var model: String?
  @Option(help: "A text file, or a directory of them; splices of our own sentences when left out.")
  var text: String?
  @Option(help: "attention, ffn or all: which linear layers are pruned.")
  var layers = "attention"
  @Option(help: "fixed, gradual or prox: how the mask comes about.")
  var method = "fixed"
  @Option(help: "1x1, RxC, N:M, row, column, twG, tewG+D%, tvwG; then /tetris or /permute.")
  var pattern = "8x1"
  @Option(help: "Share of zeros to end at, 0 to 1; 0.8 when left out.")
  var sparsity: Double?
  @Option(
    help: "Strength of the regularizer (prox), as a fraction of the one that empties the layer.")
  var lambda: Double?
  @Option(
    help: "l1, group-lasso, sparse-group-lasso, reweighted-l1, reweighted-group-lasso (prox).")
  var regularizer: String?
  @Option(help: "wanda, magnitude, l1, obs, random: what ranks weights.")
  var criterion = "wanda"
  @Option(help: "Minutes of training; 1 when neither this nor --steps is given.")
  var minutes: Double?
  @Option(help: "Optimiser steps, in place of --minutes.")
  var steps: Int?
  @Option(help: "Highest learning rate; by sparsity when left out (4e-3, 2e-3, 1e-3 with --dense).")
  var rate: Double?
  @Option(help: "Tokens a step.")
  var tokensPerStep = 256
  @Option(help: "Share of the run over which the learning rate rises.")
  var warmUp = 0.04
  @Option(help: "Share of the run after which the mask is final (gradual, prox).")
  var ramp = 0.6
  @Option(help: "Largest norm of the gradient.")
  var clip = 1.0
  @Option(help: "Weight of the hidden states' error beside 1 - cosine.")
  var hiddenLoss: Double?
  @Flag(help: "Train feed-forward, LayerNorm and biases of layers that are not pruned too.")
  var dense = false
  @Option(help: "Largest share of a layer's units that may die in one step (prox).")
  var cap: Double?
  @Option(help: "Threads.")
  var threads = 1
  @Option(help: "Seed of the texts' order.")
  var seed: UInt64 = 1
  @Option(help: "Steps between held-out evaluations; 0 for 4 to 30 over the run.")
  var evaluateEvery = 0
  @Option(name: [.short, .customLong("output")], help: "A directory, or a .safetensors file.")
  var output: String?
  @Option(help: "Write the kept model as a row of results, - for standard output.")
  var csv: String?
  @Option(help: "The longest the whole model's timing at the end may take.")
  var seconds = 3.0
  @Option(help: "Least seconds from one checkpoint to the next.")
  var checkpointSeconds = 20.0
  @Flag(help: "Go on from the checkpoint beside OUT.")
  var resume = false
  @Flag(help: "Replace OUT and the results file if they exist.")
  var force = false
  @Flag(help: "Everything as one JSON object on standard output.")
  var json = false

  func run() throws {
    let plan = try plan()
    if resume, output == nil {
      throw Failure(.usage, "--resume: name the output to go on with, -o")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw Failure(.usage, "--seconds \(seconds): expected more than 0 and at most 3600")
    }
    do { try plan.check() } catch { throw Failure(error) }
    if let output, !resume, !force { try OutputFile.refuseExisting(output) }
    Interrupt.watch()
    let source = try EncodeSource(model: model, text: nil)
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    var surroundings = TrainingSurroundings(
      cacheDirectory: Workbench.configuration().cacheDirectory)
    surroundings.resumes = resume
    surroundings.replaces = force
    surroundings.timingSeconds = seconds
    surroundings.checkpointSeconds = checkpointSeconds
    do {
      let experiment = try ModelExperiment(
        directory: source.directory, calibration: source.calibration,
        evaluation: source.evaluation, threads: plan.threads)
      let file = try csv.map {
        try ResultsFile(
          creating: $0, meta: experiment.meta(path: source.directory, seconds: seconds),
          replacing: force)
      }
      let result = try train(experiment, plan, surroundings)
      if let row = result.row { try file?.append(row) }
      if csv != "-" {
        try OutputFile.standardOutput(
          json ? try JSONText.encode(result) + "\n" : TrainingText.text(result))
      }
      if result.cancelled {
        throw Failure(
          .interrupted,
          "interrupted at step \(result.steps); the best so far was kept"
            + (output == nil ? "" : ", and --resume goes on"))
      }
    } catch let error as LaboratoryError {
      throw Failure(error)
    } catch let error as ResultsFileError {
      throw Failure(error.isUsage ? .usage : .failed, error.description)
    }
  }

  private func train(
    _ experiment: ModelExperiment, _ plan: TrainingPlan, _ surroundings: TrainingSurroundings
  ) throws(LaboratoryError) -> TrainingResult {
    var line = ProgressLine()
    defer { line.finish() }
    var started: TrainingStart?
    var latest: (cosine: Double, rank: Double?)?
    return try experiment.train(plan, surroundings) {
      // Before the first step there is nothing to keep; later the best so far is.
      if Interrupt.isRaised, started != nil { surroundings.steering.steer(.stop) }
      return Interrupt.isRaised && started == nil
    } progress: {
      line.show($0)
    } send: { answer in
      switch answer {
      case .trainingStarted(let start):
        started = start
        line.finish()
        for warning in start.warnings { standardError("\(warning)\n") }
      case .training(let progress):
        if let cosine = progress.cosine { latest = (cosine, progress.rankCorrelation) }
        line.show(
          TrainingText.line(progress, cosine: latest?.cosine, start: started?.refitCosine))
      default: break
      }
    }
  }

  /// - Throws: `Failure` with status 2 that names the flag.
  private func plan() throws -> TrainingPlan {
    func choice<Value: RawRepresentable & CaseIterable>(
      _ flag: String, _ text: String
    ) throws -> Value where Value.RawValue == String {
      if let value = Value(rawValue: text) { return value }
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "--\(flag) \(text): expected one of \(known)")
    }
    var plan = TrainingPlan()
    plan.layers = try choice("layers", layers)
    plan.method = try choice("method", method)
    plan.criterion = try choice("criterion", criterion)
    plan.regularizer = try regularizer.map { try choice("regularizer", $0) } ?? .none
    do { plan.pattern = try Pattern(parsing: pattern) } catch {
      throw Failure(.usage, error.description)
    }
    guard sparsity == nil || lambda == nil else {
      throw Failure(.usage, "--sparsity and --lambda exclude each other: one of them owns the mask")
    }
    if let fixed = plan.pattern.fixedSparsity, let sparsity, sparsity != fixed {
      throw Failure(
        .usage, "--sparsity \(sparsity): \(plan.pattern) fixes it to \(NumberText.shortest(fixed))")
    }
    guard minutes == nil || steps == nil else {
      throw Failure(.usage, "--minutes and --steps exclude each other: one of them bounds the run")
    }
    plan.sparsity = lambda == nil ? sparsity ?? 0.8 : nil
    plan.lambda = lambda
    plan.steps = steps
    plan.minutes = steps == nil ? minutes ?? 1 : nil
    plan.learningRate = rate
    plan.tokensPerStep = tokensPerStep
    plan.warmUp = warmUp
    plan.rampShare = ramp
    plan.clip = clip
    if let hiddenLoss { plan.hiddenLoss = hiddenLoss }
    plan.trainsDense = dense
    if let cap { plan.capOfDying = cap }
    plan.threads = threads
    plan.seed = seed
    plan.evaluateEvery = evaluateEvery
    plan.text = text
    plan.output = output
    return plan
  }
}
