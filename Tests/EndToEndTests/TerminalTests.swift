import CellUI
import Foundation
import Testing

@testable import Terminal

@Suite(.serialized) struct TerminalTests {
  func probe(
    _ arguments: [String] = [], columns: Int = 60, rows: Int = 16,
    type: TestTerminfo.Name = .plain, environment: [String: String] = [:]
  ) throws -> PseudoTerminal {
    try PseudoTerminal(
      PseudoTerminal.product("TerminalProbe"), arguments, columns: columns, rows: rows, type: type,
      environment: environment)
  }

  /// What must hold after the program is gone, however it went.
  func expectGivenBack(_ terminal: PseudoTerminal, _ location: SourceLocation = #_sourceLocation) {
    #expect(terminal.screen.modes == [25], sourceLocation: location)
    #expect(terminal.isCooked, sourceLocation: location)
  }

  @Test func takesTheScreenAndGivesItBack() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16 full full"), "\(terminal.screen.text)")
    #expect(terminal.screen.modes == [1, 1000, 1002, 1006, 1049, 2004])
    #expect(!terminal.isCooked)
    terminal.send("q")
    #expect(terminal.end() == .exited(0))
    expectGivenBack(terminal)
    #expect(terminal.screen.unknown == [])
  }

  @Test func showsWideCharactersBlocksAndColours() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "│模型│é▀⣿│"), "\(terminal.screen.text)")
    let row = terminal.screen.cells[1]
    #expect(row[1].scalar == "模" && row[2].scalar == "\0" && row[5].scalar == "│")
    #expect(Set(row[0].rendition.split(separator: "m")).count == 1)
    #expect(row[0].rendition.contains("38;5;160"))
    #expect(row[0].rendition.contains("48;5;17"))
    #expect(row[0].rendition.contains("1"))
  }

  @Test func keysArriveByName() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    let keys: [(String, String)] = [
      ("\u{1b}[A", "key up"), ("\u{1b}OB", "key down"), ("\u{1b}[H", "key home"),
      ("\u{1b}[3~", "key delete"), ("\u{1b}[6~", "key pageDown"), ("\u{1b}[Z", "key backTab"),
      ("\t", "key tab"), ("\r", "key enter"), ("\u{7f}", "key backspace"),
      ("é", "key character(\"é\")"), ("模", "key character(\"模\")"), ("\u{12}", "control(\"r\")"),
      ("\u{3}", "control(\"c\")"), ("\u{1b}", "key escape"),
    ]
    for (bytes, name) in keys {
      terminal.send("x")
      #expect(terminal.wait { !$0.text.contains("key") })
      terminal.send(bytes)
      #expect(terminal.wait(for: name), "\(name): \(terminal.screen.text)")
    }
  }

  @Test func mouseTellsPressDragReleaseAndWheelApart() throws {
    let terminal = try probe(columns: 60)
    #expect(terminal.wait(for: "60x16"))
    terminal.send("\u{1b}[<0;10;5M\u{1b}[<32;12;6M\u{1b}[<0;12;6m\u{1b}[<64;301;2M\u{1b}[<65;1;1M")
    let expected = [
      "mouse press 9,4", "mouse drag 11,5", "mouse release 11,5", "mouse wheelUp 300,1",
      "mouse wheelDown 0,0",
    ].joined(separator: "\n")
    #expect(terminal.wait(for: expected), "\(terminal.screen.text)")
    terminal.send(bytes: [0x1b, 0x5b, 0x4d, 32, 32 + 200, 32 + 3])  // the old form, column 200
    #expect(terminal.wait(for: "mouse press 199,2"), "\(terminal.screen.text)")
  }

  @Test func mouseStaysOffWhereItIsNotWanted() throws {
    let terminal = try probe(["--no-mouse"])
    #expect(terminal.wait(for: "60x16"))
    #expect(terminal.screen.modes == [1, 1049, 2004])
  }

  @Test func brokenSequencesDoNoHarm() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("\u{1b}[<999999999999999;1;1M\u{1b}[<;;M\u{1b}[<1;2")
    terminal.send(bytes: [0xff, 0xc0, 0x80, 0x1b, 0x5b])
    terminal.read(seconds: 0.3)
    terminal.send("xk")
    #expect(terminal.wait(for: "key character(\"k\")"), "\(terminal.screen.text)")
  }

  @Test func pasteIsTextAndNotKeys() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("\u{1b}[200~quit q\rzwei模\u{1b}[201~")
    #expect(terminal.wait(for: "paste \"quit q\\nzwei模\""), "\(terminal.screen.text)")
  }

  @Test func resizeStormEndsAtTheLastSize() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    for step in 0..<40 { terminal.resize(columns: 40 + step * 2, rows: 8 + step % 20) }
    terminal.resize(columns: 90, rows: 20)
    #expect(terminal.wait(for: "90x20 full"), "\(terminal.screen.text)")
    #expect(terminal.screen.text.hasPrefix("90x20"))
  }

  @Test func unchangedFrameSendsNothing() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("n")
    #expect(terminal.wait(for: "frames 1"), "\(terminal.screen.text)")
    let before = terminal.screen.bytes.count
    terminal.read(seconds: 0.3)
    #expect(terminal.screen.bytes.count == before)
  }

  @Test func messagesOfAThreadWakeTheLoop() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("w")
    #expect(terminal.wait(for: "message 3"), "\(terminal.screen.text)")
  }

  @Test func copyGoesOutAsOSC52() throws {
    let terminal = try probe()
    #expect(terminal.wait(for: "60x16"))
    terminal.send("c")
    #expect(terminal.wait(for: "copied true"))
    #expect(terminal.screen.commands == ["52;c;" + Data("Grüße".utf8).base64EncodedString()])
  }

  @Test func base64AgreesWithFoundation() {
    for count in 0..<40 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count * 11) }
      #expect(Terminal.base64(bytes) == Data(bytes).base64EncodedString())
    }
  }

  @Test func copyIsWrappedForTmuxAndScreen() {
    let tmux = Terminal.clipboardSequence("hi", tmux: true, screen: false)
    #expect(
      tmux == "\u{1b}]52;c;aGk=\u{7}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;aGk=\u{7}\u{1b}\\")
    let long = String(repeating: "a", count: 3000)
    let pieces = Terminal.clipboardSequence(long, tmux: false, screen: true)
      .components(separatedBy: "\u{1b}\\").dropLast()
    #expect(pieces.allSatisfy { $0.hasPrefix("\u{1b}P") && $0.utf8.count <= 702 })
    #expect(
      pieces.map { String($0.dropFirst(2)) }.joined()
        == Terminal.clipboardSequence(long, tmux: false, screen: false))
  }
}
