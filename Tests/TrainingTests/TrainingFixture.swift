import Encoder
import Experiments
import Kernels
import Tensors
import Testing

@testable import Training

/// A tiny model, a seeded mask of a pattern on some layers, and a batch.
struct TrainingFixture {
  let model: TinyModel
  let encoder: BERTEncoder
  var layers: [TrainedLayer] = []

  init(
    activation: String = "gelu", pattern: Pattern = .block(8, 1), sparsity: Double = 0.6,
    attentionOnly: Bool = true, seed: UInt64 = 1
  ) throws {
    model = try TinyModel(activation: activation, seed: seed)
    encoder = try model.encoder()
    var generator = SeededGenerator(seed: seed + 100)
    for layer in encoder.layers where !attentionOnly || layer.role.isAttention {
      layers.append(
        TrainedLayer(
          name: layer.name, pattern: pattern,
          mask: Self.mask(layer.rows, layer.columns, pattern, sparsity, &generator),
          weights: try encoder.weights(of: layer)))
    }
  }

  /// Units of the pattern kept at random.
  static func mask(
    _ rows: Int, _ columns: Int, _ pattern: Pattern, _ sparsity: Double,
    _ generator: inout SeededGenerator
  ) -> Mask {
    var mask = Mask(rows: rows, columns: columns)
    switch pattern.base {
    case .block(let height, let width):
      for top in stride(from: 0, to: rows, by: height) {
        for left in stride(from: 0, to: columns, by: width)
        where generator.uniform() >= sparsity {
          for row in top..<min(rows, top + height) {
            for column in left..<min(columns, left + width) { mask[row, column] = true }
          }
        }
      }
    case .nm(let kept, let group):
      for row in 0..<rows {
        for left in stride(from: 0, to: columns, by: group) {
          var places = Array(left..<min(columns, left + group))
          places.shuffle(using: &generator)
          for column in places.prefix(kept) { mask[row, column] = true }
        }
      }
    default:
      for row in 0..<rows {
        for column in 0..<columns where generator.uniform() >= sparsity { mask[row, column] = true }
      }
    }
    return mask
  }

  /// Texts of `length` tokens, with the unpruned model's embeddings.
  func batch(texts: Int, length: Int, seed: UInt64 = 3) -> TrainingBatch {
    var generator = SeededGenerator(seed: seed)
    let tokens = (0..<texts).map { _ in
      (0..<length).map { _ in Int32(generator.next() % UInt64(TinyModel.pieces.count)) }
    }
    return TrainingBatch(tokens: tokens, teacher: encoder.encode(tokens: tokens))
  }

  func trainer(
    trainsDense: Bool = false, threads: Int = 1, rate: Double = 1e-3, steps: Int = 100
  ) throws -> EncoderTrainer {
    var settings = TrainerSettings()
    settings.threads = threads
    settings.learningRate = rate
    settings.steps = steps
    return try EncoderTrainer(
      encoder: encoder, layers: layers, trainsDense: trainsDense, settings: settings)
  }

  /// The double-precision student with the trainer's weights.
  func reference(_ trainer: EncoderTrainer) -> ReferenceTrainer {
    var reference = ReferenceTrainer(model)
    for layer in layers {
      reference.values[layer.name] = trainer.weights(of: layer.name)!.values.map { Double($0) }
    }
    return reference
  }
}

extension EncoderTrainer {
  /// The last gradient of a weight, by the tensor's name, at the matrix' places.
  func gradient(of name: String) -> Matrix? {
    if let linear = linears.first(where: { $0.layer.name == name }),
      let offset = linear.weightOffset
    {
      return linear.unpack(parameters.gradients + offset)
    }
    func vector(_ offset: Int, _ count: Int) -> Matrix {
      Matrix(
        rows: 1, columns: count, values: (0..<count).map { parameters.gradients[offset + $0] })
    }
    if let linear = linears.first(where: { $0.layer.bias == name }), let offset = linear.biasOffset
    {
      return vector(offset, linear.layer.rows)
    }
    for one in normalizations {
      guard let offset = one.offset else { continue }
      if one.source.scaleName == name { return vector(offset, one.scale.count) }
      if one.source.shiftName == name { return vector(offset + one.scale.count, one.scale.count) }
    }
    return nil
  }
}
