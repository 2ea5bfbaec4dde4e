internal import Experiments
internal import FoundationEssentials
internal import Synchronization

/// Measured ceilings by machine, kept between runs in a file of their own each.
final class CeilingsStore: Sendable {
  private let directory: String?
  private let memory = Mutex<[String: MachineCeilings]>([:])

  init(directory: String?) { self.directory = directory }

  /// What was measured before; nil when nothing was, or the file is not readable.
  func known(host: String) -> MachineCeilings? {
    if let known = memory.withLock({ $0[host] }) { return known }
    guard let path = path(host), let data = try? Data(contentsOf: URL(filePath: path)),
      let kept = try? JSONDecoder().decode(MachineCeilings.self, from: data)
    else { return nil }
    memory.withLock { $0[host] = kept }
    return kept
  }

  /// Keeps what was measured. A cache that cannot be written is no error: it is measured again.
  func store(_ ceilings: MachineCeilings, host: String) {
    memory.withLock { $0[host] = ceilings }
    guard let directory, let path = path(host), let data = try? JSONEncoder().encode(ceilings)
    else { return }
    try? FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    try? data.write(to: URL(filePath: path), options: .atomic)
  }

  private func path(_ host: String) -> String? {
    directory.map { "\($0)/ceilings-\(host).json" }
  }
}
