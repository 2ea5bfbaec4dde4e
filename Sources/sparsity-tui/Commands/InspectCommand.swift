import ArgumentParser
import CellUI
import Experiments
import Laboratory

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "List a model's tensors: shapes, dtypes, zeros, and the pattern they already follow.",
    discussion: """
      Zeros and patterns need the weights themselves: they are counted for models up to 256 MB, and \
      beyond that with --zeros.

        sparsity-tui inspect
        sparsity-tui inspect model.safetensors --json
        sparsity-tui inspect ~/models/bert --tensor '*.query.weight' --zeros
      """)

  @Argument(help: "A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS.")
  var model: String?
  @Option(help: "Only tensors whose names match; * matches any characters.")
  var tensor: [String] = []
  @Flag(inversion: .prefixedNo, help: "Count zeros and look for patterns whatever the size.")
  var zeros: Bool?
  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    Interrupt.watch()
    let bench = try Workbench(model: model)
    let info = bench.model
    let shown =
      tensor.isEmpty
      ? info.tensors : info.tensors.filter { t in tensor.contains { Glob.matches($0, t.name) } }
    guard !shown.isEmpty else {
      throw Failure(.usage, "no tensor of \(info.path) matches \(tensor.joined(separator: ", "))")
    }
    let total = shown.reduce(0) { $0 + $1.bytes }
    let counts = zeros ?? (total <= 256 << 20)
    var contents: [String: TensorContent] = [:]
    if counts {
      for tensor in shown where tensor.isPrunable {
        if Interrupt.isRaised { throw Failure(.interrupted, "interrupted") }
        contents[tensor.name] = try content(of: tensor.name, in: bench)
      }
    }
    try OutputFile.standardOutput(
      json ? jsonText(info, shown, contents) : text(info, shown, contents, total))
  }

  private func content(of name: String, in bench: Workbench) throws -> TensorContent {
    do { return try bench.laboratory.content(of: name) } catch { throw Failure(error) }
  }

  private func text(
    _ info: ModelInfo, _ shown: [TensorInfo], _ contents: [String: TensorContent], _ total: Int
  ) -> String {
    var rows = [["tensor", "dtype", "shape", "bytes", "zeros", "pattern"]]
    for tensor in shown {
      let content = contents[tensor.name]
      rows.append([
        tensor.name, tensor.dtype, tensor.shape.map(String.init).joined(separator: "x"),
        Figures.bytes(Double(tensor.bytes)),
        content.map { Figures.percent($0.zeroShare) } ?? "–",
        content.map { $0.patterns.isEmpty ? "none" : $0.patterns.joined(separator: " ") } ?? "–",
      ])
    }
    var text = "\(info.name)  \(shown.count) tensors  \(Figures.bytes(Double(total)))"
    text += "  id \(info.identity.prefix(16))\n"
    if let calibration = info.calibration {
      text +=
        "activations: \(calibration.source), \(calibration.calibrationRows) rows to calibrate and "
        + "\(calibration.evaluationRows) held out\n"
    }
    return text + "\n" + TextTable.lines(rows, numbers: [3, 4])
  }

  private func jsonText(
    _ info: ModelInfo, _ shown: [TensorInfo], _ contents: [String: TensorContent]
  ) throws -> String {
    struct Entry: Encodable {
      let name: String
      let dtype: String
      let shape: [Int]
      let bytes: Int
      let zero_share: Double?
      let patterns: [String]?
    }
    struct Report: Encodable {
      let path: String
      let model_id: String
      let tensors: [Entry]
    }
    let report = Report(
      path: info.path, model_id: info.identity,
      tensors: shown.map { tensor in
        Entry(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, bytes: tensor.bytes,
          zero_share: contents[tensor.name]?.zeroShare,
          patterns: contents[tensor.name]?.patterns)
      })
    return try JSONText.encode(report) + "\n"
  }
}
