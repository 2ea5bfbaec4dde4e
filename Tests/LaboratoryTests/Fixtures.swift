import Experiments
import FoundationEssentials
import Synchronization

@testable import Laboratory

/// The repository's `data` directory.
let dataDirectory = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "data").path

let query = "encoder.layer.0.attention.self.query.weight"

/// A laboratory that measures briefly: these tests ask what comes back, not how long anything takes.
func briefConfiguration() -> LaboratoryConfiguration {
  var configuration = LaboratoryConfiguration(dataDirectory: dataDirectory)
  configuration.measureSeconds = 0.02
  configuration.cellSeconds = 0.01
  // Tests run side by side and slow each other.
  configuration.slowedBeyond = .infinity
  configuration.watchesCore = false
  return configuration
}

func workbench(opening path: String?) throws -> Workbench {
  let bench = Workbench(briefConfiguration())
  _ = try bench.open(path: path)
  return bench
}

func knobs(_ pattern: String, _ sparsity: Double? = nil) throws -> Knobs {
  var knobs = Knobs()
  try knobs.set(.pattern, to: pattern)
  if let sparsity { knobs.amount = .sparsity(sparsity) }
  return knobs
}

/// A directory of this test's own, removed with the value.
final class ScratchDirectory {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appending(path: "laboratory-\(UUID().uuidString)")
      .path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: file(name))))
  }

  func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(filePath: file(name)))
  }
}

/// Answers as they come from the laboratory's threads.
final class Answers: Sendable {
  private let received = Mutex<[(answer: Answer, run: RunID)]>([])

  func add(_ answer: Answer, _ run: RunID) { received.withLock { $0.append((answer, run)) } }

  func all(of run: RunID) -> [Answer] {
    received.withLock { $0.filter { $0.run == run }.map(\.answer) }
  }

  var order: [RunID] { received.withLock { $0.map(\.run) } }

  /// Waits until an answer of the run matches; nil after ten seconds.
  func wait(for run: RunID, _ matches: (Answer) -> Bool) -> Answer? {
    for _ in 0..<5000 {
      if let found = all(of: run).first(where: matches) { return found }
      MonotonicPause.milliseconds(2)
    }
    return nil
  }
}
