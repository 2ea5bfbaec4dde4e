import Experiments
import Kernels
import Tensors
import Testing

@testable import Encoder

/// The whole network against the slow reference. Embeddings have length 1; two layers of width 128 in
/// F32 stay within 2e-5 of double precision, as do the activations between them (of size 1).
@Suite struct BERTEncoderTests {
  static let tolerance = 2e-5

  private func expectMatch(
    _ model: TinyModel, _ lengths: [Int], threads: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let encoder = try model.encoder()
    let texts = TinyModel.texts(lengths)
    let result = encoder.encode(texts, threads: threads)
    let reference = ReferenceEncoder(model: model)
    #expect(result.tokenCounts == lengths, sourceLocation: sourceLocation)
    for (row, text) in texts.enumerated() {
      let expected = reference.run(encoder.tokens(text).ids).embedding
      let worst = expected.indices.map { abs(Double(result.embeddings[row, $0]) - expected[$0]) }
        .max()!
      #expect(worst < Self.tolerance, "text \(row)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [
    [2], [15], [16], [17], [31], [32], [33], [48], [64], [65], [96], [97], [130], [200],
    [2, 2, 2], [16, 16, 16, 16], [5, 40, 3, 64, 21, 33, 2, 17, 90, 8], [63, 2, 64, 1 + 1],
    [130, 5, 130, 70, 2, 2, 66],
  ])
  func embeddingsMatchTheReferenceForEveryPacking(_ lengths: [Int]) throws {
    try expectMatch(TinyModel(), lengths)
  }

  @Test(arguments: [2, 3, 5])
  func threadsChangeNothing(_ threads: Int) throws {
    let model = try TinyModel()
    for lengths in [[40], [2], [64, 64, 64, 64, 64, 64, 64, 64], [130, 5, 17], [20, 20, 20, 20]] {
      try expectMatch(model, lengths, threads: threads)
    }
  }

  @Test(arguments: [(128, 2, 130), (132, 6, 128), (130, 5, 193), (192, 3, 64), (256, 2, 16)])
  func oddSizesMatchTheReference(_ sizes: (hidden: Int, heads: Int, intermediate: Int)) throws {
    try expectMatch(
      TinyModel(
        hidden: sizes.hidden, heads: sizes.heads, layers: 1, intermediate: sizes.intermediate),
      [19, 47, 3])
  }

  @Test(arguments: ["gelu", "gelu_new", "relu"])
  func everyActivationMatchesTheReference(_ activation: String) throws {
    try expectMatch(TinyModel(activation: activation), [19, 47])
  }

  @Test func checkpointWithAHeadIsFoundUnderItsPrefix() throws {
    let model = try TinyModel(layers: 1, prefix: "bert.")
    try expectMatch(model, [12])
    #expect(
      try model.encoder().layers[0].name == "bert.encoder.layer.0.attention.self.query.weight")
  }

  @Test func embeddingOfATextDoesNotDependOnTheOthers() throws {
    let encoder = try TinyModel().encoder()
    let texts = TinyModel.texts([40, 7, 64, 33, 2, 90])
    let together = encoder.encode(texts).embeddings
    for (row, text) in texts.enumerated() {
      let alone = encoder.encode([text]).embeddings
      let worst = (0..<alone.columns).map { abs(alone[0, $0] - together[row, $0]) }.max()!
      #expect(worst < 5e-6)
    }
  }

  @Test func nothingAndEmptyTextsAreFine() throws {
    let encoder = try TinyModel(layers: 1).encoder()
    #expect(encoder.encode([]).embeddings.rows == 0)
    let result = encoder.encode(["", String(repeating: "a ", count: 50_000)], threads: 2)
    #expect(result.tokenCounts == [2, 512])
    #expect(result.truncated.map(\.text) == [1])
    #expect(result.truncated.map(\.tokens) == [50_002])
    #expect(result.embeddings.values.allSatisfy { $0.isFinite })
  }

  @Test func replacedLayersAreUsedAndTheOthersKept() throws {
    let model = try TinyModel()
    let encoder = try model.encoder()
    var reference = ReferenceEncoder(model: model)
    var replacements: [String: any LinearKernel] = [:]
    var generator = SeededGenerator(seed: 9)
    for layer in encoder.layers where layer.role != .key {
      let weights = try encoder.weights(of: layer)
      var mask = Mask(rows: layer.rows, columns: layer.columns)
      for row in 0..<layer.rows {
        for column in 0..<layer.columns { mask[row, column] = generator.next() % 4 == 0 }
      }
      replacements[layer.name] = try packSparse(
        weights: weights, mask: mask, pattern: .unstructured, bias: encoder.bias(of: layer),
        tokens: BERTEncoder.tokensPerGroup)
      reference.replaced[layer.name] = weights.masked(by: mask)
    }
    let texts = TinyModel.texts([33, 12, 70])
    let result = try encoder.encode(texts, with: replacements)
    for (row, text) in texts.enumerated() {
      let expected = reference.run(encoder.tokens(text).ids).embedding
      let worst = expected.indices.map { abs(Double(result.embeddings[row, $0]) - expected[$0]) }
        .max()!
      #expect(worst < Self.tolerance)
    }
    #expect(encoder.encode(texts).embeddings != result.embeddings)
  }

  @Test func replacementThatDoesNotFitIsRefused() throws {
    let encoder = try TinyModel(layers: 1).encoder()
    let kernel = encoder.kernel(of: encoder.layers[4])
    #expect {
      _ = try encoder.replacing(["encoder.layer.7.output.dense.weight": kernel])
    } throws: {
      "\($0)".contains("the encoder has no such linear layer")
    }
    #expect {
      _ = try encoder.replacing([encoder.layers[0].name: kernel])
    } throws: {
      "\($0)".hasSuffix("the kernel is 192x128, the layer 128x128")
    }
  }

  @Test func capturedActivationsAreWhatLayersRead() throws {
    let model = try TinyModel()
    let encoder = try model.encoder()
    let texts = TinyModel.texts([33, 12, 70, 2])
    let reference = ReferenceEncoder(model: model)
    var expected: [String: ReferenceEncoder.Rows] = [:]
    for text in texts {
      for (name, rows) in reference.run(encoder.tokens(text).ids).inputs {
        expected[name, default: []] += rows
      }
    }
    let captured = encoder.activations(of: texts)
    #expect(Set(captured.keys) == Set(expected.keys))
    for (name, matrix) in captured {
      let rows = expected[name]!
      #expect(matrix.rows == rows.count)
      #expect(matrix.columns == rows[0].count)
      var worst = 0.0
      for row in rows.indices {
        for column in rows[row].indices {
          worst = max(worst, abs(Double(matrix[row, column]) - rows[row][column]))
        }
      }
      // Values between layers reach 5, embeddings 1.
      #expect(worst < 10 * Self.tolerance, "\(name)")
    }
    let one = encoder.activations(of: texts, inputs: ["encoder.layer.1.output.dense"])
    #expect(Set(one.keys) == ["encoder.layer.1.output.dense"])
  }

  @Test func timesCoverTheCall() throws {
    let encoder = try TinyModel().encoder()
    let result = encoder.encode(TinyModel.texts([33, 12, 70]), timing: true)
    let times = try #require(result.times)
    #expect(times.tokens == 115)
    #expect(Set(times.linear.keys) == Set(encoder.layers.map(\.name)))
    #expect(times.linear.values.allSatisfy { $0 > 0 })
    #expect(times.attention.allSatisfy { $0 > 0 })
    let parts =
      times.linearTotal + times.attention.reduce(0, +) + times.activation.reduce(0, +)
      + times.normalization.reduce(0, +) + times.embedding + times.pooling + times.tokenizing
    #expect(parts <= times.total)
    #expect(encoder.encode(["a"]).times == nil)
  }
}
