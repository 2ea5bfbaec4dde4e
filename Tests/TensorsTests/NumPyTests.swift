import Foundation
import Testing

@testable import Tensors

@Suite struct NumPyTests {
  private let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
  private let six: [Float] = [1, 2, 3, 4, 5, 6]

  @Test func anArrayIsOneTensorNamedAsItsFile() throws {
    let directory = try TemporaryDirectory()
    let model = try Model.open(directory.file("query.npy", npy(plain, bytes(six))))
    #expect(model.tensors.map(\.name) == ["query"])
    #expect(try model.matrix(named: "query") == Matrix(rows: 2, columns: 3, values: six))
  }

  @Test func fortranOrderIsTurned() throws {
    let directory = try TemporaryDirectory()
    let text = plain.replacing("False", with: "True")
    let model = try Model.open(directory.file("a.npy", npy(text, bytes(six))))
    #expect(try model.matrix(named: "a").values == [1, 3, 5, 2, 4, 6])
    var writer = SafetensorsWriter()
    writer.copyAll(of: model)
    try writer.write(to: directory.path + "/a.safetensors")
    let copy = try Model.open(directory.path + "/a.safetensors")
    #expect(try copy.matrix(named: "a").values == [1, 3, 5, 2, 4, 6])
  }

  @Test(arguments: [
    ("<f2", "F16", true), ("<f8", "F64", false), ("|b1", "BOOL", false), ("<i8", "I64", false),
  ])
  func elementTypesGetTheirNames(_ descriptor: String, _ name: String, _ loads: Bool) throws {
    let directory = try TemporaryDirectory()
    let text = plain.replacing("<f4", with: descriptor)
    let size = 6 * DataType(rawValue: name).bits! / 8
    let model = try Model.open(
      directory.file("a.npy", npy(text, [UInt8](repeating: 0, count: size))))
    #expect(model.tensors[0].dtype.rawValue == name)
    #expect(model.matrices.isEmpty != loads)
  }

  @Test func recordsObjectsAndForeignByteOrderAreListedOnly() throws {
    let directory = try TemporaryDirectory()
    for descriptor in ["'>f4'", "'|O'", "[('a]', '<f4'), ('b', '<i4', (2,))]", "'|S3'"] {
      let text = plain.replacing("'<f4'", with: descriptor)
      let model = try Model.open(directory.file("a.npy", npy(text, [1, 2, 3])))
      let error = #expect(throws: TensorFileError.self) { try model.matrix(named: "a") }
      #expect("\(error!)".contains("convert it"))
    }
  }

  @Test func damagedHeadersAreToldApart() throws {
    let directory = try TemporaryDirectory()
    func found(_ bytes: [UInt8]) throws -> TensorFileError.Problem? {
      problem(opening: try directory.file("a.npy", bytes))
    }
    let good = npy(plain, bytes(six))
    let header = 10 + plain.utf8.count + 1
    #expect(try found(good) == nil)
    #expect(
      try found(Array(good.dropLast()))
        == .tensorCutShort(tensor: "a", end: header + 24, size: header + 23))
    #expect(
      try found(good + [0]) == .bytesBehindEnd(expected: header + 24, found: header + 25))
    #expect(
      try found(Array(good[..<20])) == .cutShort(part: "the header of \"a\"", end: header, size: 20)
    )
    #expect(
      try found(npy(plain.replacing("(2, 3)", with: "(4294967296, 4294967296)"), []))
        == .shapeTooLarge(tensor: "a", shape: [1 << 32, 1 << 32]))
    for bad in ["(2, -3)", "(2; 3)", "(2, 3", "2, 3", "(2, 99999999999999999999)", "(2 3)"] {
      #expect(try found(npy(plain.replacing("(2, 3)", with: bad), bytes(six))) != nil, "\(bad)")
    }
    for bad in ["{}", "", "{'descr': '<f4'}", plain + "x", plain.replacing("False", with: "0")] {
      #expect(try found(npy(bad, bytes(six))) != nil, "\(bad)")
    }
    let twice = plain.replacing("{", with: "{'descr': '<f4', ")
    guard case .duplicateName("descr", _) = try found(npy(twice, bytes(six))) else {
      Issue.record("a second descr was taken")
      return
    }
  }

  @Test func whatIsWrittenReadsBackTheSame() throws {
    let directory = try TemporaryDirectory()
    let matrix = gaussian(7, 13, seed: 1)
    let path = directory.path + "/m.npy"
    try NumPyWriter.write(matrix, to: path)
    #expect(try Model.open(path).matrix(named: "m") == matrix)
    var mask = Mask(rows: 3, columns: 70)
    mask[0, 0] = true
    mask[2, 69] = true
    try NumPyWriter.write(mask, to: directory.path + "/k.npy")
    let raw = try contents(directory.path + "/k.npy")
    #expect(raw.count == 128 + 210 && raw[128] == 1 && raw.last == 1)
    #expect(raw[128...].reduce(0) { $0 + Int($1) } == 2)
  }

  private func archive(_ directory: TemporaryDirectory) throws -> (String, Matrix, Mask) {
    let matrix = gaussian(6, 8, seed: 2)
    var mask = Mask(rows: 6, columns: 8)
    for (row, column) in [(0, 1), (2, 6), (3, 7), (5, 0)] { mask[row, column] = true }
    let path = directory.path + "/w.npz"
    try SparseArchive.writeBSR(matrix, kept: mask, blockRows: 2, blockColumns: 4, to: path)
    return (path, matrix, mask)
  }

  @Test func blockSparseRowsHoldTheKeptBlocks() throws {
    let directory = try TemporaryDirectory()
    let (path, matrix, mask) = try archive(directory)
    let model = try Model.open(path)
    #expect(model.tensors.map(\.name) == ["data", "format", "indices", "indptr", "shape"])
    #expect(model.header(named: "data")?.shape == [3, 2, 4])
    #expect(try model.bytes(named: "format") { Array($0) } == Array("bsr".utf8))
    let numbers = { (name: String) throws -> [Int32] in
      try model.bytes(named: name) { raw in
        (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
      }
    }
    #expect(try numbers("indices") == [0, 1, 0])
    #expect(try numbers("indptr") == [0, 1, 2, 3])
    let data = try model.bytes(named: "data") { raw in
      (0..<24).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
    let kept = matrix.masked(by: mask)
    #expect(data[1] == kept[0, 1] && data[8 + 2] == kept[2, 6] && data[8 + 7] == kept[3, 7])
    #expect(data[16 + 4] == kept[5, 0] && data.count { $0 != 0 } == 4)
  }

  @Test func raggedBlocksAreRefusedWithAWayOut() throws {
    let directory = try TemporaryDirectory()
    let error = #expect(throws: TensorFileError.self) {
      try SparseArchive.writeBSR(
        gaussian(5, 8, seed: 1), kept: Mask(rows: 5, columns: 8), blockRows: 2, blockColumns: 4,
        to: directory.path + "/w.npz")
    }
    #expect("\(error!)".hasSuffix("export it as CSR"))
    #expect(try directory.names.isEmpty)
  }

  @Test func damagedArchivesAreToldApart() throws {
    let directory = try TemporaryDirectory()
    let matrix = gaussian(4, 4, seed: 2)
    let path = directory.path + "/m.npz"
    var writer = try ZIPWriter(path, force: false)
    try writer.add("m.npy", NumPyArray(matrix))
    try writer.finish()
    #expect(try Model.open(path).matrix(named: "m") == matrix)
    let good = try contents(path)

    var flipped = good
    let value = 30 + 5 + 128 + 3
    flipped[value] ^= 1
    let damaged = try Model.open(directory.file("d.npz", flipped))
    guard
      case .checksumDiffers("m", _, _)? = #expect(
        throws: TensorFileError.self, performing: { try damaged.matrix(named: "m") })?.problem
    else {
      Issue.record("a flipped bit was taken")
      return
    }
    func found(_ change: (inout [UInt8]) -> Void) throws -> TensorFileError.Problem? {
      var bytes = good
      change(&bytes)
      return problem(opening: try directory.file("d.npz", bytes))
    }
    let entry = good.count - 22 - 46 - 5
    #expect(try found { $0[entry + 10] = 8 } == .compressed(entry: "m.npy", method: 8))
    #expect(try found { $0[entry + 8] = 1 } == .encrypted(entry: "m.npy"))
    for change in [
      { $0.removeLast() }, { $0.append(0) }, { $0[entry] = 0 }, { $0[entry + 42] = 9 },
      { $0[entry + 24] ^= 1 }, { $0[good.count - 6] ^= 1 }, { $0[0] = 0x51 },
    ] as [(inout [UInt8]) -> Void] {
      #expect(try found(change) != nil)
    }
  }
}
