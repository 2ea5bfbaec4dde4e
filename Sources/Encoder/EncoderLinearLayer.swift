/// One linear layer of the encoder, as it can be pruned and replaced.
public struct EncoderLinearLayer: Hashable, Sendable {
  /// Where in a transformer layer it stands.
  public enum Role: Int, Hashable, Sendable, CaseIterable {
    case query, key, value, attentionOutput, intermediate, output

    /// Attention's four projections, as opposed to the feed-forward pair.
    public var isAttention: Bool { rawValue <= Self.attentionOutput.rawValue }

    var name: String {
      switch self {
      case .query: "attention.self.query"
      case .key: "attention.self.key"
      case .value: "attention.self.value"
      case .attentionOutput: "attention.output.dense"
      case .intermediate: "intermediate.dense"
      case .output: "output.dense"
      }
    }

    /// What it reads; query, key and value share theirs.
    var input: String {
      switch self {
      case .query, .key, .value: "attention.self"
      default: name
      }
    }
  }

  /// Name of the weight tensor in the checkpoint.
  public let name: String
  /// Name of the bias tensor.
  public let bias: String
  /// Name of what it reads: `encoder.layer.0.attention.self` for query, key and value alike.
  public let input: String
  public let layer: Int
  public let role: Role
  /// Outputs.
  public let rows: Int
  /// Inputs.
  public let columns: Int

  /// The input of a weight by its name in a checkpoint; nil for what is no linear layer of an encoder.
  public static func input(ofWeight name: String) -> String? {
    guard let role = Role.allCases.first(where: { name.hasSuffix(".\($0.name).weight") }) else {
      return nil
    }
    let base = name.dropLast(role.name.count + ".weight".count)
    // What stands before the role ends in `encoder.layer.N.`.
    let parts = base.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 1].isEmpty, Int(parts[parts.count - 2]) != nil,
      parts[parts.count - 3] == "layer", parts[parts.count - 4] == "encoder"
    else { return nil }
    return base + role.input
  }

  init(layer: Int, role: Role, prefix: String, configuration: EncoderConfiguration) {
    let base = "\(prefix)encoder.layer.\(layer)."
    name = base + role.name + ".weight"
    bias = base + role.name + ".bias"
    input = base + role.input
    self.layer = layer
    self.role = role
    rows = role == .intermediate ? configuration.intermediate : configuration.hidden
    columns = role == .output ? configuration.intermediate : configuration.hidden
  }

  /// Position among all linear layers.
  var index: Int { layer * Role.allCases.count + role.rawValue }
}
