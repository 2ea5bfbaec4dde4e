import Encoder
import Foundation
import Tensors
import Testing

@testable import Laboratory

@Suite struct TeacherCacheTests {
  private let fixture: ModelFixture
  private let encoder: BERTEncoder
  private let corpus: TrainingCorpus
  private let parent =
    FileManager.default.temporaryDirectory.path + "/teacher-\(UUID().uuidString)"
  /// Does not exist before something is kept in it.
  private var directory: String { parent + "/deeper" }

  init() throws {
    fixture = try ModelFixture()
    encoder = try BERTEncoder(directory: fixture.path)
    corpus = try TrainingCorpus(
      TrainingCorpus.splices(
        of: ModelFixture.texts(40, seed: 1) + ModelFixture.texts(40, seed: 2), count: 5000, seed: 1),
      heldOut: [], encoder: encoder, source: "test")
  }

  private func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  private func result(
    _ cache: TeacherCache, weights: String = "w"
  ) throws -> TeacherCache.Result {
    try cache.embeddings(of: corpus, by: encoder, weights: weights, threads: 1)
  }

  @Test func cachedIsWhatTheEncoderGivesBitForBit() throws {
    defer { try? FileManager.default.removeItem(atPath: parent) }
    let plain = try result(TeacherCache(directory: nil))
    #expect(plain.computedTexts == corpus.texts.count)
    let direct = encoder.encode(tokens: [corpus.texts[7]])
    for column in 0..<direct.columns {
      #expect(abs(plain.embeddings[7, column] - direct[0, column]) < 1e-5)
    }
    let cache = TeacherCache(directory: directory)
    let first = try result(cache)
    #expect(first.computedTexts == corpus.texts.count)
    #expect(try files().count == corpus.blocks.count)
    let second = try result(cache)
    #expect(second.computedTexts == 0)
    #expect(second.embeddings == plain.embeddings && first.embeddings == plain.embeddings)
    #expect(try result(cache, weights: "others").computedTexts == corpus.texts.count)
  }

  @Test func damagedFilesAreComputedAgainAndSaid() throws {
    defer { try? FileManager.default.removeItem(atPath: parent) }
    let cache = TeacherCache(directory: directory)
    let first = try result(cache)
    let path = directory + "/" + (try files()[0])
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for damage in 0..<3 {
      switch damage {
      case 0: bytes[bytes.count - 5] ^= 0x40
      case 1: bytes.removeLast(100)
      default: bytes = []
      }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let again = try result(cache)
      #expect(again.computedTexts > 0)
      #expect(again.notes.contains { $0.contains(path) && $0.contains("computed again") })
      #expect(again.embeddings == first.embeddings)
      #expect(try result(cache).notes.isEmpty)
      bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }

  @Test func theCacheStaysWithinItsCapacity() throws {
    defer { try? FileManager.default.removeItem(atPath: parent) }
    let capacity = 1 << 21
    let cache = TeacherCache(directory: directory, capacity: capacity)
    for weights in ["a", "b", "c"] { _ = try result(cache, weights: weights) }
    let total = try files().reduce(0) { sum, name in
      let path = directory + "/" + name
      return try sum + FileManager.default.attributesOfItem(atPath: path)[.size].flatMap {
        $0 as? Int
      }!
    }
    // The last file's header is not counted before it is written.
    #expect(total <= capacity + 4096)
    #expect(try !files().isEmpty)
  }

  @Test func aCacheThatCannotBeWrittenIsSaidAndDoesNoHarm() throws {
    let cache = TeacherCache(directory: "/proc/nowhere")
    let found = try result(cache)
    #expect(found.computedTexts == corpus.texts.count)
    #expect(found.notes.count == 1)
  }

  @Test func cancellingEndsItAndKeepsFinishedBlocks() throws {
    defer { try? FileManager.default.removeItem(atPath: parent) }
    var calls = 0
    #expect(throws: LaboratoryError.cancelled) {
      try TeacherCache(directory: directory).embeddings(
        of: corpus, by: encoder, weights: "w", threads: 1
      ) {
        calls += 1
        return calls > 1
      }
    }
    #expect(calls == 2)
  }
}
