import Encoder
import Experiments
import Kernels
import Pruning
public import Tensors

extension EncoderTrainer {
  /// Share of zeros in the pruned layers as they stand.
  public var sparsity: Double {
    var (alive, all) = (0, 0)
    for linear in linears where trained[linear.layer.name] != nil {
      alive += living(linear)
      all += linear.layer.rows * linear.layer.columns
    }
    return all == 0 ? 0 : 1 - Double(alive) / Double(all)
  }

  /// λ of the penalty in force; nil outside the regularized phase.
  public var lambda: Double? {
    masks.method == .prox && !maskState.isFinal ? maskState.lambda : nil
  }

  /// Gives layers new masks; survivors keep their weights and Adam's moments.
  ///
  /// - Parameter masks: by layer name. Weights that a new mask keeps and the old one did not begin at 0.
  /// - Throws: `layer` for names and shapes that do not fit.
  /// - Complexity: packs the layers that change anew.
  public func replaceMasks(_ masks: [String: Mask]) throws(TrainingError) {
    for (name, mask) in masks {
      guard let old = linears.first(where: { $0.layer.name == name }), trained[name] != nil else {
        throw .layer(name: name, reason: "it is not among the pruned layers")
      }
      guard mask.rows == old.layer.rows, mask.columns == old.layer.columns else {
        throw .layer(
          name: name,
          reason: "the new mask is \(mask.rows)x\(mask.columns), the layer "
            + "\(old.layer.rows)x\(old.layer.columns)")
      }
    }
    let changed = linears.indices.filter { index in
      masks[linears[index].layer.name].map { $0 != linears[index].mask } ?? false
    }
    guard !changed.isEmpty else { return }
    let old = linears
    let before = parameters
    let offsets = linears.map { ($0.weightOffset, $0.biasOffset) }
    let normalizationOffsets = normalizations.map(\.offset)
    let fresh = try all(changed.count) { item throws(TrainingError) in
      let linear = old[changed[item]]
      return try TrainableLinear(
        layer: linear.layer, pattern: linear.pattern, order: linear.order,
        mask: masks[linear.layer.name]!, weights: linear.weights, bias: linear.bias,
        isTrained: true)
    }
    for (index, linear) in zip(changed, fresh) {
      linears[index] = linear
      numbers[linear.layer.name] = nil
    }
    arrange()
    func move(_ from: Int?, _ to: Int?, _ count: Int) {
      guard let from, let to else { return }
      (parameters.means + to).update(from: before.means + from, count: count)
      (parameters.squares + to).update(from: before.squares + from, count: count)
    }
    for index in linears.indices {
      let linear = linears[index]
      move(offsets[index].1, linear.biasOffset, linear.layer.rows)
      guard linear !== old[index] else {
        move(offsets[index].0, linear.weightOffset, linear.count)
        continue
      }
      guard let from = offsets[index].0, let to = linear.weightOffset else { continue }
      var packed = [Float](repeating: 0, count: linear.count)
      linear.pack(old[index].unpack(before.means + from), into: &packed)
      packed.withUnsafeBufferPointer {
        if let base = $0.baseAddress {
          (parameters.means + to).update(from: base, count: linear.count)
        }
      }
      linear.pack(old[index].unpack(before.squares + from), into: &packed)
      packed.withUnsafeBufferPointer {
        if let base = $0.baseAddress {
          (parameters.squares + to).update(from: base, count: linear.count)
        }
      }
    }
    for (index, from) in normalizationOffsets.enumerated() {
      move(from, normalizations[index].offset, 2 * configuration.hidden)
    }
  }

  /// Moves the masks on after a step, as the schedule says.
  ///
  /// - Returns: how many weights died.
  func advanceMasks(progress: Double) throws(TrainingError) -> Int {
    defer { maskState.progress = progress }
    guard masks.method != .fixed, !maskState.isFinal else { return 0 }
    let before = survivors
    let isOver = progress >= masks.rampShare
    switch masks.method {
    case .fixed: break
    case .gradual:
      guard isOver || stepsDone % max(1, masks.interval) == 0 else { return 0 }
      try rank(target: masks.target(progress: progress) ?? 0)
    case .prox:
      try shrink(progress: min(progress, masks.rampShare))
      if isOver { try finishPenalty() }
    }
    if isOver {
      maskState.isFinal = true
      maskState.lambda = 0
    }
    return before - survivors
  }

  /// Weights of the pruned layers that still live.
  private var survivors: Int {
    linears.reduce(0) { trained[$1.layer.name] == nil ? $0 : $0 + living($1) }
  }

  /// Lets go of the lowest-ranked survivors of each layer, down to `target`.
  private func rank(target: Double) throws(TrainingError) {
    let pruned = linears.filter { trained[$0.layer.name] != nil }
    let fresh = try all(pruned.count) { item throws(TrainingError) in
      try ranked(pruned[item], target)
    }
    try replaceMasks(
      Dictionary(uniqueKeysWithValues: zip(pruned.map(\.layer.name), fresh)))
  }

  /// The mask of a layer's best survivors.
  private func ranked(_ linear: TrainableLinear, _ target: Double) throws(TrainingError) -> Mask {
    let name = linear.layer.name
    guard let start = trained[name], let pattern = try reachable(start.pattern, target, name) else {
      return linear.mask
    }
    var knobs = Knobs()
    knobs.pattern = pattern
    knobs.amount = .sparsity(min(target, pattern.sparsityRange.upperBound))
    knobs.criterion =
      masks.criterion.needsActivations && start.statistics == nil ? .magnitude : masks.criterion
    do throws(PruningError) {
      return try LayerPruner(linear.weights, named: name, statistics: start.statistics)
        .preview(knobs).mask.intersection(linear.mask)
    } catch {
      throw .pruning(error.description)
    }
  }

  /// Results of independent work on several layers, dealt out to the threads; the first error of all.
  private func all<Value>(
    _ count: Int, _ body: (Int) throws(TrainingError) -> Value
  ) throws(TrainingError) -> [Value] {
    var results = [Result<Value, TrainingError>?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      each(count) { _, item in
        do throws(TrainingError) {
          results[item] = .success(try body(item))
        } catch {
          results[item] = .failure(error)
        }
      }
    }
    var values: [Value] = []
    for result in results { if let result { values.append(try result.get()) } }
    return values
  }

  /// The pattern that a layer can have at a sparsity on the way; nil where nothing changes yet.
  private func reachable(
    _ pattern: Pattern, _ target: Double, _ name: String
  ) throws(TrainingError) -> Pattern? {
    guard pattern.reorder == nil else {
      throw .setting(
        name: "method \(masks.method.rawValue)",
        reason: "\(pattern) reorders \"\(name)\" once, at the start: use the method fixed, or "
          + "\(pattern.withoutReorder)")
    }
    if case .nm(let kept, let group) = pattern.base {
      let now = max(kept, Int(((1 - target) * Double(group) - 1e-6).rounded(.up)))
      return now < group ? try? Pattern(.nm(kept: now, group: group)) : nil
    }
    return target >= pattern.sparsityRange.lowerBound ? pattern : nil
  }
}

extension Mask {
  /// What both keep.
  fileprivate func intersection(_ other: Mask) -> Mask {
    var result = self
    for word in result.words.indices { result.words[word] &= other.words[word] }
    return result
  }
}
