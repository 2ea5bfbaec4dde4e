internal import Encoder
public import Experiments
internal import Kernels
internal import Pruning
internal import Synchronization
internal import Tensors

/// A whole encoder with any of its linear layers pruned: quality end to end, and time by the clock.
///
/// Three sets of sentences, none in two of them: calibration sentences choose masks and refit, a quarter
/// of them is set apart for choices between layers (sensitivity, budgets), and held-out sentences are for
/// the proxies of a result alone. The encoder's dense layers are the fastest dense kernels there are, so
/// ratios are against those.
public final class ModelExperiment: Sendable {
  let encoder: BERTEncoder
  let name: String
  let directory: String
  let calibration: [String]
  let choosing: JudgedSentences
  let evaluation: JudgedSentences
  let calibrationID: String
  /// Whether layers stay prepared for another setting.
  private let keepsLayers: Bool
  /// By the name of the weight, of the unpruned model.
  private let known = Mutex<[String: ModelLayer]>([:])
  /// Proxies with a set of layers zeroed.
  private let floors = Mutex<[[String]: EmbeddingProxies]>([:])

  /// - Parameters:
  ///   - directory: as Hugging Face lays a BERT-family model out.
  ///   - calibration: sentences that masks may be chosen on, at least four; every fourth is set apart.
  ///   - evaluation: sentences that only the proxies see.
  ///   - keepsLayers: whether what is known of a layer stays for another setting. It takes several times
  ///     the memory of the weights, so who asks for one setting leaves it out.
  /// - Throws: `LaboratoryError` with the reason for a checkpoint that cannot be run.
  public init(
    directory: String, calibration: [String], evaluation: [String], threads: Int = 1,
    keepsLayers: Bool = true
  ) throws(LaboratoryError) {
    if !keepsLayers { returnMemoryAtOnce() }
    self.keepsLayers = keepsLayers
    do { encoder = try BERTEncoder(directory: directory, threads: threads) } catch {
      throw .unreadable(error.description)
    }
    name = Workbench.title(of: directory)
    self.directory = directory
    guard calibration.count >= 4, evaluation.count >= 3 else {
      throw .unreadable(
        "\(calibration.count) calibration and \(evaluation.count) held-out sentences are too few: "
          + "at least 4 and 3 are needed")
    }
    self.calibration = calibration.indices.filter { $0 % 4 != 3 }.map { calibration[$0] }
    choosing = JudgedSentences(
      calibration.indices.filter { $0 % 4 == 3 }.map { calibration[$0] }, encoder, threads)
    self.evaluation = JudgedSentences(evaluation, encoder, threads)
    calibrationID = "sentences-" + fingerprint(self.calibration)
    // Batches of hundreds of sentences are over; what follows takes eight at a time.
    if !keepsLayers { encoder.releaseScratch() }
  }

  /// Embeddings of texts by the unpruned model, one row a text.
  ///
  /// - Throws: `unreadable` when the checkpoint cannot be read any more.
  public func embeddings(
    of texts: [String], threads: Int
  ) throws(LaboratoryError) -> [[Float]] {
    let result = encoder.encode(texts, threads: threads).embeddings
    if let failure = encoder.readFailure { throw .unreadable(failure.description) }
    return texts.indices.map {
      Array(result.values[$0 * result.columns..<($0 + 1) * result.columns])
    }
  }

  /// Texts with more tokens than the model takes, and how many they have.
  public func truncated(_ texts: [String]) -> [(text: Int, tokens: Int)] {
    texts.indices.compactMap { text in
      let tokens = encoder.tokens(texts[text])
      return tokens.isTruncated ? (text, tokens.fullCount) : nil
    }
  }

  /// Most tokens of a text that the model takes.
  public var mostTokens: Int { encoder.configuration.maxPositions }

  /// The names of the weights that a selection means, in the order in which they run.
  public func names(of selection: LayerSelection) -> [String] {
    layers(selection).map(\.name)
  }

  func layers(_ selection: LayerSelection) -> [EncoderLinearLayer] {
    encoder.layers.filter { layer in
      switch selection {
      case .attention: layer.role.isAttention
      case .feedForward: !layer.role.isAttention
      case .all: true
      }
    }
  }

  /// A layer with what the unpruned model feeds it; the layers of its block are prepared with it, of which
  /// only those of `wanted` where layers are not kept: the second moment of an input that no chosen layer reads
  /// is 9.4 MB with 1536 features.
  func prepared(
    _ layer: EncoderLinearLayer, of wanted: [EncoderLinearLayer]
  ) throws(LaboratoryError) -> ModelLayer {
    if let found = known.withLock({ $0[layer.name] }) { return found }
    let block = (keepsLayers ? encoder.layers : wanted).filter { $0.layer == layer.layer }
    let fresh = try prepare(block, behind: encoder)
    known.withLock { known in
      if !keepsLayers { known = [:] }
      for one in fresh { known[one.layer.name] = one }
    }
    return fresh.first { $0.layer == layer }!
  }

  /// Lets go of a layer that has been pruned, where layers are not kept.
  func release(_ layer: EncoderLinearLayer) {
    if !keepsLayers { known.withLock { $0[layer.name] = nil } }
  }

  /// Layers with what `changed` feeds them: one pass over the sentences for all.
  func prepare(
    _ layers: [EncoderLinearLayer], behind changed: BERTEncoder
  ) throws(LaboratoryError) -> [ModelLayer] {
    let inputs = Set(layers.map(\.input))
    let seen = moments(of: calibration, inputs, changed)
    // Those of the sentences set apart are for choices between settings.
    let apart = keepsLayers ? moments(of: choosing.texts, inputs, changed) : [:]
    var statistics: [String: CalibrationStatistics] = [:]
    for input in inputs.sorted() {
      guard let own = seen[input] else {
        throw .unreadable("the encoder captured no activations of \(input)")
      }
      do {
        statistics[input] = try CalibrationStatistics(
          gram: own.moment, rows: own.rows, evaluationGram: apart[input]?.moment,
          evaluationRows: apart[input]?.rows ?? 0, identity: calibrationID)
      } catch { throw .pruning(error) }
    }
    var result: [ModelLayer] = []
    for layer in layers {
      result.append(try ModelLayer(layer, of: encoder, statistics: statistics[layer.input]!))
    }
    return result
  }

  /// `XᵀX/rows` of inputs, over pieces of the texts: all activations of a block take more memory than
  /// its weights.
  private func moments(
    of texts: [String], _ inputs: Set<String>, _ encoder: BERTEncoder
  ) -> [String: (moment: Matrix, rows: Int)] {
    var sums: [String: (moment: Matrix, rows: Int)] = [:]
    for start in stride(from: 0, to: texts.count, by: 8) {
      let piece = Array(texts[start..<min(texts.count, start + 8)])
      for (input, rows) in encoder.activations(of: piece, inputs: inputs) {
        var sum =
          sums.removeValue(forKey: input) ?? (Matrix(rows: rows.columns, columns: rows.columns), 0)
        sum.rows += rows.rows
        sum.moment.addUpperGram(of: rows)
        sums[input] = sum
      }
    }
    for input in inputs {
      // Taken out, so that it is scaled where it is and not copied.
      guard var sum = sums.removeValue(forKey: input) else { continue }
      sum.moment.mirrorUpper()
      sum.moment.scale(by: 1 / Float(max(1, sum.rows)))
      sums[input] = sum
    }
    return sums
  }

  func replacing(_ packed: [PackedLayer]) throws(LaboratoryError) -> BERTEncoder {
    let kernels = Dictionary(uniqueKeysWithValues: packed.map { ($0.choice.tensor, $0.kernel) })
    do { return try encoder.replacing(kernels) } catch { throw .unreadable(error.description) }
  }

  /// Proxies with these layers giving nothing but their bias.
  func floor(of packed: [PackedLayer], threads: Int) throws(LaboratoryError) -> EmbeddingProxies {
    let names = packed.map(\.choice.tensor)
    if let known = floors.withLock({ $0[names] }) { return known }
    var empty: [PackedLayer] = []
    for layer in packed {
      let source = encoder.layers.first { $0.name == layer.choice.tensor }!
      let bias: [Float]
      do { bias = try encoder.bias(of: source) } catch { throw .unreadable(error.description) }
      empty.append(try ModelLayer.zeroed(source, bias: bias, layer.choice))
    }
    let fresh = evaluation.proxies(try replacing(empty), threads: threads)
    floors.withLock { $0[names] = fresh }
    return fresh
  }
}

/// Sentences with what the unpruned model makes of them.
struct JudgedSentences: Sendable {
  let texts: [String]
  let original: Matrix

  init(_ texts: [String], _ encoder: BERTEncoder, _ threads: Int) {
    self.texts = texts
    original = encoder.encode(texts, threads: threads).embeddings
  }

  func proxies(_ changed: BERTEncoder, threads: Int) -> EmbeddingProxies {
    let agreement = EmbeddingAgreement(
      changed.encode(texts, threads: threads).embeddings, original: original)
    return EmbeddingProxies(
      cosine: agreement.cosine, rankCorrelation: agreement.rankCorrelation,
      neighbourAgreement: agreement.neighbourAgreement)
  }
}

/// FNV-1a, 64 bits, over lines of text, in hexadecimal.
private func fingerprint(_ lines: [String]) -> String {
  var state: UInt64 = 0xcbf2_9ce4_8422_2325
  for line in lines {
    for byte in line.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    state = (state ^ 0x0A) &* 0x100_0000_01b3
  }
  let digits = String(state, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

extension Matrix {
  /// Adds `xᵀ·x` on and above the diagonal, 256 columns at a time: whole, the product and what it copies
  /// take three times the memory of this matrix. The sums are those of the whole product.
  fileprivate mutating func addUpperGram(of x: Matrix) {
    for start in stride(from: 0, to: x.columns, by: 256) {
      let end = min(x.columns, start + 256)
      let wide = x.columns - start
      let part = Product.multiply(
        x.columnSlice(start..<end), transposeA: true, x.columnSlice(start..<x.columns))
      values.withUnsafeMutableBufferPointer { values in
        part.values.withUnsafeBufferPointer { part in
          for row in start..<end {
            let target = values.baseAddress! + row &* x.columns
            let source = part.baseAddress! + ((row &- start) &* wide &- start)
            for column in row..<x.columns { target[column] += source[column] }
          }
        }
      }
    }
  }

  /// Copies what is above the diagonal below it.
  fileprivate mutating func mirrorUpper() {
    for row in 1..<max(1, rows) {
      for column in 0..<row { values[row * columns + column] = values[column * columns + row] }
    }
  }

  /// `selfᵀ·self / rows`.
  var secondMoment: Matrix {
    var gram = Product.gram(self)
    gram.scale(by: 1 / Float(max(1, rows)))
    return gram
  }
}
