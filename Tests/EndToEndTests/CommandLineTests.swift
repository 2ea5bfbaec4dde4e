import Foundation
import Testing

/// Every subcommand with input that is wrong: a sentence that helps, the right status, nothing left.
@Suite(.serialized) struct CommandLineTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let arguments: String
    let status: Int32
    let words: [String]

    init(_ arguments: String, _ status: Int32, _ words: String...) {
      self.arguments = arguments
      self.status = status
      self.words = words
    }

    var testDescription: String { arguments }
  }

  static let refusals = [
    Refusal("inspect nothing.npy", 4, "nothing.npy", "No such file"),
    Refusal("inspect empty", 4, "holds no model.safetensors"),
    Refusal("inspect cut.safetensors", 4, "cut short"),
    Refusal("inspect lying.safetensors", 4, "9 223 372 036 854 775 807"),
    Refusal("inspect void.safetensors", 4, "has 0"),
    Refusal("inspect /dev/null", 4, "not a file"),
    Refusal("inspect --tensor zzz", 2, "no tensor of demo matches zzz"),
    Refusal("inspect synthetic:0x5", 4, "synthetic:ROWSxCOLUMNS"),
    Refusal("inspect synthetic:99999999x99999999", 4, "too large"),
    Refusal("measure --pattern 33y1", 2, "33y1", "RxC", "N:M"),
    Refusal("measure --sparsity 1.2", 2, "from 0 to 1"),
    Refusal("measure --sparsity nan", 2, "from 0 to 1"),
    Refusal("measure --sparsity -0.1", 2, "-0.1", "from 0 to 1"),
    Refusal("measure --lambda -1", 2, "-1", "from 0 to 1"),
    Refusal(
      "prune --pattern 8x1 --scope global --floor 0.7 --ceiling 0.6 -o new.safetensors", 2,
      "floor 0.7 lies above ceiling 0.6"),
    Refusal("measure --sparsity abc", 2, "from 0 to 1"),
    Refusal("measure --tokens 0", 2, "from 1 to 65536"),
    Refusal("measure --tokens 99999999999999999999", 2, "from 1 to 65536"),
    Refusal("measure --threads 0", 2, "from 1 to 256"),
    Refusal("measure --pattern 2:4 --sparsity 0.7", 2, "2:4 always prunes 0.5"),
    Refusal("measure --sparsity 0.5 --lambda 0.3", 2, "exclude each other"),
    Refusal("measure --tensor nothing", 2, "matches nothing", "query.weight"),
    Refusal("measure --calibration nothing.npy", 4, "nothing.npy"),
    Refusal("measure --bogus", 2, "--bogus"),
    Refusal("sweep --patterns 1x1", 2, "--csv"),
    Refusal("sweep --patterns 1x1 --csv there.csv", 2, "exists", "--resume", "--force"),
    Refusal("sweep --patterns 1x1 --csv empty", 2, "exists"),
    Refusal("sweep --patterns 1x1,zz --csv new.csv", 2, "'zz'", "RxC"),
    Refusal("sweep --patterns 1x1 --sparsity 0.9:0.5:0.1 --csv new.csv", 2, "0.9:0.5:0.1"),
    Refusal("sweep --patterns 1x1 --sparsity 1.2 --csv new.csv", 2, "1.2"),
    Refusal("sweep --patterns 1x1 --csv no/new.csv", 1, "no/new.csv", "No such file"),
    Refusal("sweep --patterns 1x1 --csv new.csv --shard 3/2", 2, "I/N"),
    Refusal("sweep --patterns 1x1 --csv new.csv --budget 10q", 2, "10m"),
    Refusal("sweep --patterns 1x1 --csv new.csv --resume", 2, "new.csv", "nothing can be resumed"),
    Refusal("sweep --patterns 1x1 --csv there.csv --resume", 2, "there.meta.json is missing"),
    Refusal("sweep --patterns 1x1 --csv - --resume", 2, "--resume"),
    Refusal("sweep --patterns 1x1 --format xml", 2, "csv, json or markdown"),
    Refusal("merge nothing.csv --csv new.csv", 4, "nothing.csv"),
    Refusal("merge other.csv --csv new.csv", 4, "no column 'tensor'"),
    Refusal("merge --csv new.csv", 2, "files"),
    Refusal("prune --pattern 2:4 -o there.safetensors", 2, "exists"),
    Refusal("prune --pattern 2:4 -o new.xyz", 2, ".safetensors"),
    Refusal("prune --pattern 2:4 -o no/new.safetensors", 1, "no/new.safetensors"),
    Refusal("prune --pattern 2:4", 2, "--output"),
    Refusal("verify nothing.safetensors --pattern 2:4", 4, "nothing.safetensors"),
    Refusal("verify --pattern q", 2, "'q'"),
    Refusal("verify --pattern 2:4", 3, "2:4"),
    Refusal("replay nothing.sparsity", 4, "nothing.sparsity"),
    Refusal("replay other.csv --headless", 4, "line 1", "no session"),
    Refusal("replay future.sparsity --headless", 4, "session format 9", "newer"),
    Refusal("replay gone.sparsity --headless", 4, "gone.safetensors", "--input OLD=NEW"),
    Refusal("replay wrong.sparsity --headless", 4, "line 3"),
    Refusal("replay empty --headless", 4, "Is a directory"),
    Refusal("replay good.sparsity --headless --set foo=1", 2, "KNOB=VALUE", "sparsity"),
    Refusal("replay good.sparsity --headless --set sparsity=7", 2, "from 0 to 1"),
    Refusal("replay good.sparsity --headless --input a=b", 2, "opens no a"),
    Refusal("replay good.sparsity --speed 0", 2, "--speed"),
    Refusal("replay good.sparsity --headless --csv there.csv", 2, "exists"),
    Refusal("replay good.sparsity", 1, "not a terminal"),
    Refusal("encode nothing", 4, "there is no such directory"),
    Refusal("encode empty --text blank.txt", 4, "blank.txt: holds no text, only 2 blank lines"),
    Refusal("encode empty --text void.safetensors", 4, "holds no text; write one text a line"),
    Refusal("train nothing", 4, "there is no such directory"),
    Refusal("train --method best", 2, "--method", "fixed, gradual, prox"),
    Refusal("train --pattern 2:4 --sparsity 0.6", 2, "--sparsity", "0.5"),
    Refusal("train --sparsity 0.5 --lambda 0.1", 2, "exclude each other"),
    Refusal("train --lambda 0.1", 2, "prox"),
    Refusal("train --steps 0", 2, "steps 0"),
    Refusal("train --minutes 1 --steps 5", 2, "exclude each other"),
    Refusal("train --pattern 8x1/tetris --method gradual", 2, "fixed"),
    Refusal("train -o there.csv", 2, "exists"),
    Refusal("train --resume", 2, "-o"),
    Refusal("bench --csv there.csv", 2, "exists"),
    Refusal("bench --repeat 0", 2, "--repeat 0"),
    Refusal("doctor --trials=-1", 2, "--trials -1"),
    Refusal("frobnicate", 4, "frobnicate", "--help"),
    Refusal("doctor --bogus", 2, "--bogus"),
  ]

  func prepare() throws {
    try FileManager.default.createDirectory(
      atPath: sandbox.file("empty"), withIntermediateDirectories: true)
    let model = try Data(contentsOf: URL(filePath: Sandbox.data + "/demo.safetensors"))
    try model.prefix(100_000).write(to: URL(filePath: sandbox.file("cut.safetensors")))
    try Data([255, 255, 255, 255, 255, 255, 255, 127, 123])
      .write(to: URL(filePath: sandbox.file("lying.safetensors")))
    for name in ["void.safetensors", "there.csv", "there.safetensors"] {
      try sandbox.write("", name)
    }
    try sandbox.write("a,b\r\n1,2\r\n", "other.csv")
    try sandbox.write("\n \t\r\n", "blank.txt")
    let header = "# sparsity-tui session 1  tool=0.1.0 size=80x24\n"
    try sandbox.write(header + "0.0 open demo\n1.0 sparsity 0.5\n", "good.sparsity")
    try sandbox.write(header + "0.0 open demo\n1.0 fly 0.5\n", "wrong.sparsity")
    try sandbox.write(header + "0.0 open gone.safetensors id:ab\n", "gone.sparsity")
    try sandbox.write("# sparsity-tui session 9  tool=9 size=80x24\n", "future.sparsity")
  }

  @Test func wrongInputGetsASentenceAndItsStatus() throws {
    try prepare()
    let before = sandbox.names()
    for refusal in Self.refusals {
      let outcome = try sandbox.run(refusal.arguments.split(separator: " ").map(String.init))
      let said = outcome.errors + outcome.output
      #expect(outcome.ending == .exited(refusal.status), "\(refusal.arguments): \(said)")
      for word in refusal.words {
        #expect(said.contains(word), "\(refusal.arguments): '\(word)' is not in: \(said)")
      }
      #expect(!said.contains("Fatal error"), "\(refusal.arguments): \(said)")
    }
    #expect(sandbox.names().filter { $0 != "state" && $0 != "cache" } == before)
    for name in ["void.safetensors", "there.csv", "there.safetensors"] {
      #expect(try sandbox.text(name).isEmpty, "\(name) was written to")
    }
  }

  /// Kept weights that are zero, before or by a penalty, do not make a file look unpruned.
  @Test(arguments: [
    "--pattern 7x5 --sparsity 0.7 --criterion l1",
    "--pattern 8x1 --lambda 0.3 --regularizer l1 --solve prox",
    "--pattern tw64 --sparsity 0.6 --regularizer sparse-group-lasso --solve prox",
    "--pattern 16x16 --lambda 0.4 --regularizer sparse-group-lasso --solve reconstruct",
  ])
  func whatWasPrunedIsFoundToFollowItsPattern(_ knobs: String) throws {
    let words = knobs.split(separator: " ").map(String.init)
    let tensor = ["--tensor", "encoder.layer.0.attention.self.query.weight"]
    let pruned = try sandbox.run(["prune"] + tensor + words + ["-o", "pruned.safetensors"])
    #expect(pruned.ending == .exited(0), "\(pruned.errors)")
    let verified = try sandbox.run(
      ["verify", "pruned.safetensors"] + tensor + ["--pattern", words[1]])
    #expect(verified.ending == .exited(0), "\(verified.output)")
  }

  /// One threshold over all that is written: layers differ, bounds hold, and the whole is what was asked.
  @Test func aGlobalThresholdIsOneOverAllTensors() throws {
    let prune = [
      "prune", "--tensor", "*.weight", "--pattern", "16x16", "--sparsity", "0.6", "--scope",
      "global", "--json",
    ]
    func zeros(_ arguments: [String], _ file: String) throws -> [Double] {
      let outcome = try sandbox.run(prune + arguments + ["-o", file])
      #expect(outcome.ending == .exited(0), "\(outcome.errors)")
      let verified = try sandbox.run(
        ["verify", file, "--tensor", "*.weight", "--pattern", "16x16", "--json"])
      let reports = try #require(
        try JSONSerialization.jsonObject(with: Data(verified.output.utf8)) as? [[String: Any]])
      return try reports.map { try #require($0["zeroShare"] as? Double) }
    }
    let free = try zeros([], "free.safetensors")
    #expect(Set(free.map { ($0 * 100).rounded() }).count > 1, "\(free)")
    let bound = try zeros(["--floor", "0.55", "--ceiling", "0.65"], "bound.safetensors")
    #expect(bound.allSatisfy { $0 > 0.53 && $0 < 0.66 }, "\(bound)")
    let one = try zeros(["--floor", "0.6", "--ceiling", "0.6"], "one.safetensors")
    #expect(one.allSatisfy { abs($0 - 0.6) < 0.005 }, "\(one)")
  }

  @Test func aDiskThatFillsLeavesWholeRowsOrNothing() throws {
    let sweep = [
      "sweep", "synthetic:64x64", "--patterns", "1x1,4x1,8x1", "--sparsity", "0.5:0.9:0.1", "--csv",
      "full.csv",
    ]
    // 4096 bytes a file: the description and the first rows fit.
    var outcome = try sandbox.run(sweep, shell: "ulimit -f 8; exec \"$@\"")
    #expect(outcome.ending == .exited(1), "\(outcome.errors)")
    #expect(outcome.errors.contains("full.csv"), "\(outcome.errors)")
    if sandbox.names().contains("full.csv") {
      let text = try sandbox.text("full.csv")
      #expect(text.isEmpty || text.hasSuffix("\r\n"))
    }
    outcome = try sandbox.run(
      ["prune", "--pattern", "2:4", "-o", "big.safetensors"], shell: "ulimit -f 8; exec \"$@\"")
    #expect(outcome.ending == .exited(1), "\(outcome.errors)")
    #expect(outcome.errors.contains("big.safetensors"), "\(outcome.errors)")
    #expect(!sandbox.names().contains { $0.hasPrefix("big") })
    outcome = try sandbox.run(["inspect", "--json"], shell: "\"$@\" >/dev/full")
    #expect(outcome.ending == .exited(1), "\(outcome.errors)")
    #expect(outcome.errors.contains("standard output"), "\(outcome.errors)")
  }

  @Test func aReaderThatGoesAwayIsNoCrash() throws {
    let outcome = try sandbox.run(
      ["sweep", "synthetic:32x32", "--patterns", "1x1,2:4", "--csv", "-"],
      shell: "{ \"$@\"; echo \"status $?\" >&2; } | true")
    #expect(outcome.errors.contains("status 1"), "\(outcome.errors)")
  }

  @Test func interruptedSweepKeepsWhatIsFinishedAndResumes() throws {
    let sweep = [
      "sweep", "synthetic:64x64", "--patterns", "1x1,2:4,4x1,8x1,16x1,32x1", "--sparsity",
      "0.5:0.9:0.1", "--csv", "part.csv",
    ]
    let interrupting = """
      "$@" & until [ -s part.csv ] && [ $(wc -l <part.csv) -ge 3 ]; do sleep 0.02; done
      kill -TERM $!; wait $!
      """
    var outcome = try sandbox.run(sweep, shell: interrupting)
    #expect(outcome.ending == .exited(130), "\(outcome.errors)")
    let kept = try sandbox.text("part.csv")
    #expect(kept.hasSuffix("\r\n"))
    outcome = try sandbox.run(sweep + ["--resume"])
    #expect(outcome.ending == .exited(0), "\(outcome.errors)")
    // Five sparsities of five patterns, and 2:4 once.
    #expect(try sandbox.text("part.csv").split(separator: "\r\n").count == 1 + 26)
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionScriptsNameTheCommands(_ shell: String) throws {
    let outcome = try sandbox.run(["--generate-completion-script", shell])
    #expect(outcome.ending == .exited(0))
    for command in ["inspect", "measure", "sweep", "replay", "doctor"] {
      #expect(outcome.output.contains(command))
    }
    if shell == "bash" {
      try sandbox.write(outcome.output, "completion.bash")
      let check = try sandbox.run([], shell: "bash -n completion.bash")
      #expect(check.ending == .exited(0), "\(check.errors)")
    }
  }

  @Test func repeatsOfATableAreRowsEach() throws {
    let outcome = try sandbox.run([
      "bench", "--shape", "32x48", "--tokens", "16", "--patterns", "8x1", "--sparsity", "0.5",
      "--repeat", "3", "--csv", "-",
    ])
    #expect(outcome.ending == .exited(0), "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\r\n").count == 4, "\(outcome.output)")
  }

  @Test func doctorCountsItsTrials() throws {
    let outcome = try sandbox.run(["doctor", "--trials", "3", "--json"])
    #expect(outcome.output.contains("\"trials\":{"), "\(outcome.output) \(outcome.errors)")
    #expect(outcome.output.contains("\"trials\":3"), "\(outcome.output)")
  }

  @Test func everyCommandHasHelpWithAnExample() throws {
    for command in [
      "explore", "inspect", "measure", "sweep", "merge", "prune", "verify", "encode", "train",
      "replay",
      "bench", "doctor",
    ] {
      let outcome = try sandbox.run([command, "--help"])
      #expect(outcome.ending == .exited(0))
      #expect(outcome.output.contains("USAGE: sparsity-tui \(command)"), "\(outcome.output)")
      #expect(outcome.output.contains("\n  sparsity-tui"), "\(command) has no example")
    }
  }

  @Test func manualPageNamesEveryCommandAndOption() throws {
    let outcome = try sandbox.run(["manual"])
    #expect(outcome.ending == .exited(0))
    #expect(outcome.output.hasPrefix(".TH SPARSITY\\-TUI 1"))
    for word in [
      ".SS explore", ".SS sweep", ".SS doctor", "\\fB\\-\\-patterns\\fR",
      "\\fB\\-\\-remeasure\\fR", ".SH ENVIRONMENT", ".B moments/",
      ".BR judgements/ \", \" agreements/",
    ] {
      #expect(outcome.output.contains(word), "\(word)")
    }
  }
}
