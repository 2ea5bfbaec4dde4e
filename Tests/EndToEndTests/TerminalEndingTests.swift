import Foundation
import Testing

@testable import Terminal

/// However the program ends or is interrupted, the terminal is as it was.
@Suite(.serialized) struct TerminalEndingTests {
  func probe(
    _ arguments: [String] = [], type: TestTerminfo.Name = .plain,
    environment: [String: String] = [:]
  ) throws -> PseudoTerminal {
    try PseudoTerminal(
      PseudoTerminal.product("TerminalProbe"), arguments, columns: 60, rows: 16, type: type,
      environment: environment)
  }

  func expectGivenBack(_ terminal: PseudoTerminal, _ location: SourceLocation = #_sourceLocation) {
    #expect(terminal.screen.modes == [25], sourceLocation: location)
    #expect(terminal.isCooked, sourceLocation: location)
  }

  @Test(arguments: [SIGTERM, SIGHUP, SIGINT])
  func requestsToEndAreFollowed(_ signal: Int32) throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.signal(signal)
    #expect(terminal.end() == .exited(0))
    expectGivenBack(terminal)
  }

  @Test(arguments: [SIGSEGV, SIGABRT, SIGILL, SIGBUS, SIGFPE, SIGQUIT])
  func deadlySignalsStillKillAfterGivingTheScreenBack(_ signal: Int32) throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.signal(signal)
    #expect(terminal.end() == .signalled(signal))
    expectGivenBack(terminal)
  }

  @Test func quitKeyGivesTheScreenBack() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("\u{1c}")
    #expect(terminal.end() == .signalled(SIGQUIT))
    expectGivenBack(terminal)
  }

  @Test func fatalErrorShowsItsMessageOnTheShellsScreen() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("f")
    guard case .signalled = terminal.end() else {
      Issue.record("a fatal error must kill")
      return
    }
    expectGivenBack(terminal)
    let parts = terminal.screen.transcript.components(separatedBy: "\u{1b}[?1049l")
    #expect(parts.count == 2 && parts[1].contains("Fatal error: as asked"))
  }

  @Test func stackOverflowGivesTheScreenBack() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("o")
    #expect(terminal.end() == .signalled(SIGSEGV))
    expectGivenBack(terminal)
  }

  @Test func standardErrorIsHeldBackUntilTheScreenIsGivenBack() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("e")
    #expect(terminal.wait(for: "key character(\"e\")"))
    #expect(!terminal.screen.text.contains("said"))
    terminal.send("q")
    #expect(terminal.end() == .exited(0))
    let parts = terminal.screen.transcript.components(separatedBy: "\u{1b}[?1049l")
    #expect(parts.count == 2 && parts[1].contains("said on standard error"))
  }

  @Test func controlZStopsAndForegroundResumes() throws {
    let terminal = try PseudoTerminal(
      "/bin/bash", ["--norc", "--noprofile", "--noediting", "-i"], columns: 60, rows: 16,
      environment: ["PS1": "ready> "])
    #expect(terminal.wait(for: "ready>"), "\(terminal.screen.text)")
    terminal.send(PseudoTerminal.product("TerminalProbe") + "\n")
    #expect(terminal.wait(for: "60x16 full"), "\(terminal.screen.text)")
    terminal.send("\u{1a}")
    #expect(terminal.wait { $0.text.contains("Stopped") && $0.modes == [25] })
    #expect(terminal.isCooked)
    terminal.send("fg\n")
    #expect(terminal.wait(for: "resumed"), "\(terminal.screen.text)")
    #expect(terminal.screen.modes == [1, 1000, 1002, 1006, 1049, 2004])
    #expect(!terminal.isCooked)
    terminal.send("k")
    #expect(terminal.wait(for: "key character(\"k\")"), "\(terminal.screen.text)")
    terminal.send("q")
    #expect(terminal.wait { $0.modes == [25] })
    terminal.send("exit\n")
    #expect(terminal.end() == .exited(0))
  }

  @Test func stopWithoutAShellComesBackByItself() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.signal(SIGTSTP)
    #expect(terminal.wait(for: "resumed"), "\(terminal.screen.text)")
    #expect(terminal.screen.isAlternate)
  }

  @Test func stopThatNobodyCanCatchIsRepaired() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.signal(SIGSTOP)
    terminal.read(seconds: 0.1)
    terminal.signal(SIGCONT)
    #expect(terminal.wait(for: "resumed"), "\(terminal.screen.text)")
    #expect(terminal.screen.text.hasPrefix("60x16"))
  }

  @Test(arguments: [
    (TestTerminfo.Name.plain, "full"), (.plain16, "sixteen"), (.plain8, "eight"),
    (.plainMono, "none"), (.plainDirect, "full"),
  ])
  func coloursFollowTheTerminal(_ type: TestTerminfo.Name, _ depth: String) throws {
    let terminal = try probe(type: type)
    #expect(terminal.wait(for: "60x16 \(depth) full"), "\(terminal.screen.text)")
    #expect(terminal.wait(for: "│模型│"))
    let rendition = terminal.screen.cells[1][0].rendition
    switch type {
    case .plain16: #expect(rendition.contains("38;5;1") && rendition.contains("48;5;"))
    case .plain8: #expect(rendition.contains("38;5;1"))
    case .plainDirect: #expect(rendition.contains("38;2;215;0;0"))
    case .plainMono: #expect(rendition == "1")
    default: #expect(rendition.contains("38;5;160"))
    }
    #expect(terminal.screen.unknown == [])
  }

  @Test func noColorIsHonoured() throws {
    for (arguments, environment) in [(["--no-color"], [:]), ([], ["NO_COLOR": "1"])] {
      let terminal = try probe(arguments, environment: environment)
      #expect(terminal.wait(for: "60x16 none full\n│模型│"), "\(terminal.screen.text)")
      #expect(terminal.screen.cells[1][0].rendition == "1")
    }
    let terminal = try probe(environment: ["NO_COLOR": ""])
    #expect(terminal.wait(for: "60x16 full"), "\(terminal.screen.text)")
  }

  @Test func localeWithoutUnicodeStillShowsIt() throws {
    let terminal = try probe(environment: ["LANG": "C", "LC_ALL": "C"])
    #expect(terminal.wait(for: "│模型│é▀⣿│"), "\(terminal.screen.text)")
  }

  @Test func asciiSendsNothingElse() throws {
    let terminal = try probe(["--ascii"])
    #expect(terminal.wait(for: "|????|e\"#|"), "\(terminal.screen.text)")
    #expect(terminal.screen.bytes.allSatisfy { $0 < 0x80 })
  }

  @Test func unusableTerminalsAreRefusedInASentence() throws {
    for (type, sentence) in [
      (TestTerminfo.Name.dumb, "cannot place the cursor"),
      (.unknown, "no description of the terminal type 'no-such-terminal'"),
    ] {
      let terminal = try probe(type: type)
      #expect(terminal.end() == .exited(4))
      #expect(terminal.screen.transcript.contains(sentence), "\(terminal.screen.transcript)")
      #expect(terminal.isCooked)
    }
    let unset = try probe(environment: ["TERM": ""])
    #expect(unset.end() == .exited(4))
    #expect(unset.screen.transcript.contains("TERM is not set"))
    let piped = try PseudoTerminal(
      "/bin/sh", ["-c", PseudoTerminal.product("TerminalProbe") + " | cat"])
    _ = piped.end()
    #expect(piped.screen.transcript.contains("standard output is not a terminal"))
  }
}
