internal import Experiments
internal import Pruning
internal import Tensors

/// Calibration activations from a file, among them inputs that are computed from stored ones.
struct FileActivations: ActivationSource {
  private let file: ActivationFile
  private let store: MomentStore?
  let info: CalibrationInfo

  /// - Parameters:
  ///   - source: what the face calls it.
  ///   - model: the model whose weights it must fit.
  ///   - store: keeps second moments that take longer to form than to read.
  /// - Throws: `activations` when it fits none of them.
  init(
    path: String, source: String, for model: Model, store: MomentStore? = nil
  ) throws(LaboratoryError) {
    self.store = store
    do { file = try ActivationFile.open(path) } catch { throw .file(error) }
    info = CalibrationInfo(
      identity: file.identity, source: source,
      calibrationRows: file.inputs.map(\.calibrationRows).max() ?? 0,
      evaluationRows: file.inputs.map(\.evaluationRows).max() ?? 0)
    guard model.matrices.contains(where: { input(of: $0) != nil }) else {
      let widths = Set(model.matrices.map(\.columns)).sorted().map(String.init)
      let found = Set(file.inputs.map(\.width)).sorted().map(String.init)
      throw .activations(
        "\(path): no weight of \(model.path) takes these activations: weights have "
          + "\(widths.prefix(8).joined(separator: ", ")) inputs, the activations "
          + "\(found.prefix(8).joined(separator: ", ")) features, and named ones must name its weights"
      )
    }
  }

  func input(of weight: TensorHeader) -> String? {
    if let recomputed = file.recomputed(for: weight.name) {
      return file.inputs.contains { $0.name == recomputed.input }
        ? "recomputed:" + weight.name : nil
    }
    return file.input(for: weight.name, width: weight.columns).map { "stored:" + $0.name }
  }

  func statistics(
    of input: String, feeding weight: TensorHeader, model: Model
  ) throws(LaboratoryError) -> CalibrationStatistics {
    let halves = try activations(of: input, feeding: weight, model: model)
    do {
      let (calibration, evaluation) = halves
      // Forming both takes 2·rows·inputs² operations, reading them back 8·inputs² bytes.
      guard let store, calibration.columns >= 512,
        calibration.columns <= CalibrationStatistics.widestGram, evaluation.rows > 0,
        calibration.rows + evaluation.rows >= 2 * calibration.columns
      else {
        return try CalibrationStatistics(
          calibration: calibration, evaluation: evaluation, identity: info.identity)
      }
      var hash = ContentHash()
      hash.update("second moments 1")
      hash.update(calibration)
      hash.update(evaluation)
      let key = hash.hexadecimal
      if let known = store.moments(for: key) {
        return try CalibrationStatistics(
          gram: known.calibration, rows: known.rows, evaluationGram: known.evaluation,
          evaluationRows: known.evaluationRows, identity: info.identity)
      }
      let fresh = try CalibrationStatistics(
        calibration: calibration, evaluation: evaluation, identity: info.identity)
      if let gram = fresh.gram, let evaluationGram = fresh.evaluationGram {
        store.store(
          MomentStore.Moments(
            calibration: gram, rows: fresh.rows, evaluation: evaluationGram,
            evaluationRows: fresh.evaluationRows), for: key)
      }
      return fresh
    } catch {
      let name = input[(input.firstIndex(of: ":") ?? input.startIndex)...].dropFirst()
      throw .pruning(error.about(activations: file.path + (name.isEmpty ? "" : " (\(name))")))
    }
  }

  /// `[rows, features]` of an input, to calibrate on and held out.
  private func activations(
    of input: String, feeding weight: TensorHeader, model: Model
  ) throws(LaboratoryError) -> (calibration: Matrix, evaluation: Matrix) {
    do {
      if let recomputed = file.recomputed(for: weight.name) {
        let projection = try model.matrix(named: recomputed.projection)
        let bias = try model.vector(named: recomputed.bias)
        if let calibration = try file.calibration(ofInput: recomputed.input),
          let evaluation = try file.evaluation(ofInput: recomputed.input),
          projection.columns == calibration.columns, projection.rows == weight.columns,
          bias.count == projection.rows
        {
          return (
            calibration.feedForward(weight: projection, bias: bias),
            evaluation.feedForward(weight: projection, bias: bias)
          )
        }
        throw LaboratoryError.activations(
          "\(file.path): the activations of \(weight.name) are computed by \(recomputed.projection), "
            + "which is \(projection.rows)x\(projection.columns) here and does not lead to its "
            + "\(weight.columns) inputs: the file belongs to another model")
      }
      let calibration = try file.calibration(for: weight.name, width: weight.columns)
      let evaluation = try file.evaluation(for: weight.name, width: weight.columns)
      guard let calibration, let evaluation else {
        throw LaboratoryError.activations("\(file.path): no activations for \(weight.name)")
      }
      return (calibration, evaluation)
    } catch let error as TensorFileError {
      throw .file(error)
    } catch let error as LaboratoryError {
      throw error
    } catch { preconditionFailure("both errors above are all there are: \(error)") }
  }
}
