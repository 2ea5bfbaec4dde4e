import CellUI
import Testing

@Suite struct FrameTests {
  @Test func textIsClippedAtEveryEdge() {
    var frame = Frame(width: 5, height: 1)
    frame.put("abcdefgh", x: -2, y: 0)
    frame.put("out", x: 0, y: 1)
    frame.put("out", x: 0, y: -1)
    #expect(frame.text == "cdefg")
    #expect(frame.put("xyz", x: 3, y: 0, maxWidth: 2) == 5)
    #expect(frame.text == "cdex…")
  }

  @Test func wideCharactersAreNeverHalved() {
    var frame = Frame(width: 5, height: 1)
    frame.put("a模型", x: 0, y: 0)
    #expect(frame.text == "a模型")
    #expect(frame.glyph(1, 0) == "模" && frame.glyph(2, 0) == nil)
    frame.put("x", x: 2, y: 0)
    #expect(frame.text == "a x型")
    frame.put("y", x: 3, y: 0)
    #expect(frame.text == "a xy")
    frame = Frame(width: 4, height: 1)
    frame.put("abc模", x: 0, y: 0)
    #expect(frame.text == "abc")
    frame.put("模z", x: -1, y: 0)
    #expect(frame.text == " zc")
  }

  @Test func spansAreCutTogether() {
    var frame = Frame(width: 12, height: 1)
    let end = frame.put(
      [Span("ab "), Span("cdef", Style(.indexed(2))), Span("gh")], x: 1, y: 0, maxWidth: 6)
    #expect(frame.text == " ab cd…")
    #expect(end == 7)
    #expect(frame[4, 0].style.foreground == .indexed(2))
  }

  @Test func fillAndRestyleStayInside() {
    var frame = Frame(width: 4, height: 3)
    frame.fill(Rect(x: -3, y: -3, width: 5, height: 5), Cell("#"))
    frame.fill(Rect(x: 3, y: 2, width: 50, height: 50), Cell("+"))
    frame.restyle(Rect(x: -1, y: 1, width: 3, height: 9)) { $0.attributes.insert(.bold) }
    #expect(frame.text == "##\n##\n   +")
    #expect(frame[1, 1].style.attributes == .bold && frame[1, 0].style.attributes == [])
  }

  @Test func wrappedTextThatDoesNotFitSaysSo() {
    var frame = Frame(width: 8, height: 2)
    #expect(frame.putWrapped("one two three four five", in: frame.bounds) == 2)
    #expect(frame.text == "one two\nthree…")
  }

  @Test func fingerprintTellsCellsAndStylesApart() {
    var frame = Frame(width: 3, height: 1)
    let blank = frame.fingerprint
    frame.put("a", x: 0, y: 0)
    let plain = frame.fingerprint
    frame.put("a", x: 0, y: 0, style: Style(.indexed(1)))
    let red = frame.fingerprint
    frame.put("a", x: 0, y: 0, style: Style(.standard, on: .indexed(1)))
    #expect(Set([blank, plain, red, frame.fingerprint]).count == 4)
    #expect(Frame(width: 3, height: 1).fingerprint == blank)
    #expect(Frame(width: 1, height: 3).fingerprint != blank)
    // A recorded value: it must not change from one build to the next.
    #expect(Frame(width: 2, height: 1).fingerprint == 0xfa80c6521776b98a)
  }

  @Test func layoutAddsUpExactly() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<500 {
      let tracks: [Track] = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        Bool.random(using: &generator)
          ? .fixed(Int.random(in: 0...20, using: &generator))
          : .share(Int.random(in: 1...4, using: &generator))
      }
      let rect = Rect(x: 3, y: 4, width: Int.random(in: 0...100, using: &generator), height: 5)
      let columns = rect.columns(tracks + [.share(1)])
      #expect(columns.first?.x == 3 && columns.last?.maxX == rect.maxX)
      for (left, right) in zip(columns, columns.dropFirst()) { #expect(left.maxX == right.x) }
    }
    let rows = Rect(x: 0, y: 0, width: 9, height: 10).rows(
      [.fixed(1), .share(1), .share(2)], gap: 1)
    #expect(rows.map(\.y) == [0, 2, 5] && rows.map(\.height) == [1, 2, 5])
    #expect(
      Rect(x: 0, y: 0, width: 10, height: 4).centered(width: 4, height: 9)
        == Rect(x: 3, y: 0, width: 4, height: 4))
  }

  @Test func ansiCarriesStylesAndEndsThem() {
    var frame = Frame(width: 4, height: 1)
    frame.put("ab", x: 0, y: 0, style: Style(.indexed(160), on: .indexed(17), .bold))
    #expect(frame.ansi() == "\u{1b}[0;1;38;5;160;48;5;17mab\u{1b}[0m  \n")
    #expect(frame.ansi(.sixteen) == "\u{1b}[0;1;31;40mab\u{1b}[0m  \n")
    #expect(frame.ansi(.none) == "ab  \n")
  }
}
