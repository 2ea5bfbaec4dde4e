internal import Experiments
internal import Pruning
internal import Tensors

/// A model that is open, with its activations and the layers that have been looked at.
final class OpenModel: Sendable {
  let model: Model
  let activations: (any ActivationSource)?
  let info: ModelInfo
  /// Where it was opened from; nil for the built-in model.
  let path: String?
  /// The last layer, and others as long as they are small: reading one again takes milliseconds. A layer
  /// in use stays alive whatever is dropped here.
  private let layers = RecentValues<String, Layer>(capacity: 64 << 20)
  private let statistics = RecentValues<String, CalibrationStatistics>(capacity: 1 << 30)

  init(_ model: Model, path: String?, name: String, activations: (any ActivationSource)?) {
    self.model = model
    self.activations = activations
    self.path = path
    info = ModelInfo(
      path: path ?? "demo", name: name, identity: model.identity,
      tensors: model.tensors.map { header in
        TensorInfo(
          name: header.name, dtype: header.dtype.rawValue, shape: header.shape, bytes: header.bytes,
          hasActivations: header.isMatrix && activations?.input(of: header) != nil)
      },
      calibration: activations?.info,
      isEncoder: model.files.contains { $0.hasSuffix("model.safetensors") }
        && model.header(named: "embeddings.word_embeddings.weight") != nil,
      headSize: path.flatMap(HeadSize.read))
  }

  /// The layer of a weight, loaded when it is first asked for.
  func layer(named name: String) throws(LaboratoryError) -> Layer {
    if let known = layers.value(for: name) { return known }
    guard let header = model.header(named: name) else {
      throw .noSuchTensor(name, model: info.name, known: info.prunable.map(\.name))
    }
    guard header.isMatrix, header.count > 0 else {
      throw .notPrunable(name, dtype: header.dtype.rawValue, shape: header.shape)
    }
    layers.makeRoom(for: 4 * header.count)
    let weights: Matrix
    do { weights = try model.matrix(named: name) } catch { throw .file(error) }
    let layer = try Layer(
      name: name, weights: weights, bias: bias(of: header), statistics: statistics(for: header))
    layers.store(layer, for: name, cost: layer.bytes)
    return layer
  }

  /// Lets go of a layer that is not wanted again soon.
  func drop(_ name: String) { layers.remove(name) }

  /// SHA-256 over the bytes of the tensor, taken when it is first asked for.
  func checksum(of name: String) throws(LaboratoryError) -> String {
    do { return try model.sha256(of: name) } catch { throw .file(error) }
  }

  /// `….bias` beside `….weight`, where there is one of the right length.
  private func bias(of weight: TensorHeader) -> [Float]? {
    guard weight.name.hasSuffix(".weight") else { return nil }
    let name = weight.name.dropLast(6) + "bias"
    guard let bias = try? model.vector(named: String(name)), bias.count == weight.rows else {
      return nil
    }
    return bias
  }

  private func statistics(
    for weight: TensorHeader
  ) throws(LaboratoryError) -> CalibrationStatistics? {
    guard let activations, let input = activations.input(of: weight) else { return nil }
    if let known = statistics.value(for: input) { return known }
    let fresh = try activations.statistics(of: input, feeding: weight, model: model)
    let square = min(weight.columns, CalibrationStatistics.widestGram)
    statistics.store(
      fresh, for: input,
      cost: 4 * ((fresh.rows + fresh.evaluationRows) * weight.columns + 3 * square * square))
    return fresh
  }
}
