import Foundation
import Testing

@testable import Tensors

@Suite struct WriterTests {
  @Test func copiedTensorsAreBitIdenticalAndReplacedOnesAreNot() throws {
    let directory = try TemporaryDirectory()
    let source = try Model.open(dataDirectory + "/demo.safetensors")
    let name = "encoder.layer.0.attention.self.query.weight"
    var pruned = try source.matrix(named: name)
    for index in stride(from: 0, to: pruned.count, by: 2) { pruned.values[index] = 0 }
    var writer = SafetensorsWriter(metadata: ["pattern": "1x1", "note": "ä \"\\\n\u{1}"])
    writer.copyAll(of: source)
    writer.set(name, pruned, as: .f16)
    let path = directory.path + "/out.safetensors"
    try writer.write(to: path)
    let copy = try Model.open(path)
    #expect(copy.metadata == ["pattern": "1x1", "note": "ä \"\\\n\u{1}"])
    #expect(copy.tensors.map(\.name) == source.tensors.map(\.name))
    for header in source.tensors {
      #expect(copy.header(named: header.name)?.shape == header.shape)
      #expect(copy.header(named: header.name)?.dtype == header.dtype)
      let same = try copy.sha256(of: header.name) == source.sha256(of: header.name)
      #expect(same == (header.name != name))
    }
    #expect(try copy.matrix(named: name) == pruned)
    #expect(try directory.names == ["out.safetensors"])
  }

  @Test func unknownAndEmptyTensorsAreCopiedToo() throws {
    let directory = try TemporaryDirectory()
    let json = """
      {"x":{"dtype":"Q7","shape":[3],"data_offsets":[0,5]},\
      "e":{"dtype":"F32","shape":[0,4],"data_offsets":[5,5]},\
      "i":{"dtype":"I64","shape":[1],"data_offsets":[5,13]}}
      """
    let data = (0..<13).map { UInt8($0) }
    let source = try Model.open(directory.file("a.safetensors", safetensors(json, data)))
    var writer = SafetensorsWriter()
    writer.copyAll(of: source)
    writer.set("v", [1, 2, 3], as: .bf16)
    try writer.write(to: directory.path + "/b.safetensors")
    let copy = try Model.open(directory.path + "/b.safetensors")
    #expect(try copy.bytes(named: "x") { Array($0) } == Array(data[..<5]))
    #expect(try copy.bytes(named: "i") { Array($0) } == Array(data[5...]))
    #expect(copy.header(named: "e")?.shape == [0, 4])
    #expect(try copy.vector(named: "v") == [1, 2, 3])
    // Wide types first, so every value is aligned to its size.
    #expect(copy.header(named: "i")!.offset % 8 == 0)
  }

  @Test func anExistingFileIsReplacedOnlyByForce() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.file("m.npy", "precious")
    let matrix = gaussian(2, 2, seed: 1)
    let error = #expect(throws: TensorFileError.self) { try NumPyWriter.write(matrix, to: path) }
    #expect(error?.problem == .exists)
    #expect(try contents(path) == Array("precious".utf8))
    try NumPyWriter.write(matrix, to: path, force: true)
    #expect(try Model.open(path).matrix(named: "m") == matrix)
    #expect(try directory.names == ["m.npy"])
  }

  @Test func aFileThatAppearsMeanwhileIsNotReplaced() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/late"
    var file = try AtomicFile(path)
    try file.write(Array("ours".utf8))
    _ = try directory.file("late", "theirs")
    do {
      try file.commit()
      Issue.record("their file was replaced")
    } catch {
      #expect(error.problem == .exists)
    }
    #expect(try contents(path) == Array("theirs".utf8))
    #expect(try directory.names == ["late"])
  }

  @Test func anAbandonedFileLeavesNothing() throws {
    let directory = try TemporaryDirectory()
    do {
      var file = try AtomicFile(directory.path + "/a")
      try file.write([1, 2, 3])
      #expect(try directory.names.count == 1)
    }
    #expect(try directory.names.isEmpty)
  }

  @Test func whatAKilledProcessLeftAsideGoesWithTheNextWrite() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a"
    // Process numbers end at 4194304.
    for name in ["a.4194999-0.partial", "b.4194999-0.partial", "a.partial", "a.x-0.partial"] {
      _ = try directory.file(name, "left")
    }
    _ = try directory.file("a.\(getpid())-7.partial", "still written")
    _ = try directory.file("a.4194998-0.partial", "still written elsewhere")
    let other = open(directory.path + "/a.4194998-0.partial", O_RDWR)
    #expect(flock(other, LOCK_EX) == 0)
    defer { close(other) }
    var file = try AtomicFile(path)
    try file.write([1])
    try file.commit()
    #expect(
      try directory.names.sorted()
        == [
          "a", "a.\(getpid())-7.partial", "a.4194998-0.partial", "a.partial", "a.x-0.partial",
          "b.4194999-0.partial",
        ].sorted())
  }

  @Test func placesThatCannotBeWrittenAreSaid() throws {
    let matrix = gaussian(2, 2, seed: 1)
    func found(_ path: String) -> TensorFileError.Problem? {
      #expect(throws: TensorFileError.self) { try NumPyWriter.write(matrix, to: path) }?.problem
    }
    let directory = try TemporaryDirectory()
    #expect(found(directory.path + "/no/such/m.npy") == .cannotWrite(code: ENOENT))
    #expect(found(directory.path) == .isDirectory)
    #expect(found("/proc/m.npy") != nil)
  }

  @Test func valuesBeyondTheRangeOfTheTypeAreRefused() throws {
    let directory = try TemporaryDirectory()
    var writer = SafetensorsWriter()
    writer.set("w", Matrix(rows: 1, columns: 3, values: [1, .infinity, 70000]), as: .f16)
    let error = #expect(throws: TensorFileError.self) {
      try writer.write(to: directory.path + "/a.safetensors")
    }
    #expect(
      error?.problem == .notRepresentable(tensor: "w", index: 2, value: 70000, dtype: .f16))
    #expect(try directory.names.isEmpty)
  }

  @Test func announcedValuesComeInTheirTurnAndDescribeThemselves() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a.safetensors"
    var writer = SafetensorsWriter(metadata: ["tool": "1"])
    // More than one piece of values, and a type of half the width behind it.
    writer.expect("a", rows: 600, columns: 700, metadataBytes: 64)
    writer.expect("b", rows: 3, columns: 5, as: .bf16, metadataBytes: 64)
    writer.set("c", gaussian(7, 9, seed: 3))
    var asked: [String] = []
    let finished = try writer.write(to: path) { name, metadata in
      asked.append(name)
      metadata["note:\(name)"] = "\(asked.count)"
      return name == "a" ? gaussian(600, 700, seed: 1) : Matrix(rows: 3, columns: 5, repeating: 2)
    }
    #expect(finished && asked == ["a", "b"])
    let copy = try Model.open(path)
    #expect(copy.metadata == ["tool": "1", "note:a": "1", "note:b": "2"])
    #expect(try copy.matrix(named: "a") == gaussian(600, 700, seed: 1))
    #expect(try copy.matrix(named: "b") == Matrix(rows: 3, columns: 5, repeating: 2))
    #expect(try copy.matrix(named: "c") == gaussian(7, 9, seed: 3))
    var given = SafetensorsWriter()
    given.expect("a", rows: 2, columns: 2)
    #expect(try !given.write(to: directory.path + "/b.safetensors") { _, _ in nil })
    #expect(try directory.names == ["a.safetensors"])
  }

  @Test func aModelCanBeWrittenOverItself() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a.safetensors"
    var first = SafetensorsWriter()
    first.set("u", gaussian(64, 64, seed: 1))
    first.set("w", gaussian(64, 64, seed: 2))
    try first.write(to: path)
    let model = try Model.open(path)
    var second = SafetensorsWriter()
    second.copyAll(of: model)
    second.set("w", Matrix(rows: 64, columns: 64))
    try second.write(to: path, force: true)
    #expect(try Model.open(path).matrix(named: "u") == gaussian(64, 64, seed: 1))
    #expect(try Model.open(path).matrix(named: "w").values.allSatisfy { $0 == 0 })
    // The file that was opened lives on until it is closed.
    #expect(try model.matrix(named: "w") == gaussian(64, 64, seed: 2))
  }
}
