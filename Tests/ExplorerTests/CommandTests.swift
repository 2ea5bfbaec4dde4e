import CellUI
import Experiments
import Testing

@testable import Explorer

@Suite struct CommandTests {
  static let samples: [Command] = [
    .open(path: nil), .open(path: "a b/model.safetensors", identity: "5c0f"), .tensor("x.weight"),
    .open(path: "a", identity: "b c\n#"), .sweep([SweepTerm("tensor", ["a \"b\"", "c\nd"])]),
    .calibration(path: "c.npy"), .set(.pattern, "tew64+5%/tetris"), .set(.sparsity, "0.8"),
    .measure, .sweep([]),
    .sweep([SweepTerm("pattern", ["2:4", "32x1"]), SweepTerm("tokens", ["1"])]),
    .train([]), .train([TrainingTerm(.text, "a b.txt"), TrainingTerm(.lambda, "0.2")]),
    .plan(.minutes, "2"), .plan(.text, "x y"), .steer(.lambda(0.3)), .steer(.learningRate(1e-3)),
    .steer(.sparsity(0.9)), .steer(.pause), .steer(.resume), .steer(.stop),
    .solvePath, .sensitivity("*.query.*"), .crossover(.tokens), .cancel, .apply(.all),
    .apply(.kind),
    .apply(.tensor("x")), .budget(.time, 0.5), .hold(.b), .compare, .undo, .redo,
    .note("two \"words\" # and\na line"), .overlay(path: "o.csv"), .view(.tradeoff), .zoom(.closer),
    .zoom(.scale(4)), .zoom(.values), .pan(.step(.left)), .pan(.to(row: 3, column: 70)),
    .colour("output_error"), .axes(x: "speedup", y: "kept_energy"), .sort("name"), .filter(""),
    .filter("query"), .find("value"), .show(.both), .copy, .export(path: "r.csv"),
    .save(path: "t.sparsity"), .theme("colour-blind"), .help, .tutorial, .quit, .move(.pageUp, 3),
    .point(row: 4, column: 5), .turn(-2), .knob(.next), .knob(.one(.tokens)), .focus(.previous),
    .layer(.one(3)), .findNext(-1), .select, .back, .prompt(""), .prompt("note hello"),
    .edit(.character("#")), .edit(.control("r")), .edit(.pageUp), .edit(.character(" ")),
    .paste("x y"), .explain("why not"),
  ]

  @Test(arguments: samples) func textReadsBack(_ command: Command) throws {
    #expect(try Command(parsing: command.text) == command, "\(command.text)")
  }

  @Test func everyKnobIsACommand() throws {
    for knob in Knob.allCases {
      #expect(try Command(parsing: "\(knob.rawValue) 1") == .set(knob, "1"))
    }
  }

  @Test func textWithCommentReadsWithoutIt() throws {
    #expect(try Command(parsing: "measure   # again") == .measure)
  }

  @Test(arguments: [
    ("", "type a command"), ("mesure", "did you mean measure"), ("sparsity", "share of zeros"),
    ("view nowhere", "mask, sweep, tradeoff"), ("zoom 0", "weights a pixel"),
    ("note \"open", "partner"),
    ("measure now", "more than it takes"), ("crossover", "sparsity, tokens"), ("pan 3", "a column"),
    ("sweep 32x1", "name=value"), ("sweep pattern=,", "name=value"),
    ("budget time fast", "a number"), ("move down -3", "1 to 10 000"),
    ("qqqqqqqqqqqq", "? lists them"), ("train 8x1", "name=value"), ("train speed=3", "the names"),
    ("plan", "one of layers"), ("plan minutes", "minutes of training"), ("steer", "lambda, rate"),
    ("steer rate 7", "0 to 1"), ("steer heat 1", "expected lambda, rate"),
  ])
  func whatIsNoCommandSaysWhatIsExpected(_ line: String, _ part: String) {
    let error = #expect(throws: CommandError.self) { try Command(parsing: line) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test func anyTextSurvivesQuoting() throws {
    var random = SeededRandom(7)
    let letters: [Character] = ["a", " ", "\"", "\\", "#", "\n", "é", "名", "=", "\t"]
    for _ in 0..<500 {
      let text = String((0..<Int(random.next() % 12)).map { _ in letters[Int(random.next() % 10)] })
      let words = try CommandText.words("x " + CommandText.quoted(text))
      #expect(words == ["x", text])
    }
  }

  @Test func parsingNeverTraps() {
    var random = SeededRandom(11)
    let names = CommandEntry.all.map(\.name)
    for _ in 0..<3000 {
      var line = Array(names[Int(random.next() % UInt64(names.count))].utf8) + [32]
      for _ in 0..<random.next() % 20 { line.append(UInt8(truncatingIfNeeded: random.next())) }
      _ = try? Command(parsing: String(decoding: line, as: UTF8.self))
    }
  }

}

/// splitmix64.
struct SeededRandom {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct StartupTests {
  @Test func linesBecomeCommandsAndWrongOnesAreNamed() throws {
    let startup = Startup(
      parsing: "# tastes\n\n  theme mono\r\ntokens 8\nquit\nflavour sweet\nexport a.csv", name: "f")
    #expect(startup.commands == [.theme("mono"), try Command(parsing: "tokens 8")])
    #expect(startup.problems.count == 3)
    #expect(startup.problems[0].hasPrefix("f, line 5: quit: not at the start"))
    #expect(startup.problems[1].hasPrefix("f, line 6: "))
  }
}
