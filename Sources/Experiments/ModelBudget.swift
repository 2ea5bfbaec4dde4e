/// What a whole model may cost: a share of the dense time, or a quality that it must not fall below.
public enum ModelBudget: Codable, Hashable, Sendable, CustomStringConvertible {
  /// End-to-end time over the unpruned model's, 0...1.
  case time(Double)
  /// Mean cosine of embeddings with the unpruned model's, 0...1.
  case cosine(Double)

  /// Parses `time=0.4` or `cosine=0.9`.
  ///
  /// - Throws: `KnobError` for anything else and for values outside 0...1.
  public init(parsing text: String) throws(KnobError) {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, let value = Double(String(parts[1])), value > 0, value <= 1 else {
      throw KnobError(
        "budget \(text): expected time=S (a share of the dense time) or cosine=C (the least mean "
          + "cosine), each above 0 and at most 1, such as time=0.4")
    }
    switch parts[0] {
    case "time": self = .time(value)
    case "cosine": self = .cosine(value)
    default:
      throw KnobError(
        "budget \(text): '\(parts[0])' is neither time nor cosine; write time=0.4 or cosine=0.9")
    }
  }

  public var description: String {
    switch self {
    case .time(let share): "time=\(NumberText.shortest(share))"
    case .cosine(let floor): "cosine=\(NumberText.shortest(floor))"
    }
  }
}
