import Foundation
import Testing

/// However the real program ends, and whatever terminal it is started on.
@Suite(.serialized) struct ExploreEndingTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  func start(_ arguments: [String] = [], extra: [String: String] = [:]) throws -> PseudoTerminal {
    let terminal = try sandbox.explore(arguments, extra: extra)
    #expect(terminal.wait(for: "80.0 % zeros", seconds: 30), "\(terminal.screen.text)")
    return terminal
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
  func askedToEndItGivesTheScreenBackAndSaysWhy(_ signal: Int32) throws {
    let terminal = try start()
    terminal.signal(signal)
    #expect(terminal.end(seconds: 30) == .exited(130))
    #expect(terminal.screen.modes == [25])
    #expect(terminal.isCooked)
    #expect(terminal.screen.transcript.contains("signal \(signal)"))
    #expect(try sandbox.text(try #require(sandbox.sessions.last)).hasSuffix("# closed\n"))
  }

  @Test(arguments: [SIGSEGV, SIGABRT, SIGQUIT])
  func aCrashGivesTheScreenBackAndLeavesTheSession(_ signal: Int32) throws {
    let terminal = try start()
    terminal.send(":sparsity 0.31\r")
    #expect(terminal.wait(for: "31.", seconds: 30), "\(terminal.screen.text)")
    terminal.signal(signal)
    #expect(terminal.end(seconds: 30) == .signalled(signal))
    #expect(terminal.screen.modes == [25])
    #expect(terminal.isCooked)
    #expect(try sandbox.text(try #require(sandbox.sessions.last)).contains(" sparsity 0.31\n"))
  }

  @Test func leavingInTheMiddleOfAMeasurementIsNoCrash() throws {
    for round in 0..<8 {
      let terminal = try start()
      terminal.send(":pattern 1x1\r:sparsity 0.\(30 + round)\rm")
      terminal.read(seconds: 0.05 * Double(round))
      terminal.send("\u{1b}")
      terminal.read(seconds: 0.1)
      terminal.send("q")
      terminal.read(seconds: 0.1)
      terminal.send("y")
      #expect(terminal.end(seconds: 30) == .exited(0))
      #expect(terminal.screen.modes == [25])
    }
  }

  @Test func controlZStopsAndForegroundResumes() throws {
    let terminal = try PseudoTerminal(
      "/bin/bash", ["--norc", "--noprofile", "--noediting", "-i"],
      environment: sandbox.environment.merging(["PS1": "ready> "]) { _, new in new })
    #expect(terminal.wait(for: "ready>", seconds: 30), "\(terminal.screen.text)")
    terminal.send("cd \"$HOME\"; " + Sandbox.program + "\n")
    #expect(terminal.wait(for: "80.0 % zeros", seconds: 30), "\(terminal.screen.text)")
    terminal.send("\u{1a}")
    #expect(
      terminal.wait(seconds: 30) { $0.text.contains("Stopped") && $0.modes == [25] },
      "\(terminal.screen.text)")
    #expect(terminal.isCooked)
    terminal.send("fg\n")
    #expect(
      terminal.wait(seconds: 30) { $0.isAlternate && $0.text.contains("80.0 % zeros") },
      "\(terminal.screen.text)")
    terminal.send(":sparsity 0.5\r")
    #expect(terminal.wait(for: "50.0 % zeros", seconds: 30), "\(terminal.screen.text)")
    terminal.send("q")
    terminal.read(seconds: 0.3)
    terminal.send("y")
    #expect(terminal.wait(seconds: 30) { $0.modes == [25] })
    terminal.send("\nexit\n")
    guard case .exited = terminal.end(seconds: 30) else {
      Issue.record("the shell did not end: \(terminal.screen.text)")
      return
    }
  }

  @Test(arguments: [
    (TestTerminfo.Name.dumb, [:], "cannot place the cursor"),
    (.unknown, [:], "no description of the terminal type 'no-such-terminal'"),
    (.plain, ["TERM": ""], "TERM is not set"),
  ])
  func unusableTerminalsAreRefusedInASentence(
    _ type: TestTerminfo.Name, _ extra: [String: String], _ sentence: String
  ) throws {
    let terminal = try sandbox.explore(type: type, extra: extra)
    #expect(terminal.end(seconds: 30) == .exited(1))
    #expect(terminal.screen.transcript.contains(sentence), "\(terminal.screen.transcript)")
    #expect(terminal.screen.transcript.contains("replay --headless"))
    #expect(terminal.isCooked)
    #expect(sandbox.sessions.isEmpty)
  }

  @Test func withoutATerminalItSaysSo() throws {
    let outcome = try sandbox.run([])
    #expect(outcome.ending == .exited(1))
    #expect(outcome.errors.contains("standard input is not a terminal"))
  }

  @Test func localeWithoutUnicodeStillStarts() throws {
    let terminal = try start(extra: ["LANG": "C", "LC_ALL": "C"])
    #expect(terminal.screen.text.contains("│"))
    #expect(terminal.screen.unknown == [])
  }

  @Test func asciiSendsNothingElse() throws {
    let terminal = try start(["--ascii"])
    for key in ["2", "3", "4", "5", "6", "?"] {
      terminal.send(key)
      terminal.read(seconds: 0.2)
    }
    #expect(terminal.screen.bytes.allSatisfy { $0 < 0x80 })
  }

  @Test(arguments: [([], ["NO_COLOR": "1"]), (["--no-color"], [:])])
  func withoutColoursNoneAreSent(_ arguments: [String], _ extra: [String: String]) throws {
    let terminal = try start(arguments, extra: extra)
    for key in ["2", "3", "1"] {
      terminal.send(key)
      terminal.read(seconds: 0.2)
    }
    #expect(!terminal.screen.transcript.contains("38;5;"))
    #expect(!terminal.screen.transcript.contains("48;5;"))
  }

  @Test func aModelThatIsNotThereIsSaidBeforeTheScreenIsTaken() throws {
    let terminal = try sandbox.explore(["nothing.safetensors"])
    #expect(terminal.end(seconds: 30) == .exited(4))
    #expect(terminal.screen.transcript.contains("nothing.safetensors: No such file"))
    #expect(!terminal.screen.transcript.contains("\u{1b}[?1049h"))
  }
}
