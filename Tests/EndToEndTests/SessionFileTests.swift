import Foundation
import Testing

/// What was acknowledged is in the session's file, whatever happens to the program.
@Suite(.serialized) struct SessionFileTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// `SPARSITY_KILLS` asks for more than the test suite has time for.
  @Test func killedAtAnyPointItHasWhatWasAcknowledged() throws {
    var numbers = SeededNumbers(seed: 7)
    for round in 0..<count("SPARSITY_KILLS", default: 20) {
      let terminal = try sandbox.explore()
      #expect(terminal.wait(for: "80.0 % zeros", seconds: 30), "\(terminal.screen.text)")
      if round > 0 {
        #expect(terminal.screen.text.contains("did not end"), "\(terminal.screen.text)")
      }
      var acknowledged: [String] = []
      for _ in 0..<Int.random(in: 0...3, using: &numbers) {
        let percent = Int.random(in: 10...70, using: &numbers)
        let line = "sparsity 0.\(percent)"
        // A value that is there already would be no change, and no line.
        if acknowledged.last == line { continue }
        terminal.send(":\(line)\r")
        #expect(
          terminal.wait(seconds: 30) { Self.shows(percent, $0) },
          "\(line): \(terminal.screen.text)")
        acknowledged.append(line)
      }
      terminal.send(":pattern 8x1\r:note \"" + String(repeating: "x", count: 300) + "\"\rs")
      terminal.read(seconds: Double.random(in: 0...0.25, using: &numbers))
      terminal.signal(SIGKILL)
      #expect(terminal.end(seconds: 30) == .signalled(SIGKILL))

      let session = try #require(sandbox.sessions.last { $0.contains("-\(terminal.process).") })
      let lines = try sandbox.text(session).split(separator: "\n")
      let recorded = lines.compactMap { line -> String? in
        let parts = line.split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[1].hasPrefix("sparsity ") ? String(parts[1]) : nil
      }
      #expect(recorded == acknowledged)
      let outcome = try sandbox.run(["replay", session, "--headless"])
      #expect(outcome.ending == .exited(0), "\(outcome.errors)")
    }
    // A session that ended well is not mentioned, nor are the older ones any more.
    var terminal = try sandbox.explore()
    #expect(terminal.wait(for: "did not end", seconds: 30), "\(terminal.screen.text)")
    // It stays long enough to be read: the first measurement does not take it away.
    #expect(terminal.wait(for: "95 %", seconds: 60), "\(terminal.screen.text)")
    #expect(terminal.screen.text.contains("did not end"), "\(terminal.screen.text)")
    terminal.signal(SIGTERM)
    #expect(terminal.end(seconds: 30) == .exited(130))
    terminal = try sandbox.explore()
    #expect(terminal.wait(for: "80.0 % zeros", seconds: 30))
    #expect(!terminal.screen.text.contains("did not end"), "\(terminal.screen.text)")
  }

  /// Blocks make the achieved share a little smaller than the one asked for.
  private static func shows(_ percent: Int, _ screen: EmulatedScreen) -> Bool {
    screen.text.contains("\(percent).0 % zeros") || screen.text.contains("\(percent - 1).9 % zeros")
  }

  @Test func instancesNeverShareAFile() throws {
    let terminals = try (0..<3).map { _ in try sandbox.explore() }
    for terminal in terminals {
      #expect(terminal.wait(for: "80.0 % zeros", seconds: 30), "\(terminal.screen.text)")
      // One that runs is not taken for one that crashed.
      #expect(!terminal.screen.text.contains("did not end"))
    }
    #expect(sandbox.sessions.count == 3)
    let named = try sandbox.explore(["--session", "mine.sparsity"])
    #expect(named.wait(for: "80.0 % zeros", seconds: 30), "\(named.screen.text)")
    let second = try sandbox.explore(["--session", "mine.sparsity"])
    #expect(second.end(seconds: 30) == .exited(2))
    #expect(second.screen.transcript.contains("mine.sparsity"))
    #expect(second.screen.modes == [25])
  }

  @Test func fullDiskIsSaidAndTheSessionStaysReadable() throws {
    // 512 bytes a file: the header and the first commands fit, the first result does not.
    let terminal = try PseudoTerminal(
      "/bin/sh", ["-c", "cd \"$0\" && ulimit -f 1 && exec \"$@\"", sandbox.path, Sandbox.program],
      environment: sandbox.environment)
    #expect(
      terminal.wait(for: "recording stopped: File too large", seconds: 60),
      "\(terminal.screen.text)")
    terminal.send(":sparsity 0.5\r")
    #expect(terminal.wait(for: "50.0 % zeros", seconds: 30), "\(terminal.screen.text)")
    terminal.signal(SIGTERM)
    #expect(terminal.end(seconds: 30) == .exited(130))
    let outcome = try sandbox.run(["replay", try #require(sandbox.sessions.last), "--headless"])
    #expect(outcome.ending == .exited(0), "\(outcome.errors)")
  }

  @Test func withoutAStateDirectoryItRunsAndSaysThatNothingIsRecorded() throws {
    let terminal = try sandbox.explore(extra: ["XDG_STATE_HOME": "/proc/nowhere"])
    #expect(terminal.wait(for: "not recorded", seconds: 30), "\(terminal.screen.text)")
    #expect(terminal.wait(for: "Knobs", seconds: 30), "\(terminal.screen.text)")
  }

  @Test func savedCopyReplaysToTheSameFrameAndSavingNeverOverwrites() throws {
    let terminal = try sandbox.explore()
    #expect(terminal.wait(for: "80.0 % zeros", seconds: 30), "\(terminal.screen.text)")
    terminal.send(":pattern 8x1\r")
    #expect(terminal.wait(for: "Mask  8x1", seconds: 30), "\(terminal.screen.text)")
    terminal.send(":save kept.sparsity\r")
    #expect(terminal.wait(for: "kept.sparsity", seconds: 30), "\(terminal.screen.text)")
    #expect(terminal.wait(seconds: 30) { _ in sandbox.names().contains("kept.sparsity") })
    let before = try sandbox.text("kept.sparsity")
    terminal.send(":save kept.sparsity\r")
    #expect(terminal.wait(for: "exists", seconds: 30), "\(terminal.screen.text)")
    #expect(try sandbox.text("kept.sparsity") == before)
    let first = try sandbox.run(["replay", "kept.sparsity", "--headless"])
    #expect(first.ending == .exited(0), "\(first.errors)")
    #expect(first.output.contains("Mask  8x1"))
    #expect(first.output == (try sandbox.run(["replay", "kept.sparsity", "--headless"])).output)
    #expect(sandbox.names().allSatisfy { !$0.hasSuffix(".part") })
  }

  @Test func theTourReplaysTheSameTwice() throws {
    let tour = Sandbox.data + "/sessions/tour.sparsity"
    let runs = try (1...2).map { run in
      try sandbox.run(["replay", tour, "--headless", "--csv", "\(run).csv"])
    }
    for run in runs { #expect(run.ending == .exited(0) && run.errors == "", "\(run.errors)") }
    #expect(runs[0].output == runs[1].output)
    #expect(runs[0].output.contains("Mask  4x1"))
    let csv = try sandbox.text("1.csv")
    #expect(csv == (try sandbox.text("2.csv")))
    #expect(csv.split(separator: "\r\n").count > 12)
    let size = try FileManager.default.attributesOfItem(atPath: tour)[.size] as? Int
    #expect(try #require(size) < 128_000)
  }
}
