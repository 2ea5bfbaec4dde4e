internal import Experiments
internal import Kernels
internal import Pruning
internal import Synchronization
internal import Tensors

/// What a pruning of one tensor depends on: the knobs, and under a global threshold the tensors that share
/// it.
struct PruningKey: Hashable, Sendable {
  var knobs: Knobs
  var tensors: [String]

  init(_ knobs: Knobs, tensors: [String] = []) {
    self.knobs = knobs.pruningPart
    self.tensors = knobs.scope == .global ? tensors : []
  }
}

/// One loaded tensor with what has been worked out about it.
///
/// Safe to use from any thread; two threads that ask for the same thing at the same time may both work it
/// out, with the same result.
final class Layer: Sendable {
  let name: String
  let weights: Matrix
  let bias: [Float]?
  let statistics: CalibrationStatistics?
  let pruner: LayerPruner
  let painter: MaskPainter
  private let judges = Mutex<OutputJudge??>(nil)
  /// A few results; of a large tensor one that took long, which is then a second tensor in memory.
  private let pruned: RecentValues<PruningKey, PrunedLayer>
  private let masks = RecentValues<PruningKey, MaskedLayer>(capacity: 32 << 20)
  private let judged = RecentValues<PruningKey, QualityReport>(capacity: 4096)
  private let judgedBriefly = RecentValues<PruningKey, QualityReport>(capacity: 4096)

  init(
    name: String, weights: Matrix, bias: [Float]?, statistics: CalibrationStatistics?
  ) throws(LaboratoryError) {
    self.name = name
    self.weights = weights
    self.bias = bias
    self.statistics = statistics
    pruned = RecentValues(capacity: min(64 << 20, max(8 << 20, 16 * weights.count)))
    do { pruner = try LayerPruner(weights, named: name, statistics: statistics) } catch {
      throw .pruning(error)
    }
    painter = MaskPainter(weights)
  }

  /// What gives the errors of this layer's outputs; nil without held-out activations.
  var judge: OutputJudge? {
    if let known = judges.withLock({ $0 }) { return known }
    let fresh = OutputJudge(weights, statistics: statistics)
    judges.withLock { $0 = .some(fresh) }
    return fresh
  }

  /// Bytes of the weights in memory.
  var bytes: Int { weights.count * 4 }

  /// The layer pruned with these knobs, not refitted.
  func pruned(
    with knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(LaboratoryError) -> PrunedLayer {
    try pruned(watching: { progress($0().summary) }, knobs)
  }

  /// The same, with the masks on the way.
  func pruned(
    watching watch: IterateWatch, _ knobs: Knobs
  ) throws(LaboratoryError) -> PrunedLayer {
    let key = PruningKey(knobs)
    if let known = pruned.value(for: key) { return known }
    do {
      let fresh = try pruner.prune(watching: watch, key.knobs)
      // A threshold on known scores is found again in a tenth of a second.
      let isQuick = key.knobs.effectiveRegularizer == .none && !key.knobs.solve.isGreedy
      if bytes <= 64 << 20 || !isQuick { remember(fresh, for: key) }
      return fresh
    } catch { throw .pruning(error) }
  }

  /// Mask and instant numbers of a pruning, without the weights behind the mask.
  func masked(
    with knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(LaboratoryError) -> MaskedLayer {
    try masked(watching: { progress($0().summary) }, knobs)
  }

  /// The same, with the masks on the way.
  func masked(
    watching watch: IterateWatch, _ knobs: Knobs
  ) throws(LaboratoryError) -> MaskedLayer {
    let key = PruningKey(knobs)
    if let known = masks.value(for: key) { return known }
    if let known = pruned.value(for: key) { return MaskedLayer(known) }
    // What depends on new weights has them at hand: they are wanted next.
    guard key.knobs.effectiveRegularizer == .none, !key.knobs.solve.isGreedy else {
      return MaskedLayer(try pruned(watching: watch, knobs))
    }
    do {
      let fresh = try pruner.masked(watching: watch, key.knobs)
      masks.store(fresh, for: key, cost: fresh.bytes)
      return fresh
    } catch { throw .pruning(error) }
  }

  /// Keeps a result that was worked out elsewhere, such as under a threshold over several layers.
  func remember(_ layer: PrunedLayer, for key: PruningKey) {
    pruned.store(layer, for: key, cost: bytes + bytes / 32)
  }

  func known(_ key: PruningKey) -> PrunedLayer? { pruned.value(for: key) }

  /// The proxies that take longer than a frame. A cancelled report is incomplete and not kept.
  ///
  /// - Parameter briefly: only the error of the layer as it is, without what it is held against: half of
  ///   the time.
  func quality(
    of layer: PrunedLayer, for key: PruningKey, briefly: Bool = false, isCancelled: () -> Bool
  ) -> QualityReport {
    if let known = judged.value(for: key) { return known }
    if briefly, let known = judgedBriefly.value(for: key) { return known }
    let report = Pruning.quality(
      of: layer, original: weights, knobs: key.knobs, statistics: statistics,
      withReferences: !briefly, isCancelled: isCancelled)
    if !isCancelled() { (briefly ? judgedBriefly : judged).store(report, for: key) }
    return report
  }

  /// The layout in which the pattern of a pruned layer is regular.
  static func order(of layer: PrunedLayer) -> LayerOrder {
    LayerOrder(rows: layer.rowOrder, columns: layer.columnOrder)
  }
}
