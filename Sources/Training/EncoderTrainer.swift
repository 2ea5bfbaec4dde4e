public import Encoder
import Experiments
import Kernels
import Tensors

/// Trains the surviving weights of a pruned encoder to give the unpruned one's embeddings.
///
/// **Loss** `1 - cosine` with the teacher's embedding, averaged over the texts of a batch, plus
/// `hiddenLoss` times the mean over layers of the hidden states' squared error over their variance.
/// **Weights** Of a pruned layer only the survivors exist: products, gradients and Adam run on the packed
/// store. They and the biases of pruned layers are trained; with `trainsDense` also all other linear
/// layers and the normalisations after them. Embeddings are not, so nothing flows below layer 0.
/// **Optimiser** Adam (β 0.9 and 0.98, ε 1e-8, no decay), gradient clipped by its norm over all weights.
/// **Threads** share panels, heads and units of one stream; every number is computed by the same
/// instructions in the same order whatever their number is, so results do not depend on it.
///
/// Not safe to use from several threads at once.
public final class EncoderTrainer {
  /// The unpruned encoder: tokens, embeddings, shapes.
  public let teacher: BERTEncoder
  public var settings: TrainerSettings
  public let trainsDense: Bool
  /// Steps that changed the weights.
  public internal(set) var stepsDone = 0

  let kernels = TrainingKernels.best
  let configuration: EncoderConfiguration
  /// By layer and role.
  var linears: [TrainableLinear]
  /// By layer and position.
  var normalizations: [TrainableNormalization]
  /// Names of the layers whose survivors are trained, in the order in which they run.
  public let names: [String]
  var trained: [String: TrainedLayer]
  var parameters = Parameters(count: 0)
  let buffers: TrainingBuffers
  /// Lowest layer with anything to train; nothing flows below it.
  var lowest = 0
  var productNanoseconds: [Double] = []
  /// How masks are chosen; `fixed` until set. May be changed between steps.
  public var masks = MaskSchedule()
  var maskState = MaskState()
  /// By layer name, while a penalty is in force.
  var numbers: [String: UnitNumbers] = [:]
  /// By layer name and unit: what died of a penalty, stored or not.
  var deadUnits: [String: [Bool]] = [:]
  /// When the last forward pass and its loss were done.
  var forwardEnd = 0.0
  /// By layer: what a unit of squared error of its hidden states costs; empty without that loss.
  var hiddenFactors: [Double] = []
  /// `[layer][panel]`.
  var hiddenSquares = Floats(0)

  /// - Parameters:
  ///   - encoder: unpruned; its layers that are not named keep their weights.
  ///   - layers: the pruned layers with the weights that training begins from, refitted or not.
  ///   - trainsDense: whether everything else but the embeddings is trained too.
  /// - Throws: `layer` for names and shapes that do not fit, `setting` for settings out of range.
  /// - Complexity: packs every linear layer twice: some 10 ms a million weights.
  public init(
    encoder: BERTEncoder, layers: [TrainedLayer], trainsDense: Bool = false,
    settings: TrainerSettings = TrainerSettings()
  ) throws(TrainingError) {
    try Self.check(settings)
    teacher = encoder
    self.settings = settings
    self.trainsDense = trainsDense
    configuration = encoder.configuration
    var trained: [String: TrainedLayer] = [:]
    for layer in layers {
      guard trained[layer.name] == nil else {
        throw .layer(name: layer.name, reason: "it is named twice")
      }
      trained[layer.name] = layer
    }
    let names = encoder.layers.map(\.name).filter { trained[$0] != nil }
    if let unknown = layers.first(where: { !names.contains($0.name) }) {
      throw .layer(
        name: unknown.name,
        reason: "the encoder has no such linear layer; there are \(encoder.layers[0].name) to "
          + encoder.layers[encoder.layers.count - 1].name)
    }
    if layers.isEmpty, !trainsDense {
      throw .setting(name: "layers", reason: "nothing is to be trained: name a layer")
    }
    self.trained = trained
    self.names = names
    linears = []
    for layer in encoder.layers {
      linears.append(
        try Self.linear(layer, trained[layer.name], encoder, isTrained: trainsDense))
    }
    normalizations = encoder.normalizations.map { TrainableNormalization($0) }
    buffers = TrainingBuffers(
      layers: configuration.layers, hidden: configuration.hidden,
      intermediate: configuration.intermediate, heads: configuration.heads)
    arrange()
  }

  static func check(_ settings: TrainerSettings) throws(TrainingError) {
    for (name, value, range) in [
      ("learning rate", settings.learningRate, 0...10), ("warm-up", settings.warmUp, 0...1),
      ("clip", settings.clip, 0...1e9), ("hidden loss", settings.hiddenLoss, 0...1e6),
    ] where !range.contains(value) {
      throw .setting(
        name: name, reason: "\(value) is not between \(range.lowerBound) and \(range.upperBound)")
    }
    guard settings.threads >= 1, settings.steps >= 1 else {
      throw .setting(
        name: "threads and steps",
        reason: "\(settings.threads) and \(settings.steps): both start at 1")
    }
  }

  private static func linear(
    _ layer: EncoderLinearLayer, _ start: TrainedLayer?, _ encoder: BERTEncoder, isTrained: Bool
  ) throws(TrainingError) -> TrainableLinear {
    let bias: [Float]
    let weights: Matrix
    do throws(EncoderError) {
      bias = try encoder.bias(of: layer)
      if let start { weights = start.weights } else { weights = try encoder.weights(of: layer) }
    } catch {
      throw .layer(name: layer.name, reason: error.description)
    }
    let mask = start?.mask ?? Mask(rows: layer.rows, columns: layer.columns, keepingAll: true)
    guard mask.rows == layer.rows, mask.columns == layer.columns,
      weights.rows == layer.rows, weights.columns == layer.columns
    else {
      throw .layer(
        name: layer.name,
        reason: "its mask is \(mask.rows)x\(mask.columns) and its weights "
          + "\(weights.rows)x\(weights.columns) where the model has \(layer.rows)x\(layer.columns)")
    }
    if let bad = weights.values.firstIndex(where: { !$0.isFinite }) {
      throw .layer(
        name: layer.name,
        reason:
          "its weight at row \(bad / layer.columns), column \(bad % layer.columns) is no number")
    }
    return try TrainableLinear(
      layer: layer, pattern: start?.pattern ?? .block(8, 1), order: start?.order ?? .none,
      mask: mask, weights: weights, bias: bias, isTrained: isTrained || start != nil)
  }

  /// Lays all trained weights out in one row, with fresh moments.
  func arrange() {
    var count = 0
    for linear in linears {
      let isPruned = trained[linear.layer.name] != nil
      linear.weightOffset = isPruned || trainsDense ? count : nil
      if linear.weightOffset != nil { count += linear.count }
      linear.biasOffset = isPruned || trainsDense ? count : nil
      if linear.biasOffset != nil { count += linear.layer.rows }
    }
    for normalization in normalizations {
      normalization.offset = trainsDense ? count : nil
      if trainsDense { count += 2 * configuration.hidden }
    }
    parameters = Parameters(count: count)
    for linear in linears {
      if let offset = linear.weightOffset {
        linear.store(to: parameters.values + offset)
      }
      if let offset = linear.biasOffset {
        (parameters.values + offset).update(from: linear.forward.bias, count: linear.layer.rows)
      }
    }
    for normalization in normalizations {
      guard let offset = normalization.offset else { continue }
      normalization.write(to: parameters.values + offset)
    }
    lowest =
      trainsDense
      ? 0
      : linears.lazy.filter { $0.weightOffset != nil }.map(\.layer.layer).min() ?? 0
    for layer in 0..<configuration.layers {
      buffers.keepsActive[layer] = [.intermediate, .output].contains {
        linear(layer, $0).weightOffset != nil
      }
    }
  }

  func linear(_ layer: Int, _ role: EncoderLinearLayer.Role) -> TrainableLinear {
    linears[layer * EncoderLinearLayer.Role.allCases.count + role.rawValue]
  }

  func normalization(
    _ layer: Int, _ position: EncoderNormalization.Position
  ) -> TrainableNormalization {
    normalizations[layer * EncoderNormalization.Position.allCases.count + position.rawValue]
  }

  /// Deals items `0..<count` out to the threads, neighbours to the same one.
  func each(_ count: Int, _ body: (_ worker: Int, _ item: Int) -> Void) {
    let threads = max(1, min(settings.threads, count))
    WorkerPool.shared.run(threads: threads) { worker in
      for item in count * worker / threads..<count * (worker + 1) / threads { body(worker, item) }
    }
  }
}

/// One layer normalisation in training.
final class TrainableNormalization: @unchecked Sendable {
  let source: EncoderNormalization
  let scale: Floats
  let shift: Floats
  /// Where its scales and then its shifts stand among the parameters, where they are trained.
  var offset: Int?

  init(_ source: EncoderNormalization) {
    self.source = source
    scale = Floats(source.scale.count)
    shift = Floats(source.shift.count)
    for feature in source.scale.indices {
      scale.pointer[feature] = source.scale[feature]
      shift.pointer[feature] = source.shift[feature]
    }
  }

  func write(to target: UnsafeMutablePointer<Float>) {
    target.update(from: scale.pointer, count: scale.count)
    (target + scale.count).update(from: shift.pointer, count: shift.count)
  }

  func read(from source: UnsafePointer<Float>) {
    scale.pointer.update(from: source, count: scale.count)
    shift.pointer.update(from: source + scale.count, count: shift.count)
  }

  var values: EncoderNormalization {
    var result = source
    for feature in result.scale.indices {
      result.scale[feature] = scale.pointer[feature]
      result.shift[feature] = shift.pointer[feature]
    }
    return result
  }
}
