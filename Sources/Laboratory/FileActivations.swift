internal import Experiments
internal import Tensors

/// Calibration activations from a file, among them inputs that are computed from stored ones.
struct FileActivations: ActivationSource {
  private let file: ActivationFile
  let info: CalibrationInfo

  /// - Parameters:
  ///   - source: what the face calls it.
  ///   - model: the model whose weights it must fit.
  /// - Throws: `activations` when it fits none of them.
  init(path: String, source: String, for model: Model) throws(LaboratoryError) {
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

  func activations(
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
