/// What a pruning did to one tensor: exact counts and the instant numbers; nil is unknown, never 0.
public struct PruningSummary: Codable, Hashable, Sendable {
  public var tensor: String
  public var rows: Int
  public var columns: Int
  /// The criterion that was really used.
  public var criterion: Criterion
  /// Kept weights (mask bits that are set).
  public var nonzeros: Int
  public var requestedSparsity: Double?
  /// `Σ|w·m| / Σ|w|` of the original weights.
  public var keptL1: Double
  /// `Σ(w·m)² / Σw²` of the original weights.
  public var keptEnergy: Double
  /// `‖V − W‖ / ‖W‖`, `V` the weights after shrinkage but before refit.
  public var weightError: Double
  /// `Σ m·w²·H_jj / Σ w²·H_jj` over calibration activations.
  public var keptWandaEnergy: Double?
  /// The λ fraction in force, where a regularizer chose the mask.
  public var lambda: Double?
  /// Units (blocks, groups, columns of tiles) and how many are kept.
  public var units: Int
  public var unitsKept: Int
  /// Kept-energy share that a random mask of the same pattern and sparsity is expected to have.
  public var randomKeptEnergy: Double
  /// A remark the user should see ("above 0.6 a one-shot block mask is near the random floor").
  public var remark: String?
  /// Objective, iterations, gap of a solver; gain and swaps of a reordering.
  public var solver: SolverReport?
  public var reordering: ReorderReport?
  /// How long the pruning took, in nanoseconds.
  public var elapsedNs: Double

  public init(
    tensor: String, rows: Int, columns: Int, criterion: Criterion, nonzeros: Int,
    requestedSparsity: Double?, keptL1: Double, keptEnergy: Double, weightError: Double,
    keptWandaEnergy: Double? = nil, lambda: Double? = nil, units: Int, unitsKept: Int,
    randomKeptEnergy: Double, remark: String? = nil, solver: SolverReport? = nil,
    reordering: ReorderReport? = nil, elapsedNs: Double = 0
  ) {
    self.tensor = tensor
    self.rows = rows
    self.columns = columns
    self.criterion = criterion
    self.nonzeros = nonzeros
    self.requestedSparsity = requestedSparsity
    self.keptL1 = keptL1
    self.keptEnergy = keptEnergy
    self.weightError = weightError
    self.keptWandaEnergy = keptWandaEnergy
    self.lambda = lambda
    self.units = units
    self.unitsKept = unitsKept
    self.randomKeptEnergy = randomKeptEnergy
    self.remark = remark
    self.solver = solver
    self.reordering = reordering
    self.elapsedNs = elapsedNs
  }

  public var achievedSparsity: Double {
    rows * columns == 0 ? 0 : 1 - Double(nonzeros) / Double(rows * columns)
  }
}

/// Proxies that take longer than a frame; nil while pending or where activations are missing.
public struct QualityReport: Codable, Hashable, Sendable {
  /// `√(tr(ΔHΔᵀ) / tr(WHWᵀ))` on held-out activations, after refit where refit is on.
  public var outputError: Double?
  /// The same before refit.
  public var outputErrorUnrefitted: Double?
  /// The same for a random mask of this pattern and sparsity: the floor of quality.
  public var outputErrorRandom: Double?
  /// Cosine of dense and pruned outputs on held-out activations, 0...1.
  public var outputCosine: Double?
  /// Why a figure is missing, for a person.
  public var unavailable: String?
  public var elapsedNs: Double

  public init(
    outputError: Double? = nil, outputErrorUnrefitted: Double? = nil,
    outputErrorRandom: Double? = nil, outputCosine: Double? = nil, unavailable: String? = nil,
    elapsedNs: Double = 0
  ) {
    self.outputError = outputError
    self.outputErrorUnrefitted = outputErrorUnrefitted
    self.outputErrorRandom = outputErrorRandom
    self.outputCosine = outputCosine
    self.unavailable = unavailable
    self.elapsedNs = elapsedNs
  }
}

/// How a regularization solver ended.
public struct SolverReport: Codable, Hashable, Sendable {
  public var iterations: Int
  public var objective: Double
  /// Relative duality gap or KKT residual, as `measure` says.
  public var residual: Double
  public var measure: String
  public var converged: Bool

  public init(
    iterations: Int, objective: Double, residual: Double, measure: String, converged: Bool
  ) {
    self.iterations = iterations
    self.objective = objective
    self.residual = residual
    self.measure = measure
    self.converged = converged
  }
}

/// What a reordering gained.
public struct ReorderReport: Codable, Hashable, Sendable {
  /// Kept score share before and after.
  public var keptBefore: Double
  public var keptAfter: Double
  public var swaps: Int
  public var rounds: Int
  public var elapsedNs: Double
  /// Where the permutation folds into neighbouring layers for free, or why it does not.
  public var folding: String

  public init(
    keptBefore: Double, keptAfter: Double, swaps: Int, rounds: Int, elapsedNs: Double,
    folding: String
  ) {
    self.keptBefore = keptBefore
    self.keptAfter = keptAfter
    self.swaps = swaps
    self.rounds = rounds
    self.elapsedNs = elapsedNs
    self.folding = folding
  }
}
