internal import FoundationEssentials

/// The size of an attention head, from the `config.json` beside the weights.
enum HeadSize {
  private struct Configuration: Decodable {
    var head_dim: Int?
    var hidden_size: Int?
    var num_attention_heads: Int?
  }

  /// - Parameter path: a model's directory or a file in it. Nil where there is no configuration, or it
  ///   says nothing of heads: only a picture's shades depend on it.
  static func read(_ path: String) -> Int? {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return nil
    }
    var directory = path
    if !isDirectory {
      directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    }
    guard let data = FileManager.default.contents(atPath: directory + "/config.json"),
      data.count <= 1 << 20,
      let known = try? JSONDecoder().decode(Configuration.self, from: data)
    else { return nil }
    if let size = known.head_dim, size > 0 { return size }
    guard let hidden = known.hidden_size, let heads = known.num_attention_heads, heads > 0,
      hidden > 0, hidden % heads == 0
    else { return nil }
    return hidden / heads
  }
}
