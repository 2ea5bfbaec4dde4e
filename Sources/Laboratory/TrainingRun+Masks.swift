internal import Encoder
internal import Experiments
internal import Kernels
internal import Pruning
internal import Tensors
internal import Training

extension TrainingRun {
  /// The layers as training begins: pruned and refitted for a fixed mask, whole where masks form.
  static func layers(
    _ plan: TrainingPlan, _ sources: [ModelLayer], _ pruned: [PrunedLayer]
  ) -> [TrainedLayer] {
    zip(sources, pruned).map { source, layer in
      let isFixed = plan.method == .fixed
      return TrainedLayer(
        name: source.layer.name, pattern: plan.pattern,
        order: LayerOrder(rows: layer.rowOrder, columns: layer.columnOrder),
        mask: isFixed
          ? layer.mask
          : Mask(rows: source.layer.rows, columns: source.layer.columns, keepingAll: true),
        weights: isFixed ? layer.weights : source.weights,
        statistics: isFixed ? nil : source.statistics)
    }
  }

  static func schedule(_ plan: TrainingPlan) -> MaskSchedule {
    var schedule = MaskSchedule()
    switch plan.method {
    case .fixed: schedule.method = .fixed
    case .gradual: schedule.method = .gradual
    case .prox: schedule.method = .prox
    }
    schedule.sparsity = plan.requestedSparsity
    schedule.lambda = plan.lambda
    schedule.regularizer = plan.effectiveRegularizer
    schedule.criterion = plan.criterion
    schedule.rampShare = plan.rampShare
    schedule.capOfDying = plan.capOfDying
    return schedule
  }

  static func settings(_ plan: TrainingPlan) -> TrainerSettings {
    var settings = TrainerSettings()
    settings.learningRate = plan.effectiveLearningRate
    settings.steps = plan.steps ?? 1
    settings.warmUp = plan.warmUp
    settings.clip = plan.clip
    settings.hiddenLoss = plan.hiddenLoss
    settings.threads = plan.threads
    return settings
  }
}
