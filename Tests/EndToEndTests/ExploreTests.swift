import Foundation
import Testing

/// The real program on a terminal: what a person sees and does in the first minutes.
@Suite(.serialized) struct ExploreTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// The rows of the mask, without what is beside them.
  static func mask(_ screen: EmulatedScreen) -> String {
    screen.text.split(separator: "\n", omittingEmptySubsequences: false).prefix(12).map {
      String($0.prefix(54))
    }.joined(separator: "\n")
  }

  func start(
    _ arguments: [String] = [], columns: Int = 80, rows: Int = 24,
    type: TestTerminfo.Name = .plain, extra: [String: String] = [:],
    _ location: SourceLocation = #_sourceLocation
  ) throws -> PseudoTerminal {
    let terminal = try sandbox.explore(
      arguments, columns: columns, rows: rows, type: type, extra: extra)
    let isShown = terminal.wait(seconds: 30) {
      $0.text.contains("80.0 % zeros") && $0.text.contains("pattern")
        && $0.text.contains("kept L1") && !$0.text.contains("Opening")
    }
    #expect(isShown, "\(terminal.screen.text)", sourceLocation: location)
    return terminal
  }

  func leave(_ terminal: PseudoTerminal, _ location: SourceLocation = #_sourceLocation) {
    terminal.send("\u{1b}")
    terminal.read(seconds: 0.3)
    terminal.send("q")
    terminal.read(seconds: 0.3)
    terminal.send("y")
    #expect(terminal.end(seconds: 30) == .exited(0), sourceLocation: location)
    expectGivenBack(terminal, location)
  }

  func expectGivenBack(_ terminal: PseudoTerminal, _ location: SourceLocation = #_sourceLocation) {
    #expect(terminal.screen.modes == [25], sourceLocation: location)
    #expect(terminal.isCooked, sourceLocation: location)
  }

  @Test(arguments: [(80, 24), (140, 42)])
  func firstFrameShowsModelMaskAndKnobs(_ columns: Int, _ rows: Int) throws {
    let terminal = try start(columns: columns, rows: rows)
    for word in ["demo", "384x384", "Mask", "Knobs", "32x1", "What it gains", "Why", "F2"] {
      #expect(terminal.wait(for: word, seconds: 30), "\(word)\n\(terminal.screen.text)")
    }
    #expect(terminal.wait(for: "output error 0.", seconds: 30), "\(terminal.screen.text)")
    #expect(terminal.screen.unknown == [])
    leave(terminal)
  }

  @Test func turningAKnobChangesTheMask() throws {
    let terminal = try start()
    let before = Self.mask(terminal.screen)
    terminal.send(":sparsity 0.3\r")
    #expect(
      terminal.wait(seconds: 30) {
        $0.text.contains("30.0 % zeros") && Self.mask($0) != before
      }, "\(terminal.screen.text)")
    let lower = Self.mask(terminal.screen)
    terminal.send(":pattern 1x1\r")
    #expect(terminal.wait(for: "Mask  1x1", seconds: 30), "\(terminal.screen.text)")
    #expect(Self.mask(terminal.screen) != lower)
    terminal.send("u")
    #expect(terminal.wait(for: "Mask  32x1", seconds: 30), "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func arrowsTurnTheChosenKnob() throws {
    let terminal = try start()
    terminal.send("p")
    terminal.send("\u{1b}OB")  // down, to the sparsity
    #expect(terminal.wait(for: "▸sparsity", seconds: 30), "\(terminal.screen.text)")
    terminal.send("\u{1b}OC")
    #expect(
      terminal.wait(seconds: 30) { !$0.text.contains("80.0 % zeros") }, "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func promptSaysWhatIsWrongAndKeepsWhatWasTyped() throws {
    let terminal = try start()
    terminal.send(":pattern 33y1\r")
    #expect(
      terminal.wait(seconds: 30) {
        $0.text.contains("33y1") && $0.text.contains("RxC")
      }, "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func helpFiltersAndGoesAway() throws {
    let terminal = try start()
    terminal.send("?")
    #expect(terminal.wait(for: "Help: mask page", seconds: 30), "\(terminal.screen.text)")
    terminal.send("crossover")
    #expect(terminal.wait(for: "search from where", seconds: 30), "\(terminal.screen.text)")
    terminal.send("\u{1b}")
    #expect(terminal.wait(seconds: 30) { !$0.text.contains("Help:") }, "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func measuringEndsInAVerdict() throws {
    let terminal = try start()
    terminal.send("m")
    #expect(
      terminal.wait(seconds: 90) {
        $0.text.contains("95 %")
          && ["faster", "slower", "indistinguishable"].contains(where: $0.text.contains)
      }, "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func everyViewIsOneKeyAway() throws {
    let terminal = try start(columns: 140, rows: 42)
    for (key, word) in [
      ("2", "Sweep"), ("3", "Trade-off"), ("4", "Layers by"), ("5", "Roofline"), ("6", "Session ━"),
      ("1", "Mask  32x1"),
    ] {
      terminal.send(key)
      #expect(terminal.wait(for: word, seconds: 30), "\(word): \(terminal.screen.text)")
    }
    leave(terminal)
  }

  @Test func resizeStormEndsAtTheLastSize() throws {
    let terminal = try start()
    for step in 0..<60 { terminal.resize(columns: 20 + step * 3, rows: 6 + step % 40) }
    terminal.resize(columns: 140, rows: 42)
    #expect(
      terminal.wait(seconds: 30) {
        $0.text.contains("Knobs") && $0.text.contains("Layers") && $0.text.contains("F2")
      }, "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func tooSmallTerminalSaysWhatItNeedsAndRecovers() throws {
    let terminal = try sandbox.explore(columns: 60, rows: 16)
    for word in ["too small", "60 x 16", "80 x 24"] {
      #expect(terminal.wait(for: word, seconds: 30), "\(terminal.screen.text)")
    }
    terminal.resize(columns: 80, rows: 24)
    #expect(terminal.wait(for: "Knobs", seconds: 30), "\(terminal.screen.text)")
    terminal.resize(columns: 1, rows: 1)
    terminal.read(seconds: 0.3)
    terminal.resize(columns: 80, rows: 24)
    #expect(terminal.wait(for: "Knobs", seconds: 30), "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func pasteGoesToThePromptAsText() throws {
    let terminal = try start()
    terminal.send("\u{1b}[200~sparsity 0.4q\u{1b}[201~")
    #expect(terminal.wait(for: ":sparsity 0.4q", seconds: 30), "\(terminal.screen.text)")
    #expect(terminal.screen.text.contains("80.0 % zeros"))
    terminal.send("\u{7f}\r")
    #expect(terminal.wait(for: "40.0 % zeros", seconds: 30), "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func wheelZoomsAndClickPointsAtAWeight() throws {
    let terminal = try start()
    let whole = "19.2x7.4 a pixel"
    #expect(terminal.screen.text.contains(whole), "\(terminal.screen.text)")
    terminal.send("\u{1b}[<64;20;6M")
    #expect(
      terminal.wait(seconds: 30) { !$0.text.contains(whole) }, "\(terminal.screen.text)")
    #expect(terminal.wait(for: "rank", seconds: 30), "\(terminal.screen.text)")
    let before = terminal.screen.text.split(separator: "\n").first { $0.contains("rank") }
    terminal.send("\u{1b}[<0;40;9M\u{1b}[<0;40;9m")
    #expect(
      terminal.wait(seconds: 30) {
        $0.text.split(separator: "\n").first { $0.contains("rank") } != before
      }, "\(terminal.screen.text)")
    leave(terminal)
  }

  @Test func controlCCancelsAndDoesNotLeave() throws {
    let terminal = try start()
    terminal.send("s")
    #expect(terminal.wait(for: "Sweep", seconds: 30), "\(terminal.screen.text)")
    terminal.send("\u{3}")
    #expect(terminal.wait(for: "cancelled", seconds: 60), "\(terminal.screen.text)")
    #expect(terminal.end(seconds: 0.2) == .stillRunning)
    leave(terminal)
  }
}
