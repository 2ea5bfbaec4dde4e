import Experiments
import Testing

@Suite struct ValueListTests {
  @Test(arguments: [
    ("0.8", [0.8]), ("0.5,0.8", [0.5, 0.8]), ("0.1:0.3:0.1", [0.1, 0.2, 0.3]),
    ("1:0:-0.5", [1, 0.5, 0]), ("0.5,0.8:0.9:0.05", [0.5, 0.8, 0.85, 0.9]), ("2:2:1", [2]),
  ])
  func listsAndRangesAreRead(_ text: String, _ values: [Double]) throws {
    #expect(try ValueList.numbers(text, of: "sparsity") == values)
  }

  @Test(arguments: ["", "a", "0.1:0.9", "0.1:0.9:0", "0.9:0.1:0.1", "0:1:1e-9", "1,,2", "nan"])
  func badListsSayWhatIsWrong(_ text: String) {
    let error = #expect(throws: KnobError.self) { try ValueList.numbers(text, of: "sparsity") }
    #expect(error?.description.hasPrefix("--sparsity") == true)
  }
}

@Suite struct GlobTests {
  @Test(arguments: [
    ("*", "a.b", true), ("a.*", "a.b.c", true), ("*.weight", "x.weight", true),
    ("*.weight", "x.weights", false), ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyy", false),
    ("", "", true), ("", "a", false), ("a", "a", true), ("**", "", true), ("*a", "aaa", true),
  ])
  func starsMatchAnyRun(_ pattern: String, _ name: String, _ expected: Bool) {
    #expect(Glob.matches(pattern, name) == expected)
  }
}
