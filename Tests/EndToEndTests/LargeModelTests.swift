import Foundation
import Testing

/// Models that are far larger than memory or have hundreds of matrices, as sparse files: headers and
/// sizes are real, the weights are holes of zeros.
@Suite(.serialized) struct LargeModelTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// Writes a safetensors file of half-precision matrices; returns its size in bytes.
  @discardableResult
  func shard(_ name: String, _ tensors: [(String, Int, Int)]) throws -> Int {
    var entries: [String] = []
    var offset = 0
    for (name, rows, columns) in tensors {
      let end = offset + 2 * rows * columns
      entries.append(
        "\"\(name)\":{\"dtype\":\"F16\",\"shape\":[\(rows),\(columns)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Data(("{" + entries.joined(separator: ",") + "}").utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    var length = UInt64(header.count).littleEndian
    let path = sandbox.file(name)
    try (Data(bytes: &length, count: 8) + header).write(to: URL(filePath: path))
    let size = 8 + header.count + offset
    #expect(truncate(path, size) == 0)
    return size
  }

  func layer(_ index: Int) -> [(String, Int, Int)] {
    let stem = "model.layers.\(index)."
    return ["q", "k", "v", "o"].map { (stem + "self_attn.\($0)_proj.weight", 4096, 4096) } + [
      (stem + "mlp.gate_proj.weight", 11008, 4096), (stem + "mlp.up_proj.weight", 11008, 4096),
      (stem + "mlp.down_proj.weight", 4096, 11008),
    ]
  }

  @Test func shardedModelOfFifteenGigabytesOpensWithoutReadingIt() throws {
    var map: [String] = []
    var size = 0
    for part in 0..<4 {
      let name = "model-0000\(part + 1)-of-00004.safetensors"
      let tensors = (0..<10).flatMap { layer(part * 10 + $0) }
      size += try shard(name, tensors)
      map += tensors.map { "\"\($0.0)\":\"\(name)\"" }
    }
    #expect(size > 15_000_000_000)
    try sandbox.write(
      "{\"metadata\":{\"total_size\":\(size)},\"weight_map\":{\(map.joined(separator: ","))}}",
      "model.safetensors.index.json")
    let terminal = try sandbox.explore(["model.safetensors.index.json"], columns: 140, rows: 42)
    #expect(terminal.wait(for: "1/280", seconds: 60), "\(terminal.screen.text)")
    #expect(terminal.wait(for: "4096x11008 f16", seconds: 60), "\(terminal.screen.text)")
    #expect(terminal.wait(for: "0 % zeros", seconds: 120), "\(terminal.screen.text)")
    terminal.send("]")
    #expect(terminal.wait(for: "2/280", seconds: 60), "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func threeHundredMatricesAreListedSortedAndFound() throws {
    let tensors = (0..<300).map { ("encoder.layer.\($0 / 6).part\($0 % 6).weight", 64, 96) }
    try shard("model.safetensors", tensors)
    let terminal = try sandbox.explore(["model.safetensors"], columns: 120, rows: 36)
    #expect(terminal.wait(for: "1/300", seconds: 60), "\(terminal.screen.text)")
    terminal.send("4")
    #expect(terminal.wait(for: "Layers by model", seconds: 30), "\(terminal.screen.text)")
    terminal.send(":find 49.part5\r")
    #expect(terminal.wait(for: "300/300", seconds: 30), "\(terminal.screen.text)")
    terminal.send(":filter .7.\r")
    #expect(terminal.wait(for: "1/6", seconds: 30), "\(terminal.screen.text)")
    leave(terminal)
  }

  func leave(_ terminal: PseudoTerminal, _ location: SourceLocation = #_sourceLocation) {
    terminal.send("\u{1b}")
    terminal.read(seconds: 0.3)
    terminal.send("q")
    terminal.read(seconds: 0.3)
    terminal.send("y")
    #expect(terminal.end(seconds: 60) == .exited(0), sourceLocation: location)
  }
}
