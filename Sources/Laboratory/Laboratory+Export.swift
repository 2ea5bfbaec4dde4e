public import Experiments
internal import Pruning
internal import Tensors

extension Laboratory {
  /// Prunes tensors of the open model and writes them to a new file, whose ending chooses the form.
  ///
  /// `.safetensors` holds every tensor of the model, those that were not pruned bit for bit; the pruned
  /// ones keep their type, are refitted where the knobs say so, and stand in their original order.
  /// `__metadata__` names the tool, the parent, and for each pruned tensor its settings and, after a
  /// reordering, the permutations under which the pattern is regular. `.npz` holds one tensor as SciPy
  /// loads it: block sparse rows where blocks divide it, else compressed sparse rows. `.npy` holds one
  /// mask as booleans.
  ///
  /// Tensors of a `.safetensors` are pruned in the order of the file, which needs memory for one of them;
  /// those under a global threshold all at once before.
  /// - Parameters:
  ///   - tensors: those that share a global threshold; nil for all linear weights of the model.
  ///   - progress: called before each tensor with its number and name.
  /// - Throws: `LaboratoryError`; nothing stands under `path` then that did not before.
  public func export(
    _ cells: [SweepCell], to path: String, force: Bool, among tensors: [String]? = nil,
    isCancelled: () -> Bool = { false },
    progress: (Int, String) -> Void = { _, _ in }
  ) throws(LaboratoryError) -> [PruningSummary] {
    let open = try workbench.current()
    let isArchive = path.hasSuffix(".npz")
    let isMask = path.hasSuffix(".npy")
    guard isArchive || isMask || path.hasSuffix(".safetensors") else {
      throw .request("\(path): its ending chooses the form: .safetensors, .npz or .npy")
    }
    guard cells.count == 1 || !(isArchive || isMask) else {
      throw .request(
        "\(path): holds one tensor, and \(cells.count) were chosen; name one, or write .safetensors"
      )
    }
    let shared = try sharedPrunings(cells, among: tensors, isCancelled)
    if !isArchive, !isMask {
      return try write(cells, of: open, to: path, force, shared, isCancelled, progress)
    }
    let cell = cells[0]
    progress(0, cell.tensor)
    let pruned = try refitted(
      try workbench.layer(cell.tensor), cell.knobs, shared[cell], isCancelled)
    do {
      if isMask {
        try NumPyWriter.write(pruned.mask, to: path, force: force)
      } else {
        try writeArchive(pruned, cell.knobs.pattern, to: path, force: force)
      }
    } catch { throw .file(error) }
    return [pruned.summary]
  }

  /// Prunes each tensor when its place in the file is reached, so that one at a time is in memory.
  private func write(
    _ cells: [SweepCell], of open: OpenModel, to path: String, _ force: Bool,
    _ shared: [SweepCell: PrunedLayer], _ isCancelled: () -> Bool, _ progress: (Int, String) -> Void
  ) throws(LaboratoryError) -> [PruningSummary] {
    var writer = SafetensorsWriter(metadata: open.model.metadata)
    writer.metadata["sparsity-tui"] = toolVersion
    writer.metadata["parent"] = open.info.identity
    for cell in cells {
      guard let header = open.model.header(named: cell.tensor), header.isMatrix, header.count > 0
      else {
        // The reason why it is none.
        _ = try workbench.layer(cell.tensor)
        continue
      }
      // Settings and names in at most three keys, each character as an escape at worst; a permutation
      // has up to seven digits and a comma a position.
      let orders = cell.knobs.pattern.reorder == nil ? 0 : 8 * (header.rows + header.columns)
      writer.expect(
        cell.tensor, rows: header.rows, columns: header.columns, as: header.dtype,
        metadataBytes: 1024 + 18 * cell.tensor.utf8.count + orders)
    }
    writer.copyAll(of: open.model)
    var summaries = [PruningSummary?](repeating: nil, count: cells.count)
    var failure: LaboratoryError?
    var done = 0
    func values(_ name: String, _ metadata: inout [String: String]) -> Matrix? {
      let index = cells.lastIndex { $0.tensor == name }!
      do throws(LaboratoryError) {
        if isCancelled() { throw .cancelled }
        progress(done, name)
        done += 1
        let cell = cells[index]
        let pruned = try refitted(
          try workbench.layer(name), cell.knobs, shared[cell], isCancelled)
        summaries[index] = pruned.summary
        describe(
          pruned, cells[index], as: open.model.header(named: name)?.dtype ?? .f32,
          parent: try open.checksum(of: name), in: &metadata)
        if cells.count > 1 { open.drop(name) }
        return pruned.weights
      } catch {
        failure = error
        return nil
      }
    }
    do { _ = try writer.write(to: path, force: force, values: values) } catch {
      throw .file(error)
    }
    if let failure { throw failure }
    return summaries.compactMap(\.self)
  }

  /// The prunings of cells whose threshold is global, found before the first of them is written.
  private func sharedPrunings(
    _ cells: [SweepCell], among tensors: [String]?, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> [SweepCell: PrunedLayer] {
    var found: [SweepCell: PrunedLayer] = [:]
    for cell in cells where cell.knobs.scope == .global && found[cell] == nil {
      let names = try workbench.sharing(cell.tensor, among: tensors)
      let results = try workbench.pruneTogether(names, cell.knobs) { _ in !isCancelled() }
      for (name, result) in zip(names, results) {
        found[SweepCell(tensor: name, knobs: cell.knobs)] = result
      }
    }
    return found
  }

  /// - Parameter known: the pruning, where others had a say in it.
  private func refitted(
    _ layer: Layer, _ knobs: Knobs, _ known: PrunedLayer?, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> PrunedLayer {
    let pruned: PrunedLayer
    if let known {
      pruned = known
    } else {
      pruned = try layer.pruned(with: knobs) { _ in !isCancelled() }
    }
    guard knobs.refit, let statistics = layer.statistics else { return pruned }
    do {
      return try refit(pruned, original: layer.weights, statistics: statistics)
    } catch { throw .pruning(error) }
  }

  private func writeArchive(
    _ pruned: PrunedLayer, _ pattern: Pattern, to path: String, force: Bool
  ) throws(TensorFileError) {
    let weights = pruned.weights
    if case .block(let rows, let columns) = pattern.base, rows * columns > 1,
      weights.rows % rows == 0, weights.columns % columns == 0, pattern.reorder == nil
    {
      try SparseArchive.writeBSR(
        weights, kept: pruned.mask, blockRows: rows, blockColumns: columns, to: path, force: force)
    } else {
      try SparseArchive.writeCSR(weights, kept: pruned.mask, to: path, force: force)
    }
  }

  /// Settings of one tensor, under `pruned:NAME`.
  private func describe(
    _ pruned: PrunedLayer, _ cell: SweepCell, as dtype: DataType, parent: String,
    in metadata: inout [String: String]
  ) {
    let knobs = cell.knobs
    var fields: [(String, String)] = [
      ("pattern", knobs.pattern.description), ("criterion", pruned.summary.criterion.rawValue),
      ("sparsity", NumberText.shortest(pruned.summary.achievedSparsity)),
      ("seed", String(knobs.seed)), ("parent_sha256", parent),
    ]
    if knobs.scope == .global { fields.append(("scope", knobs.scope.rawValue)) }
    if let lambda = knobs.amount.lambda {
      fields.append(("lambda", NumberText.shortest(lambda)))
      fields.append(("regularizer", knobs.effectiveRegularizer.rawValue))
      fields.append(("solve", knobs.solve.rawValue))
    }
    fields.append(("refit", knobs.refit ? "on" : "off"))
    // Who looks for the pattern in the file sees nonzeros only.
    let zeros = pruned.summary.nonzeros - pruned.nonzeros(as: dtype)
    if zeros > 0 { fields.append(("zeros_kept", String(zeros))) }
    metadata["pruned:\(cell.tensor)"] =
      fields.map { "\($0)=\($1)" }.joined(separator: " ")
    if let rows = pruned.rowOrder {
      metadata["rows:\(cell.tensor)"] = Self.text(rows)
    }
    if let columns = pruned.columnOrder {
      metadata["columns:\(cell.tensor)"] = Self.text(columns)
    }
  }

  private static func text(_ permutation: Permutation) -> String {
    permutation.order.map(String.init).joined(separator: ",")
  }
}

extension PrunedLayer {
  /// Weights that are not zero once they are stored in a type: F16 rounds to zero from half of its
  /// least number on, 2^-25, BF16 from 2^-134.
  fileprivate func nonzeros(as dtype: DataType) -> Int {
    let zero: Float =
      switch dtype {
      case .f16: 0x1p-25
      case .bf16: 0x1p-134
      default: 0
      }
    return weights.values.count { $0.magnitude > zero }
  }
}
