internal import Benchmarking
internal import Experiments
internal import Kernels
internal import Pruning
internal import Synchronization
internal import Tensors

/// Carries requests out on the thread that calls it; the laboratory's threads and the command line share
/// one. Safe to use from several threads, except that two must not time at once.
final class Workbench: Sendable {
  let configuration: LaboratoryConfiguration
  let disturbances = Disturbances()
  let densePackings = RecentValues<DenseKey, DenseSide>(capacity: 512 << 20)
  let quietnesses = RecentValues<ContestKey, TimedQuietness>(capacity: 64)
  /// The least median of the dense rival's times so far, nanoseconds a call.
  let quickestDense = RecentValues<ContestKey, Double>(capacity: 256)
  let ceilings: CeilingsStore
  /// Whether the timing thread has its core to itself.
  let watch: CoreWatch?
  let notices = Notices()
  let moments: MomentStore
  let judgements: FindingStore<Judgement>
  let agreements: FindingStore<EmbeddingProxies>
  /// Samples, packing and checks of everything that was measured here.
  let ledger = TimeLedger()
  /// Names what one run of the program measures outside of sweeps.
  let runName = freshRunName()
  private let opened = Mutex<OpenModel?>(nil)
  /// The encoder of the open model, by the path it was opened from.
  let experiments = Mutex<(path: String, experiment: ModelExperiment)?>(nil)

  init(_ configuration: LaboratoryConfiguration) {
    self.configuration = configuration
    ceilings = CeilingsStore(directory: configuration.cacheDirectory)
    let host = MachineProbe().describe(isa: InstructionSet.best.rawValue).hostID
    watch =
      configuration.watchesCore
      ? CoreWatch(best: ceilings.known(host: host)?.l1Bandwidth ?? 0) { loadRate() } : nil
    let notices = notices
    moments = MomentStore(directory: configuration.cacheDirectory) { notices.add($0) }
    judgements = FindingStore("judgements", in: configuration.cacheDirectory) { notices.add($0) }
    agreements = FindingStore("agreements", in: configuration.cacheDirectory) { notices.add($0) }
  }

  /// The machine as it is now, with ceilings where they were measured before.
  var machine: MachineInfo {
    var info = MachineProbe().describe(isa: InstructionSet.best.rawValue)
    info.ceilings = ceilings.known(host: info.hostID)
    return info
  }

  func current() throws(LaboratoryError) -> OpenModel {
    guard let open = opened.withLock({ $0 }) else { throw .noModelOpen }
    return open
  }

  func layer(_ name: String) throws(LaboratoryError) -> Layer {
    try current().layer(named: name)
  }

  // MARK: Opening

  /// Opens a model in place of the present one; nil opens the built-in one.
  func open(path: String?) throws(LaboratoryError) -> ModelInfo {
    let fresh: OpenModel
    if let path {
      let model = try Self.model(at: path)
      let isSynthetic = model.files.isEmpty
      fresh = OpenModel(
        model, path: path, name: Self.title(of: path),
        activations: isSynthetic ? SyntheticActivations(seed: 1) : nil)
    } else {
      guard let builtIn = configuration.builtInModel else { throw .noBuiltInModel }
      let model: Model
      do { model = try Model.open(builtIn) } catch {
        guard case .cannotOpen = error.problem else { throw .file(error) }
        throw .noBuiltInModel
      }
      var activations: (any ActivationSource)?
      if let file = configuration.builtInActivations {
        activations = try FileActivations(
          path: file, source: "demo", for: model, store: moments)
      }
      fresh = OpenModel(model, path: nil, name: "demo", activations: activations)
    }
    opened.withLock { $0 = fresh }
    return fresh.info
  }

  /// Gives the open model other activations: stored ones, or those its encoder has while it reads a text.
  func calibrate(path: String) throws(LaboratoryError) -> ModelInfo {
    let present = try current()
    let activations: any ActivationSource
    if TextActivations.isText(path) {
      activations = try TextActivations(
        path: path, modelPath: present.path, model: present.model, store: moments)
    } else {
      activations = try FileActivations(
        path: path, source: path, for: present.model, store: moments)
    }
    let fresh = OpenModel(
      present.model, path: present.path, name: present.info.name, activations: activations)
    opened.withLock { $0 = fresh }
    return fresh.info
  }

  private static func model(at path: String) throws(LaboratoryError) -> Model {
    do { return try Model.open(path) } catch { throw .file(error) }
  }

  /// The last part of a path without its ending; for an index or `model.safetensors`, its directory.
  static func title(of path: String) -> String {
    if path.hasPrefix("synthetic:") { return path }
    var parts = path.split(separator: "/").map(String.init)
    if parts.count > 1, let last = parts.last, last.hasPrefix("model.safetensors") {
      parts.removeLast()
    }
    var title = parts.last ?? path
    if title.hasSuffix(".safetensors") { title.removeLast(12) }
    return title
  }

  // MARK: Pruning

  /// Prunes a tensor; `progress` gets the iterates of solvers, under a global threshold the summaries of
  /// the tensors in turn, and returns false to cancel.
  ///
  /// - Parameter tensors: those that share a global threshold; nil for all linear weights of the model.
  func prune(
    _ name: String, _ knobs: Knobs, among tensors: [String]? = nil,
    progress: (PruningSummary) -> Bool
  ) throws(LaboratoryError) -> PrunedLayer {
    let layer = try layer(name)
    guard knobs.scope == .global else { return try layer.pruned(with: knobs, progress: progress) }
    let names = try sharing(name, among: tensors)
    if let known = layer.known(PruningKey(knobs, tensors: names)) { return known }
    return try pruneTogether(names, knobs, progress: progress)[names.firstIndex(of: name)!]
  }

  /// Prunes tensors under one threshold over all of them, which are in memory then.
  func pruneTogether(
    _ names: [String], _ knobs: Knobs, progress: (PruningSummary) -> Bool
  ) throws(LaboratoryError) -> [PrunedLayer] {
    var layers: [Layer] = []
    for name in names { layers.append(try layer(name)) }
    do {
      let results = try pruneGlobally(
        layers.map(\.pruner), knobs: knobs.pruningPart, progress: progress)
      for (layer, result) in zip(layers, results) {
        layer.remember(result, for: PruningKey(knobs, tensors: names))
      }
      return results
    } catch { throw .pruning(error) }
  }

  /// The mask and the instant numbers of a pruning: what a turned knob shows. On large tensors the
  /// weights behind the mask take ten times as long, and come when something needs them.
  func masked(
    _ name: String, _ knobs: Knobs, progress: (PruningSummary) -> Bool
  ) throws(LaboratoryError) -> MaskedLayer {
    try masked(watching: { progress($0().summary) }, name, knobs)
  }

  /// The same, with the masks on the way. Under a global threshold only their summaries, which may be
  /// of other tensors.
  func masked(
    watching watch: IterateWatch, _ name: String, _ knobs: Knobs
  ) throws(LaboratoryError) -> MaskedLayer {
    guard knobs.scope == .layer else {
      let layer = try prune(name, knobs) { summary in watch { PruningIterate(summary: summary) } }
      return MaskedLayer(layer)
    }
    return try layer(name).masked(watching: watch, knobs)
  }

  /// The proxies of a pruning that take longer than a frame; the weights behind its mask are worked out
  /// only where there are activations to judge them by.
  func quality(
    _ name: String, _ knobs: Knobs, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> QualityReport {
    guard try layer(name).statistics != nil else { return .withoutActivations }
    let pruned = try prune(name, knobs) { _ in !isCancelled() }
    return try quality(of: pruned, name, knobs, isCancelled: isCancelled)
  }

  /// The proxies of a pruning that take longer than a frame.
  func quality(
    of pruned: PrunedLayer, _ name: String, _ knobs: Knobs, among tensors: [String]? = nil,
    briefly: Bool = false, isCancelled: () -> Bool
  ) throws(LaboratoryError) -> QualityReport {
    let names = knobs.scope == .global ? try sharing(name, among: tensors) : []
    return try layer(name).quality(
      of: pruned, for: PruningKey(knobs, tensors: names), briefly: briefly,
      isCancelled: isCancelled)
  }

  /// The tensors under one global threshold, `name` among them.
  func sharing(
    _ name: String, among tensors: [String]?
  ) throws(LaboratoryError) -> [String] {
    var names = try current().info.tensors.filter(\.isLinearWeight).map(\.name)
    if let tensors { names = tensors }
    return names.contains(name) ? names : names + [name]
  }

  func picture(
    _ name: String, _ knobs: Knobs, _ viewport: Viewport, pixelRows: Int, pixelColumns: Int,
    reordered: Bool, progress: (PruningSummary) -> Bool
  ) throws(LaboratoryError) -> MaskPicture {
    let layer = try layer(name)
    let pruned = try masked(name, knobs, progress: progress)
    return layer.painter.picture(
      mask: pruned.mask, viewport: viewport, pixelRows: pixelRows, pixelColumns: pixelColumns,
      rowOrder: reordered ? pruned.rowOrder : nil,
      columnOrder: reordered ? pruned.columnOrder : nil)
  }

  func weight(
    _ name: String, _ knobs: Knobs, row: Int, column: Int, progress: (PruningSummary) -> Bool
  ) throws(LaboratoryError) -> WeightReport {
    do {
      return try layer(name).pruner.report(
        row: row, column: column, knobs: knobs, progress: progress)
    } catch let error as PruningError {
      throw .pruning(error)
    } catch let error as LaboratoryError {
      throw error
    } catch { preconditionFailure("both errors above are all there are: \(error)") }
  }
}
