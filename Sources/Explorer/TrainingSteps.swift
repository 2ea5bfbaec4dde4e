internal import Experiments

/// What turning a knob of a training by a step does; any other value can be typed.
enum TrainingSteps {
  /// In the order of the panel: what changes most first.
  static let order = TrainingKnob.allCases

  private static let minutes = [0.25, 0.5, 1, 2, 3, 5, 10, 15, 30, 60]
  private static let counts = [100.0, 150, 300, 600, 1000, 1500, 2250, 3000, 5000, 10_000]
  private static let rates = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 4e-3, 8e-3]
  private static let tokens = [64.0, 128, 256, 512, 1024, 2048]
  private static let hidden = [0, 0.1, 0.2, 0.5, 1, 2, 5, 10]
  private static let shares = [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2]
  private static let ramps = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
  private static let caps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
  private static let clips = [0.1, 0.2, 0.5, 1, 2, 5, 10]
  private static let intervals = [5.0, 10, 20, 25, 50, 100, 250]

  static func candidates(_ knob: TrainingKnob, _ state: State) -> [String] {
    if let shared = knob.shared { return KnobSteps.candidates(shared, state) }
    switch knob {
    case .minutes: return minutes.map(NumberText.shortest)
    case .steps: return counts.map(NumberText.shortest)
    case .rate: return ["auto"] + rates.map(NumberText.shortest)
    case .tokens: return tokens.map(NumberText.shortest)
    case .hidden: return hidden.map(NumberText.shortest)
    case .every: return ["auto"] + intervals.map(NumberText.shortest)
    case .text, .out: return ["none"]
    default: return knob.choices ?? []
    }
  }

  /// The text of the value `steps` further in `plan`; nil at the end of the scale and for what is
  /// typed only.
  static func turned(_ knob: TrainingKnob, by steps: Int, _ plan: TrainingPlan) -> String? {
    switch knob {
    case .minutes: return moved(plan.minutes ?? 0, steps, minutes, whenUnset: plan.minutes == nil)
    case .steps:
      return moved(plan.steps.map(Double.init) ?? 0, steps, counts, whenUnset: plan.steps == nil)
    case .rate: return movedFromAuto(plan.learningRate, steps, rates, plan.effectiveLearningRate)
    case .tokens: return moved(Double(plan.tokensPerStep), steps, tokens)
    case .hidden: return moved(plan.hiddenLoss, steps, hidden)
    case .warmUp: return moved(plan.warmUp, steps, shares)
    case .ramp: return moved(plan.rampShare, steps, ramps)
    case .cap: return moved(plan.capOfDying, steps, caps)
    case .clip: return moved(plan.clip, steps, clips)
    case .every:
      return movedFromAuto(
        plan.evaluateEvery == 0 ? nil : Double(plan.evaluateEvery), steps, intervals,
        intervals[0] / 2)
    case .layers, .method, .dense:
      guard let choices = knob.choices, let now = plan.text(of: knob),
        let at = choices.firstIndex(of: now)
      else { return nil }
      return choices[((at + steps) % choices.count + choices.count) % choices.count]
    default: return nil
    }
  }

  /// Ten positions a decade, around where the value stands; nil where it is not known.
  static func steered(_ knob: TrainingKnob, by steps: Int, _ state: TrainingState) -> TrainingSteer?
  {
    switch knob {
    case .rate:
      guard let now = state.latest?.learningRate ?? state.plan?.effectiveLearningRate, now > 0
      else {
        return nil
      }
      return .learningRate(min(1, onDecade(now, steps, from: 1e-7)))
    case .lambda:
      guard let now = state.latest?.lambda ?? state.plan?.lambda else { return nil }
      return .lambda(min(1, onDecade(now, steps, from: 1e-4)))
    case .sparsity:
      guard let now = state.latest?.targetSparsity ?? state.plan?.requestedSparsity else {
        return nil
      }
      let places = (now * 100).rounded() + Double(steps)
      return .sparsity(min(max(places / 100, 0), 0.99))
    default: return nil
    }
  }

  /// The value on a grid of ten a decade, two significant digits, `steps` further.
  private static func onDecade(_ value: Double, _ steps: Int, from least: Double) -> Double {
    var power = 1.0
    let value = max(value, least)
    while power > value { power /= 10 }
    let grid = [1, 1.3, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 7.9]
    let mantissa = value / power
    var at = grid.lastIndex { $0 <= mantissa * 1.0001 } ?? 0
    let isBetween = mantissa > grid[at] * 1.0001
    at += steps + (isBetween && steps < 0 ? 1 : 0)
    while at < 0 {
      at += 10
      power /= 10
    }
    while at > 9 {
      at -= 10
      power *= 10
    }
    let next = max(least, grid[at] * power)
    // Two significant digits as a decimal, not what the binary product makes of them.
    return Double(NumberText.fixed(next, 9)) ?? next
  }

  private static func moved(
    _ now: Double, _ steps: Int, _ scale: [Double], whenUnset: Bool = false
  ) -> String? {
    if whenUnset { return NumberText.shortest(scale[2]) }
    let at = scale.firstIndex { $0 >= now - 1e-12 } ?? scale.count - 1
    let isExact = abs(scale[at] - now) < 1e-12
    let next = min(max(0, at + steps - (!isExact && steps > 0 ? 1 : 0)), scale.count - 1)
    return abs(scale[next] - now) < 1e-12 ? nil : NumberText.shortest(scale[next])
  }

  /// Auto stands below the lowest value; up from it goes to the value above what it comes to.
  private static func movedFromAuto(
    _ now: Double?, _ steps: Int, _ scale: [Double], _ auto: Double
  ) -> String? {
    guard let now else {
      let above = scale.firstIndex { $0 > auto + 1e-12 } ?? scale.count - 1
      let next = steps > 0 ? above : max(0, (scale.firstIndex { $0 >= auto - 1e-12 } ?? 1) - 1)
      return NumberText.shortest(scale[next])
    }
    if steps < 0, now <= scale[0] + 1e-12 { return "auto" }
    return moved(now, steps, scale)
  }
}
