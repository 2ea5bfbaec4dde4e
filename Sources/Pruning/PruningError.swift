public import Experiments

/// Why a tensor could not be pruned; every description says what was found and what to do.
public enum PruningError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A tensor with no rows or no columns.
  case empty(tensor: String, rows: Int, columns: Int)
  /// NaN or infinite weights; the position is the first one's.
  case weightNotFinite(tensor: String, row: Int, column: Int, count: Int)
  /// NaN or infinite activations; the position is the first one's.
  case activationNotFinite(source: String, row: Int, column: Int)
  /// Calibration without a single row, or with zeros only.
  case activationsEmpty(source: String)
  case activationsDead(source: String)
  /// Activations so large or so small that their squares leave the range of F32.
  case activationRange(source: String, largest: Float)
  /// Activations as wide as another layer's input.
  case activationWidth(tensor: String, expected: Int, found: Int)
  /// A criterion, solver or refit that cannot work on weights alone.
  case needsActivations(tensor: String, what: String)
  case sparsityOutOfRange(pattern: Pattern, requested: Double)
  case lambdaOutOfRange(Double)
  /// λ asked of a pattern without units of its own (N:M, overlays).
  case lambdaNeedsUnits(pattern: Pattern)
  /// A global threshold on something that ranks no units.
  case globalNeedsScores
  /// Bounds on each layer's sparsity that no layer can meet.
  case boundsCrossed(floor: Double, ceiling: Double)
  /// A greedy solver asked for something that it cannot decide, with what to do instead.
  case solveCannot(Solve, reason: String)
  /// A method that needs the full second moment of a very wide input.
  case tooWide(tensor: String, inputs: Int, limit: Int, what: String)
  /// A mask, order or layer of another shape than the weights.
  case shape(tensor: String, expected: String, found: String)
  case cancelled(tensor: String)

  public var description: String {
    switch self {
    case .empty(let tensor, let rows, let columns):
      "\(tensor): the tensor is \(rows)x\(columns); pruning needs at least one weight"
    case .weightNotFinite(let tensor, let row, let column, let count):
      "\(tensor): \(count) weight\(count == 1 ? " is" : "s are") NaN or infinite, the first at row "
        + "\(row), column \(column); such weights cannot be ranked, so repair the file first"
    case .activationNotFinite(let source, let row, let column):
      "\(source): the activation at row \(row), column \(column) is NaN or infinite; "
        + "capture the activations again"
    case .activationsEmpty(let source):
      "\(source): there are no calibration activations; give at least one row"
    case .activationsDead(let source):
      "\(source): every calibration activation is zero, so nothing can be learned from them; "
        + "use other activations, or criterion magnitude without any"
    case .activationRange(let source, let largest):
      "\(source): the largest activation is \(largest), and products of "
        + "such numbers leave the range of F32; scale the activations to between 1e-12 and 1e12"
    case .activationWidth(let tensor, let expected, let found):
      "\(tensor): the layer takes \(expected) inputs but the activations have \(found) columns; "
        + "they belong to another layer"
    case .needsActivations(let tensor, let what):
      "\(tensor): \(what) needs calibration activations and there are none; give a calibration "
        + "file, or use criterion magnitude and solve prox"
    case .sparsityOutOfRange(let pattern, let requested):
      "sparsity \(NumberText.shortest(requested)): \(pattern) reaches "
        + (pattern.fixedSparsity.map { "exactly \(NumberText.shortest($0))" }
          ?? "\(NumberText.shortest(pattern.sparsityRange.lowerBound)) to "
          + NumberText.shortest(pattern.sparsityRange.upperBound))
    case .lambdaOutOfRange(let value):
      "lambda \(NumberText.shortest(value)): it is a fraction of the strength that empties the "
        + "layer, so give a number from 0 to 1"
    case .lambdaNeedsUnits(let pattern):
      "lambda on \(pattern): a regularizer removes whole units, which \(pattern) does not have; "
        + "use 1x1, RxC, row, column or twG, or set the sparsity"
    case .globalNeedsScores:
      "scope global ranks the units of all layers by score, but solve reconstruct decides each layer "
        + "by a λ of its own: use scope layer, or solve prox"
    case .boundsCrossed(let floor, let ceiling):
      "floor \(NumberText.shortest(floor)) lies above ceiling \(NumberText.shortest(ceiling)): no "
        + "layer can be pruned between them"
    case .solveCannot(let solve, let reason): "solve \(solve.rawValue): \(reason)"
    case .tooWide(let tensor, let inputs, let limit, let what):
      "\(tensor): \(what) needs the full second moment of \(inputs) inputs; the limit is \(limit). "
        + "Use criterion magnitude or wanda, solve prox and refit off"
    case .shape(let tensor, let expected, let found):
      "\(tensor): expected \(expected), found \(found)"
    case .cancelled(let tensor): "\(tensor): cancelled"
    }
  }
}

extension PruningError {
  /// The same about activations that a person knows by another name.
  public func about(activations name: String) -> PruningError {
    switch self {
    case .activationNotFinite(_, let row, let column):
      .activationNotFinite(source: name, row: row, column: column)
    case .activationsEmpty: .activationsEmpty(source: name)
    case .activationsDead: .activationsDead(source: name)
    case .activationRange(_, let largest): .activationRange(source: name, largest: largest)
    default: self
    }
  }
}
