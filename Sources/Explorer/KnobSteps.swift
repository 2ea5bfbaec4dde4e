internal import Experiments

/// What turning a knob by a step does: the positions that a hand goes through. Any other value can
/// be typed.
enum KnobSteps {
  /// In the order of the panel: what changes most first.
  static let order: [Knob] = [
    .pattern, .sparsity, .lambda, .criterion, .tokens, .threads, .regularizer, .solve, .refit,
    .dtype, .cache, .layout, .reorderAxes, .polish, .rowsShare, .scope, .floor, .ceiling, .seed,
  ]

  static let patterns = [
    "1x1", "4x1", "8x1", "16x1", "32x1", "64x1", "128x1", "1x4", "1x8", "1x16", "1x32", "4x4",
    "8x8",
    "16x16", "32x32", "64x64", "1:4", "2:4", "4:8", "row", "column", "tw16", "tw64", "tw128",
    "tew64+5%", "tvw64",
  ]

  static let tokens = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]

  static func candidates(_ knob: Knob, _ state: State) -> [String] {
    switch knob {
    case .pattern: patterns
    case .criterion: ["default"] + (knob.choices ?? [])
    case .tokens: tokens.map(String.init)
    default: knob.choices ?? []
    }
  }

  /// The text of the value `steps` further; nil at the end of the scale.
  static func turned(_ knob: Knob, by steps: Int, _ state: State) -> String? {
    let knobs = state.knobs
    switch knob {
    case .pattern: return pattern(knobs.pattern, steps)
    case .sparsity:
      let range = knobs.pattern.sparsityRange
      return moved(knobs.amount.sparsity ?? achieved(state), steps, by: 0.01, in: range)
    case .lambda: return lambda(knobs.amount.lambda, steps)
    case .floor: return moved(knobs.floor, steps, by: 0.05, in: 0...1)
    case .ceiling: return moved(knobs.ceiling, steps, by: 0.05, in: 0...1)
    case .rowsShare: return moved(knobs.rowsShare, steps, by: 0.05, in: 0...1)
    case .tokens: return scaled(knobs.tokens, steps, tokens)
    case .threads:
      let most = max(1, state.machine.map { $0.cores * $0.threadsPerCore } ?? 1)
      let next = min(max(1, knobs.threads + steps), max(most, knobs.threads))
      return next == knobs.threads ? nil : String(next)
    case .seed:
      let size = UInt64(steps.magnitude)
      let (next, isOver) =
        steps < 0
        ? knobs.seed.subtractingReportingOverflow(size) : knobs.seed.addingReportingOverflow(size)
      return isOver || steps == 0 ? nil : String(next)
    case .criterion:
      let usable = Criterion.allCases.filter {
        !$0.needsActivations || state.tensor?.hasActivations == true
      }
      return cycled(
        ["default"] + usable.map(\.rawValue), knobs.criterion?.rawValue ?? "default", steps)
    default:
      guard let choices = knob.choices, let now = knobs.text(of: knob) else { return nil }
      return cycled(choices, now, steps)
    }
  }

  /// Where a knob stands on its scale, 0 to 1; nil for what is no scale.
  static func position(_ knob: Knob, _ state: State) -> Double? {
    let knobs = state.knobs
    switch knob {
    case .sparsity: return knobs.requestedSparsity ?? achievedIfKnown(state)
    case .lambda:
      guard let lambda = knobs.amount.lambda else { return nil }
      return lambdas.firstIndex { $0 >= lambda - 1e-12 }
        .map { Double($0) / Double(lambdas.count - 1) }
    case .floor: return knobs.floor
    case .ceiling: return knobs.ceiling
    case .rowsShare: return knobs.rowsShare
    default: return nil
    }
  }

  /// Ten positions a decade: what λ does happens over decades.
  static let lambdas: [Double] =
    [0]
    + [0.001, 0.00126, 0.00158, 0.002, 0.00251, 0.00316, 0.00398, 0.00501, 0.00631, 0.00794]
    + [0.01, 0.0126, 0.0158, 0.02, 0.0251, 0.0316, 0.0398, 0.0501, 0.0631, 0.0794]
    + [0.1, 0.126, 0.158, 0.2, 0.251, 0.316, 0.398, 0.501, 0.631, 0.794, 1]

  private static func lambda(_ now: Double?, _ steps: Int) -> String? {
    guard let now else { return "0.1" }
    let at = lambdas.firstIndex { $0 >= now - 1e-12 } ?? lambdas.count - 1
    let next = min(max(0, at + steps), lambdas.count - 1)
    return lambdas[next] == now ? nil : NumberText.shortest(lambdas[next])
  }

  private static func achievedIfKnown(_ state: State) -> Double? {
    state.summary.value?.achievedSparsity
  }

  private static func achieved(_ state: State) -> Double {
    achievedIfKnown(state) ?? state.knobs.pattern.fixedSparsity ?? 0.8
  }

  private static func pattern(_ now: Pattern, _ steps: Int) -> String? {
    let at = patterns.firstIndex(of: now.withoutReorder.description)
    let next: Int
    if let at {
      next = ((at + steps) % patterns.count + patterns.count) % patterns.count
    } else {
      next = steps > 0 ? 0 : patterns.count - 1
    }
    guard let reorder = now.reorder else { return patterns[next] }
    let reordered = patterns[next] + "/" + reorder.rawValue
    return Pattern(reordered) == nil ? patterns[next] : reordered
  }

  private static func moved(
    _ now: Double, _ steps: Int, by step: Double, in range: ClosedRange<Double>
  ) -> String? {
    // On the grid of steps, so that turning up and down again comes back to the same number.
    let places = (now / step + Double(steps)).rounded()
    let value = min(
      max((places * step * 1000).rounded() / 1000, range.lowerBound), range.upperBound)
    return value == now ? nil : NumberText.shortest(value)
  }

  private static func scaled(_ now: Int, _ steps: Int, _ scale: [Int]) -> String? {
    let at = scale.firstIndex { $0 >= now } ?? scale.count - 1
    let exact = scale[at] == now
    let next = min(max(0, at + steps - (!exact && steps > 0 ? 1 : 0)), scale.count - 1)
    return scale[next] == now ? nil : String(scale[next])
  }

  private static func cycled(_ choices: [String], _ now: String, _ steps: Int) -> String? {
    guard choices.count > 1 else { return nil }
    let at = choices.firstIndex(of: now) ?? 0
    return choices[((at + steps) % choices.count + choices.count) % choices.count]
  }
}
