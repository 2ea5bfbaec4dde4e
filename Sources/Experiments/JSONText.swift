internal import FoundationEssentials

/// Values of the vocabulary as one line of JSON and back: keys sorted, so that equal values give
/// equal text; numbers that JSON does not know as `"nan"`, `"inf"` and `"-inf"`.
public enum JSONText {
  /// - Throws: `JSONTextError` when a value cannot be written.
  public static func encode(_ value: some Encodable) throws(JSONTextError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw JSONTextError("cannot be written as JSON: \(error)")
    }
  }

  /// - Throws: `JSONTextError` saying which key is wrong and how.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, from text: some StringProtocol
  ) throws(JSONTextError) -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(type, from: Data(text.utf8))
    } catch let error as DecodingError {
      throw JSONTextError(sentence(error))
    } catch {
      throw JSONTextError("\(error)")
    }
  }

  private static func sentence(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? "" : " at '\(path)'"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "key '\(key.stringValue)' is missing\(place(context))"
    case .typeMismatch(let type, let context):
      return "expected a value of type \(type)\(place(context))"
    case .valueNotFound(let type, let context):
      return "expected a value of type \(type), found null\(place(context))"
    case .dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "this is no valid JSON" : "\(context.debugDescription)\(place(context))"
    @unknown default: return "this is no valid JSON"
    }
  }
}

/// Why a text is not the JSON of a value.
public struct JSONTextError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
