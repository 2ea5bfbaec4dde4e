import Experiments
import Foundation

extension FakeLaboratory {
  /// Reports of a whole training, every fourth with an evaluation and pictures.
  static let reports = 120

  static let trainingStart = TrainingStart(
    refitCosine: 0.7, floorCosine: 0.54, refitRankCorrelation: 0.52, floorRankCorrelation: 0.21,
    teacherSeconds: 4.2, tokens: 105_000, sentences: 4_200, evaluationSentences: 60, layers: 8,
    weights: 8 * 384 * 384, warnings: ["splices of 60 sentences: own text wins back more"])

  static func cosine(_ share: Double) -> Double { 0.7 + 0.2 * (1 - exp(-3 * share)) }

  static func zeros(_ plan: TrainingPlan, _ share: Double) -> Double {
    let end = plan.requestedSparsity ?? 0.75
    guard plan.method != .fixed else { return end }
    let left = max(0, 1 - share / plan.rampShare)
    return end * (1 - left * left * left)
  }

  static func pictures(_ plan: TrainingPlan, _ share: Double) -> [TrainingLayerPicture] {
    let names = (0..<6).flatMap { layer in
      ["self.query", "self.key", "self.value", "output.dense"].map {
        "encoder.layer.\(layer).attention.\($0).weight"
      }
    }
    return names.enumerated().map { layer, name in
      let zeros = zeros(plan, share)
      var kept: [Double] = []
      var died: [Double] = []
      for tile in 0..<144 {
        let noise = Double((tile * 37 + layer * 11) % 29 - 14) / 60
        kept.append(min(1, max(0, 1 - zeros + noise * zeros)))
        let dies = plan.method != .fixed && share < plan.rampShare && (tile + layer) % 17 == 3
        died.append(dies ? 0.1 : 0)
      }
      return TrainingLayerPicture(name: name, rows: 12, columns: 12, kept: kept, died: died)
    }
  }

  static func progress(_ plan: TrainingPlan, _ report: Int) -> TrainingProgress {
    let share = Double(report) / Double(reports)
    let seconds = 60 * share
    let isEvaluated = report % 4 == 0
    let speed = 2.3 * (1 + share / 50)
    return TrainingProgress(
      step: report * 5, steps: reports * 5, seconds: seconds, remainingSeconds: 60 - seconds,
      tokensSeen: report * 5 * plan.tokensPerStep,
      loss: 0.3 * exp(-2 * share) * (1 + Double(report * 7 % 5) / 50),
      learningRate: plan.effectiveLearningRate * (1 - share), gradientNorm: 0.8,
      targetSparsity: plan.lambda == nil ? zeros(plan, share) : nil, sparsity: zeros(plan, share),
      lambda: plan.method == .prox ? 0.01 * pow(30, share) : nil,
      cosine: isEvaluated ? cosine(share) : nil,
      rankCorrelation: isEvaluated ? cosine(share) - 0.15 : nil, tokensPerSecond: 12_800,
      productShare: 0.71, stepMilliseconds: 20,
      speedup: isEvaluated
        ? Interval(estimate: speed, low: speed * 0.99, high: speed * 1.01) : nil,
      layers: isEvaluated ? pictures(plan, share) : [])
  }

  static func trained(
    _ plan: TrainingPlan, evaluations: Int, _ isCancelled: Bool = false
  ) -> TrainingResult {
    let history = (1...max(1, evaluations)).map { index in
      let progress = progress(plan, index * 4)
      return TrainingResult.Point(
        step: progress.step, seconds: progress.seconds, cosine: progress.cosine!,
        rankCorrelation: progress.rankCorrelation)
    }
    let last = history[history.count - 1]
    var row = ResultRow()
    row[.tensor] = .text("*")
    row[.pattern] = .text(plan.pattern.description)
    row[.solve] = .text(plan.method.solve)
    row[.sparsityRequested] = ResultCell(plan.requestedSparsity)
    row[.sparsityAchieved] = .number(zeros(plan, 1))
    row[.cosine] = .number(last.cosine)
    row[.speedup] = .number(2.35)
    row[.speedupLow] = .number(2.33)
    row[.speedupHigh] = .number(2.37)
    row[.note] = .text("\(Int(last.seconds)) s")
    return TrainingResult(
      plan: plan, start: trainingStart, final: last, best: last, history: history,
      sparsity: zeros(plan, 1), steps: last.step, tokensSeen: last.step * plan.tokensPerStep,
      seconds: last.seconds, speedup: Interval(estimate: 2.35, low: 2.33, high: 2.37),
      cancelled: isCancelled, row: row)
  }

  static func training(_ plan: TrainingPlan, reports wanted: Int) -> [Answer] {
    let count = min(wanted, reports)
    var answers: [Answer] = [.trainingStarted(trainingStart)]
    if count > 0 { answers += (1...count).map { .training(progress(plan, $0)) } }
    if wanted >= reports { answers.append(.trained(trained(plan, evaluations: reports / 4))) }
    return answers
  }
}
