import Foundation
import Testing

@testable import Tensors

/// Files for and from other readers. `Tests/readers.py` reads what is written here.
@Suite struct ReaderFilesTests {
  @Test func filesForThePythonReadersAreWritten() throws {
    let directory =
      URL(fileURLWithPath: dataDirectory).deletingLastPathComponent().path + "/.build/readers"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let model = try Model.open(dataDirectory + "/demo.safetensors")
    let name = "encoder.layer.0.attention.self.query.weight"
    let weight = try model.matrix(named: name)
    var mask = Mask(rows: weight.rows, columns: weight.columns)
    for top in stride(from: 0, to: weight.rows, by: 16) {
      for left in stride(from: 0, to: weight.columns, by: 4) where (top / 16 + left / 4) % 5 == 0 {
        for row in top..<top + 16 {
          for column in left..<left + 4 { mask[row, column] = true }
        }
      }
    }
    let pruned = weight.masked(by: mask)
    var writer = SafetensorsWriter(metadata: ["pattern": "16x4", "note": "a \"quoted\" ä\n"])
    writer.copyAll(of: model)
    writer.set(name, pruned, as: .f16)
    try writer.write(to: directory + "/pruned.safetensors", force: true)
    try NumPyWriter.write(mask, to: directory + "/mask.npy", force: true)
    try NumPyWriter.write(pruned, to: directory + "/weight.npy", force: true)
    try SparseArchive.writeCSR(weight, kept: mask, to: directory + "/csr.npz", force: true)
    try SparseArchive.writeBSR(
      weight, kept: mask, blockRows: 16, blockColumns: 4, to: directory + "/bsr.npz", force: true)
    var ragged = Matrix(rows: 5, columns: 7)
    var two = Mask(rows: 5, columns: 7)
    for (row, column, value) in [(4, 6, Float(7)), (0, 3, -1)] {
      ragged[row, column] = value
      two[row, column] = true
    }
    try SparseArchive.writeCSR(ragged, kept: two, to: directory + "/ragged.npz", force: true)
    #expect(try Model.open(directory + "/csr.npz").header(named: "data")?.shape == [mask.count])
  }

  private func file(_ name: String, _ base64: String, _ directory: TemporaryDirectory) throws
    -> String
  {
    try directory.file(name, Array(#require(Data(base64Encoded: base64))))
  }

  private let values: [Float] = [0, 1, 2, 3, 4, 5]

  @Test func whatNumPySavedIsRead() throws {
    let directory = try TemporaryDirectory()
    let archive = try Model.open(file("a.npz", Self.saved, directory))
    #expect(try archive.matrix(named: "w") == Matrix(rows: 2, columns: 3, values: values))
    // Saved from a transposed view, so in column-major order.
    #expect(archive.header(named: "h")?.isColumnMajor == true)
    #expect(
      try archive.matrix(named: "h") == Matrix(rows: 3, columns: 2, values: [0, 3, 1, 4, 2, 5]))
    for (name, text) in [("two", Self.versionTwo), ("three", Self.versionThree)] {
      let model = try Model.open(file(name + ".npy", text, directory))
      #expect(try model.matrix(named: name) == Matrix(rows: 2, columns: 3, values: values))
    }
  }

  @Test func compressedArchivesAreRefusedWithAWayOut() throws {
    let directory = try TemporaryDirectory()
    let path = try file("a.npz", Self.compressed, directory)
    let error = #expect(throws: TensorFileError.self) { try Model.open(path) }
    #expect(error?.problem == .compressed(entry: "w.npy", method: 8))
    #expect("\(error!)".contains("save with numpy.savez"))
  }

  // Written by NumPy 2.4.6 from arange(6).reshape(2, 3): savez(w=float32, h=float16 transposed).
  private static let saved = """
    UEsDBC0AAAAAAAAAIQBP6QAq//////////8FABQAdy5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2\
    Rlc2NyJzogJzxmNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAg\
    ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAgD8AAABAAABAQAAAgE\
    AAAKBAUEsDBC0AAAAAAAAAIQAJyz+x//////////8FABQAaC5ucHkBABAAjAAAAAAAAACMAAAAAAAAAJNOVU1QWQEA\
    dgB7J2Rlc2NyJzogJzxmMicsICdmb3J0cmFuX29yZGVyJzogVHJ1ZSwgJ3NoYXBlJzogKDMsIDIpLCB9ICAgICAgIC\
    AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAPABAAEIARABFUEsB\
    Ai0DLQAAAAAAAAAhAE/pACqYAAAAmAAAAAUAAAAAAAAAAAAAAIABAAAAAHcubnB5UEsBAi0DLQAAAAAAAAAhAAnLP7\
    GMAAAAjAAAAAUAAAAAAAAAAAAAAIABzwAAAGgubnB5UEsFBgAAAAACAAIAZgAAAJIBAAAAAA==
    """
  // savez_compressed(w=float32).
  private static let compressed = """
    UEsDBC0AAAAIAAAAIQBP6QAq//////////8FABQAdy5ucHkBABAAmAAAAAAAAABVAAAAAAAAAJvsF+obEMnIUMZQrZ\
    6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYwaLAHEg5ABMQN\
    QLzAAQBQSwECLQMtAAAACAAAACEAT+kAKlUAAACYAAAABQAAAAAAAAAAAAAAgAEAAAAAdy5ucHlQSwUGAAAAAAEAAQ\
    AzAAAAjAAAAAAA
    """
  // Format version 2, row-major.
  private static let versionTwo = """
    k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMy\
    ksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACA\
    PwAAAEAAAEBAAACAQAAAoEA=
    """
  // Format version 3, column-major.
  private static let versionThree = """
    k05VTVBZAwB0AAAAeydkZXNjcic6ICc8ZjQnLCAnZm9ydHJhbl9vcmRlcic6IFRydWUsICdzaGFwZSc6ICgyLCAzKS\
    wgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAABA\
    QAAAgD8AAIBAAAAAQAAAoEA=
    """
}
