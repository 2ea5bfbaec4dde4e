/// Names one run of a request, so that the late answer of a cancelled run can be told from a current one.
public typealias RunID = Int

/// What the face asks of the laboratory. Values only: a request can be logged, compared and replayed.
public enum Request: Codable, Hashable, Sendable {
  /// Opens a model; nil is the built-in one. Answers `opened` or `failed`.
  case open(path: String?)
  /// Reads calibration activations from a file for the open model. Answers `opened` again.
  case calibrate(path: String)
  /// Prunes one tensor. Answers `pruned` (instant numbers), then `quality` when it is ready; solvers
  /// answer `iterating` on the way.
  case prune(tensor: String, knobs: Knobs)
  /// A picture of the mask that `knobs` give; `reordered` shows it in the permuted layout.
  case picture(
    tensor: String, knobs: Knobs, viewport: Viewport, pixelRows: Int, pixelColumns: Int,
    reordered: Bool)
  /// What lies at one weight.
  case weight(tensor: String, knobs: Knobs, row: Int, column: Int)
  /// Times the mask. Answers `measuring` while the interval narrows, then `measured`.
  case measure(tensor: String, knobs: Knobs)
  /// Measures every cell of a plan. Answers `sweeping` after each cell, then `swept`.
  case sweep(SweepPlan)
  /// One layer at a time over a grid of sparsities. Answers `sensitivity` per tensor, then `finished`.
  case sensitivity(tensors: [String], knobs: Knobs, sparsities: [Double])
  /// The regularization path of one tensor. Answers `path` as it grows.
  case path(tensor: String, knobs: Knobs)
  /// From which sparsity or token count the pattern wins. Answers `crossover`.
  case crossover(tensor: String, knobs: Knobs, over: CrossoverAxis)
  /// Runs the open encoder as a whole. With `models` nil: with these choices for its layers, answers
  /// `encoded` once. Else the front: so many whole models from the unpruned to the fastest, with
  /// `knobs`' pattern at several sparsities for each layer, answers `encoded` for each, then `finished`.
  case wholeModel(choices: [LayerChoice], knobs: Knobs, models: Int?)
  /// The machine's description and ceilings. Answers `machine`.
  case describeMachine
  /// Trains the open encoder under its masks. Answers `preparing` now and then, `trainingStarted`,
  /// `training` as it goes, and `trained`.
  case train(TrainingPlan)
  /// Changes the training that runs under the same run number; answers nothing itself.
  case steerTraining(TrainingSteer)
}

/// What the laboratory answers.
public enum Answer: Codable, Hashable, Sendable {
  case opened(ModelInfo)
  case pruned(PruningSummary)
  case iterating(PruningSummary)
  /// The mask as a solver or a regularization path has it by now, on the way to its answer.
  case forming(FormingMask)
  case quality(QualityReport)
  case picture(MaskPicture)
  case weight(WeightReport)
  case measuring(Measurement)
  case measured(Measurement)
  case sweeping(SweepProgress)
  case swept(SweepProgress)
  case sensitivity(SensitivityCurve)
  case path(RegularizationPath)
  case crossover(Crossover)
  case encoded(ModelReport)
  case machine(MachineInfo)
  /// What is being done before the first step, in a clause: `calibrating on text 129 of 2010`.
  case preparing(String)
  case trainingStarted(TrainingStart)
  case training(TrainingProgress)
  case trained(TrainingResult)
  case finished
  /// What went wrong and what to do, for a person.
  case failed(String)
}

public enum CrossoverAxis: String, Codable, Hashable, Sendable, CaseIterable {
  case sparsity, tokens
}

/// A product of knob values to measure: every combination that makes sense is one cell.
public struct SweepPlan: Codable, Hashable, Sendable {
  public var tensors: [String]
  public var patterns: [Pattern]
  /// Sparsities, or λ fractions where `amounts` are those.
  public var amounts: [Amount]
  public var criteria: [Criterion?]
  public var regularizers: [Regularizer]
  public var tokens: [Int]
  public var threads: [Int]
  public var dtypes: [WeightType]
  /// What is not swept.
  public var base: Knobs
  /// Keep the raw samples of every cell.
  public var keepSamples: Bool
  /// Seconds the whole sweep may take, nil for until every interval is narrow enough.
  public var budgetSeconds: Double?
  /// Indices of cells that are known already and not measured again; nil for none.
  public var finishedCells: [Int]?

  public init(tensors: [String], base: Knobs) {
    self.tensors = tensors
    patterns = [base.pattern]
    amounts = [base.amount]
    criteria = [base.criterion]
    regularizers = [base.regularizer]
    tokens = [base.tokens]
    threads = [base.threads]
    dtypes = [base.dtype]
    self.base = base
    keepSamples = false
    budgetSeconds = nil
    finishedCells = nil
  }
}

/// One cell of a plan: a tensor and its knobs.
public struct SweepCell: Codable, Hashable, Sendable {
  public var tensor: String
  public var knobs: Knobs

  public init(tensor: String, knobs: Knobs) {
    self.tensor = tensor
    self.knobs = knobs
  }
}

extension SweepPlan {
  /// The cells in plan order. N:M patterns have one sparsity, so they appear once whatever the list
  /// of sparsities is; sparsities that a pattern cannot reach are left out.
  public var cells: [SweepCell] {
    var cells: [SweepCell] = []
    for tensor in tensors {
      for pattern in patterns {
        let fixed = pattern.fixedSparsity
        let range = pattern.sparsityRange
        var amounts = self.amounts.filter { amount in
          amount.sparsity.map { fixed == nil && range.contains($0) } ?? true
        }
        if let fixed, self.amounts.contains(where: { $0.sparsity != nil }) {
          amounts.append(.sparsity(fixed))
        }
        for amount in amounts {
          for criterion in criteria {
            for regularizer in regularizers {
              for tokens in tokens {
                for threads in threads {
                  for dtype in dtypes {
                    var knobs = base
                    knobs.pattern = pattern
                    knobs.amount = amount
                    knobs.criterion = criterion
                    knobs.regularizer = regularizer
                    knobs.tokens = tokens
                    knobs.threads = threads
                    knobs.dtype = dtype
                    cells.append(SweepCell(tensor: tensor, knobs: knobs))
                  }
                }
              }
            }
          }
        }
      }
    }
    return cells
  }
}

/// The cell that a sweep just finished, and how far it is.
public struct SweepProgress: Codable, Hashable, Sendable {
  /// Index into the plan's `cells`; nil in the closing `swept`.
  public var cell: Int?
  public var row: ResultRow?
  public var finished: Int
  public var total: Int
  public var elapsedSeconds: Double
  public var remainingSeconds: Double?
  /// In the closing `swept`: the share of the elapsed time that went into samples, packing and checks.
  public var measuredShare: Double?

  public init(
    cell: Int?, row: ResultRow?, finished: Int, total: Int, elapsedSeconds: Double,
    remainingSeconds: Double?, measuredShare: Double? = nil
  ) {
    self.cell = cell
    self.row = row
    self.finished = finished
    self.total = total
    self.elapsedSeconds = elapsedSeconds
    self.remainingSeconds = remainingSeconds
    self.measuredShare = measuredShare
  }
}

/// Quality of one layer against its sparsity, the other layers untouched.
public struct SensitivityCurve: Codable, Hashable, Sendable {
  public var tensor: String
  public var sparsities: [Double]
  /// Held-out output error where activations exist, else relative weight error; `proxy` says which.
  public var errors: [Double]
  public var proxy: String

  public init(tensor: String, sparsities: [Double], errors: [Double], proxy: String) {
    self.tensor = tensor
    self.sparsities = sparsities
    self.errors = errors
    self.proxy = proxy
  }
}

/// Where a pattern starts to win, measured.
public struct Crossover: Codable, Hashable, Sendable {
  public var axis: CrossoverAxis
  /// nil: it wins everywhere, or nowhere, as `sentence` says.
  public var at: Interval?
  /// The measured points: position on the axis and speedup.
  public var points: [Point]
  public var sentence: String
  public var isFinal: Bool

  public struct Point: Codable, Hashable, Sendable {
    public var position: Double
    public var speedup: Interval
    public init(position: Double, speedup: Interval) {
      self.position = position
      self.speedup = speedup
    }
  }

  public init(
    axis: CrossoverAxis, at: Interval?, points: [Point], sentence: String, isFinal: Bool
  ) {
    self.axis = axis
    self.at = at
    self.points = points
    self.sentence = sentence
    self.isFinal = isFinal
  }
}
