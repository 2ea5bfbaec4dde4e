import Experiments
import Foundation
import Testing

@testable import Explorer

/// Damaged sessions and command lines are read or refused in a sentence; nothing traps or hangs.
/// `SPARSITY_FUZZ_CASES` asks for more cases than the 1000 of the test suite.
@Suite struct FuzzTests {
  static let cases =
    ProcessInfo.processInfo.environment["SPARSITY_FUZZ_CASES"].flatMap { Int($0) } ?? 1000

  /// Commands of every shape, from which damaged ones are made.
  static let commands = [
    "open demo id:5c0f00aa", "open \"a model.safetensors\"", "tensor layer.0.query",
    "calibration x.npy", "pattern 32x1", "pattern tew64+5%/tetris", "sparsity 0.8", "lambda 0.25",
    "criterion wanda", "tokens 128", "sweep pattern=1x1,2:4 sparsity=0.5:0.9:0.1 tokens=8",
    "sensitivity *query*", "crossover tokens", "apply kind", "budget time 0.5", "hold a", "undo",
    "note \"a # \\\"b\\\" \\\\ \\n c\"", "view tradeoff", "zoom values", "zoom 4", "pan 12 40",
    "pan left", "colour output_error", "axes speedup output_error", "sort name", "filter",
    "find key", "show both", "export a.csv", "save b.sparsity", "theme mono", "point 3 4",
    "focus next", "knob tokens", "turn -1", "layer 2", "edit Enter",
    "train layers=attention pattern=8x1 sparsity=0.8 minutes=1", "plan rate 0.001", "pause",
    "steer lambda 0.3", "prompt \"sw\"", "quit",
  ]

  private static let inserts = [
    "\"", "\\", " ", "#", "=", ",", ":", "-", "0", "9", "1e308", "nan", "-1", "\t", "é", "模",
    "\u{301}", "\u{0}", "99999999999999999999", "{", "}", "[", "null", "\r",
  ]

  static func damage(_ bytes: inout [UInt8], with others: [[UInt8]], _ random: inout SeededRandom) {
    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
    guard !bytes.isEmpty else { return bytes = others[below(others.count)] }
    let at = below(bytes.count)
    switch below(7) {
    case 0: bytes[at] ^= 1 << UInt8(below(8))
    case 1: bytes.insert(contentsOf: inserts[below(inserts.count)].utf8, at: at)
    case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(8)))
    case 3: bytes.removeSubrange(at...)
    case 4:
      // A piece of another text, or of this one, in this place.
      let other = others[below(others.count)]
      let from = below(other.count)
      bytes.insert(contentsOf: other[from..<min(other.count, from + 1 + below(40))], at: at)
    case 5:
      // A number becomes another one.
      guard let digit = bytes[at...].firstIndex(where: { (48...57).contains($0) }) else { return }
      let end = bytes[digit...].firstIndex { !(48...57).contains($0) } ?? bytes.count
      bytes.replaceSubrange(digit..<end, with: inserts[8 + below(5)].utf8)
    default:
      let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
      guard lines.count > 2 else { return }
      let line = Array(lines[below(lines.count)]) + [10]
      let start = lines[below(lines.count)].startIndex
      bytes.insert(contentsOf: line, at: start)
    }
  }

  @Test func damagedStartupFilesGiveCommandsOrSentences() {
    var random = SeededRandom(13)
    let samples = [
      Array("# tastes\ntheme mono\n\ntokens 8\r\nview sweep\n".utf8),
      Array(Self.commands.joined(separator: "\n").utf8),
    ]
    for index in 0..<Self.cases {
      var bytes = samples[index % samples.count]
      for _ in 0...Int(random.next() % 4) { Self.damage(&bytes, with: samples, &random) }
      let startup = Startup(parsing: String(decoding: bytes, as: UTF8.self), name: "startup")
      let lines = bytes.split(separator: 10, omittingEmptySubsequences: false).count
      #expect(startup.commands.count + startup.problems.count <= lines)
    }
  }

  @Test func damagedCommandsAreReadOrRefusedAndReadBack() throws {
    var random = SeededRandom(11)
    let samples = Self.commands.map { Array($0.utf8) }
    var read = 0
    var reasons: Set<String> = []
    for number in 0..<Self.cases {
      var bytes = samples[number % samples.count]
      for _ in 0...(random.next() % 3) { Self.damage(&bytes, with: samples, &random) }
      let line = String(decoding: bytes, as: UTF8.self)
      do throws(CommandError) {
        let command = try Command(parsing: line)
        read += 1
        // What a session would write is read back as the same command.
        #expect(try Command(parsing: command.text) == command, "\(line) → \(command.text)")
        #expect(!command.text.contains("\n"), "\(line)")
      } catch {
        #expect(!error.description.isEmpty)
        reasons.insert(error.description)
      }
    }
    #expect(read > Self.cases / 20 && reasons.count > 20, "\(read) read, \(reasons.count) reasons")
  }

  @Test func damagedSessionsAreReadOrRefusedAndReadBack() throws {
    var random = SeededRandom(12)
    let header = "# sparsity-tui session 1  tool=0.1.0 machine=7f size=80x24\n"
    let typed =
      header
      + Self.commands.enumerated().map { "\($0.offset).250 \($0.element)\n" }.joined()
    let samples = [
      Array(typed.utf8), Array(try SessionTests.recorded().session.text().utf8.prefix(6000)),
    ]
    var read = 0
    var reasons: Set<String> = []
    for number in 0..<Self.cases {
      var bytes = samples[number % 2]
      for _ in 0...(random.next() % 3) { Self.damage(&bytes, with: samples, &random) }
      do throws(SessionError) {
        let session = try Session(parsing: String(decoding: bytes, as: UTF8.self))
        read += 1
        guard let text = try? session.text() else { continue }
        let again = try Session(parsing: text)
        #expect(again.entries.count == session.entries.count)
      } catch {
        #expect(error.line >= 1 && !error.reason.isEmpty)
        reasons.insert(error.reason)
      }
    }
    #expect(read > Self.cases / 50 && reasons.count > 20, "\(read) read, \(reasons.count) reasons")
  }
}
