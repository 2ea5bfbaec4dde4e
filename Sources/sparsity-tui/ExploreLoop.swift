import CellUI
import Experiments
import Explorer
import Glibc
import Laboratory
import Terminal

/// What the laboratory's threads send to the screen's thread.
struct LaboratoryMessage: Sendable {
  let answer: Answer
  let run: RunID
}

/// Everything of a running exploration but the terminal itself: state, timers, files, laboratory.
///
/// It turns events into `update` calls and carries out the effects that come back. All of it runs on
/// the screen's thread; the laboratory answers through a mailbox.
final class Exploration {
  private(set) var state: State
  let laboratory: Laboratory
  private var recorder: SessionRecorder?
  private var timers: [(deadline: Double, token: TimerToken)] = []
  private let start = monotonicSeconds()
  private(set) var wantsQuit = false
  /// Texts waiting for the terminal's clipboard.
  var copies: [String] = []
  /// Seconds spent in `update` since this was last reset, for the trace.
  var updateSeconds = 0.0
  /// A session that is being shown, its lines in order.
  private(set) var playback: Playback?
  private var wasReplay = false
  /// Whether exports are carried out; a replay leaves them.
  var writes = true

  init(state: State, laboratory: Laboratory, recorder: SessionRecorder?) {
    self.state = state
    self.laboratory = laboratory
    self.recorder = recorder
  }

  /// Seconds until the next timer, nil without one.
  var nextTimer: Double? {
    let next = [timers.map(\.deadline).min(), playback?.nextTime].compactMap { $0 }.min()
    return next.map { max(0, $0 - monotonicSeconds()) }
  }

  /// One event through `update`, and all that follows from it.
  func send(_ event: Event) {
    let began = monotonicSeconds()
    let effects = update(&state, event)
    updateSeconds += monotonicSeconds() - began
    for effect in effects { carryOut(effect) }
  }

  /// Events whose time has come. False when there were none.
  @discardableResult
  func fireTimers() -> Bool {
    let now = monotonicSeconds()
    let due = timers.filter { $0.deadline <= now }.map(\.token)
    timers.removeAll { $0.deadline <= now }
    for token in due { send(.elapsed(token)) }
    let played = playback?.due(at: now) ?? []
    for event in played { send(event) }
    if playback?.isOver == true { endPlayback() }
    return !due.isEmpty || !played.isEmpty
  }

  /// Shows a session from here on; what was measured in it comes from the record.
  func play(_ playback: Playback) {
    self.playback = playback
    wasReplay = state.isReplay
    state.isReplay = true
  }

  private func endPlayback() {
    playback = nil
    state.isReplay = wasReplay
  }

  /// What a key does to a session that is being shown; false when the key is not about that.
  func control(_ key: Key) -> Bool {
    guard playback != nil, case .normal = state.mode else { return false }
    let now = monotonicSeconds()
    switch key {
    case .character(" "): playback?.togglePause(at: now)
    case .character("n"):
      if let event = playback?.step(at: now) { send(event) }
      if playback?.isOver == true { endPlayback() }
    case .character(">"): playback?.changeSpeed(by: 2, at: now)
    case .character("<"): playback?.changeSpeed(by: 0.5, at: now)
    case .escape: endPlayback()
    default: return false
    }
    return true
  }

  private func carryOut(_ effect: Effect) {
    switch effect {
    case .request(let request, let run): laboratory.submit(request, run: run)
    case .cancel(let run): laboratory.cancel(run)
    case .after(let milliseconds, let token):
      timers.append((monotonicSeconds() + Double(milliseconds) / 1000, token))
    case .copy(let text): copies.append(text)
    case .export(let path, let export): write(export, to: path)
    case .save(let path): save(to: path)
    case .load(let path): load(path)
    case .record(let content): record(content)
    case .playTutorial: playTutorial()
    case .quit: wantsQuit = true
    }
  }

  private func record(_ content: SessionContent) {
    guard recorder != nil else { return }
    if let problem = recorder?.append(content, at: monotonicSeconds() - start) {
      recorder = nil
      send(.problem(problem))
    }
  }

  private func write(_ export: Export, to path: String) {
    guard writes else {
      send(.problem("\(path): a replay writes no files; replay --write does"))
      return
    }
    do {
      try Exporter(laboratory: laboratory).write(export, of: state, to: path)
      send(.wrote(.export, path: path))
    } catch {
      send(.problem(sentence(error)))
    }
  }

  private func save(to path: String) {
    guard let recorder else {
      send(.problem("this session is not being recorded, so there is nothing to save"))
      return
    }
    do {
      try recorder.save(to: path)
      send(.wrote(.session, path: path))
    } catch {
      send(.problem(sentence(error)))
    }
  }

  private func load(_ path: String) {
    do { send(.loaded(path: path, rows: try ResultsText.rows(path))) } catch {
      send(.problem(sentence(error)))
    }
  }

  private func playTutorial() {
    guard let directory = Paths.data else {
      send(.problem("the tutorial was not found: it is installed beside the built-in model"))
      return
    }
    do {
      let session = try SessionReader(path: directory + "/sessions/tour.sparsity")
      play(Playback(session, start: monotonicSeconds(), speed: 1))
    } catch {
      send(.problem(sentence(error)))
    }
  }

  /// Ends the recording with a line that says so; without it the session counts as unfinished.
  func close() { recorder?.close(at: monotonicSeconds() - start) }
}

/// An error as the sentence it carries.
func sentence(_ error: any Error) -> String {
  (error as? Failure)?.message ?? String(describing: error)
}

/// Runs the screen until the person quits or a signal ends the program.
struct ExploreLoop {
  var options: Terminal.Options
  var trace: FrameTrace?

  /// Answers wait at most this long for more of them before a frame is drawn: 30 frames a second.
  private let frameInterval = 1.0 / 30
  /// After a key, the instant answers are given this long to arrive, so that one frame shows the key
  /// and what follows from it. Pruning 768x768 takes under 1 ms; what comes later is drawn when it comes.
  private let instantGrace = 0.005

  /// - Parameter prepare: makes the exploration once the screen is taken: the terminal blocks the
  ///   signals that every thread started later has to inherit.
  /// - Returns: the signal that ended the program, nil after a quit.
  func run(
    prepare: (
      _ screen: (width: Int, height: Int, depth: ColorDepth, glyphs: GlyphSet),
      Mailbox<LaboratoryMessage>, DrawGate
    ) throws -> Exploration
  ) throws -> Int32? {
    let mailbox = Mailbox<LaboratoryMessage>(wakeup: Wakeup())
    let gate = DrawGate()
    var terminal = try Terminal(options: options, wakeup: mailbox.wakeup)
    let size = terminal.size
    let exploration = try prepare(
      (size.width, size.height, terminal.depth, terminal.glyphs), mailbox, gate)
    defer { exploration.close() }
    // A key is answered in a few milliseconds of this thread, which other programs' work would
    // otherwise cut into pieces.
    ThreadPriority.goFirst()

    var lastFrame = 0.0
    var cause = "start"
    var woken = monotonicSeconds()
    var pendingDraw = true
    // Whether a key's frame went out before the mask that it asked for was there.
    var owesPicture = false
    while !exploration.wantsQuit {
      let now = monotonicSeconds()
      if pendingDraw, cause != "answer" || now - lastFrame >= frameInterval {
        let updated = monotonicSeconds()
        if cause != "answer" { exploration.laboratory.disturb() }
        let frame = render(exploration.state)
        let viewed = monotonicSeconds()
        let sent = terminal.bytesSent
        terminal.present(frame)
        let presented = monotonicSeconds()
        if cause != "answer" { exploration.laboratory.disturb() }
        gate.drawn()
        trace?.frame(
          cause: cause, woken: woken, updated: updated, viewed: viewed, presented: presented,
          update: exploration.updateSeconds, bytes: terminal.bytesSent - sent,
          isPending: exploration.state.awaitsPicture)
        exploration.updateSeconds = 0
        lastFrame = presented
        pendingDraw = false
        owesPicture = exploration.state.awaitsPicture && (owesPicture || cause != "answer")
      }
      for text in exploration.copies { _ = terminal.copy(text) }
      exploration.copies = []

      var wait = exploration.nextTimer
      if pendingDraw { wait = min(wait ?? .infinity, max(0, lastFrame + frameInterval - now)) }
      let events = terminal.events(timeout: wait.map { Int32(($0 * 1000).rounded(.up)) } ?? -1)
      // An answer may be waiting for its frame: a key that comes meanwhile is timed from its own arrival.
      if !pendingDraw || !events.isEmpty { woken = monotonicSeconds() }
      var handled = false
      for event in events {
        if case .terminate(let signal) = event { return signal }
        if case .resumed = event { terminal.invalidate() }
        handle(event, exploration)
        handled = true
      }
      let answered = deliver(mailbox, exploration)
      let fired = exploration.fireTimers()
      if handled || fired {
        settle(exploration, mailbox, &terminal)
        cause = handled ? "input" : "timer"
        pendingDraw = true
      } else if answered {
        // What a key waits for is shown at once: held back like other answers it came 50 ms after the
        // key, where a sweep had kept the processor for more than the grace.
        let isOwed = owesPicture && !exploration.state.awaitsPicture
        if isOwed { cause = "picture" } else if !pendingDraw { cause = "answer" }
        pendingDraw = true
      }
    }
    return nil
  }

  private func handle(_ event: InputEvent, _ exploration: Exploration) {
    if case .resize(let width, let height) = event {
      exploration.send(.resized(width: width, height: height))
      return
    }
    if case .key(let key) = event, exploration.control(key) { return }
    for command in commands(for: event, in: exploration.state) {
      exploration.send(.command(command))
    }
  }

  private func deliver(
    _ mailbox: Mailbox<LaboratoryMessage>, _ exploration: Exploration
  ) -> Bool {
    let messages = mailbox.drain()
    for message in messages { exploration.send(.answer(message.answer, run: message.run)) }
    // Noticed on the way to an answer, so there is nothing to ask for without one.
    if !messages.isEmpty {
      for notice in exploration.laboratory.takeNotices() { exploration.send(.notice(notice)) }
    }
    return !messages.isEmpty
  }

  /// Lets the instant answers to what was just done arrive before the frame is drawn.
  private func settle(
    _ exploration: Exploration, _ mailbox: Mailbox<LaboratoryMessage>, _ terminal: inout Terminal
  ) {
    let until = monotonicSeconds() + instantGrace
    // A solver takes longer than that: its iterates come by themselves.
    while exploration.state.awaitsPicture, exploration.state.mask.forming == nil {
      let left = until - monotonicSeconds()
      guard left > 0 else { return }
      mailbox.wakeup.wait(milliseconds: Int32((left * 1000).rounded(.up)))
      _ = deliver(mailbox, exploration)
    }
  }
}
