import CellUI
import Experiments

/// A training as a person reads it.
enum TrainingText {
  /// One line while it runs.
  static func line(_ progress: TrainingProgress, cosine: Double?, start: Double?) -> String {
    var text = "step \(progress.step)/\(progress.steps)  loss \(Figures.fixed(progress.loss, 4))"
    if let cosine { text += "  cosine \(Figures.fixed(cosine, 3))" }
    if let start { text += " (start \(Figures.fixed(start, 3)))" }
    text += "  zeros \(Figures.percent(progress.sparsity))"
    text += "  \(Figures.fixed(progress.stepMilliseconds, 1)) ms a step"
    if let remaining = progress.remainingSeconds {
      text += "  \(Figures.duration(nanoseconds: remaining * 1e9)) left"
    }
    return text
  }

  /// The whole, when it has ended.
  static func text(_ result: TrainingResult) -> String {
    let plan = result.plan
    let start = result.start
    var text = "\(plan.layers.rawValue) layers (\(start.layers))  \(plan.short)  "
    text += "\(plan.method.rawValue)  \(Figures.percent(result.sparsity)) zeros in them\n\n"
    if let speedup = result.speedup {
      text += "  \(Figures.ratio(speedup.estimate)) of the dense model's speed, end to end   "
      text +=
        "95 % interval [\(Figures.fixed(speedup.low, 3)), \(Figures.fixed(speedup.high, 3))]\n"
    }
    let perStep = result.seconds / Double(max(1, result.steps))
    text += "  \(result.steps) steps, \(result.tokensSeen) tokens in "
    text += "\(Figures.duration(nanoseconds: result.seconds * 1e9)): "
    text += "\(Figures.duration(nanoseconds: perStep * 1e9)) a step\n"
    text +=
      "\nAgreement with the unpruned model on \(start.evaluationSentences) held-out sentences\n"
    func fixed(_ value: Double?) -> String { value.map { Figures.fixed($0, 3) } ?? "–" }
    text += TextTable.lines(
      [
        ["  ", "mean cosine", "rank correlation"],
        [
          "  floor: the layers zeroed", fixed(start.floorCosine), fixed(start.floorRankCorrelation),
        ],
        ["  one shot, refitted", fixed(start.refitCosine), fixed(start.refitRankCorrelation)],
        [
          "  trained, step \(result.best.step)", fixed(result.best.cosine),
          fixed(result.best.rankCorrelation),
        ],
        ["  unpruned", fixed(start.ceilingCosine), "1.000"],
      ], numbers: [1, 2])
    text += "These are proxies: they do not say how a task's accuracy changes.\n"
    if !result.files.isEmpty {
      text += "written: \(plan.output ?? result.files.joined(separator: ", "))\n"
    }
    return text
  }
}
