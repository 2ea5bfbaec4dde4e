/// What a tensor's values show: how many are zero, and which patterns the rest follows.
public struct TensorContent: Codable, Hashable, Sendable {
  public var zeroShare: Double
  /// The most regular first; empty when no pattern but the unstructured one fits.
  public var patterns: [String]

  public init(zeroShare: Double, patterns: [String]) {
    self.zeroShare = zeroShare
    self.patterns = patterns
  }
}

/// Whether a tensor follows a pattern, and the first places where it does not.
public struct VerificationReport: Codable, Hashable, Sendable {
  public var tensor: String
  public var pattern: String
  public var follows: Bool
  public var zeroShare: Double
  public var violations: [String]

  public init(
    tensor: String, pattern: String, follows: Bool, zeroShare: Double, violations: [String]
  ) {
    self.tensor = tensor
    self.pattern = pattern
    self.follows = follows
    self.zeroShare = zeroShare
    self.violations = violations
  }
}
