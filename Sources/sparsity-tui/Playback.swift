import Explorer

/// A recorded session being shown on the screen: its entries come due as time passes.
struct Playback {
  private let entries: [SessionEntry]
  private var next = 0
  /// Session seconds at `anchor` on the monotonic clock.
  private var position = 0.0
  private var anchor: Double
  private(set) var speed: Double
  private(set) var isPaused = false

  /// Pauses longer than this are shown as this long: nobody wants to watch somebody think.
  static let longestPause = 4.0

  init(_ reader: SessionReader, start: Double, speed: Double) {
    var shift = 0.0
    var last = 0.0
    entries = reader.session.entries.map { entry in
      var entry = entry
      if case .command(.open(let name?, let identity)) = entry.content {
        entry.content = .command(.open(path: reader.resolve(name), identity: identity))
      }
      shift += max(0, entry.seconds - last - Self.longestPause)
      last = entry.seconds
      entry.seconds -= shift
      return entry
    }
    anchor = start
    self.speed = speed
  }

  var isOver: Bool { next >= entries.count }
  var count: Int { entries.count }
  var done: Int { next }

  /// When the next entry comes due on the monotonic clock; nil when paused or over.
  var nextTime: Double? {
    guard !isPaused, !isOver else { return nil }
    return anchor + (entries[next].seconds - position) / speed
  }

  /// The events that are due, in order.
  mutating func due(at now: Double) -> [Event] {
    var events: [Event] = []
    while let time = nextTime, time <= now {
      events.append(Self.event(entries[next].content))
      position = entries[next].seconds
      anchor = time
      next += 1
    }
    return events
  }

  /// The next entry at once, whenever it was due.
  mutating func step(at now: Double) -> Event? {
    guard !isOver else { return nil }
    defer { next += 1 }
    position = entries[next].seconds
    anchor = now
    return Self.event(entries[next].content)
  }

  mutating func togglePause(at now: Double) {
    if !isPaused { position += (now - anchor) * speed }
    anchor = now
    isPaused.toggle()
  }

  mutating func changeSpeed(by factor: Double, at now: Double) {
    if !isPaused { position += (now - anchor) * speed }
    anchor = now
    speed = min(64, max(1.0 / 16, speed * factor))
  }

  static func event(_ content: SessionContent) -> Event {
    switch content {
    case .command(let command): .command(command)
    case .result(let result): .recorded(result)
    }
  }
}

extension State {
  /// Whether the mask or the instant numbers of what was just done are still to come.
  var awaitsPicture: Bool {
    if case .pending = summary { return true }
    return [Job.picture, .reorderedPicture].contains { runs.current($0) != nil }
  }

  /// Whether anything is under way whose answer a replay waits for before it goes on.
  var awaitsReplayAnswer: Bool {
    awaitsPicture || [Job.open, .prune, .weight].contains { runs.current($0) != nil }
  }
}
