internal import Synchronization

/// The most recently used values by key, up to a total cost. Safe to use from any thread.
final class RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry: Sendable {
    var key: Key
    var value: Value
    var cost: Int
  }
  private let entries = Mutex<[Entry]>([])
  private let capacity: Int

  /// - Parameter capacity: in the unit of the costs; the last value stays whatever it costs.
  init(capacity: Int) { self.capacity = capacity }

  func value(for key: Key) -> Value? {
    entries.withLock { entries in
      guard let index = entries.lastIndex(where: { $0.key == key }) else { return nil }
      let entry = entries.remove(at: index)
      entries.append(entry)
      return entry.value
    }
  }

  func store(_ value: Value, for key: Key, cost: Int = 1) {
    entries.withLock { entries in
      entries.removeAll { $0.key == key }
      entries.append(Entry(key: key, value: value, cost: cost))
      var total = entries.reduce(0) { $0 + $1.cost }
      while total > capacity, entries.count > 1 { total -= entries.removeFirst().cost }
    }
  }

  /// Drops what could not stay beside a value of this cost.
  func makeRoom(for cost: Int) {
    entries.withLock { entries in
      var total = entries.reduce(cost) { $0 + $1.cost }
      while total > capacity, !entries.isEmpty { total -= entries.removeFirst().cost }
    }
  }

  func remove(_ key: Key) { entries.withLock { $0.removeAll { $0.key == key } } }
}
