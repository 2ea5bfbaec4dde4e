internal import Encoder
public import Experiments
internal import Pruning

extension ModelExperiment {
  /// Prunes the selected layers with one setting, judges the whole, and times it.
  ///
  /// Each layer is calibrated on what the unpruned model feeds it, unless `isSequential`: then on what
  /// the pruned earlier layers feed it. Measured on all-MiniLM-L6-v2, that changes the mean cosine by less
  /// than 0.005 at moderate sparsity and can make it worse at high sparsity, so it is not the default.
  ///
  /// - Parameters:
  ///   - texts: the timed batch.
  ///   - seconds: the longest the timing may take.
  ///   - progress: called with what is being done.
  /// - Throws: `cancelled`; `request` for knobs that a whole model cannot follow.
  public func run(
    _ selection: LayerSelection, _ knobs: Knobs, texts: [String], seconds: Double = 3,
    isSequential: Bool = false, isCancelled: () -> Bool = { false },
    progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) -> ModelReport {
    let packed = try prune(selection, knobs, isSequential, isCancelled, progress)
    return try judge(
      packed, ModelQuestion(selection, knobs, texts, seconds, isSequential), isCancelled, progress)
  }

  /// The same with a setting of its own for each layer; layers without one stay as they are.
  ///
  /// Tensors that take no part in sentence vectors, such as a pooler's, are left out, and said in the notes.
  /// - Throws: `request` when nothing is left.
  public func run(
    _ choices: [LayerChoice], _ knobs: Knobs, texts: [String], seconds: Double = 3,
    isCancelled: () -> Bool = { false }, progress: (String) -> Void = { _ in }
  ) throws(LaboratoryError) -> ModelReport {
    let own = choices.filter { choice in encoder.layers.contains { $0.name == choice.tensor } }
    guard !own.isEmpty else {
      throw .request("none of the chosen tensors is a linear layer of the encoder")
    }
    let layers = own.map { choice in encoder.layers.first { $0.name == choice.tensor }! }
    var packed: [PackedLayer] = []
    for (index, choice) in own.enumerated() {
      if isCancelled() { throw .cancelled }
      progress("pruning \(index + 1) of \(own.count): \(choice.tensor)")
      let layer = layers[index]
      var knobs = choice.knobs
      knobs.scope = .layer
      let source = try prepared(layer, of: layers)
      packed.append(try source.packed(try source.pruned(knobs, isCancelled: isCancelled), knobs))
      release(layer)
    }
    let names = Set(own.map(\.tensor))
    let selection = LayerSelection.allCases.first { Set(self.names(of: $0)) == names } ?? .all
    var base = own[0].knobs
    base.threads = knobs.threads
    var question = ModelQuestion(selection, base, texts, seconds)
    question.notes = choices.filter { choice in !own.contains(choice) }.map {
      "\($0.tensor) takes no part in sentence vectors and was left out"
    }
    return try judge(packed, question, isCancelled, progress)
  }

  /// The selected layers, pruned and packed.
  func prune(
    _ selection: LayerSelection, _ knobs: Knobs, _ isSequential: Bool, _ isCancelled: () -> Bool,
    _ progress: (String) -> Void
  ) throws(LaboratoryError) -> [PackedLayer] {
    let chosen = layers(selection)
    if knobs.scope == .global { return try pruneGlobally(chosen, knobs, isSequential, isCancelled) }
    var packed: [PackedLayer] = []
    var behind: (input: String, layers: [ModelLayer])?
    for (index, layer) in chosen.enumerated() {
      if isCancelled() { throw .cancelled }
      progress("pruning \(index + 1) of \(chosen.count): \(layer.name)")
      let source: ModelLayer
      if isSequential {
        if behind?.input != layer.input {
          let readers = chosen.filter { $0.input == layer.input }
          behind = (layer.input, try prepare(readers, behind: try replacing(packed)))
        }
        source = behind!.layers.first { $0.layer == layer }!
      } else {
        source = try prepared(layer, of: chosen)
      }
      packed.append(
        try source.packed(try source.pruned(knobs, isCancelled: isCancelled), knobs))
      release(layer)
    }
    return packed
  }

  private func pruneGlobally(
    _ chosen: [EncoderLinearLayer], _ knobs: Knobs, _ isSequential: Bool, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> [PackedLayer] {
    guard !isSequential else {
      throw .request(
        "one threshold over all layers needs all their inputs at once, and a sequence gives them one "
          + "by one: use scope layer, or leave the sequence out")
    }
    var sources: [ModelLayer] = []
    for layer in chosen { sources.append(try prepared(layer, of: chosen)) }
    var whole: [PrunedLayer] = []
    do throws(PruningError) {
      let pruned = try Pruning.pruneGlobally(
        sources.map(\.pruner), knobs: knobs.pruningPart
      ) { _ in !isCancelled() }
      for (source, layer) in zip(sources, pruned) {
        whole.append(try source.refitted(layer, knobs))
      }
    } catch { throw .pruning(error) }
    var packed: [PackedLayer] = []
    for (source, layer) in zip(sources, whole) { packed.append(try source.packed(layer, knobs)) }
    return packed
  }
}

/// What a whole model is judged for.
struct ModelQuestion: Sendable {
  var selection: LayerSelection
  var knobs: Knobs
  var texts: [String]
  var seconds: Double
  var isSequential: Bool
  var notes: [String] = []

  init(
    _ selection: LayerSelection, _ knobs: Knobs, _ texts: [String], _ seconds: Double,
    _ isSequential: Bool = false
  ) {
    self.selection = selection
    self.knobs = knobs
    self.texts = texts
    self.seconds = seconds
    self.isSequential = isSequential
  }
}
