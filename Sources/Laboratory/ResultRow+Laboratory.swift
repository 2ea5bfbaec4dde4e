internal import Experiments
internal import Glibc

extension ResultRow {
  /// What of a row says which cell it is the result of.
  static let settings: [ResultColumn] = [
    .modelID, .tensor, .pattern, .criterion, .regularizer, .solve, .refit, .scope, .calibrationID,
    .seed, .tokens, .threads, .dtype, .layout, .cache, .sparsityRequested,
  ]

  /// Equal for rows of the same cell, whatever machine and time they come from. λ counts only where it
  /// was asked for: under a requested sparsity it is a result.
  var settingsKey: [String] {
    Self.settings.map { self[$0].text }
      + [self[.sparsityRequested] == .missing ? self[.lambda].text : ""]
  }

  /// The row of a cell before anything is known of it but its settings.
  init(planned cell: SweepCell, model: ModelInfo, machine: MachineInfo) {
    self.init(
      model: model, machine: machine, cell: cell, summary: nil, quality: nil, measurement: nil)
    let hasActivations = model.tensors.contains { $0.name == cell.tensor && $0.hasActivations }
    self[.criterion] = .text(cell.criterion(hasActivations: hasActivations).rawValue)
    if !hasActivations { self[.calibrationID] = .missing }
  }
}

extension SweepCell {
  /// The criterion that a pruning of this cell uses: λ scores weights by its own penalty, a greedy solver
  /// by second-order cost.
  func criterion(hasActivations: Bool) -> Criterion {
    if knobs.solve.isGreedy { return .obs }
    return switch knobs.effectiveRegularizer {
    case .none: knobs.criterion ?? (hasActivations ? .wanda : .magnitude)
    case .l1, .reweightedL1: .l1
    case .groupLasso, .sparseGroupLasso, .reweightedGroupLasso: .magnitude
    }
  }
}

/// The time of day as results files have it: `2026-11-21T12:00:00Z`.
func timestamp(seconds: Int = time(nil)) -> String {
  var seconds = seconds
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func padded(_ value: Int32, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
  return "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-"
    + "\(padded(parts.tm_mday, 2))T\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):"
    + "\(padded(parts.tm_sec, 2))Z"
}

/// A name for one run of the program's measuring, different for every run.
func freshRunName() -> String {
  var generator = SystemRandomNumberGenerator()
  let digits = String(generator.next() as UInt64, radix: 16)
  return String((String(repeating: "0", count: 16 - digits.count) + digits).suffix(12))
}
