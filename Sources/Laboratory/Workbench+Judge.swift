internal import Experiments
internal import Pruning
internal import Tensors

extension Workbench {
  /// Raised when a change of the algorithms makes kept judgements stale.
  private static var judgementVersion: Int { 1 }

  /// Every layer-wise proxy of one pruning, from the cache where it was judged before.
  func judge(
    _ cell: SweepCell, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> Judgement {
    guard cell.knobs.scope == .layer else {
      throw .request("scope global prunes layers together: judge with scope layer")
    }
    let key = try judgementKey(cell.tensor)
    if let known = judgements.finding(cell.knobs, for: key) { return known }
    let layer = try layer(cell.tensor)
    let pruned: PrunedLayer
    var judgement: Judgement
    do throws(PruningError) {
      pruned = try layer.pruner.prune(cell.knobs.pruningPart) { _ in !isCancelled() }
      let summary = pruned.summary
      judgement = Judgement(
        criterion: summary.criterion, nonzeros: summary.nonzeros,
        sparsity: summary.achievedSparsity, keptL1: summary.keptL1,
        keptEnergy: summary.keptEnergy, weightError: summary.weightError,
        keptWandaEnergy: summary.keptWandaEnergy, elapsedNs: summary.elapsedNs)
      if let judge = layer.judge {
        judgement.outputError = judge.error(of: pruned.weights)
        if isCancelled() { throw .cancelled(tensor: cell.tensor) }
        if cell.knobs.refit {
          let solved = try refit(pruned, original: layer.weights, statistics: layer.statistics)
          judgement.outputErrorRefitted = judge.error(of: solved.weights)
        }
      }
    } catch { throw .pruning(error) }
    judgements.store(judgement, cell.knobs, for: key)
    return judgement
  }

  /// What a judgement follows from besides the knobs: the weights, and the activations.
  private func judgementKey(_ tensor: String) throws(LaboratoryError) -> String {
    let open = try current()
    var hash = ContentHash()
    hash.update("judgements \(Self.judgementVersion)")
    hash.update(try open.checksum(of: tensor))
    if let header = open.model.header(named: tensor), let source = open.activations,
      let input = source.input(of: header)
    {
      hash.update(source.info.identity)
      hash.update(input)
      // The rest of the model may have produced the activations.
      hash.update(open.info.identity)
    }
    return hash.hexadecimal
  }

  /// Judges cells one after the other; one that fails is told with its reason.
  ///
  /// - Throws: `cancelled`; what was judged by then is kept.
  func judge(
    _ cells: [SweepCell], isCancelled: () -> Bool, each: (JudgedCell) -> Void
  ) throws(LaboratoryError) {
    for cell in cells {
      if isCancelled() { throw .cancelled }
      do throws(LaboratoryError) {
        each(JudgedCell(cell: cell, judgement: try judge(cell, isCancelled: isCancelled)))
      } catch {
        if error.kind == .cancelled { throw .cancelled }
        each(JudgedCell(cell: cell, judgement: nil, failure: error.description))
      }
    }
  }

  /// Error of one layer over sparsities, everything else untouched.
  func sensitivity(
    _ tensor: String, _ knobs: Knobs, sparsities: [Double], isCancelled: () -> Bool
  ) throws(LaboratoryError) -> SensitivityCurve {
    let range = knobs.pattern.sparsityRange
    let usable = knobs.pattern.fixedSparsity.map { [$0] } ?? sparsities.filter(range.contains)
    let isJudged = try layer(tensor).judge != nil
    var errors: [Double] = []
    for sparsity in usable {
      if isCancelled() { throw .cancelled }
      var knobs = knobs
      knobs.amount = .sparsity(sparsity)
      knobs.scope = .layer
      let judgement = try judge(
        SweepCell(tensor: tensor, knobs: knobs), isCancelled: isCancelled)
      errors.append(
        isJudged ? judgement.headlineError ?? .nan : judgement.weightError)
    }
    return SensitivityCurve(
      tensor: tensor, sparsities: usable, errors: errors,
      proxy: isJudged ? "held-out output error" : "relative weight error")
  }

  /// End-to-end proxies of a whole model with all layers of a selection pruned alike, nothing timed; from
  /// the cache where they were found before.
  func agreement(
    of experiment: ModelExperiment, _ selection: LayerSelection, _ knobs: Knobs,
    isCancelled: () -> Bool, progress: (String) -> Void
  ) throws(LaboratoryError) -> EmbeddingProxies {
    var hash = ContentHash()
    hash.update("agreements \(Self.judgementVersion)")
    let open = try current()
    for tensor in open.model.tensors.sorted(by: { $0.name < $1.name }) {
      hash.update(tensor.name)
      hash.update(try open.checksum(of: tensor.name))
    }
    hash.update(experiment.calibrationID)
    for text in experiment.evaluation.texts { hash.update(text) }
    hash.update(selection.rawValue)
    let key = hash.hexadecimal
    if let known = agreements.finding(knobs, for: key) { return known }
    let fresh = try experiment.agreement(
      selection, knobs, isCancelled: isCancelled, progress: progress)
    agreements.store(fresh, knobs, for: key)
    return fresh
  }
}
