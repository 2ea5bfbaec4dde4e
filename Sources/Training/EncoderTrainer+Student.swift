public import Encoder
import Experiments
import Kernels
public import Tensors

extension EncoderTrainer {
  /// The weights of a layer as they stand, `[outputs, inputs]`; pruned ones are exactly 0.
  ///
  /// - Returns: nil for a name that is no linear layer.
  public func weights(of name: String) -> Matrix? {
    linears.first { $0.layer.name == name }?.weights
  }

  /// The mask of a layer as it stands; nil for a name that is no linear layer.
  public func mask(of name: String) -> Mask? {
    linears.first { $0.layer.name == name }.map { livingMask($0) }
  }

  /// The bias of a layer as it stands; nil for a name that is no linear layer.
  public func bias(of name: String) -> [Float]? {
    linears.first { $0.layer.name == name }?.bias
  }

  /// All tensors that training may have changed, under their names in the checkpoint; vectors have one
  /// row.
  public var changedTensors: [String: Matrix] {
    var result: [String: Matrix] = [:]
    func vector(_ name: String, _ values: [Float]) {
      result[name] = Matrix(rows: 1, columns: values.count, values: values)
    }
    for linear in linears where linear.weightOffset != nil {
      result[linear.layer.name] = linear.weights
      vector(linear.layer.bias, linear.bias)
    }
    for normalization in normalizations where normalization.offset != nil {
      let values = normalization.values
      vector(values.scaleName, values.scale)
      vector(values.shiftName, values.shift)
    }
    return result
  }

  /// The gradients of the loss of a batch, by the names of `changedTensors`; nothing is changed by it.
  ///
  /// - Throws: `batch` for a batch that does not fit.
  public func gradientTensors(
    _ batch: TrainingBatch
  ) throws(TrainingError) -> (loss: Double, gradients: [String: Matrix]) {
    try check(batch)
    let loss = gradients(batch).loss
    var result: [String: Matrix] = [:]
    func vector(_ name: String, _ offset: Int, _ count: Int) {
      result[name] = Matrix(
        rows: 1, columns: count, values: (0..<count).map { parameters.gradients[offset + $0] })
    }
    for linear in linears {
      if let offset = linear.weightOffset {
        result[linear.layer.name] = linear.unpack(parameters.gradients + offset)
      }
      if let offset = linear.biasOffset { vector(linear.layer.bias, offset, linear.layer.rows) }
    }
    for one in normalizations {
      guard let offset = one.offset else { continue }
      let count = one.scale.count
      vector(one.source.scaleName, offset, count)
      vector(one.source.shiftName, offset + count, count)
    }
    return (loss, result)
  }

  /// The student as it stands, packed for inference: for evaluation and for timing.
  ///
  /// - Throws: `layer` when a layer cannot be packed.
  /// - Complexity: packs all trained layers, some milliseconds a million weights.
  public func encoder() throws(TrainingError) -> BERTEncoder {
    var replacements: [String: any LinearKernel] = [:]
    for linear in linears where linear.weightOffset != nil {
      let name = linear.layer.name
      if trained[name] == nil {
        replacements[name] = fastestDense(
          weights: linear.weights, bias: linear.bias, tokens: BERTEncoder.tokensPerGroup)
        continue
      }
      do throws(KernelError) {
        replacements[name] = try packSparse(
          weights: linear.weights, mask: livingMask(linear), pattern: linear.pattern,
          order: linear.order, bias: linear.bias, tokens: BERTEncoder.tokensPerGroup)
      } catch {
        throw .layer(name: name, reason: error.description)
      }
    }
    do throws(EncoderError) {
      let changed = try teacher.replacing(replacements)
      return trainsDense
        ? changed.replacing(normalizations: normalizations.map(\.values)) : changed
    } catch {
      throw .layer(name: "encoder", reason: error.description)
    }
  }
}
