public import Experiments
public import Kernels
public import Pruning
public import Tensors

/// Why a request could not be carried out.
public enum LaboratoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a caller does about it: the command line's exit code follows from this.
  public enum Kind: Hashable, Sendable {
    /// The request itself cannot be met: other values would do.
    case usage
    /// A file that is missing, damaged or not what it should be.
    case unreadable
    /// Something went wrong although the request was sound.
    case failed
    case cancelled
  }

  case noModelOpen
  case noBuiltInModel
  case file(TensorFileError)
  case noSuchTensor(String, model: String, known: [String])
  case notPrunable(String, dtype: String, shape: [Int])
  case pruning(PruningError)
  case kernel(KernelError)
  /// A kernel whose output differs from the reference of the same mask: a fault of this program.
  case wrongResult(kernel: String, tensor: String, token: Int, output: Int, error: Double)
  case activations(String)
  /// A request that cannot be met as it stands, with the reason.
  case request(String)
  /// A file or checkpoint that cannot be used, with the reason.
  case unreadable(String)
  /// A training that cannot go on, with the step and what to change.
  case training(String)
  case nothingToSweep(patterns: [Pattern], tensors: Int)
  case noShard(index: Int, count: Int)
  case cancelled

  public var kind: Kind {
    switch self {
    case .noModelOpen, .nothingToSweep, .noSuchTensor, .notPrunable, .noShard, .request: .usage
    case .pruning(.cancelled), .cancelled: .cancelled
    case .pruning(let error):
      switch error {
      case .sparsityOutOfRange, .lambdaOutOfRange, .lambdaNeedsUnits, .needsActivations, .tooWide,
        .solveCannot, .boundsCrossed, .globalNeedsScores:
        .usage
      case .empty, .weightNotFinite, .activationNotFinite, .activationsEmpty, .activationsDead,
        .activationRange, .activationWidth:
        .unreadable
      default: .failed
      }
    case .file(let error):
      switch error.problem {
      case .exists: .usage
      case .cannotWrite: .failed
      default: .unreadable
      }
    case .noBuiltInModel, .activations, .unreadable: .unreadable
    case .kernel, .wrongResult, .training: .failed
    }
  }

  public var description: String {
    switch self {
    case .noModelOpen: "no model is open: open one first"
    case .noBuiltInModel:
      "the built-in model (data/demo.safetensors) was found neither beside the program nor where it "
        + "is installed: name a model, or install the program with its data"
    case .file(let error): error.description
    case .noSuchTensor(let name, let model, let known):
      "\(model) has no tensor '\(name)'; it has "
        + known.prefix(6).joined(separator: ", ")
        + (known.count > 6 ? " and \(known.count - 6) more" : "")
    case .notPrunable(let name, let dtype, let shape):
      "\(name) is \(dtype) \(shape.map(String.init).joined(separator: "x")): only F32, F16 and BF16 "
        + "tensors with two dimensions can be pruned"
    case .pruning(let error): error.description
    case .kernel(let error): error.description
    case .wrongResult(let kernel, let tensor, let token, let output, let error):
      "\(tensor): kernel \(kernel) is wrong at token \(token), output \(output): it differs from the "
        + "reference by \(NumberText.shortest(error)); no time was taken. This is a fault of the program: "
        + "please report it with the pattern and shape"
    case .activations(let reason), .request(let reason), .unreadable(let reason),
      .training(let reason):
      reason
    case .nothingToSweep(let patterns, let tensors):
      tensors == 0
        ? "there is no tensor to sweep: name tensors that are matrices"
        : "no sparsity that was given can be reached by "
          + patterns.map(\.description).joined(separator: ", ")
    case .noShard(let index, let count):
      "shard \(index)/\(count): shards are 1/N to N/N with N at least 1"
    case .cancelled: "cancelled"
    }
  }
}
