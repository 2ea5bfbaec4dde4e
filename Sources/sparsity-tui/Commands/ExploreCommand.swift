import ArgumentParser
import CellUI
import Experiments
import Explorer
import Glibc
import Laboratory
import Terminal

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore",
    abstract: "Open the laboratory on the screen (what happens without a subcommand).",
    discussion: """
      ? shows every key and command, : opens the prompt, q leaves. The session is recorded as it \
      happens; :save keeps a copy under a name of yours.

      Commands in $XDG_CONFIG_HOME/sparsity-tui/startup (one a line, such as theme high-contrast or \
      tokens 8) are carried out at every start.

        sparsity-tui
        sparsity-tui model.safetensors --tensor encoder.layer.0.attention.self.query.weight
        sparsity-tui synthetic:768x768 --no-mouse
      """)

  @Argument(
    help: """
      A .safetensors, index.json, .npy, .npz, a directory, or synthetic:ROWSxCOLUMNS[:SEED]; the \
      built-in model when left out.
      """)
  var model: String?
  @Option(help: "The tensor to start with.")
  var tensor: String?
  @Option(help: "Record the session in this file (it must not exist).")
  var session: String?
  @OptionGroup(title: "Screen") var screen: ScreenOptions

  func run() throws {
    if let model, !model.hasPrefix("synthetic:"), access(model, F_OK) != 0 {
      throw Failure(
        .unreadable,
        "\(model): \(String(cString: strerror(errno))); expected a model or one of the commands that "
          + "sparsity-tui --help lists")
    }
    var commands: [Command] = [.open(path: model)]
    if let tensor { commands.append(.tensor(tensor)) }
    var problems: [String] = []
    let startup = Paths.configuration + "/startup"
    if access(startup, F_OK) == 0 {
      do {
        let bytes = try InputFile.read(startup, limit: 1 << 16)
        let tastes = Startup(parsing: String(decoding: bytes, as: UTF8.self), name: startup)
        commands += tastes.commands
        problems = tastes.problems
      } catch { problems = [sentence(error)] }
    }
    try screen.run(record: session) { exploration in
      for command in commands { exploration.send(.command(command)) }
      for problem in problems { exploration.send(.problem(problem)) }
    }
  }
}

/// How the screen is used.
struct ScreenOptions: ParsableArguments {
  @Flag(help: "Draw with ASCII characters alone.")
  var ascii = false
  @Flag(
    name: .customLong("no-color"), help: "No colours; NO_COLOR in the environment does the same.")
  var noColor = false
  @Flag(help: "Leave the mouse to the terminal.")
  var noMouse = false
  @Option(help: "Write the times of every frame to this CSV file.")
  var trace: String?

  /// Takes the screen, lets `begin` send the first commands, and runs until the person quits.
  /// - Parameter record: where the session is recorded; nil for the state directory.
  func run(
    record: String? = nil, isReplay: Bool = false,
    begin: (Exploration) throws -> Void
  ) throws {
    let options = Terminal.Options(
      mouse: !noMouse, colors: !noColor && Paths.environment("NO_COLOR") == nil, ascii: ascii)
    let loop = ExploreLoop(options: options, trace: try trace.map(FrameTrace.init))
    let signal: Int32?
    do {
      signal = try loop.run { screen, mailbox, gate in
        let laboratory = Laboratory(configuration: Workbench.configuration()) { answer, run in
          mailbox.post(LaboratoryMessage(answer: answer, run: run))
          switch answer {
          // These come between two samples: the next one starts when the screen has shown them.
          case .measuring, .sweeping: gate.wait(milliseconds: 60)
          default: break
          }
        }
        let sessions = Paths.state + "/sessions"
        let unfinished = isReplay ? nil : SessionFile.unfinished(in: sessions)
        let isFirstRun = !isReplay && access(Paths.state, F_OK) != 0
        var recorder: SessionRecorder?
        var problem: String?
        if !isReplay {
          let header = SessionHeader(width: screen.width, height: screen.height)
          do {
            recorder =
              try record.map { try SessionRecorder(path: $0, header: header) }
              ?? SessionRecorder(directory: sessions, header: header)
          } catch {
            if record != nil { throw error }
            problem = "this session is not recorded: " + sentence(error)
          }
        }
        let exploration = Exploration(
          state: State(
            width: screen.width, height: screen.height, depth: screen.depth,
            glyphs: screen.glyphs, isFirstRun: isFirstRun, isReplay: isReplay),
          laboratory: laboratory, recorder: recorder)
        exploration.writes = !isReplay
        try begin(exploration)
        if let last = unfinished {
          exploration.send(
            .problem("the last session did not end by itself; sparsity-tui replay \(last) shows it")
          )
        }
        if let problem { exploration.send(.problem(problem)) }
        return exploration
      }
    } catch let error as TerminalError {
      throw Failure(
        .failed,
        "\(error.description)\nWithout a screen: sparsity-tui measure, sweep, inspect, "
          + "replay --headless; see sparsity-tui --help")
    }
    if let signal {
      throw Failure(
        .interrupted, "ended by \(String(cString: strsignal(signal))) (signal \(signal))")
    }
  }
}
