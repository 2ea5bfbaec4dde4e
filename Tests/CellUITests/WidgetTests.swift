import CellUI
import Testing

@Suite struct WidgetTests {
  let theme = Theme.terminal

  @Test func boxHasTitleNoteAndFocusInItsLines() {
    var frame = Frame(width: 24, height: 6)
    let inside = frame.box(
      Rect(x: 0, y: 0, width: 24, height: 3), title: "Mask", note: "80 %", theme: theme)
    frame.box(
      Rect(x: 0, y: 3, width: 24, height: 3), title: "A very long title of a box", note: "note",
      theme: theme, focused: true)
    #expect(inside == Rect(x: 1, y: 1, width: 22, height: 1))
    #expect(
      frame.text == """
        ┌ Mask ───────── 80 % ─┐
        │                      │
        └──────────────────────┘
        ┏ A very long… ━ note ━┓
        ┃                      ┃
        ┗━━━━━━━━━━━━━━━━━━━━━━┛
        """)
  }

  @Test func boxesOfAnySizeDrawInside() {
    for width in 0...12 {
      for height in 0...4 {
        var frame = Frame(width: 14, height: 6)
        frame.box(
          Rect(x: 1, y: 1, width: width, height: height), title: "Title", note: "n", theme: theme)
        for y in 0..<6 {
          for x in 0..<14 where x < 1 || y < 1 || x > width || y > height {
            #expect(frame[x, y] == Cell())
          }
        }
      }
    }
  }

  @Test func gaugeFillsByEighthsAndUnknownIsEmpty() {
    var frame = Frame(width: 8, height: 5)
    frame.gauge(0.5, x: 0, y: 0, width: 8, theme: theme)
    frame.gauge(0.52, x: 0, y: 1, width: 8, theme: theme)
    frame.gauge(nil, x: 0, y: 2, width: 8, theme: theme)
    frame.gauge(.nan, x: 0, y: 3, width: 8, theme: theme)
    frame.gauge(7, x: 0, y: 4, width: 8, theme: theme)
    #expect(frame.text == "████░░░░\n████▏░░░\n░░░░░░░░\n░░░░░░░░\n████████")
  }

  @Test func sliderAndIntervalReachBothEnds() {
    var frame = Frame(width: 9, height: 5)
    frame.slider(0, x: 0, y: 0, width: 9, theme: theme)
    frame.slider(0.5, x: 0, y: 1, width: 9, theme: theme)
    frame.slider(1, x: 0, y: 2, width: 9, theme: theme)
    frame.interval(
      low: 2, middle: 2.5, high: 3, range: 1...5, x: 0, y: 3, width: 9, style: Style(),
      theme: theme)
    frame.interval(
      low: -5, middle: .nan, high: 50, range: 1...5, x: 0, y: 4, width: 9, style: Style(),
      theme: theme)
    #expect(frame.text == "●────────\n━━━━●────\n━━━━━━━━●\n··├●┤····\n●───────┤")
  }

  @Test func sparklineShowsGapsAndAverages() {
    var frame = Frame(width: 8, height: 3)
    frame.sparkline([0, 1, nil, 3, 4, .nan, 7], x: 0, y: 0, width: 8, style: Style())
    frame.sparkline([2, 2, 2], x: 0, y: 1, width: 8, style: Style())
    frame.sparkline((0..<64).map { Double($0) }, x: 0, y: 2, width: 8, style: Style())
    #expect(frame.text == "▁▂ ▄▅ █\n▅▅▅\n▁▂▃▄▅▆▇█")
  }

  @Test func scrollBarCoversTheVisibleShare() {
    func bar(_ offset: Int) -> String {
      var frame = Frame(width: 1, height: 4)
      frame.scrollBar(
        offset: offset, visible: 10, total: 40, x: 0, y: 0, height: 4, theme: theme)
      return frame.text
    }
    #expect(bar(0) == "█\n│\n│\n│")
    #expect(bar(15) == "│\n█\n│\n│")
    #expect(bar(30) == "│\n│\n│\n█")
    #expect(bar(99) == bar(30))
  }

  @Test func hintsDropTheLeastImportantFirst() {
    let hints = [
      KeyHint("m", "measure", priority: 2), KeyHint("s", "sweep", priority: 3),
      KeyHint("?", "help", priority: 0), KeyHint("q", "quit", priority: 1),
    ]
    func shown(_ width: Int) -> String {
      var frame = Frame(width: 60, height: 1)
      frame.keyHints(hints, x: 0, y: 0, width: width, theme: theme)
      return frame.text
    }
    #expect(shown(60) == "m measure  s sweep  ? help  q quit")
    #expect(shown(30) == "m measure  ? help  q quit")
    #expect(shown(14) == "? help  q quit")
    #expect(shown(5) == "")
  }

  @Test func popupHidesWhatIsUnderIt() {
    var frame = Frame(width: 12, height: 5)
    frame.fill(frame.bounds, Cell("x"))
    let inside = frame.popup(width: 8, height: 3, in: frame.bounds, title: "Help", theme: theme)
    #expect(inside == Rect(x: 3, y: 2, width: 6, height: 1))
    #expect(
      frame.text == "xxxxxxxxxxxx\nxx┏ Help ┓xx\nxx┃      ┃xx\nxx┗━━━━━━┛xx\nxxxxxxxxxxxx")
  }

  @Test func legendAndScaleBarFitTheirWidth() {
    var frame = Frame(width: 24, height: 2)
    frame.legend(
      [
        LegendEntry("●", "block", Style()), LegendEntry("▲", "N:M", Style()),
        LegendEntry("■", "tile-wise", Style()),
      ], x: 0, y: 0, width: 24, theme: theme)
    frame.scaleBar(
      .inferno, low: "0", high: "1", x: 0, y: 1, width: 14, theme: theme.adapted(to: .none, .full))
    #expect(frame.text == "● block  ▲ N:M\n0  ░░▒▒▓▓███ 1")
  }
}
