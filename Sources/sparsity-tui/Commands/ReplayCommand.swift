import ArgumentParser
import CellUI
import Experiments
import Explorer
import Glibc
import Laboratory
import Terminal

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Show a recorded session again, or check its measurements on this machine.",
    discussion: """
      Results come from the record, masks from the model: nothing is measured unless --remeasure asks. \
      On the screen, space pauses, n steps, < and > change the speed. No file is written of the \
      session's own accord; its exports and saves are carried out only under --write.

        sparsity-tui replay tour.sparsity
        sparsity-tui replay tour.sparsity --headless --csv rows.csv
        sparsity-tui replay tour.sparsity --remeasure
        sparsity-tui replay tour.sparsity --remeasure --set sparsity=0.9
      """)

  @Argument(help: "A .sparsity file.")
  var session: String
  @Option(help: "How many times faster than it happened.")
  var speed = 1.0
  @Flag(help: "Without the screen: every step is carried out and the last frame printed.")
  var headless = false
  @Flag(help: "Measure again and say, result by result, whether they agree (status 3 if not).")
  var remeasure = false
  @Option(help: "Write the recorded rows to this file, - for standard output.")
  var csv: String?
  @Option(help: "Write the frame after every step to this directory as SVG.")
  var svg: String?
  @Option(help: "KEY=VALUE: a knob whose recorded value is replaced.")
  var set: [String] = []
  @Option(help: "OLD=NEW: where a model that moved is now.")
  var input: [String] = []
  @Flag(help: "Carry out the session's own exports and saves.")
  var write = false
  @Flag(help: "Replace files that exist.")
  var force = false
  @OptionGroup(title: "Screen") var screen: ScreenOptions

  func run() throws {
    guard speed > 0, speed.isFinite else {
      throw Failure(.usage, "--speed \(speed): expected a number above 0")
    }
    var reader = try SessionReader(path: session)
    for warning in reader.session.warnings { standardError("\(session): \(warning)\n") }
    try reader.replace(knobs: set, inputs: input)
    if let csv, csv != "-", !force { try OutputFile.refuseExisting(csv) }
    if headless || remeasure || csv != nil || svg != nil {
      Interrupt.watch()
      let replay = try HeadlessReplay(reader, writes: write)
      try replay.run(svg: svg, force: force)
      for note in replay.notes { standardError(note + "\n") }
      if let csv { try OutputFile.write(replay.csv, to: csv, force: force) }
      if remeasure {
        try replay.remeasure()
      } else if csv != "-" {
        print(render(replay.state).text)
      }
      return
    }
    try screen.run(isReplay: true) { exploration in
      exploration.writes = write
      exploration.play(Playback(reader, start: monotonicSeconds(), speed: speed))
    }
  }
}

extension SessionReader {
  /// Replaces recorded knob values and the paths of models that moved.
  /// - Throws: `Failure` with status 2 for what is not KEY=VALUE, no knob, or names nothing recorded.
  mutating func replace(knobs: [String], inputs: [String]) throws {
    for text in knobs {
      let halves = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard halves.count == 2, let knob = Knob(rawValue: halves[0]) else {
        throw Failure(
          .usage,
          "--set \(text): expected KNOB=VALUE, one of "
            + Knob.allCases.map(\.rawValue).joined(separator: ", "))
      }
      var scratch = Knobs()
      do { try scratch.set(knob, to: halves[1]) } catch {
        throw Failure(.usage, "--set \(text): \(error.description)")
      }
      var replaced = false
      for index in session.entries.indices {
        guard case .command(.set(knob, _)) = session.entries[index].content else { continue }
        session.entries[index].content = .command(.set(knob, halves[1]))
        replaced = true
      }
      if !replaced { insertAfterOpen(.set(knob, halves[1])) }
    }
    for text in inputs {
      let halves = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard halves.count == 2 else {
        throw Failure(.usage, "--input \(text): expected OLD=NEW, two paths")
      }
      var replaced = false
      for index in session.entries.indices {
        guard case .command(.open(let name?, let identity)) = session.entries[index].content,
          name == halves[0] || resolve(name) == Paths.absolute(halves[0])
        else { continue }
        session.entries[index].content = .command(
          .open(path: Paths.absolute(halves[1]), identity: identity))
        replaced = true
      }
      guard replaced else {
        throw Failure(.usage, "--input \(text): the session opens no \(halves[0])")
      }
    }
  }

  /// A knob that the session never turned is set before anything is looked at.
  private mutating func insertAfterOpen(_ command: Command) {
    let index = session.entries.firstIndex {
      if case .command(.open) = $0.content { true } else { false }
    }
    let place = index.map { $0 + 1 } ?? 0
    let seconds = index.map { session.entries[$0].seconds } ?? 0
    session.entries.insert(SessionEntry(seconds: seconds, content: .command(command)), at: place)
  }
}
