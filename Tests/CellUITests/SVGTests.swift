import CellUI
import Testing

@Suite struct SVGTests {
  @Test func textStaysTextAndIsEscaped() {
    var frame = Frame(width: 30, height: 2)
    frame.put("a<b & \"c\"  far", x: 1, y: 0, style: Style(.indexed(160), on: .standard, .bold))
    let svg = frame.svg(title: "x<y")
    #expect(svg.contains(">a&lt;b &amp; &quot;c&quot;</text>"))
    #expect(svg.contains(">far</text>"))
    #expect(svg.contains("<title>x&lt;y</title>"))
    #expect(svg.contains("fill=\"#d70000\" font-weight=\"bold\""))
    #expect(svg.contains("<text x=\"8.4\" y=\"14\" textLength=\"75.6\""))
  }

  @Test func blocksLinesAndBrailleAreShapes() {
    var frame = Frame(width: 6, height: 1)
    frame.put("█▀─⣿░", x: 0, y: 0, style: Style(.indexed(46)))
    let svg = frame.svg()
    #expect(!svg.contains("<text "))
    // A whole cell, then the upper half of the next one.
    #expect(svg.contains("M0 0h8.4v18h-8.4zM8.4 0h8.4v9h-8.4z"))
    #expect(svg.components("M") >= 2 + 2 + 8 + 1)
  }

  @Test func reverseSwapsAndBackgroundsAreDrawnOnce() {
    var frame = Frame(width: 4, height: 1)
    frame.put("ab", x: 0, y: 0, style: Style(.indexed(16), on: .indexed(46), .reverse))
    let svg = frame.svg()
    #expect(svg.contains("<rect x=\"0\" y=\"0\" width=\"16.8\" height=\"18\" fill=\"#000000\"/>"))
    #expect(svg.contains("fill=\"#00ff00\">ab</text>"))
  }

  @Test func elementsAreBalancedForAnyFrame() {
    var generator = SeededGenerator(seed: 10)
    let alphabet: [Unicode.Scalar] = [
      "a", "<", "&", " ", "█", "▀", "⣿", "─", "┼", "模", "\0", "░", "\u{1}", "\u{fffe}",
    ]
    for _ in 0..<200 {
      var frame = Frame(width: 20, height: 3)
      for index in frame.cells.indices {
        frame.cells[index] = Cell(
          alphabet.randomElement(using: &generator)!,
          Style(.indexed(UInt8.random(in: 0...3, using: &generator)), on: .standard))
      }
      let svg = frame.svg()
      var open: [Substring] = []
      for tag in svg.split(separator: "<") {
        let name = tag.prefix { $0 != " " && $0 != ">" && $0 != "\n" }
        let end = tag.firstIndex(of: ">")!
        if name.hasPrefix("/") {
          #expect(open.popLast() == name.dropFirst())
        } else if tag[..<end].last != "/" {
          open.append(name)
        }
      }
      #expect(open.isEmpty)
      #expect(svg.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
    }
  }
}

extension String {
  /// How often `letter` occurs.
  fileprivate func components(_ letter: Character) -> Int { filter { $0 == letter }.count }
}
