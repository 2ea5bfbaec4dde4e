/// Activations that linear layers receive: one half to calibrate on, the other to judge by.
///
/// The named form is a safetensors (or npz) file with matrices `calibration.INPUT` and
/// `evaluation.INPUT`, `[tokens, features]`. Its metadata may say `input:INPUT` = the names of the
/// weights that receive it, and `recompute:WEIGHT` = `gelu INPUT WEIGHT BIAS`; without, an input
/// belongs to the weight `INPUT.weight` and to weights `INPUT.x.weight`.
///
/// The plain form is a file with one matrix, used for every weight as wide as it: the first two
/// thirds of its rows calibrate, the rest evaluates.
public struct ActivationFile: Sendable {
  /// One input and how much there is of it.
  public struct Input: Hashable, Sendable {
    /// Empty in the plain form.
    public var name: String
    /// Features.
    public var width: Int
    public var calibrationRows: Int
    public var evaluationRows: Int
  }

  /// Activations that follow from stored ones: `activation(x · Wᵀ + b)`, row by row.
  public struct Recomputed: Hashable, Sendable {
    /// The weight that receives them.
    public var weight: String
    /// `gelu`, in its exact form x · Φ(x).
    public var activation: String
    /// Which stored input `x` is.
    public var input: String
    /// The tensors `W` and `b` of the model.
    public var projection: String
    public var bias: String
  }

  private enum Half: String { case calibration, evaluation }

  public let path: String
  /// SHA-256 over the names and the bytes of all its tensors: what is found with activations must not
  /// be taken for what follows from others of the same shape.
  public let identity: String
  public let inputs: [Input]
  /// What is not stored and how it is computed.
  public let recomputed: [Recomputed]
  private let model: Model
  private let inputOfWeight: [String: String]
  /// The one matrix of the plain form.
  private let single: String?

  /// Opens a file of either form and checks names and shapes; values are read when asked for.
  public static func open(_ path: String) throws(TensorFileError) -> ActivationFile {
    try ActivationFile(Model.open(path))
  }

  public init(_ model: Model) throws(TensorFileError) {
    self.model = model
    path = model.path
    identity = try Self.identity(of: model)
    let prefix = Half.calibration.rawValue + "."
    let named = model.matrices.map(\.name).filter { $0.hasPrefix(prefix) }
    if named.isEmpty {
      guard model.matrices.count == 1, let matrix = model.matrices.first else {
        throw model.error(
          .noActivations(
            found: model.tensors.map { "\($0.name) (\($0.dtype.rawValue) \($0.shape))" }))
      }
      guard matrix.rows >= 3 else {
        throw model.error(.tooFewRows(rows: matrix.rows, needed: 3))
      }
      let split = Self.split(matrix.rows)
      inputs = [
        Input(
          name: "", width: matrix.columns, calibrationRows: split,
          evaluationRows: matrix.rows - split)
      ]
      (single, inputOfWeight, recomputed) = (matrix.name, [:], [])
      return
    }
    single = nil
    inputs = try Self.namedInputs(named.map { String($0.dropFirst(prefix.count)) }, of: model)
    (inputOfWeight, recomputed) = try Self.map(inputs, of: model)
  }

  private static func identity(of model: Model) throws(TensorFileError) -> String {
    var hash = ContentHash()
    // Headers and metadata: what belongs to which weight.
    hash.update(model.identity)
    for tensor in model.tensors.sorted(by: { $0.name < $1.name }) {
      hash.update(tensor.name)
      hash.update(try model.sha256(of: tensor.name))
    }
    return hash.hexadecimal
  }

  /// Two thirds, and at least one row for each half.
  private static func split(_ rows: Int) -> Int { rows - max(1, rows / 3) }

  private static func namedInputs(
    _ names: [String], of model: Model
  ) throws(TensorFileError) -> [Input] {
    var inputs: [Input] = []
    for name in names {
      let calibration = model.header(named: "calibration." + name)!
      guard let evaluation = model.header(named: "evaluation." + name) else {
        throw model.error(
          .noSuchTensor("evaluation." + name, known: model.tensors.map(\.name)))
      }
      guard evaluation.isMatrix, evaluation.columns == calibration.columns, evaluation.rows > 0
      else {
        throw model.error(
          .activationsDiffer(
            input: name, expected: [max(1, evaluation.rows), calibration.columns],
            found: evaluation.shape))
      }
      inputs.append(
        Input(
          name: name, width: calibration.columns, calibrationRows: calibration.rows,
          evaluationRows: evaluation.rows))
    }
    return inputs
  }

  private static func map(
    _ inputs: [Input], of model: Model
  ) throws(TensorFileError) -> ([String: String], [Recomputed]) {
    let known = Set(inputs.map(\.name))
    var inputOfWeight: [String: String] = [:]
    var recomputed: [Recomputed] = []
    for (key, value) in model.metadata.sorted(by: { $0.key < $1.key }) {
      let words = value.split(separator: " ").map(String.init)
      if key.hasPrefix("input:") {
        let input = String(key.dropFirst("input:".count))
        guard known.contains(input) else {
          throw model.error(
            .noSuchTensor("calibration." + input, known: model.tensors.map(\.name)))
        }
        for weight in words { inputOfWeight[weight] = input }
      } else if key.hasPrefix("recompute:") {
        guard words.count == 4, words[0] == "gelu", known.contains(words[1]) else {
          throw model.error(
            .malformed(
              offset: 8, expected: "\"gelu INPUT WEIGHT BIAS\" in \(quoted(key)) of the metadata",
              found: quoted(value)))
        }
        recomputed.append(
          Recomputed(
            weight: String(key.dropFirst("recompute:".count)), activation: words[0],
            input: words[1], projection: words[2], bias: words[3]))
      }
    }
    return (inputOfWeight, recomputed)
  }

  /// The stored input of the weight `name`, which has `width` inputs; nil when there is none.
  public func input(for name: String, width: Int) -> Input? {
    if single != nil { return inputs[0].width == width ? inputs[0] : nil }
    if let known = inputOfWeight[name] {
      return inputs.first { $0.name == known && $0.width == width }
    }
    return inputs.first { $0.width == width && Self.belongs(name, to: $0.name) }
  }

  /// How the activations of the weight `name` are computed, when they are not stored.
  public func recomputed(for name: String) -> Recomputed? {
    recomputed.first { $0.weight == name }
  }

  private static func belongs(_ weight: String, to input: String) -> Bool {
    if weight == input { return true }
    guard weight.hasPrefix(input + "."), weight.hasSuffix(".weight") else { return false }
    return weight.dropFirst(input.count + 1).utf8.count { $0 == UInt8(ascii: ".") } <= 1
  }

  /// An input that the metadata gives to a weight must be as wide as it.
  private func checkWidth(of name: String, _ width: Int) throws(TensorFileError) {
    guard let known = inputOfWeight[name], let input = inputs.first(where: { $0.name == known }),
      input.width != width
    else { return }
    throw model.error(
      .activationsDiffer(
        input: known, expected: [input.calibrationRows, width],
        found: [input.calibrationRows, input.width]))
  }

  /// Activations `[tokens, width]` to calibrate the weight `name` on; nil when there are none.
  ///
  /// - Throws: `activationsDiffer` when the file gives this weight an input of another width.
  public func calibration(
    for name: String, width: Int
  ) throws(TensorFileError) -> Matrix? {
    try checkWidth(of: name, width)
    guard let input = input(for: name, width: width) else { return nil }
    return try matrix(of: input, .calibration)
  }

  /// Other activations `[tokens, width]` to judge the result by; nil when there are none.
  public func evaluation(
    for name: String, width: Int
  ) throws(TensorFileError) -> Matrix? {
    try checkWidth(of: name, width)
    guard let input = input(for: name, width: width) else { return nil }
    return try matrix(of: input, .evaluation)
  }

  /// The calibration half of a stored input, by its name.
  public func calibration(ofInput name: String) throws(TensorFileError) -> Matrix? {
    guard let input = inputs.first(where: { $0.name == name }) else { return nil }
    return try matrix(of: input, .calibration)
  }

  /// The evaluation half of a stored input, by its name.
  public func evaluation(ofInput name: String) throws(TensorFileError) -> Matrix? {
    guard let input = inputs.first(where: { $0.name == name }) else { return nil }
    return try matrix(of: input, .evaluation)
  }

  private func matrix(of input: Input, _ half: Half) throws(TensorFileError) -> Matrix {
    guard let single else { return try model.matrix(named: half.rawValue + "." + input.name) }
    let all = try model.matrix(named: single)
    let split = input.calibrationRows * all.columns
    let (rows, values) =
      half == .calibration
      ? (input.calibrationRows, Array(all.values[..<split]))
      : (input.evaluationRows, Array(all.values[split...]))
    return Matrix(rows: rows, columns: all.columns, values: values)
  }
}
