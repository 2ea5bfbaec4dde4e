import Experiments
import Foundation
import Tensors
import Testing

@testable import Laboratory

/// Second moments and judgements that are kept between runs.
@Suite struct MomentStoreTests {
  private static func moments(_ inputs: Int, seed: UInt64) -> MomentStore.Moments {
    var generator = SeededGenerator(seed: seed)
    return MomentStore.Moments(
      calibration: generator.nearlyNormalMatrix(rows: inputs, columns: inputs), rows: 17,
      evaluation: generator.nearlyNormalMatrix(rows: inputs, columns: inputs), evaluationRows: 5)
  }

  private static func directory() -> String {
    NSTemporaryDirectory() + "moments-" + UUID().uuidString
  }

  @Test func whatWasKeptComesBackBitForBit() throws {
    let directory = Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let notices = Notices()
    let store = MomentStore(directory: directory) { notices.add($0) }
    #expect(store.moments(for: "a") == nil)
    let kept = Self.moments(33, seed: 1)
    store.store(kept, for: "a")
    let found = try #require(store.moments(for: "a"))
    #expect(found.calibration == kept.calibration && found.evaluation == kept.evaluation)
    #expect(found.rows == 17 && found.evaluationRows == 5)
    #expect(store.moments(for: "b") == nil)
    #expect(notices.take() == [])
  }

  @Test func everyDamagedFileIsToldOfAndForgotten() throws {
    let directory = Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let notices = Notices()
    let store = MomentStore(directory: directory) { notices.add($0) }
    let path = directory + "/moments/a.moments"
    store.store(Self.moments(5, seed: 2), for: "a")
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    for cut in [0, 1, 31, whole.count / 2, whole.count - 1] {
      try Data(whole[..<cut]).write(to: URL(fileURLWithPath: path))
      #expect(store.moments(for: "a") == nil)
      #expect(notices.take().count == 1)
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<60 {
      var damaged = whole
      let place = Int(generator.next() % UInt64(whole.count))
      damaged[place] ^= UInt8(1 << (generator.next() % 8))
      #expect(MomentStore.decode(damaged) == nil, "byte \(place)")
    }
    #expect(MomentStore.decode(whole) != nil)
  }

  @Test func theOldestFilesGoWhenTheCacheIsFull() throws {
    let directory = Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // Each file takes 96 bytes and 2·20²·4.
    let store = MomentStore(directory: directory, capacity: 8000) { _ in }
    for (index, name) in ["a", "b", "c"].enumerated() {
      store.store(Self.moments(20, seed: UInt64(index)), for: name)
      let path = directory + "/moments/\(name).moments"
      // The time of use is set by hand, so that the order does not hang on the clock's grain.
      if FileManager.default.fileExists(atPath: path) {
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: 1000 + Double(index))],
          ofItemAtPath: path)
      }
    }
    #expect(store.moments(for: "a") == nil)
    #expect(store.moments(for: "b") != nil && store.moments(for: "c") != nil)
  }

  @Test func findingsOutliveTheProcessAndTornLinesDoNotHurt() throws {
    let directory = Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let notices = Notices()
    func store() -> FindingStore<Judgement> {
      FindingStore("judgements", in: directory) { notices.add($0) }
    }
    func judgement(_ error: Double) -> Judgement {
      Judgement(
        criterion: .wanda, nonzeros: 10, sparsity: 0.5, keptL1: 0.75, keptEnergy: 0.9,
        weightError: 0.3, keptWandaEnergy: nil, outputError: error)
    }
    var knobs = Knobs()
    let first = store()
    first.store(judgement(0.1), knobs, for: "key")
    // Timing knobs do not decide a pruning.
    knobs.tokens = 7
    #expect(first.finding(knobs, for: "key") == judgement(0.1))
    knobs.seed = 2
    #expect(first.finding(knobs, for: "key") == nil)
    let path = directory + "/judgements/key.jsonl"
    var text = try String(contentsOfFile: path, encoding: .utf8)
    text += "{\"torn"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    let second = store()
    knobs.seed = 1
    #expect(second.finding(knobs, for: "key") == judgement(0.1))
    #expect(notices.take().count == 1)
    knobs.seed = 3
    second.store(judgement(0.2), knobs, for: "key")
    #expect(store().finding(knobs, for: "key") == judgement(0.2))
  }
}
