internal import CellUI
internal import Experiments

/// Figures and names as sentences use them.
enum Wording {
  static func percent(_ fraction: Double) -> String {
    let places = (fraction * 1000).rounded().remainder(dividingBy: 10) == 0 ? 0 : 1
    return Figures.percent(fraction, places: places)
  }

  /// `2.31x [2.28, 2.35]`.
  static func speedup(_ interval: Interval) -> String {
    "\(Figures.ratio(interval.estimate)) \(range(interval))"
  }

  /// Two digits after the point, more where they would make two ends look like one.
  static func range(_ interval: Interval) -> String {
    var places = 2
    func text(_ value: Double) -> String { NumberText.fixed(value, places) }
    while places < 4, interval.low < interval.high, text(interval.low) == text(interval.high) {
      places += 1
    }
    return "[\(text(interval.low)), \(text(interval.high))]"
  }

  /// What new activations are for: weights that they do not fit keep magnitude as their criterion.
  static func sentence(_ calibration: CalibrationInfo, _ model: ModelInfo) -> String {
    let fed = model.prunable.count(where: \.hasActivations)
    let rows =
      "\(Figures.count(calibration.calibrationRows)) rows to calibrate on, "
      + "\(Figures.count(calibration.evaluationRows)) held out"
    guard fed < model.prunable.count else { return "activations for every matrix: \(rows)" }
    return
      "activations for \(fed) of \(model.prunable.count) matrices: \(rows); the others have none, and "
      + "their criterion is magnitude"
  }

  /// As much of a figure with its remark as fits, without half a word: the remark goes first, then the
  /// last words.
  static func fitting(_ text: String, _ width: Int) -> String {
    guard CellText.width(text) > width else { return text }
    for separator in [", ", "  "] {
      if let end = text.firstRange(of: separator) {
        return fitting(String(text[..<end.lowerBound]), width)
      }
    }
    var words = text.split(separator: " ")
    while words.count > 1, CellText.width(words.joined(separator: " ")) > width {
      words.removeLast()
    }
    return words.joined(separator: " ")
  }

  /// Says which way it goes without colour.
  static func sign(_ verdict: Verdict) -> String {
    switch verdict {
    case .faster: "▲"
    case .slower: "▼"
    case .indistinguishable: "≈"
    }
  }

  /// Names without what all of them share: whole components at the start, `.weight` at the end. A
  /// name with a layer's number in it starts at that number: `0.attention.self.query`.
  static func short(_ names: [String]) -> [String] {
    shortened(names).map { name in
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard let at = parts.firstIndex(where: { !$0.isEmpty && $0.allSatisfy(\.isNumber) }),
        at < parts.count - 1
      else { return name }
      return parts[at...].joined(separator: ".")
    }
  }

  private static func shortened(_ names: [String]) -> [String] {
    let split = names.map { $0.split(separator: ".", omittingEmptySubsequences: false) }
    guard let first = split.first, split.count > 1 else {
      return names.map { $0.hasSuffix(".weight") ? String($0.dropLast(7)) : $0 }
    }
    var shared = 0
    while split.allSatisfy({ $0.count > shared + 1 && $0[shared] == first[shared] }) { shared += 1 }
    // A number says which layer: it stays, with the word before it gone.
    if shared > 0, first[shared - 1].allSatisfy(\.isNumber), shared < first.count { shared -= 1 }
    let endsAlike = split.allSatisfy { $0.last == "weight" && $0.count > shared + 1 }
    return split.map { $0.dropFirst(shared).dropLast(endsAlike ? 1 : 0).joined(separator: ".") }
  }

  /// The role of a tensor: its name with the numbers in it replaced, so that the same part of every
  /// layer has the same role.
  static func role(_ name: String) -> String {
    name.split(separator: ".", omittingEmptySubsequences: false)
      .map { $0.allSatisfy(\.isNumber) && !$0.isEmpty ? "#" : String($0) }
      .joined(separator: ".")
  }
}
