import CellUI
import Testing

@Suite struct CellTextTests {
  @Test(arguments: [
    ("query.weight", 12), ("模型", 4), ("cafe\u{301}", 4), ("a\u{200d}b", 2), ("\u{1b}[31m", 5),
    ("한글", 4), ("ｆｕｌｌ", 8), ("▸ ⣿█", 4), ("🎉", 2), ("", 0), ("\u{202e}abc", 3),
  ])
  func widthCountsColumns(_ text: String, _ width: Int) {
    #expect(CellText.width(text) == width)
    var frame = Frame(width: 40, height: 1)
    #expect(frame.put(text, x: 0, y: 0) == width)
  }

  @Test func controlCharactersBecomePictures() {
    var frame = Frame(width: 20, height: 2)
    frame.put("a\nb\t\u{1b}[2J\u{7f}\u{9b}", x: 0, y: 0)
    #expect(frame.text == "a␊b␉␛[2J␡\u{fffd}\n")
  }

  @Test func truncationKeepsTheEndThatMatters() {
    let name = "encoder.layer.0.query.weight"
    #expect(CellText.truncated(name, to: 10) == "encoder.l…")
    #expect(CellText.truncated(name, to: 10, .head) == "…ry.weight")
    #expect(CellText.truncated(name, to: 10, .middle) == "encod…ight")
    #expect(CellText.truncated(name, to: 28) == name)
    #expect(CellText.truncated(name, to: 1) == "…")
    #expect(CellText.truncated(name, to: 0) == "")
  }

  @Test func truncatedAndPaddedTextHasTheWidthAskedFor() {
    var generator = SeededGenerator(seed: 1)
    let alphabet: [Unicode.Scalar] = ["a", "模", "\u{301}", "é", "\u{7}", "▸", "🎉", " "]
    for _ in 0..<2000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        text.append(alphabet.randomElement(using: &generator)!)
      }
      let width = Int.random(in: 0...10, using: &generator)
      let alignment = [Alignment.left, .center, .right].randomElement(using: &generator)!
      let cut = [Truncation.tail, .head, .middle].randomElement(using: &generator)!
      let padded = CellText.padded(String(text), to: width, alignment, cut)
      #expect(CellText.width(padded) == width, "\(String(text).debugDescription) to \(width)")
    }
  }

  @Test func wrappingKeepsEveryWordAndTheWidth() {
    #expect(
      CellText.wrapped("slower than dense below 0.7\nwhy", to: 11)
        == ["slower than", "dense below", "0.7", "why"])
    #expect(CellText.wrapped("abcdefgh ij", to: 3) == ["abc", "def", "gh", "ij"])
    #expect(CellText.wrapped("模型模型", to: 3) == ["模", "型", "模", "型"])
    #expect(CellText.wrapped("模", to: 1) == ["模"])
    #expect(CellText.wrapped("", to: 5) == [""])
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<500 {
      let words = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
        String(repeating: "x", count: Int.random(in: 1...12, using: &generator))
      }
      let width = Int.random(in: 1...15, using: &generator)
      let lines = CellText.wrapped(words.joined(separator: " "), to: width)
      #expect(lines.allSatisfy { CellText.width($0) <= width })
      #expect(lines.joined().filter { $0 == "x" }.count == words.joined().count)
    }
  }
}
