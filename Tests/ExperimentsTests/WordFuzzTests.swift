import Experiments
import Foundation
import Testing

/// Any text is a pattern, a list of values, a number or a sentence that says what is wrong.
/// `SPARSITY_FUZZ_CASES` asks for more cases than the 1000 of the test suite.
@Suite struct WordFuzzTests {
  static let cases =
    ProcessInfo.processInfo.environment["SPARSITY_FUZZ_CASES"].flatMap { Int($0) } ?? 1000

  private static let inserts = [
    "x", ":", "+", "%", "/", ",", ".", "-", "*", "?", "[", "0", "9", "1e309", "nan", "inf", "tw",
    "tew", "tvw", "/tetris", "/permute", "99999999999999999999", "é", "\u{301}", "\u{0}", " ",
  ]

  /// Texts made by damaging `samples`; each is given to `body`.
  private func forEachDamaged(_ samples: [String], seed: UInt64, _ body: (String) -> Void) {
    var state = seed
    func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(1, bound)))
    }
    for index in 0..<Self.cases {
      var bytes = Array(samples[index % samples.count].utf8)
      for _ in 0...below(3) {
        let at = below(bytes.count + 1)
        switch below(4) {
        case 0: if at < bytes.count { bytes[at] ^= 1 << UInt8(below(8)) }
        case 1: bytes.removeSubrange(min(at, bytes.count)..<min(bytes.count, at + 1 + below(3)))
        case 2: bytes += Array(samples[below(samples.count)].utf8)
        default: bytes.insert(contentsOf: Self.inserts[below(Self.inserts.count)].utf8, at: at)
        }
      }
      body(String(decoding: bytes, as: UTF8.self))
    }
  }

  @Test func damagedPatternsAreReadBackOrRefused() {
    var read = 0
    forEachDamaged(
      [
        "1x1", "32x1", "16x16/tetris", "2:4", "4:8/permute", "row", "column", "tw64", "tew64+5%",
        "tew128+12.5%/tetris", "tvw32/permute", "unstructured",
      ], seed: 21
    ) { text in
      do throws(PatternError) {
        let pattern = try Pattern(parsing: text)
        read += 1
        #expect(Pattern(pattern.description) == pattern, "\(text)")
        #expect(pattern.sparsityRange.lowerBound >= 0 && pattern.sparsityRange.upperBound <= 1)
      } catch { #expect(!error.description.isEmpty) }
    }
    #expect(read > Self.cases / 20 && read < Self.cases)
  }

  @Test func damagedListsOfValuesAreReadOrRefused() {
    var read = 0
    forEachDamaged(["0.5:0.95:0.05", "1,8,128", "0.5", "0.1,0.2:0.4:0.1", "1e-3,0.25"], seed: 22) {
      text in
      do throws(KnobError) {
        let values = try ValueList.numbers(text, of: "sparsity")
        read += 1
        #expect(!values.isEmpty && values.allSatisfy(\.isFinite) && values.count <= 1_000_000)
      } catch { #expect(!error.description.isEmpty) }
      _ = ValueList.words(text)
    }
    #expect(read > Self.cases / 20 && read < Self.cases)
  }

  @Test func anyGlobIsMatchedQuickly() {
    // A pattern of many stars against a long name is where backtracking would explode.
    let name = String(repeating: "encoder.layer.0.", count: 20) + "weight"
    forEachDamaged(["*query*", "***a**b*", "encoder.*.weight", "?*?*"], seed: 23) { text in
      _ = Glob.matches(text, name)
      #expect(Glob.matches("*" + name.suffix(6), name))
    }
    #expect(!Glob.matches(String(repeating: "*a", count: 40), String(repeating: "b", count: 400)))
  }
}
