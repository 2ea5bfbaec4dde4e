internal import Experiments
internal import Kernels
internal import Pruning
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
  private let pruned = RecentValues<PruningKey, PrunedLayer>(capacity: 256 << 20)
  private let judged = RecentValues<PruningKey, QualityReport>(capacity: 4096)

  init(
    name: String, weights: Matrix, bias: [Float]?, statistics: CalibrationStatistics?
  ) throws(LaboratoryError) {
    self.name = name
    self.weights = weights
    self.bias = bias
    self.statistics = statistics
    do { pruner = try LayerPruner(weights, named: name, statistics: statistics) } catch {
      throw .pruning(error)
    }
    painter = MaskPainter(weights)
  }

  /// Bytes of the weights in memory.
  var bytes: Int { weights.count * 4 }

  /// The layer pruned with these knobs, not refitted.
  func pruned(
    with knobs: Knobs, progress: (PruningSummary) -> Bool = { _ in true }
  ) throws(LaboratoryError) -> PrunedLayer {
    let key = PruningKey(knobs)
    if let known = pruned.value(for: key) { return known }
    do {
      let fresh = try pruner.prune(key.knobs, progress: progress)
      remember(fresh, for: key)
      return fresh
    } catch { throw .pruning(error) }
  }

  /// Keeps a result that was worked out elsewhere, such as under a threshold over several layers.
  func remember(_ layer: PrunedLayer, for key: PruningKey) {
    pruned.store(layer, for: key, cost: bytes + bytes / 32)
  }

  func known(_ key: PruningKey) -> PrunedLayer? { pruned.value(for: key) }

  /// The proxies that take longer than a frame. A cancelled report is incomplete and not kept.
  func quality(
    of layer: PrunedLayer, for key: PruningKey, isCancelled: () -> Bool
  ) -> QualityReport {
    if let known = judged.value(for: key) { return known }
    let report = Pruning.quality(
      of: layer, original: weights, knobs: key.knobs, statistics: statistics,
      isCancelled: isCancelled)
    if !isCancelled() { judged.store(report, for: key) }
    return report
  }

  /// The layout in which the pattern of a pruned layer is regular.
  static func order(of layer: PrunedLayer) -> LayerOrder {
    LayerOrder(rows: layer.rowOrder, columns: layer.columnOrder)
  }
}
