internal import Encoder
internal import Experiments
internal import FoundationEssentials
internal import Glibc
internal import Pruning
internal import Tensors
internal import Training

/// Writes a trained model as other programs load it.
///
/// A name that ends in `.safetensors` becomes one file: every tensor of the checkpoint, changed or not, in
/// its type and order, with the pruning's settings in the metadata as `prune` writes them. Any other name
/// becomes a directory with that file and copies of what stood beside the original weights (configuration,
/// tokenizer, pooling), so that sentence-transformers and transformers open it.
struct TrainingExport {
  private let run: TrainingRun
  private let packed: [PackedLayer]

  init(_ run: TrainingRun, _ packed: [PackedLayer]) {
    self.run = run
    self.packed = packed
  }

  /// - Returns: the files that were written.
  /// - Throws: `request` for a name that is taken without `replacing`; `file` for what cannot be written.
  func write(to output: String, replacing: Bool) throws(LaboratoryError) -> [String] {
    if output.hasSuffix(".safetensors") {
      try writeWeights(to: output, replacing: replacing)
      return [output]
    }
    try Self.check(output, replacing: replacing)
    let source = run.experiment.directory
    makeDirectories(output, mode: 0o777)
    var files: [String] = []
    for name in try Self.companions(source) {
      let target = output + "/" + name
      makeDirectories(
        String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)]), mode: 0o777)
      try Self.copy(source + "/" + name, to: target)
      files.append(target)
    }
    // Last: a directory that holds weights is whole.
    let weights = output + "/model.safetensors"
    try writeWeights(to: weights, replacing: true)
    return files + [weights]
  }

  /// Whether a model may be written under this name, before anything is computed.
  static func check(_ output: String, replacing: Bool) throws(LaboratoryError) {
    guard access(output, F_OK) == 0, !replacing else { return }
    throw .request(
      "\(output) exists: choose another name, or say --force to replace it, --resume to go on with it"
    )
  }

  private func writeWeights(to path: String, replacing: Bool) throws(LaboratoryError) {
    let model: Model
    do throws(TensorFileError) {
      model = try Model.open(run.experiment.directory)
      var writer = SafetensorsWriter(metadata: model.metadata)
      writer.metadata["sparsity-tui"] = toolVersion
      writer.metadata["parent"] = model.identity
      writer.metadata["training"] = training
      for (name, tensor) in run.trainer.changedTensors {
        guard let header = model.header(named: name) else { continue }
        if header.shape.count == 1 {
          writer.set(name, tensor.values, as: header.dtype)
        } else {
          writer.set(name, tensor, as: header.dtype)
        }
      }
      for (layer, start) in zip(packed, run.pruned) {
        try describe(layer, start, of: model, in: &writer)
      }
      writer.copyAll(of: model)
      try writer.write(to: path, force: replacing)
    } catch { throw .file(error) }
  }

  private var training: String {
    let (plan, position) = (run.plan, run.position)
    var fields = [
      "method=\(plan.method.rawValue)", "layers=\(plan.layers.rawValue)",
      "steps=\(run.best?.point.step ?? position.step)", "tokens_per_step=\(plan.tokensPerStep)",
      "learning_rate=\(NumberText.shortest(position.learningRate))",
      "dense=\(plan.trainsDense ? "on" : "off")", "seed=\(plan.seed)",
      "text_sha256=\(run.material.identity)",
    ]
    if let cosine = run.best?.point.cosine {
      fields.append("held_out_cosine=\(NumberText.fixed(cosine, 4))")
    }
    return fields.joined(separator: " ")
  }

  private func describe(
    _ layer: PackedLayer, _ start: PrunedLayer, of model: Model,
    in writer: inout SafetensorsWriter
  ) throws(TensorFileError) {
    let name = layer.choice.tensor
    let fields: [(String, String)] = [
      ("pattern", run.plan.pattern.description), ("criterion", layer.summary.criterion.rawValue),
      ("sparsity", NumberText.shortest(layer.summary.achievedSparsity)),
      ("seed", String(run.plan.seed)), ("parent_sha256", try model.sha256(of: name)),
      ("solve", run.plan.method.solve),
    ]
    writer.metadata["pruned:\(name)"] = fields.map { "\($0)=\($1)" }.joined(separator: " ")
    for (axis, order) in [("rows", start.rowOrder), ("columns", start.columnOrder)] {
      if let order {
        writer.metadata["\(axis):\(name)"] = order.order.map(String.init).joined(separator: ",")
      }
    }
  }

  // MARK: What stands beside the weights

  /// Weights in any program's form: the copy holds the trained ones alone.
  private static let weightEndings = [
    ".safetensors", ".bin", ".pt", ".pth", ".h5", ".onnx", ".msgpack", ".ot", ".gguf",
    ".index.json",
    ".part", ".npz",
  ]

  /// Names of the small files of a model directory, those one level down included.
  private static func companions(_ directory: String) throws(LaboratoryError) -> [String] {
    var result: [String] = []
    func add(_ prefix: String, deeper: Bool) {
      let path = directory + "/" + prefix
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      for name in names.sorted() where !name.hasPrefix(".") {
        var status = stat()
        guard stat(path + name, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          if deeper { add(prefix + name + "/", deeper: false) }
        } else if status.st_mode & S_IFMT == S_IFREG, status.st_size < 64 << 20,
          !weightEndings.contains(where: { name.hasSuffix($0) })
        {
          result.append(prefix + name)
        }
      }
    }
    add("", deeper: true)
    guard result.contains("config.json") else {
      throw .unreadable("\(directory)/config.json: cannot be read any more; nothing was written")
    }
    return result
  }

  private static func copy(_ source: String, to target: String) throws(LaboratoryError) {
    guard let bytes = FileManager.default.contents(atPath: source) else {
      throw .unreadable("\(source): cannot be read")
    }
    do throws(TensorFileError) {
      var file = try AtomicFile(target, force: true)
      try file.write([UInt8](bytes))
      try file.commit()
    } catch { throw .file(error) }
  }
}
