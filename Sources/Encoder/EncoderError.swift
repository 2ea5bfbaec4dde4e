/// Why a model directory cannot be run as a text encoder.
public enum EncoderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A file is missing or cannot be read.
  case unreadable(path: String, reason: String)
  /// A file is not what its name says.
  case malformed(path: String, reason: String)
  /// The model is whole but of a kind that is not run here.
  case unsupported(path: String, reason: String)
  /// A tensor the architecture needs is not there; `closest` names one that looks like it.
  case missingTensor(name: String, closest: String?)
  /// A tensor has another shape than the configuration says.
  case wrongShape(tensor: String, expected: [Int], found: [Int])
  /// A layer that was to be replaced does not exist, or the replacement has another shape.
  case wrongLayer(name: String, reason: String)
  /// A tensor file cannot be read; its own sentence.
  case file(String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): \(reason); a model directory needs config.json, model.safetensors, and "
        + "vocab.txt or tokenizer.json"
    case .malformed(let path, let reason): "\(path): \(reason); download it again"
    case .unsupported(let path, let reason):
      "\(path): \(reason); only BERT encoders with a WordPiece vocabulary can be run"
    case .missingTensor(let name, let closest):
      "tensor \"\(name)\" is missing"
        + (closest.map { " (there is \"\($0)\")" } ?? "")
        + "; the checkpoint is not the one that config.json describes"
    case .wrongShape(let tensor, let expected, let found):
      "tensor \"\(tensor)\" is \(Self.shape(found)) where config.json asks for "
        + "\(Self.shape(expected)); the checkpoint and config.json do not belong together"
    case .wrongLayer(let name, let reason): "layer \"\(name)\": \(reason)"
    case .file(let sentence): sentence
    }
  }

  private static func shape(_ sizes: [Int]) -> String {
    sizes.map { String($0) }.joined(separator: "x")
  }
}
