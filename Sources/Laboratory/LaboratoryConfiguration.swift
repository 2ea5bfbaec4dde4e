/// Where the laboratory finds things, and how long it measures.
public struct LaboratoryConfiguration: Hashable, Sendable {
  /// The built-in model and its activations; nil where they were not found.
  public var builtInModel: String?
  public var builtInActivations: String?
  /// Sentences, one a line: those that calibrate and are spliced, and those that only judge. Nil where
  /// they were not found; training needs them.
  public var calibrationText: String?
  public var evaluationText: String?
  /// Where measured ceilings are kept between runs; nil keeps them for this run only.
  public var cacheDirectory: String?
  /// Seconds one measurement may take at most, and the half width of the interval, as a fraction of the
  /// speedup, at which it ends.
  public var measureSeconds = 2.0
  public var measureHalfWidth = 0.003
  /// The same for a cell of a sweep.
  public var cellSeconds = 0.25
  public var cellHalfWidth = 0.0015
  /// How many times its best time here dense may take before a figure is called slowed, and a cell of a
  /// sweep is taken again. An undisturbed machine stays within 1.03 (Zen 5 under KVM, 2026-11).
  public var slowedBeyond = 1.04
  /// Whether samples in which something shared the core are told from others.
  public var watchesCore = true

  public init(
    builtInModel: String? = nil, builtInActivations: String? = nil, cacheDirectory: String? = nil
  ) {
    self.builtInModel = builtInModel
    self.builtInActivations = builtInActivations
    self.cacheDirectory = cacheDirectory
  }

  /// The configuration whose data lie in `directory` (`demo.safetensors` and its activations).
  public init(dataDirectory directory: String, cacheDirectory: String? = nil) {
    self.init(
      builtInModel: directory + "/demo.safetensors",
      builtInActivations: directory + "/demo-activations.safetensors",
      cacheDirectory: cacheDirectory)
    calibrationText = directory + "/calibration.txt"
    evaluationText = directory + "/evaluation.txt"
  }
}
