import Foundation
import Testing

@testable import Tensors

/// A directory that is removed with its last reference.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "TensorsTests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and gives its path.
  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    return path + "/" + name
  }

  func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}

/// The `data` directory of this package.
let dataDirectory =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path + "/data"

func contents(_ path: String) throws -> [UInt8] {
  try Array(Data(contentsOf: URL(fileURLWithPath: path)))
}

/// A safetensors file with this JSON and these values.
func safetensors(_ json: String, _ data: [UInt8] = []) -> [UInt8] {
  let text = Array(json.utf8)
  return littleEndian(UInt64(text.count)) + text + data
}

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

func bytes(_ floats: [Float]) -> [UInt8] { floats.flatMap { littleEndian($0.bitPattern) } }

/// A `.npy` file of version 1 with this description.
func npy(_ description: String, _ data: [UInt8]) -> [UInt8] {
  let text = Array((description + "\n").utf8)
  return NumPyHeader.magic + [1, 0] + littleEndian(UInt16(text.count)) + text + data
}

func gaussian(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
  var generator = SeededGenerator(seed: seed)
  let values = (0..<rows * columns).map { _ in Float(generator.gaussian()) }
  return Matrix(rows: rows, columns: columns, values: values)
}

/// The problem that opening `path` reports, or nil when it opens.
func problem(opening path: String) -> TensorFileError.Problem? {
  do throws(TensorFileError) {
    _ = try Model.open(path)
    return nil
  } catch {
    return error.problem
  }
}
