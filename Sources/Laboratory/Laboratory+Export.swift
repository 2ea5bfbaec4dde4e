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
  /// - Parameter progress: called before each tensor with its number and name.
  /// - Throws: `LaboratoryError`; nothing stands under `path` then that did not before.
  public func export(
    _ cells: [SweepCell], to path: String, force: Bool, isCancelled: () -> Bool = { false },
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
    var writer = SafetensorsWriter(metadata: open.model.metadata)
    writer.metadata["sparsity-tui"] = toolVersion
    writer.metadata["parent"] = open.info.identity
    var summaries: [PruningSummary] = []
    for (index, cell) in cells.enumerated() {
      if isCancelled() { throw .cancelled }
      progress(index, cell.tensor)
      let layer = try workbench.layer(cell.tensor)
      let pruned = try refitted(layer, cell.knobs, isCancelled)
      summaries.append(pruned.summary)
      do {
        if isMask {
          try NumPyWriter.write(pruned.mask, to: path, force: force)
        } else if isArchive {
          try writeArchive(pruned, cell.knobs.pattern, to: path, force: force)
        } else {
          let dtype = open.model.header(named: cell.tensor)?.dtype ?? .f32
          writer.set(cell.tensor, pruned.weights, as: dtype)
          describe(pruned, cell, parent: try open.checksum(of: cell.tensor), in: &writer)
        }
      } catch let error as TensorFileError {
        throw .file(error)
      } catch let error as LaboratoryError {
        throw error
      } catch { preconditionFailure("both errors above are all there are: \(error)") }
    }
    if !isArchive, !isMask {
      writer.copyAll(of: open.model)
      do { try writer.write(to: path, force: force) } catch { throw .file(error) }
    }
    return summaries
  }

  private func refitted(
    _ layer: Layer, _ knobs: Knobs, _ isCancelled: () -> Bool
  ) throws(LaboratoryError) -> PrunedLayer {
    let pruned = try layer.pruned(with: knobs) { _ in !isCancelled() }
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
    _ pruned: PrunedLayer, _ cell: SweepCell, parent: String, in writer: inout SafetensorsWriter
  ) {
    let knobs = cell.knobs
    var fields: [(String, String)] = [
      ("pattern", knobs.pattern.description), ("criterion", pruned.summary.criterion.rawValue),
      ("sparsity", NumberText.shortest(pruned.summary.achievedSparsity)),
      ("seed", String(knobs.seed)), ("parent_sha256", parent),
    ]
    if let lambda = knobs.amount.lambda {
      fields.append(("lambda", NumberText.shortest(lambda)))
      fields.append(("regularizer", knobs.effectiveRegularizer.rawValue))
      fields.append(("solve", knobs.solve.rawValue))
    }
    fields.append(("refit", knobs.refit ? "on" : "off"))
    writer.metadata["pruned:\(cell.tensor)"] =
      fields.map { "\($0)=\($1)" }.joined(separator: " ")
    if let rows = pruned.rowOrder {
      writer.metadata["rows:\(cell.tensor)"] = Self.text(rows)
    }
    if let columns = pruned.columnOrder {
      writer.metadata["columns:\(cell.tensor)"] = Self.text(columns)
    }
  }

  private static func text(_ permutation: Permutation) -> String {
    permutation.order.map(String.init).joined(separator: ",")
  }
}
