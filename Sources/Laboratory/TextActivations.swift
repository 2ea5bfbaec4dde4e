internal import Encoder
internal import Experiments
internal import Glibc
internal import Kernels
internal import Pruning
internal import Synchronization
internal import Tensors

/// Calibration activations that the model's own encoder has while it reads a text.
///
/// A file is one text a line, every fourth of which is held out; of a directory, `calibration.txt` is
/// calibrated on and `evaluation.txt` held out. Only second moments are formed, over pieces of the text, so
/// its length does not matter; they are kept between runs by the hash of texts and weights, and the
/// encoder is not even loaded when they are there.
final class TextActivations: ActivationSource {
  let info: CalibrationInfo
  private let calibration: [String]
  private let evaluation: [String]
  private let directory: String
  private let store: MomentStore
  private let encoder = Mutex<BERTEncoder?>(nil)
  private let weightsHash = Mutex<String?>(nil)
  /// Texts that go through the encoder together: some thousand tokens.
  private static let piece = 64
  /// Bytes of second moments that are formed in one pass over the text.
  private static let passBytes = 512 << 20

  /// - Parameters:
  ///   - path: of the text file or directory.
  ///   - modelPath: of the open model, which lies in a directory as Hugging Face lays it out.
  /// - Throws: `activations` for what cannot be used, with the reason.
  init(
    path: String, modelPath: String?, model: Model, store: MomentStore
  ) throws(LaboratoryError) {
    self.store = store
    guard let modelPath, let directory = Self.encoderDirectory(modelPath) else {
      throw .activations(
        "\(path): a text calibrates only a model whose encoder can read it; open a directory with "
          + "config.json, vocab.txt and model.safetensors (make model fetches one), or give "
          + "activations as .safetensors or .npy")
    }
    self.directory = directory
    (calibration, evaluation) = try Self.texts(path)
    let tokenizer: WordPieceTokenizer
    let longest: Int
    do {
      tokenizer = try WordPieceTokenizer(directory: directory)
      longest = try EncoderConfiguration(directory: directory).maxPositions
    } catch { throw .activations("\(path): \(error.description)") }
    func tokens(_ texts: [String]) -> Int {
      texts.reduce(0) { $0 + tokenizer.encode($1, limit: longest).ids.count }
    }
    var hash = ContentHash()
    for texts in [calibration, evaluation] {
      hash.update(texts.count)
      for text in texts { hash.update(text) }
    }
    info = CalibrationInfo(
      identity: "text-" + hash.hexadecimal.prefix(16), source: path,
      calibrationRows: tokens(calibration), evaluationRows: tokens(evaluation))
    guard model.matrices.contains(where: { input(of: $0) != nil }) else {
      throw .activations(
        "\(path): \(modelPath) has no weight that its encoder's layers are named after")
    }
  }

  /// Whether a path names text rather than stored activations.
  static func isText(_ path: String) -> Bool {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      return access(path + "/calibration.txt", F_OK) == 0
    }
    return ![".safetensors", ".npy", ".npz", ".json"].contains { path.lowercased().hasSuffix($0) }
  }

  private static func encoderDirectory(_ path: String) -> String? {
    var candidates = [path]
    if let slash = path.lastIndex(of: "/") {
      candidates.append(slash == path.startIndex ? "/" : String(path[..<slash]))
    } else {
      candidates.append(".")
    }
    return candidates.first { access($0 + "/config.json", F_OK) == 0 }
  }

  private static func texts(
    _ path: String
  ) throws(LaboratoryError) -> (calibration: [String], evaluation: [String]) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      return (try lines(path + "/calibration.txt"), try lines(path + "/evaluation.txt"))
    }
    let all = try lines(path)
    guard all.count >= 4 else {
      throw .activations(
        "\(path): \(all.count) line\(all.count == 1 ? "" : "s") of text; at least 4 are needed, since "
          + "every fourth is held out to judge by (64 varied sentences are a good start)")
    }
    return (
      all.indices.filter { $0 % 4 != 3 }.map { all[$0] },
      all.indices.filter { $0 % 4 == 3 }.map { all[$0] }
    )
  }

  /// Lines that hold something besides white space.
  private static func lines(_ path: String) throws(LaboratoryError) -> [String] {
    let bytes: [UInt8]
    do { bytes = try OpenText.read(path) } catch { throw .activations(error.description) }
    guard !bytes.contains(0) else {
      throw .activations(
        "\(path): holds zero bytes, so it is no text; activations end in .safetensors, .npy or .npz"
      )
    }
    let lines = bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
      .filter { $0.contains { !$0.isWhitespace } }
    guard !lines.isEmpty else {
      throw .activations("\(path): holds no text; write one sentence a line")
    }
    return lines
  }

  func input(of weight: TensorHeader) -> String? {
    EncoderLinearLayer.input(ofWeight: weight.name).map { "text:" + $0 }
  }

  func statistics(
    of input: String, feeding weight: TensorHeader, model: Model
  ) throws(LaboratoryError) -> CalibrationStatistics {
    let name = String(input.dropFirst("text:".count))
    let hash = try contentHash(model)
    let moments: MomentStore.Moments
    if let known = store.moments(for: key(name, hash)) {
      moments = known
    } else {
      moments = try capture(name, hash)
    }
    guard moments.calibration.columns == weight.columns else {
      throw .activations(
        "\(weight.name): the encoder feeds it \(moments.calibration.columns) features, but it has "
          + "\(weight.columns) inputs; the model and its config.json do not belong together")
    }
    do {
      return try CalibrationStatistics(
        gram: moments.calibration, rows: moments.rows, evaluationGram: moments.evaluation,
        evaluationRows: moments.evaluationRows, identity: info.identity)
    } catch { throw .pruning(error) }
  }

  private func key(_ input: String, _ weights: String) -> String {
    var hash = ContentHash()
    hash.update("second moments 1")
    hash.update(weights)
    hash.update(info.identity)
    hash.update(input)
    return hash.hexadecimal
  }

  /// Of all the weights, in the order of their names: two models may differ in nothing else.
  private func contentHash(_ model: Model) throws(LaboratoryError) -> String {
    if let known = weightsHash.withLock({ $0 }) { return known }
    var hash = ContentHash()
    do {
      for tensor in model.tensors.sorted(by: { $0.name < $1.name }) {
        hash.update(tensor.name)
        hash.update(try model.sha256(of: tensor.name))
      }
    } catch { throw .file(error) }
    weightsHash.withLock { $0 = hash.hexadecimal }
    return hash.hexadecimal
  }

  /// Runs the text through the encoder and keeps what all its layers see, or those of the same block
  /// where all would take too much memory.
  private func capture(
    _ input: String, _ hash: String
  ) throws(LaboratoryError) -> MomentStore.Moments {
    let encoder = try loaded()
    guard let layer = encoder.layers.first(where: { $0.input == input }) else {
      throw .activations("the encoder in \(directory) has no layer that reads \(input)")
    }
    let widths = Dictionary(
      encoder.layers.map { ($0.input, $0.columns) }, uniquingKeysWith: { first, _ in first })
    let bytes = widths.values.reduce(0) { $0 + 8 * $1 * $1 }
    let readers =
      bytes <= Self.passBytes ? encoder.layers : encoder.layers.filter { $0.layer == layer.layer }
    let inputs = Set(readers.map(\.input))
    let (seen, rows) = moments(calibration, inputs, widths, encoder)
    let (apart, evaluationRows) = moments(evaluation, inputs, widths, encoder)
    var wanted: MomentStore.Moments?
    for name in inputs.sorted() {
      let found = MomentStore.Moments(
        calibration: seen[name]!, rows: rows, evaluation: apart[name]!,
        evaluationRows: evaluationRows)
      store.store(found, for: key(name, hash))
      if name == input { wanted = found }
    }
    return wanted!
  }

  private func moments(
    _ texts: [String], _ inputs: Set<String>, _ widths: [String: Int], _ encoder: BERTEncoder
  ) -> (moments: [String: Matrix], rows: Int) {
    var sums = Dictionary(
      uniqueKeysWithValues: inputs.map { ($0, Matrix(rows: widths[$0]!, columns: widths[$0]!)) })
    var rows = 0
    for start in stride(from: 0, to: texts.count, by: Self.piece) {
      let piece = Array(texts[start..<min(texts.count, start + Self.piece)])
      let seen = encoder.activations(of: piece, inputs: inputs)
      rows += seen.values.first?.rows ?? 0
      for (name, activations) in seen { sums[name]!.add(Product.gram(activations)) }
    }
    let share = 1 / Float(max(1, rows))
    for name in inputs { sums[name]!.scale(by: share) }
    return (sums, rows)
  }

  private func loaded() throws(LaboratoryError) -> BERTEncoder {
    if let known = encoder.withLock({ $0 }) { return known }
    do {
      let fresh = try BERTEncoder(directory: directory)
      encoder.withLock { $0 = fresh }
      return fresh
    } catch { throw .unreadable(error.description) }
  }
}

extension Matrix {
  mutating func add(_ other: Matrix) {
    for index in values.indices { values[index] += other.values[index] }
  }

  mutating func scale(by factor: Float) {
    for index in values.indices { values[index] *= factor }
  }
}
