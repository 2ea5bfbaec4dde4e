import FoundationEssentials

/// A small file of a model directory.
struct ModelDirectoryFile {
  let path: String

  init(_ name: String, in directory: String) {
    path = directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }

  var exists: Bool { FileManager.default.fileExists(atPath: path) }

  func bytes() throws(EncoderError) -> Data {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw .unreadable(path: path, reason: "there is no such file")
    }
    if isDirectory { throw .unreadable(path: path, reason: "is a directory") }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable(path: path, reason: "cannot be read (permissions?)")
    }
    return data
  }

  func json<Value: Decodable>(_ type: Value.Type) throws(EncoderError) -> Value {
    let data = try bytes()
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw .malformed(path: path, reason: Self.sentence(error))
    } catch {
      throw .malformed(path: path, reason: "is not valid JSON")
    }
  }

  private static func kind(_ type: any Any.Type) -> String {
    switch type {
    case is Int.Type, is Float.Type: "a number"
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is [Any].Type: "a list"
    default: "an object"
    }
  }

  private static func sentence(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    return switch error {
    case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case .typeMismatch(let type, let context):
      "\"\(place(context))\" is not \(kind(type))"
    case .valueNotFound(_, let context): "\"\(place(context))\" is null"
    case .dataCorrupted(let context):
      // The decoder names the number but not always the field it stands in.
      context.debugDescription.contains("valid JSON")
        ? "is not valid JSON"
        : (place(context).isEmpty ? "" : "\"\(place(context))\": ") + context.debugDescription
    @unknown default: "is not valid JSON"
    }
  }
}
