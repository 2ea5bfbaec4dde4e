public import Experiments
internal import Pruning
internal import Tensors

extension Laboratory {
  /// Zeros of a tensor of the open model, and the patterns that its other weights follow.
  ///
  /// - Complexity: reads the whole tensor.
  public func content(of name: String) throws(LaboratoryError) -> TensorContent {
    let mask = Mask(nonzerosOf: try values(of: name))
    return TensorContent(
      zeroShare: mask.sparsity, patterns: detectPatterns(mask).map(\.description))
  }

  /// Checks that a tensor of the open model follows a pattern and has the zeros that pruning to
  /// `sparsity` gives it.
  ///
  /// A reordered pattern is checked in the layout that the file's metadata gives for the tensor; without
  /// one, in the stored order. Kept weights that are zero are so many as the metadata says for the pattern
  /// that was pruned to.
  public func verify(
    _ name: String, pattern: Pattern, sparsity: Double?
  ) throws(LaboratoryError) -> VerificationReport {
    let model = try workbench.current().model
    let mask = Mask(nonzerosOf: try values(of: name))
    let rows = try order(model.metadata["rows:\(name)"], of: name, count: mask.rows)
    let columns = try order(model.metadata["columns:\(name)"], of: name, count: mask.columns)
    let (rowOrder, columnOrder) = pattern.reorder == nil ? (nil, nil) : (rows, columns)
    var violations = verifyPattern(
      mask, pattern.withoutReorder, rowOrder: rowOrder, columnOrder: columnOrder,
      zerosKept: Self.zerosKept(model.metadata["pruned:\(name)"], pattern)
    ).map(\.description)
    if let sparsity,
      !mask.reaches(
        sparsity: sparsity, pattern.withoutReorder, rowOrder: rowOrder, columnOrder: columnOrder)
    {
      violations.append(
        "\(NumberText.fixed(mask.sparsity * 100, 2)) % zeros, "
          + "\(NumberText.fixed(sparsity * 100, 2)) % expected")
    }
    return VerificationReport(
      tensor: name, pattern: pattern.description, follows: violations.isEmpty,
      zeroShare: mask.sparsity, violations: violations)
  }

  /// How many of the weights that a pattern kept are zero, by what pruning noted.
  private static func zerosKept(_ settings: String?, _ pattern: Pattern) -> Int {
    var fields: [Substring: Substring] = [:]
    for field in settings?.split(separator: " ") ?? [] {
      guard let equals = field.firstIndex(of: "=") else { continue }
      fields[field[..<equals]] = field[field.index(after: equals)...]
    }
    guard let pruned = fields["pattern"], pruned == pattern.description else { return 0 }
    return fields["zeros_kept"].flatMap { Int($0) } ?? 0
  }

  /// The stored values; not through the layer cache, since NaN weights may be looked at too.
  private func values(of name: String) throws(LaboratoryError) -> Matrix {
    let open = try workbench.current()
    do { return try open.model.matrix(named: name) } catch { throw .file(error) }
  }

  private func order(
    _ text: String?, of name: String, count: Int
  ) throws(LaboratoryError) -> Permutation? {
    guard let text else { return nil }
    let order = text.split(separator: ",").compactMap { Int($0) }
    guard order.count == count, Permutation.isPermutation(order) else {
      throw .unreadable(
        "the metadata's order of '\(name)' is no permutation of 0 to \(count - 1): the file was "
          + "changed after it was written")
    }
    return Permutation(order)
  }
}
