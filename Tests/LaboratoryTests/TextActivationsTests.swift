import Encoder
import Experiments
import Foundation
import Kernels
import Pruning
import Tensors
import Testing

@testable import Laboratory

/// Calibration on a text that the model's own encoder reads.
@Suite struct TextActivationsTests {
  private static let layer = "encoder.layer.1."

  private static func write(_ texts: [String], _ name: String, _ scratch: ScratchDirectory) throws {
    try scratch.write(Array((texts.joined(separator: "\n") + "\n").utf8), name)
  }

  private static func bench(_ model: String, cache: String?) throws -> Workbench {
    var configuration = briefConfiguration()
    configuration.cacheDirectory = cache
    let bench = Workbench(configuration)
    _ = try bench.open(path: model)
    return bench
  }

  @Test func momentsAreThoseOfWhatTheLayersRead() throws {
    let fixture = try ModelFixture()
    let scratch = try ScratchDirectory()
    // More than one piece of text, and an empty line that counts for nothing.
    let texts = ModelFixture.texts(150, seed: 5)
    try Self.write(texts + [" "], "lines.txt", scratch)
    let bench = try Self.bench(fixture.path, cache: nil)
    let info = try bench.calibrate(path: scratch.file("lines.txt"))
    #expect(info.calibration?.source == scratch.file("lines.txt"))
    let encoder = try BERTEncoder(directory: fixture.path)
    let seen = texts.indices.filter { $0 % 4 != 3 }.map { texts[$0] }
    let apart = texts.indices.filter { $0 % 4 == 3 }.map { texts[$0] }
    for (weight, input) in [
      ("attention.self.key", "attention.self"),
      ("attention.output.dense", "attention.output.dense"),
      ("intermediate.dense", "intermediate.dense"), ("output.dense", "output.dense"),
    ] {
      let known = try #require(try bench.layer(Self.layer + weight + ".weight").statistics)
      for (texts, moment) in [(seen, known.gram), (apart, known.evaluationGram)] {
        let rows = try #require(encoder.activations(of: texts)[Self.layer + input])
        let moment = try #require(moment)
        let exact = Product.gram(rows)
        let scale = (0..<exact.rows).map { exact[$0, $0] }.max()! / Float(rows.rows)
        for index in exact.values.indices {
          #expect(
            abs(moment.values[index] - exact.values[index] / Float(rows.rows)) < 1e-4 * scale)
        }
      }
      #expect(known.rows == info.calibration?.calibrationRows)
      #expect(known.evaluationRows == info.calibration?.evaluationRows)
    }
  }

  @Test func aSecondRunTakesMomentsFromTheCacheAndADamagedOneIsMadeAnew() throws {
    let fixture = try ModelFixture()
    let scratch = try ScratchDirectory()
    try Self.write(ModelFixture.texts(16, seed: 6), "lines.txt", scratch)
    let weight = Self.layer + "output.dense.weight"
    func gram() throws -> (Matrix?, [String]) {
      let bench = try Self.bench(fixture.path, cache: scratch.path)
      _ = try bench.calibrate(path: scratch.file("lines.txt"))
      return (try bench.layer(weight).statistics?.gram, bench.notices.take())
    }
    let (first, _) = try gram()
    let kept = try FileManager.default.contentsOfDirectory(atPath: scratch.file("moments"))
    // Four inputs in each of two layers.
    #expect(kept.count == 8)
    let before = try kept.map { try scratch.bytes("moments/" + $0) }
    let (second, quiet) = try gram()
    #expect(first == second && quiet == [])
    #expect(try kept.map { try scratch.bytes("moments/" + $0) } == before)
    for name in kept { try scratch.write([1, 2, 3], "moments/" + name) }
    let (third, told) = try gram()
    #expect(first == third)
    #expect(told.count == 1 && told[0].contains("damaged"))
  }

  @Test func aDirectoryHoldsBothTexts() throws {
    let fixture = try ModelFixture()
    let scratch = try ScratchDirectory()
    try Self.write(ModelFixture.texts(3, seed: 7), "calibration.txt", scratch)
    try Self.write(ModelFixture.texts(2, seed: 8), "evaluation.txt", scratch)
    let bench = try Self.bench(fixture.path, cache: nil)
    let info = try bench.calibrate(path: scratch.path)
    #expect(info.calibration?.calibrationRows ?? 0 > 0)
    let masked = try bench.masked(Self.layer + "output.dense.weight", knobs("8x1", 0.5)) { _ in
      true
    }
    #expect(masked.summary.criterion == .wanda && masked.summary.keptWandaEnergy != nil)
  }

  @Test func whatCannotCalibrateIsSaid() throws {
    let fixture = try ModelFixture()
    let scratch = try ScratchDirectory()
    let bench = try Self.bench(fixture.path, cache: nil)
    func reason(_ path: String, _ bench: Workbench) -> String {
      do {
        _ = try bench.calibrate(path: path)
        return ""
      } catch { return error.description }
    }
    try Self.write(ModelFixture.texts(3, seed: 9), "short.txt", scratch)
    #expect(reason(scratch.file("short.txt"), bench).contains("at least 4 are needed"))
    try scratch.write(Array("\n \n\t\n".utf8), "blank.txt")
    #expect(reason(scratch.file("blank.txt"), bench).contains("holds no text"))
    try scratch.write([65, 0, 66, 10], "binary.dat")
    #expect(reason(scratch.file("binary.dat"), bench).contains("zero bytes"))
    #expect(reason(scratch.file("absent.txt"), bench).contains("absent.txt"))
    // The built-in model is one layer: there is no encoder to read with.
    try Self.write(ModelFixture.texts(8, seed: 9), "lines.txt", scratch)
    let demo = try Self.bench(dataDirectory + "/demo.safetensors", cache: nil)
    #expect(reason(scratch.file("lines.txt"), demo).contains("config.json"))
    #expect(reason(scratch.file("lines.txt"), try workbench(opening: nil)).contains("config.json"))
  }
}
