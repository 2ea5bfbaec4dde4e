import Foundation
import Testing

@testable import Tensors

/// Each lie in a file is told by its own error, and each error is one sentence with the path.
@Suite struct BadFileTests {
  private func expect(
    _ bytes: [UInt8], _ expected: TensorFileError.Problem, name: String = "a.safetensors",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.file(name, bytes)
    #expect(problem(opening: path) == expected, sourceLocation: sourceLocation)
    let text = TensorFileError(path: path, problem: expected).description
    #expect(text.hasPrefix(path + ": ") && text.count > path.count + 20 && !text.contains("\n"))
  }

  @Test func lengthsBeyondTheFile() throws {
    try expect([], .cutShort(part: "the length of the header", end: 8, size: 0))
    try expect([1, 2, 3], .cutShort(part: "the length of the header", end: 8, size: 3))
    try expect(littleEndian(UInt64(50)), .cutShort(part: "the header", end: 58, size: 8))
    for length: UInt64 in [100_000_001, .max, 1 << 63] {
      try expect(
        littleEndian(length) + [0x7B],
        .headerTooLong(
          part: "the header of a safetensors file", length: Int(clamping: length),
          limit: 100_000_000))
    }
  }

  @Test func headersThatAreNotJSONObjects() throws {
    try expect(safetensors(" {}"), .malformed(offset: 8, expected: "\"{\"", found: "\" {}\""))
    try expect(
      safetensors("{}x"), .malformed(offset: 10, expected: "the end of the text", found: "\"x\""))
    try expect(
      safetensors("{\"a\":"),
      .malformed(offset: 13, expected: "\"{\"", found: "the end of the text"))
    try expect(
      safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,0]}}"),
      .malformed(offset: 37, expected: "a whole number, 0 or more", found: "\"-1],\"dat\""))
    try expect(
      safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,0]}}"),
      .malformed(offset: 37, expected: "a whole number, 0 or more", found: "\"1.0],\"da\""))
  }

  @Test func namesThatAreNotUTF8OrStandTwice() throws {
    try expect(
      littleEndian(UInt64(6)) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D], .notUTF8(offset: 10))
    try expect(safetensors(#"{"\ud800":{}}"#), .notUTF8(offset: 10))
    let a = #""a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
    try expect(safetensors("{\(a),\(a)}"), .duplicateName("a", offset: 10 + a.utf8.count))
    // The same name behind an escape is the same name.
    let escaped = #""\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
    try expect(safetensors("{\(a),\(escaped)}"), .duplicateName("a", offset: 10 + a.utf8.count))
    try expect(
      safetensors(#"{"__metadata__":{"k":"1","k":"2"}}"#), .duplicateName("k", offset: 33))
    try expect(
      safetensors(#"{"a":{"dtype":"U8","dtype":"U8"}}"#), .duplicateName("dtype", offset: 27))
  }

  @Test func deepNesting() throws {
    let deep = String(repeating: "[", count: 100_000)
    try expect(safetensors(#"{"a":{"x":"# + deep), .nestedTooDeep(offset: 18 + 32, limit: 32))
    try expect(
      Array((#"{"metadata":"# + deep).utf8), .nestedTooDeep(offset: 12 + 32, limit: 32),
      name: "a.json")
  }

  @Test func valuesOfUnknownFieldsMustBeJSON() throws {
    let directory = try TemporaryDirectory()
    func found(_ value: String) throws -> TensorFileError.Problem? {
      let json = #"{"a":{"x":\#(value),"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
      return problem(opening: try directory.file("a.safetensors", safetensors(json)))
    }
    for good in ["1", "-1.5e+3", "true", "null", #""\u00e4\ud83d\ude00""#, "[]", "[{},[1,2]]"] {
      #expect(try found(good) == nil, "\(good)")
    }
    let long = String(repeating: "1", count: 101)
    for bad in [
      "nan", "inf", "0x10", "tru", "", "1 2", #""\x""#, #""\u12""#, "[1,]", "{1:2}", long,
    ] {
      guard case .malformed = try found(bad) else {
        Issue.record("\(bad) was taken for a value")
        continue
      }
    }
  }

  @Test func missingFields() throws {
    try expect(
      safetensors(#"{"a":{"dtype":"U8","shape":[]}}"#),
      .missingField("data_offsets", of: "tensor \"a\"", offset: 38))
    try expect(
      safetensors(#"{"a":{"shape":[],"data_offsets":[0,1]}}"#),
      .missingField("dtype", of: "tensor \"a\"", offset: 46))
  }

  private func one(_ dtype: String, _ shape: String, _ offsets: String) -> String {
    #"{"a":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
  }

  @Test func shapesThatDoNotFitTheirBytes() throws {
    try expect(
      safetensors(one("F32", "[2,3]", "[0,20]"), [UInt8](repeating: 0, count: 20)),
      .sizeDiffers(tensor: "a", dtype: .f32, shape: [2, 3], expected: 24, found: 20))
    let huge = "[4294967296,4294967296]"
    try expect(
      safetensors(one("F32", huge, "[0,0]")),
      .shapeTooLarge(tensor: "a", shape: [1 << 32, 1 << 32]))
    try expect(
      safetensors(one("F32", "[4611686018427387904]", "[0,0]")),
      .shapeTooLarge(tensor: "a", shape: [1 << 62]))
    try expect(
      safetensors(one("F32", "[99999999999999999999]", "[0,0]")),
      .numberTooLarge(offset: 37, limit: .max))
  }

  @Test func rangesThatDoNotFillTheFile() throws {
    let json = one("F32", "[2]", "[0,8]")
    let start = 8 + json.utf8.count
    try expect(
      safetensors(json, [1, 2, 3]),
      .tensorCutShort(tensor: "a", end: start + 8, size: start + 3))
    try expect(
      safetensors(json, [UInt8](repeating: 0, count: 9)),
      .bytesBehindEnd(expected: start + 8, found: start + 9))
    try expect(
      safetensors(one("U8", "[1]", "[2,1]"), [0, 0]),
      .endsBeforeItBegins(tensor: "a", begin: 2, end: 1))
    try expect(
      safetensors(one("U8", "[1]", "[9223372036854775806,9223372036854775807]"), [0]),
      .tensorCutShort(
        tensor: "a", end: .max,
        size: 9 + one("U8", "[1]", "[9223372036854775806,9223372036854775807]").utf8.count))
    func two(_ second: String) -> String {
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[4],"data_offsets":\#(second)}}"#
    }
    let base = 8 + two("[2,6]").utf8.count
    try expect(
      safetensors(two("[2,6]"), [UInt8](repeating: 0, count: 6)),
      .overlap(tensor: "b", other: "a", offset: base + 2))
    try expect(
      safetensors(two("[5,9]"), [UInt8](repeating: 0, count: 9)),
      .gap(before: "b", expected: base + 4, found: base + 5))
  }

  @Test func emptyTensorsAndScalarsAreFine() throws {
    let directory = try TemporaryDirectory()
    let json = """
      {"none":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]},\
      "one":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}
      """
    let model = try Model.open(directory.file("a.safetensors", safetensors(json, bytes([3]))))
    #expect(try model.matrix(named: "none").values.isEmpty)
    #expect(model.header(named: "one")?.count == 1)
    #expect(try Model.open(directory.file("b.safetensors", safetensors("{}"))).tensors.isEmpty)
  }

  @Test func thingsThatAreNotModels() throws {
    let directory = try TemporaryDirectory()
    #expect(problem(opening: directory.path + "/none") == .cannotOpen(code: ENOENT))
    #expect(problem(opening: directory.path) == .noModelInDirectory(found: []))
    #expect(problem(opening: "/dev/null") == .notRegular)
    #expect(mkfifo(directory.path + "/pipe", 0o600) == 0)
    #expect(problem(opening: directory.path + "/pipe") == .notRegular)
    let bin = try directory.file("pytorch_model.bin", [0x80, 2, 0x8A, 10])
    #expect(problem(opening: bin) == .unknownKind(firstBytes: [0x80, 2, 0x8A, 10]))
    #expect(
      problem(opening: directory.path) == .noModelInDirectory(found: ["pipe", "pytorch_model.bin"]))
    _ = try directory.file("x.safetensors", safetensors("{}"))
    #expect(problem(opening: directory.path) == nil)
    _ = try directory.file("y.safetensors", safetensors("{}"))
    #expect(
      problem(opening: directory.path)
        == .severalModelsInDirectory(found: ["x.safetensors", "y.safetensors"]))
    _ = try directory.file("model.safetensors", safetensors("{}"))
    #expect(try Model.open(directory.path).files == [directory.path + "/model.safetensors"])
    #expect(try Model.open(directory.path + "/").path == directory.path + "/")
  }

  @Test func unreadableFilesAreSaid() throws {
    // Root reads everything, so the file is one that the system itself refuses.
    #expect(problem(opening: "/proc/1/mem").map { "\($0)" } != nil)
    #expect(
      problem(opening: "/tmp/" + String(repeating: "a", count: 300))
        == .cannotOpen(code: ENAMETOOLONG))
  }

  @Test func indexesThatDoNotFitTheirShards() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.file(
      "s.safetensors", safetensors(one("U8", "[1]", "[0,1]"), [0]))
    func index(_ map: String) throws -> TensorFileError.Problem? {
      problem(opening: try directory.file("i.json", #"{"weight_map":\#(map)}"#))
    }
    #expect(try index(#"{"a":"s.safetensors"}"#) == nil)
    #expect(
      try index(#"{"b":"s.safetensors"}"#) == .tensorNotInShard(tensor: "b", shard: "s.safetensors")
    )
    #expect(try index(#"{"a":"t.safetensors"}"#) == .cannotOpen(code: ENOENT))
    for shard in ["../s.safetensors", "/etc/passwd", "", ".", "..", #"a\u0000b"#] {
      guard case .shardNotBeside(tensor: "a", _) = try index(#"{"a":"\#(shard)"}"#) else {
        Issue.record("\(shard) was followed")
        continue
      }
    }
    #expect(
      try index(#"{"a":"s.safetensors","a":"s.safetensors"}"#) == .duplicateName("a", offset: 35))
    #expect(
      problem(opening: try directory.file("j.json", "{}"))
        == .missingField("weight_map", of: "the index", offset: 2))
  }
}
