import Experiments
import Testing

@Suite struct PatternTests {
  @Test(arguments: [
    "1x1", "32x1", "16x16", "1x8", "3x5", "2:4", "4:8", "1:16", "row", "column", "tw64", "tew64+5%",
    "tew8+0.5%", "tew7+12.25%", "tvw32", "32x1/tetris", "tw64/tetris", "tew64+5%/tetris",
    "tvw64/tetris", "2:4/permute", "tvw64/permute",
  ])
  func everyPatternReadsBackAsItself(_ text: String) throws {
    let pattern = try Pattern(parsing: text)
    #expect(pattern.description == text)
    #expect(try Pattern(parsing: pattern.description) == pattern)
  }

  @Test func aliasAndCaseAreAccepted() throws {
    #expect(try Pattern(parsing: "unstructured") == .unstructured)
    #expect(try Pattern(parsing: "TW64") == Pattern(.tile(width: 64)))
  }

  @Test(arguments: [
    "", "33y1", "x1", "1x", "0x4", "4x0", "-1x4", "+1x4", "4:4", "5:4", "0:4", "2:", "tw", "tw0",
    "tew64", "tew64+", "tew64+0%", "tew64+100%", "tew64+5", "tvw", "1x1/tetris", "2:4/tetris",
    "32x1/permute", "row/tetris", "32x1/", "32x1/foo", "32x1/tetris/tetris", "32x1 ", "1e3x1",
    "99999999999x1", "tew64+1.2.3%", "٣x1",
  ])
  func whatIsNoPatternIsRefusedWithWhatIsAllowed(_ text: String) {
    let error = #expect(throws: PatternError.self) { try Pattern(parsing: text) }
    #expect(
      error?.description.contains("pattern") == true || error?.description.contains("/") == true)
    #expect((error?.description.count ?? 0) > 30)
  }

  /// A seeded byte-flipping walk through the grammar: parsing never traps, and whatever is accepted
  /// prints and reads back as the same value.
  @Test func mutatedPatternsNeverTrapAndAcceptedOnesRoundTrip() {
    let seeds = ["32x1/tetris", "2:4/permute", "tew64+5%", "tvw128/tetris", "column", "1x1"].map {
      Array($0.utf8)
    }
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let alphabet = Array("0123456789xtewv:/+%.rowcolumn -".utf8)
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = seeds[random(seeds.count)]
      for _ in 0...random(3) {
        let position = random(bytes.count)
        switch random(4) {
        case 0: bytes[position] = alphabet[random(alphabet.count)]
        case 1: bytes.insert(alphabet[random(alphabet.count)], at: position)
        case 2 where bytes.count > 1: bytes.remove(at: position)
        default: bytes[position] = UInt8(random(256))
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let pattern = try? Pattern(parsing: text) else { continue }
      accepted += 1
      #expect(Pattern(pattern.description) == pattern, "\(text) prints as \(pattern)")
    }
    #expect(accepted > 100)
  }

  @Test func sparsityRanges() throws {
    #expect(try Pattern(parsing: "2:4").fixedSparsity == 0.5)
    #expect(try Pattern(parsing: "1:4").fixedSparsity == 0.75)
    #expect(try Pattern(parsing: "tvw64").sparsityRange == 0.5...1)
    #expect(try Pattern(parsing: "tew64+5%").sparsityRange == 0...0.95)
    #expect(Pattern.block(32, 1).sparsityRange == 0...1)
  }
}

@Suite struct KnobsTests {
  @Test func everyKnobReadsBackItsOwnText() throws {
    var knobs = Knobs()
    knobs.criterion = .wanda
    for knob in Knob.allCases {
      guard let text = knobs.text(of: knob) else { continue }
      var copy = knobs
      try copy.set(knob, to: text)
      #expect(copy == knobs, "\(knob.rawValue) \(text)")
    }
  }

  @Test func lambdaAndSparsityTakeTheMaskFromEachOther() throws {
    var knobs = Knobs()
    try knobs.set(.lambda, to: "0.3")
    #expect(knobs.requestedSparsity == nil)
    #expect(knobs.effectiveRegularizer == .groupLasso)
    try knobs.set(.pattern, to: "1x1")
    #expect(knobs.effectiveRegularizer == .l1)
    try knobs.set(.sparsity, to: "0.9")
    #expect(knobs.amount == .sparsity(0.9))
  }

  @Test func patternMovesTheSparsityIntoItsRange() throws {
    var knobs = Knobs()
    try knobs.set(.sparsity, to: "0.2")
    try knobs.set(.pattern, to: "tvw64")
    #expect(knobs.requestedSparsity == 0.5)
    try knobs.set(.pattern, to: "2:4")
    #expect(knobs.requestedSparsity == 0.5)
    #expect(throws: KnobError.self) { try knobs.set(.sparsity, to: "0.8") }
    try knobs.set(.sparsity, to: "0.5")
  }

  @Test(arguments: [
    (Knob.sparsity, "1.2"), (.sparsity, "-0.1"), (.sparsity, "nan"), (.sparsity, "abc"),
    (.lambda, "2"), (.tokens, "0"), (.tokens, "1.5"), (.threads, "0"), (.refit, "maybe"),
    (.criterion, "best"), (.seed, "-1"), (.pattern, "33y1"), (.dtype, "f16"),
  ])
  func badValuesSayWhatIsExpected(_ knob: Knob, _ text: String) {
    var knobs = Knobs()
    let before = knobs
    let error = #expect(throws: KnobError.self) { try knobs.set(knob, to: text) }
    #expect(error?.description.contains(text) == true)
    #expect(knobs == before)
  }
}

@Suite struct NumberTextTests {
  @Test(arguments: [
    (0.8, "0.8"), (2.0, "2"), (-0.0, "-0"), (1e-7, "1e-07"), (1.0 / 3, "0.3333333333333333"),
    (9_007_199_254_740_991, "9007199254740991"),
  ])
  func shortestReadsBack(_ value: Double, _ text: String) {
    #expect(NumberText.shortest(value) == text)
    #expect(Double(text) == value)
  }

  @Test(arguments: [
    (2.305, 2, "2.31"), (0.999, 2, "1.00"), (-0.001, 2, "0.00"), (12.0, 0, "12"),
    (-3.14159, 3, "-3.142"),
    (Double.nan, 2, "nan"), (Double.infinity, 1, "inf"), (0.05, 1, "0.1"),
  ])
  func fixedRounds(_ value: Double, _ places: Int, _ text: String) {
    #expect(NumberText.fixed(value, places) == text)
  }
}

@Suite struct SweepPlanTests {
  @Test func fixedPatternsAppearOnceAndUnreachableSparsitiesAreLeftOut() throws {
    var plan = SweepPlan(tensors: ["a", "b"], base: Knobs())
    plan.patterns = [.block(32, 1), try Pattern(parsing: "2:4"), try Pattern(parsing: "tvw64")]
    plan.amounts = [.sparsity(0.3), .sparsity(0.5), .sparsity(0.9)]
    let cells = plan.cells
    #expect(cells.count == 2 * (3 + 1 + 2))
    #expect(cells.filter { $0.knobs.pattern.fixedSparsity != nil }.count == 2)
    #expect(Set(cells).count == cells.count)
  }
}

@Suite struct ResultRowTests {
  @Test func columnsStandInTheOrderOfTheFormat() {
    let names = ResultColumn.allCases.map(\.rawValue)
    #expect(names.count == 65)
    #expect(names.first == "schema_version" && names.last == "note")
    #expect(Set(names).count == names.count)
  }

  @Test func unknownIsMissingAndNeverZero() {
    var row = ResultRow()
    row[.outputError] = ResultCell(Double?.none)
    row[.weightError] = ResultCell(Double.nan)
    #expect(row[.outputError] == .missing && row[.weightError] == .missing)
    #expect(row[.outputError].text == "")
  }
}
