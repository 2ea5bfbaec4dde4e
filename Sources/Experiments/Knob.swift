/// One knob: its name is the command, the command-line flag, and the key in a session.
public enum Knob: String, Codable, Hashable, Sendable, CaseIterable {
  case pattern, sparsity, lambda, criterion, regularizer, solve, refit, scope, floor, ceiling
  case rowsShare = "rows-share"
  case reorderAxes = "reorder-axes"
  case polish, tokens, threads, dtype, layout, cache, seed

  /// What it does, in one clause.
  public var help: String {
    switch self {
    case .pattern:
      "what is pruned together: 1x1, RxC, N:M, row, column, twG, tewG+D%, tvwG"
    case .sparsity: "share of zeros, 0 to 1"
    case .lambda: "regularization strength as a fraction of the one that empties the layer, 0 to 1"
    case .criterion: "how weights are scored"
    case .regularizer: "penalty that lambda scales"
    case .solve: "one step (prox), reconstruct under a penalty, or greedy: column sweep, block obc"
    case .refit: "re-solve the kept weights for least output error"
    case .scope: "threshold per layer or over all chosen layers"
    case .floor: "lowest sparsity of a layer under a global threshold"
    case .ceiling: "highest sparsity of a layer under a global threshold"
    case .rowsShare: "tile-wise: share of the sparsity that whole rows carry (alpha)"
    case .reorderAxes: "axes that /tetris may reorder"
    case .polish: "exact assignment after the greedy reordering"
    case .tokens: "tokens (M) of the timed product"
    case .threads: "threads of the timed product"
    case .dtype: "how weights are stored in the timed kernels"
    case .layout: "layout of the activations"
    case .cache: "weights warm in cache, or rotated through memory"
    case .seed: "seed of random scores, orders and synthetic data"
    }
  }

  /// The fixed choices, or nil where the value is free (a number or a pattern).
  public var choices: [String]? {
    switch self {
    case .criterion: Criterion.allCases.map(\.rawValue)
    case .regularizer: Regularizer.allCases.map(\.rawValue)
    case .solve: Solve.allCases.map(\.rawValue)
    case .refit, .polish: ["on", "off"]
    case .scope: Scope.allCases.map(\.rawValue)
    case .reorderAxes: ReorderAxes.allCases.map(\.rawValue)
    case .dtype: WeightType.allCases.map(\.rawValue)
    case .layout: ActivationLayout.allCases.map(\.rawValue)
    case .cache: CacheState.allCases.map(\.rawValue)
    default: nil
    }
  }

  /// Whether it changes the mask or the weights (the others only change the timing).
  public var changesPruning: Bool {
    switch self {
    case .tokens, .threads, .dtype, .layout, .cache: false
    default: true
    }
  }
}

/// Why a knob does not take a value; the message says what it takes.
public struct KnobError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

extension Knobs {
  /// The current value as text that `set` reads back; nil for an amount that does not own the mask
  /// and for a criterion left to its default.
  public func text(of knob: Knob) -> String? {
    switch knob {
    case .pattern: pattern.description
    case .sparsity: requestedSparsity.map(NumberText.shortest)
    case .lambda: amount.lambda.map(NumberText.shortest)
    case .criterion: criterion?.rawValue
    case .regularizer: regularizer.rawValue
    case .solve: solve.rawValue
    case .refit: refit ? "on" : "off"
    case .scope: scope.rawValue
    case .floor: NumberText.shortest(floor)
    case .ceiling: NumberText.shortest(ceiling)
    case .rowsShare: NumberText.shortest(rowsShare)
    case .reorderAxes: reorderAxes.rawValue
    case .polish: polish ? "on" : "off"
    case .tokens: String(tokens)
    case .threads: String(threads)
    case .dtype: dtype.rawValue
    case .layout: layout.rawValue
    case .cache: cache.rawValue
    case .seed: String(seed)
    }
  }

  /// Sets one knob from text.
  ///
  /// Setting the sparsity or λ hands the mask to it. A pattern whose range excludes the present
  /// sparsity moves the sparsity to the nearest end of that range; asking for a sparsity outside the
  /// pattern's range is an error.
  public mutating func set(_ knob: Knob, to text: String) throws(KnobError) {
    switch knob {
    case .pattern:
      let parsed: Pattern
      do { parsed = try Pattern(parsing: text) } catch { throw KnobError(error.description) }
      pattern = parsed
      if case .sparsity(let value) = amount, parsed.fixedSparsity == nil {
        let range = parsed.sparsityRange
        amount = .sparsity(min(max(value, range.lowerBound), range.upperBound))
      }
    case .sparsity:
      let value = try fraction(text, of: knob)
      if let fixed = pattern.fixedSparsity {
        guard abs(value - fixed) < 1e-9 else {
          throw KnobError(
            "sparsity \(text): \(pattern) always prunes \(NumberText.shortest(fixed)); "
              + "leave the sparsity out or choose another pattern")
        }
      } else if !pattern.sparsityRange.contains(value) {
        let range = pattern.sparsityRange
        throw KnobError(
          "sparsity \(text): \(pattern) reaches \(NumberText.shortest(range.lowerBound)) to "
            + NumberText.shortest(range.upperBound))
      }
      amount = .sparsity(value)
    case .lambda: amount = .lambda(try fraction(text, of: knob))
    case .criterion:
      criterion = text == "default" ? nil : try choice(text, of: knob) as Criterion
    case .regularizer: regularizer = try choice(text, of: knob)
    case .solve: solve = try choice(text, of: knob)
    case .refit: refit = try flag(text, of: knob)
    case .scope: scope = try choice(text, of: knob)
    case .floor: floor = try fraction(text, of: knob)
    case .ceiling: ceiling = try fraction(text, of: knob)
    case .rowsShare: rowsShare = try fraction(text, of: knob)
    case .reorderAxes: reorderAxes = try choice(text, of: knob)
    case .polish: polish = try flag(text, of: knob)
    case .tokens: tokens = try integer(text, of: knob, in: 1...65536)
    case .threads: threads = try integer(text, of: knob, in: 1...256)
    case .dtype: dtype = try choice(text, of: knob)
    case .layout: layout = try choice(text, of: knob)
    case .cache: cache = try choice(text, of: knob)
    case .seed:
      guard let value = UInt64(text) else {
        throw KnobError("seed \(text): expected a whole number from 0 up")
      }
      seed = value
    }
  }

  private func fraction(_ text: String, of knob: Knob) throws(KnobError) -> Double {
    guard let value = Double(text), value.isFinite, (0...1).contains(value) else {
      throw KnobError("\(knob.rawValue) \(text): expected a number from 0 to 1, such as 0.8")
    }
    return value
  }

  private func integer(
    _ text: String, of knob: Knob, in range: ClosedRange<Int>
  ) throws(KnobError) -> Int {
    guard let value = Int(text), range.contains(value) else {
      throw KnobError(
        "\(knob.rawValue) \(text): expected a whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
    }
    return value
  }

  private func flag(_ text: String, of knob: Knob) throws(KnobError) -> Bool {
    switch text {
    case "on", "true", "yes": return true
    case "off", "false", "no": return false
    default: throw KnobError("\(knob.rawValue) \(text): expected on or off")
    }
  }

  private func choice<Value: RawRepresentable & CaseIterable>(
    _ text: String, of knob: Knob
  ) throws(KnobError) -> Value where Value.RawValue == String {
    guard let value = Value(rawValue: text) else {
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw KnobError("\(knob.rawValue) \(text): expected one of \(known)")
    }
    return value
  }
}
