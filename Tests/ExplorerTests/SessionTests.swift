import CellUI
import Experiments
import Foundation
import Testing

@testable import Explorer

@Suite struct SessionTests {
  /// A session of every kind of line, and the bench that made it.
  static func recorded() -> (session: Session, bench: Bench) {
    var bench = Bench.opened(width: 140, height: 42)
    for line in [
      "pattern 16x16", "sparsity 0.9", "sweep pattern=1x1,32x1 sparsity=0.5,0.9", "view mask",
      "crossover sparsity", "train steps=100 method=gradual", "solve-path", "sensitivity *query*",
      "note \"a # b\"", "hold a", "undo",
      "zoom 4", "tokens 32",
    ] {
      bench.run(line)
      bench.settle()
    }
    bench.run("view why")
    let entries = bench.recorded.enumerated().map {
      SessionEntry(seconds: Double($0.offset) * 0.25, content: $0.element)
    }
    return (
      Session(header: SessionHeader(machine: "7f3a", width: 140, height: 42), entries: entries),
      bench
    )
  }

  @Test func fileReadsBackToTheSameSession() throws {
    let (session, _) = Self.recorded()
    let text = try session.text()
    #expect(
      text.hasPrefix("# sparsity-tui session 1  tool=\(toolVersion) machine=7f3a size=140x42\n"))
    #expect(try Session(parsing: text) == session)
    #expect(text.contains(" = measurement {"))
    #expect(text.contains(" open demo id:5c0f00aa\n"))
  }

  @Test func replayShowsTheSameFrameWithoutMeasuring() throws {
    let (session, bench) = Self.recorded()
    var replay = Bench(width: 140, height: 42, isReplay: true)
    for entry in session.entries {
      switch entry.content {
      case .command(let command): replay.send(.command(command))
      case .result(let result): replay.send(.recorded(result))
      }
      for effect in replay.effects {
        if case .request(let request, _) = effect {
          switch request {
          case .measure, .sweep, .sensitivity, .path, .crossover, .describeMachine, .train,
            .steerTraining:
            Issue.record("a replay asked to measure: \(request)")
          default: break
          }
        }
      }
    }
    // Between evaluations a training is not recorded: its curves have fewer points in a replay.
    for page in Page.allCases where page != .training {
      var (live, shown) = (bench.state, replay.state)
      live.page = page
      shown.page = page
      live.message = nil
      shown.message = nil
      live.isReplay = true
      live.isDirty = false
      let pairs = zip(
        render(live).text.split(separator: "\n"), render(shown).text.split(separator: "\n"))
      for (expected, found) in pairs { #expect(expected == found, "\(page)") }
    }
    #expect(replay.state.resultRows == bench.state.resultRows)
  }

  @Test func builtInTourPlaysToItsEnd() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../data/sessions/tour.sparsity")
    let session = try Session(parsing: String(contentsOf: file, encoding: .utf8))
    #expect(session.warnings.isEmpty)
    var replay = Bench(
      width: session.header.width, height: session.header.height, isReplay: true)
    var notes = 0
    for entry in session.entries {
      switch entry.content {
      case .command(let command):
        replay.send(.command(command))
        #expect(
          replay.state.message?.kind != .error, "\(command): \(replay.state.message?.text ?? "")")
        if case .note(let text) = command {
          notes += 1
          #expect(replay.state.message?.text == text)
          #expect(text.count <= session.header.width - 2)
          #expect(render(replay.state).text.contains(text))
        }
      case .result(let result): replay.send(.recorded(result))
      }
    }
    #expect(notes == 7)
    #expect(replay.state.sweep.status == .finished)
    #expect(replay.state.sweep.finishedCount == replay.state.sweep.cells.count)
    #expect(replay.state.measurement.final != nil)
    #expect(!replay.state.isDirty)
  }

  @Test func tornLastLineIsDroppedAndSaid() throws {
    let (session, _) = Self.recorded()
    let text = try session.text()
    let lines = text.split(separator: "\n").count
    let torn = String(text.dropLast(5))
    let read = try Session(parsing: torn)
    #expect(read.entries.count == session.entries.count - 1)
    #expect(read.warnings.first?.hasPrefix("line \(lines) is cut off") == true)
  }

  @Test func everyPrefixOfAFileOpensWithWhatWasComplete() throws {
    let (session, _) = Self.recorded()
    let bytes = Array(try session.text().utf8)
    var random = SeededRandom(3)
    let header = session.header.line.utf8.count
    for _ in 0..<100 {
      let cut = header + Int(random.next() % UInt64(bytes.count - header))
      let read = try Session(parsing: String(decoding: bytes[..<cut], as: UTF8.self))
      let complete = bytes[..<cut].count { $0 == 10 } - 1
      #expect(read.entries == Array(session.entries.prefix(complete)))
    }
  }

  @Test(arguments: [
    ("", 1, "no complete line"), ("hello\n", 1, "# sparsity-tui session"),
    ("# sparsity-tui session 9\n", 1, "newer"),
    ("# sparsity-tui session 1 size=0x9\n", 1, "columns x rows"),
    ("# sparsity-tui session 1\nmeasure\n", 2, "seconds"),
    ("# sparsity-tui session 1\n1 measure\n0.5 measure\n", 3, "before"),
    ("# sparsity-tui session 1\n1 mesure\n", 2, "did you mean"),
    ("# sparsity-tui session 1\n1 = measurement {}\n", 2, "is missing"),
    ("# sparsity-tui session 1\n1 = weather {}\n", 2, "unknown kind"),
    ("# sparsity-tui session 1\n1 = measurement\n", 2, "= kind"),
  ])
  func wrongLineIsNamed(_ text: String, _ line: Int, _ part: String) {
    let error = #expect(throws: SessionError.self) { try Session(parsing: text) }
    #expect(error?.line == line)
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test func commentsEmptyLinesAndReturnsAreRead() throws {
    let text = "# sparsity-tui session 1 size=90x30\r\n\r\n# by hand\r\n0 open demo\r\n"
    let session = try Session(parsing: text)
    #expect(session.entries == [SessionEntry(seconds: 0, content: .command(.open(path: nil)))])
    #expect(session.header.width == 90)
  }

  @Test func flippedBytesNeverTrap() throws {
    let (session, _) = Self.recorded()
    let bytes = Array(try session.text().utf8)
    var random = SeededRandom(5)
    for _ in 0..<300 {
      var broken = bytes
      for _ in 0..<(1 + random.next() % 4) {
        broken[Int(random.next() % UInt64(broken.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      _ = try? Session(parsing: String(decoding: broken, as: UTF8.self))
    }
  }

  @Test func numbersThatJSONDoesNotKnowReadBack() throws {
    let text = try JSONText.encode([1.5, .infinity, -.infinity])
    #expect(try JSONText.decode([Double].self, from: text) == [1.5, .infinity, -.infinity])
    #expect(try JSONText.decode([Double].self, from: JSONText.encode([Double.nan]))[0].isNaN)
  }
}
