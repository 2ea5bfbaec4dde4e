internal import Benchmarking
internal import Encoder
public import Experiments

extension ModelExperiment {
  /// Chooses pattern and sparsity of each selected layer for a budget, and measures the result as a whole.
  ///
  /// Every layer is measured alone with every candidate (`sensitivity`); `ModelAllocation` chooses among
  /// those; the choice is run as a whole, and the allocation's own limit is corrected until the whole keeps
  /// the budget: times and losses of single layers do not simply add up. All of that happens on sentences
  /// set apart for choosing; the report's proxies are on held-out ones.
  ///
  /// - Parameters:
  ///   - candidates: settings that a layer may take; it may also stay as it is.
  ///   - texts: the batch whose time counts.
  /// - Throws: `request` when no choice keeps the budget, saying what is possible.
  public func run(
    _ selection: LayerSelection, within budget: ModelBudget, _ candidates: [Knobs],
    texts: [String], seconds: Double = 3, isCancelled: () -> Bool = { false },
    progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) -> ModelReport {
    let curves = try curves(selection, candidates, onlyFront: true, isCancelled, progress)
    let base = candidates.first ?? Knobs()
    let plan = try modelPlan(curves, texts, threads: base.threads)
    progress("choosing for \(budget)")
    let choice: [Int]
    switch budget {
    case .time(let share):
      choice = try plan.choice(timeShare: share, texts, base.threads, self, isCancelled)
    case .cosine(let least): choice = try plan.choice(cosine: least, self, isCancelled)
    }
    var question = ModelQuestion(selection, base, texts, seconds)
    question.notes = ["budget \(budget)"]
    let packed = plan.packed(choice)
    var report = try judge(packed, question, isCancelled, progress)
    if case .cosine(let least) = budget {
      let kept = choosing.proxies(try replacing(packed), threads: 1).cosine
      report.notes.append(Self.note(floor: least, kept: kept, heldOut: report.agreement.cosine))
    }
    return report
  }

  /// What became of a floor on sentences that had no part in the choice.
  static func note(floor: Double, kept: Double, heldOut: Double) -> String {
    let apart =
      "the floor of \(NumberText.shortest(floor)) was kept on the sentences set apart for choosing "
      + "(\(NumberText.fixed(kept, 3)))"
    guard heldOut < floor else {
      return apart + " and holds on the held-out ones (\(NumberText.fixed(heldOut, 3)))"
    }
    return apart
      + " but not on the held-out ones: \(NumberText.fixed(heldOut, 3)) is below it; ask for "
      + "\(NumberText.fixed(min(1, floor + floor - heldOut), 3)) to be on the safe side"
  }

  /// Whole models from the unpruned one to the fastest, the best found for each of `count` times.
  ///
  /// - Returns: in the order of predicted time, longest first; some may turn out beaten by others.
  public func front(
    _ selection: LayerSelection, _ candidates: [Knobs], count: Int, texts: [String],
    seconds: Double = 3, isCancelled: () -> Bool = { false },
    progress: (String) -> Void = { _ in }, each: (ModelReport) throws(LaboratoryError) -> Void
  ) throws(LaboratoryError) {
    let curves = try curves(selection, candidates, onlyFront: true, isCancelled, progress)
    let base = candidates.first ?? Knobs()
    let plan = try modelPlan(curves, texts, threads: base.threads)
    let dense = plan.allocation.time(plan.unpruned)
    let fastest = plan.allocation.time(plan.allocation.fastest)
    var earlier: Set<[Int]> = [plan.unpruned]
    for step in 1...max(1, count) {
      let limit = dense - (dense - fastest) * Double(step) / Double(max(1, count))
      let choice = plan.allocation.choice(time: limit) ?? plan.allocation.fastest
      guard earlier.insert(choice).inserted else { continue }
      progress("whole model \(step) of \(count)")
      var question = ModelQuestion(selection, base, texts, seconds)
      question.notes = ["front \(step) of \(count)"]
      try each(try judge(plan.packed(choice), question, isCancelled, progress))
    }
  }

  /// Options with the times they have inside the whole: those of single kernels, scaled so that the dense
  /// ones add up to what the linear layers really take.
  private func modelPlan(
    _ curves: [LayerCurve], _ texts: [String], threads: Int
  ) throws(LaboratoryError) -> ModelPlan {
    let parts = ModelParts(
      dense: encoder, sparse: encoder, texts: texts, threads: threads,
      names: curves.map(\.layer.name))
    let streams = Double(max(1, threads))
    let layers = zip(curves, parts.layers).map { curve, time in
      let dense = ModelAllocation.Option(time: time.denseNs / streams, loss: 0)
      return [dense]
        + curve.options.map { option in
          ModelAllocation.Option(
            time: dense.time * option.ns / curve.denseNs, loss: max(0, 1 - option.cosine))
        }
    }
    return ModelPlan(
      curves: curves, allocation: ModelAllocation(layers: layers), wholeNs: parts.total)
  }
}

/// Measured options of all layers, ready to be chosen from.
private struct ModelPlan {
  let curves: [LayerCurve]
  let allocation: ModelAllocation
  /// The unpruned model's time, nanoseconds.
  let wholeNs: Double

  var unpruned: [Int] { [Int](repeating: 0, count: curves.count) }

  func packed(_ choice: [Int]) -> [PackedLayer] {
    zip(curves, choice).compactMap { $1 == 0 ? nil : $0.options[$1 - 1].packed }
  }

  /// The best choice whose measured time is within a share of the unpruned model's.
  func choice(
    timeShare: Double, _ texts: [String], _ threads: Int, _ experiment: ModelExperiment,
    _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> [Int] {
    let linear = allocation.time(unpruned)
    let other = max(0, wholeNs - linear)
    /// Timed longer where half a second leaves open whether the budget is kept.
    func share(_ choice: [Int]) throws(LaboratoryError) -> Double {
      let sparse = try experiment.replacing(packed(choice))
      func ratio(_ seconds: Double) throws(LaboratoryError) -> Interval {
        try experiment.pairs(seconds, isCancelled) {
          _ = experiment.encoder.encode(texts, threads: threads)
        } against: {
          _ = sparse.encode(texts, threads: threads)
        }.ratio
      }
      let first = try ratio(0.5)
      let isOpen = first.low < 1 / timeShare && first.high >= 1 / timeShare
      return 1 / (isOpen ? try ratio(3) : first).estimate
    }
    func tooSlow(_ reached: Double) -> LaboratoryError {
      .request(
        "budget time=\(NumberText.shortest(timeShare)): the fastest choice takes "
          + "\(NumberText.fixed(reached, 3)) of the dense time; allow more, select more layers, or "
          + "add sparser candidates")
    }
    var limit = timeShare * wholeNs - other
    var kept: (choice: [Int], loss: Double)?
    for _ in 0..<6 {
      let choice = allocation.choice(time: limit) ?? allocation.fastest
      let reached = try share(choice)
      let loss = allocation.loss(choice)
      if reached <= timeShare, kept.map({ loss < $0.loss }) ?? true { kept = (choice, loss) }
      // Within three hundredths of the budget there is little left to win.
      if reached <= timeShare, reached > 0.97 * timeShare || choice == unpruned { break }
      if reached > timeShare, choice == allocation.fastest {
        guard kept == nil else { break }
        throw tooSlow(reached)
      }
      // What is not linear stays: only the rest can be corrected. At most half of the way to the
      // fastest choice: one time taken while something else ran would otherwise decide for it.
      let most = (limit - allocation.time(allocation.fastest)) / 2
      limit = max(limit + (timeShare - reached) * wholeNs, limit - max(0, most))
    }
    if let kept { return kept.choice }
    let reached = try share(allocation.fastest)
    guard reached <= timeShare else { throw tooSlow(reached) }
    return allocation.fastest
  }

  /// The fastest choice whose mean cosine on the sentences set apart reaches a floor.
  ///
  /// The limit on the sum of losses is bisected: the whole loses more or less than its layers do alone.
  func choice(
    cosine least: Double, _ experiment: ModelExperiment, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> [Int] {
    var low = 0.0
    var high = allocation.loss(allocation.fastest) * 1.5 + 1e-9
    var best = unpruned
    var seen: [[Int]: Double] = [unpruned: 1]
    for _ in 0..<14 {
      if isCancelled() { throw .cancelled }
      let middle = (low + high) / 2
      let choice = allocation.choice(loss: middle)
      let cosine: Double
      if let known = seen[choice] {
        cosine = known
      } else {
        cosine =
          experiment.choosing.proxies(try experiment.replacing(packed(choice)), threads: 1).cosine
        seen[choice] = cosine
      }
      if cosine >= least {
        low = middle
        if allocation.time(choice) < allocation.time(best) { best = choice }
      } else {
        high = middle
      }
    }
    return best
  }
}
