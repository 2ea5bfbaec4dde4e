internal import Experiments

extension SweepPlan {
  /// Thirteen shapes and six sparsities: a minute on a 384x384 matrix, and the question that
  /// everybody starts with.
  static let usualPatterns = [
    "1x1", "4x1", "8x1", "16x1", "32x1", "64x1", "1x8", "1x32", "8x8", "16x16", "32x32", "2:4",
    "tw64",
  ]
  static let usualSparsities = ["0.5", "0.6", "0.7", "0.8", "0.9", "0.95"]

  /// A plan from the words of a command, around what is looked at.
  ///
  /// Names are those of knobs, also in the plural: `pattern`, `sparsity` or `lambda`, `criterion`,
  /// `regularizer`, `tokens`, `threads`, `dtype`; `tensor` takes names with `*`; `budget` seconds.
  /// Sparsities may be `FROM:TO:STEP`.
  init(terms: [SweepTerm], around cell: SweepCell, model: ModelInfo) throws(CommandError) {
    self.init(tensors: [cell.tensor], base: cell.knobs)
    var amounts: [Amount] = []
    var hasPatterns = false
    for term in terms {
      func each<Value>(_ knob: Knob, _ get: (Knobs) -> Value) throws(CommandError) -> [Value] {
        var values: [Value] = []
        for text in term.values {
          var knobs = Knobs()
          do { try knobs.set(knob, to: text) } catch { throw CommandError(error.description) }
          values.append(get(knobs))
        }
        return values
      }
      switch term.name {
      case "pattern", "patterns":
        patterns = try each(.pattern, \.pattern)
        hasPatterns = true
      case "sparsity", "sparsities":
        amounts += try Self.fractions(term).map(Amount.sparsity)
      case "lambda", "lambdas": amounts += try each(.lambda, \.amount)
      case "criterion", "criteria": criteria = try each(.criterion, \.criterion)
      case "regularizer", "regularizers": regularizers = try each(.regularizer, \.regularizer)
      case "tokens": tokens = try each(.tokens, \.tokens)
      case "threads": threads = try each(.threads, \.threads)
      case "dtype", "dtypes": dtypes = try each(.dtype, \.dtype)
      case "tensor", "tensors":
        // A star stands for weights of linear layers; an embedding has to be named in full.
        tensors = model.prunable.filter { tensor in
          term.values.contains {
            $0 == tensor.name || tensor.isLinearWeight && Glob.matches($0, tensor.name)
          }
        }.map(\.name)
        guard !tensors.isEmpty else {
          throw CommandError(
            "sweep tensor=\(term.values.joined(separator: ",")): no matrix of this name")
        }
      case "budget":
        guard term.values.count == 1, let seconds = Double(term.values[0]), seconds > 0 else {
          throw CommandError("sweep budget: expected seconds, such as budget=60")
        }
        budgetSeconds = seconds
      default:
        throw CommandError(
          "sweep \(term.name): expected pattern, sparsity, lambda, criterion, regularizer, tokens, "
            + "threads, dtype, tensor or budget")
      }
    }
    let sweepsOther = tokens.count > 1 || threads.count > 1
    if !hasPatterns { patterns = Self.usualPatterns.compactMap { Pattern($0) } }
    if amounts.isEmpty, !sweepsOther || cell.knobs.amount.sparsity == nil {
      amounts = Self.usualSparsities.compactMap { Double($0).map(Amount.sparsity) }
    }
    if !amounts.isEmpty { self.amounts = amounts }
    guard !cells.isEmpty else {
      throw CommandError("sweep: no pattern of these reaches any of these sparsities")
    }
  }

  /// The plan in words that give the same plan again, whatever later versions take as usual.
  var terms: [SweepTerm] {
    var terms = [SweepTerm("pattern", patterns.map(\.description))]
    let sparsities = amounts.compactMap(\.sparsity).map(NumberText.shortest)
    let lambdas = amounts.compactMap(\.lambda).map(NumberText.shortest)
    if !sparsities.isEmpty { terms.append(SweepTerm("sparsity", sparsities)) }
    if !lambdas.isEmpty { terms.append(SweepTerm("lambda", lambdas)) }
    if criteria != [base.criterion] {
      terms.append(SweepTerm("criterion", criteria.map { $0?.rawValue ?? "default" }))
    }
    if regularizers != [base.regularizer] {
      terms.append(SweepTerm("regularizer", regularizers.map(\.rawValue)))
    }
    if tokens != [base.tokens] { terms.append(SweepTerm("tokens", tokens.map { String($0) })) }
    if threads != [base.threads] { terms.append(SweepTerm("threads", threads.map { String($0) })) }
    if dtypes != [base.dtype] { terms.append(SweepTerm("dtype", dtypes.map(\.rawValue))) }
    if tensors.count > 1 { terms.append(SweepTerm("tensor", tensors)) }
    if let budgetSeconds { terms.append(SweepTerm("budget", [NumberText.shortest(budgetSeconds)])) }
    return terms
  }

  /// What Tab offers after `name=`.
  static func candidates(_ name: String, _ state: State) -> [String] {
    switch name {
    case "pattern", "patterns": return KnobSteps.patterns
    case "sparsity", "sparsities": return ["0.5:0.95:0.05"] + usualSparsities
    case "lambda", "lambdas": return ["0.01", "0.03", "0.1", "0.3", "0.5"]
    case "tokens": return KnobSteps.tokens.map(String.init)
    case "threads":
      let most = max(1, state.machine.map { $0.cores * $0.threadsPerCore } ?? 1)
      return (1...min(most, 64)).map(String.init)
    case "tensor", "tensors": return ["*"] + (state.model.value?.prunable.map(\.name) ?? [])
    case "budget": return ["30", "60", "300"]
    case "criterion", "criteria": return KnobSteps.candidates(.criterion, state)
    case "regularizer", "regularizers": return Knob.regularizer.choices ?? []
    case "dtype", "dtypes": return Knob.dtype.choices ?? []
    default: return []
    }
  }

  private static func fractions(_ term: SweepTerm) throws(CommandError) -> [Double] {
    var values: [Double] = []
    for text in term.values {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
      if parts.count == 1, let value = parts[0], (0...1).contains(value) {
        values.append(value)
      } else if parts.count == 3, let from = parts[0], let to = parts[1], let step = parts[2],
        step >= 0.001, from <= to, (0...1).contains(from), (0...1).contains(to)
      {
        var index = 0.0
        while from + index * step <= to + 1e-9 {
          values.append(((from + index * step) * 1e6).rounded() / 1e6)
          index += 1
        }
      } else {
        throw CommandError(
          "sweep sparsity \(text): expected numbers from 0 to 1, or FROM:TO:STEP such as 0.5:0.9:0.1"
        )
      }
    }
    return values
  }
}
