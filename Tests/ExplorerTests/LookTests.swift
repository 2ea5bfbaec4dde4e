import CellUI
import Experiments
import Testing

@testable import Explorer

/// What is shown of the mask and the trade-off, and how the mouse moves it.
@Suite struct LookTests {
  @Test func dragKeepsTheWeightUnderTheHand() {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("point 190 190")
    bench.run("zoom 1")
    let layout = ScreenLayout(bench.state)
    let area = MaskWindow(bench.state, layout)!.areas[0]
    let (x, y) = (area.x + 30, area.y + 10)
    func mouse(_ x: Int, _ y: Int, _ action: MouseEvent.Action) {
      for command in commands(
        for: .mouse(MouseEvent(x: x, y: y, action: action)), in: bench.state)
      {
        bench.send(.command(command))
      }
    }
    mouse(x, y, .press)
    let held = (bench.state.mask.cursorRow, bench.state.mask.cursorColumn)
    for step in 1...8 { mouse(x - step, y - step / 2, .drag) }
    let window = MaskWindow(bench.state, ScreenLayout(bench.state))!
    #expect((bench.state.mask.cursorRow, bench.state.mask.cursorColumn) == held)
    let place = window.place(row: held.0, column: held.1)
    #expect(place?.x == 22)
    #expect(place?.y == 6)
  }

  @Test func dragOverTheWholeMatrixMovesTheCursor() {
    var bench = Bench.opened(width: 140, height: 42)
    let area = MaskWindow(bench.state, ScreenLayout(bench.state))!.areas[0]
    let event = MouseEvent(x: area.x + 5, y: area.y + 5, action: .drag)
    let all = commands(for: .mouse(event), in: bench.state)
    guard case .point? = all.first else {
      Issue.record("\(all)")
      return
    }
    bench.send(.command(all[0]))
    #expect(bench.state.mask.zoom == .fit)
  }

  @Test func headsAreRowsOfWhatMakesThemAndColumnsOfWhatTakesThem() {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("sparsity 1")
    func shades(_ frame: Frame) -> (down: Int, across: Int) {
      let area = MaskWindow(bench.state, ScreenLayout(bench.state))!.areas[0]
      var down = 0
      var across = 0
      for y in 1..<area.height
      where frame[area.x + 3, area.y + y].style.background
        != frame[area.x + 3, area.y + y - 1].style.background
      { down += 1 }
      for x in 1..<area.width
      where frame[area.x + x, area.y + 3].style.background
        != frame[area.x + x - 1, area.y + 3].style.background
      { across += 1 }
      return (down, across)
    }
    bench.run("grid 64")
    #expect(shades(render(bench.state)) == (5, 0))
    bench.run("tensor encoder.layer.0.attention.output.dense.weight")
    #expect(shades(render(bench.state)) == (0, 5))
    bench.run("grid off")
    #expect(shades(render(bench.state)) == (0, 0))
  }

  @Test func logarithmicAxesAreChosenAndSaid() {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("sweep pattern=1x1,32x1 sparsity=0.5,0.9")
    bench.run("view tradeoff")
    bench.press(.character("L"))
    #expect(bench.state.choices.tradeOffScale == .logarithmic)
    #expect(render(bench.state).text.contains("logarithmic axes"))
    bench.run("undo")
    #expect(bench.state.choices.tradeOffScale == .auto)
  }

  @Test func bestMasksOfTheMatrixStandBesideIt() {
    var bench = Bench.opened(width: 140, height: 42)
    bench.run("sweep pattern=1x1,32x1 sparsity=0.5,0.9")
    bench.run("view mask")
    let text = render(bench.state).text
    #expect(text.contains("Measured here"))
    #expect(text.contains("▲6.00x"))
    // Timed with other knobs is not comparable.
    bench.run("tokens 8")
    #expect(render(bench.state).text.contains("Nothing yet at 8 tokens"))
  }

  @Test func openingSaysThatUndoStartsAgain() {
    var bench = Bench.opened()
    bench.run("sparsity 0.9")
    bench.answersAtOnce = false
    bench.run("open other.safetensors")
    #expect(bench.state.message?.text.contains("undo starts again") == true)
  }

  @Test(arguments: [(80, 24), (100, 30), (120, 36), (140, 42), (200, 60)])
  func adviceIsNeverCutInHalf(_ width: Int, _ height: Int) {
    var bench = Bench.opened(width: width, height: height)
    var summary = bench.state.summary.value!
    summary.remark =
      "above 0.6 a one-shot 32x1 mask ends near the random floor; only training wins the rest back"
    bench.state.summary = .known(summary)
    var measurement = bench.state.measurement.value!
    measurement.warnings = [
      "the load average is 8.11 on 2 processors: close other programs or measure later"
    ]
    bench.state.measurement = .known(measurement)
    let frame = render(bench.state)
    let layout = ScreenLayout(bench.state)
    for (name, rect) in [("costs", layout.costs), ("gains", layout.gains)] {
      var words = ""
      for y in rect.y + 1..<rect.maxY - 1 {
        for x in rect.x + 1..<rect.maxX - 1 { words.unicodeScalars.append(frame[x, y].scalar) }
        words += " "
      }
      #expect(!words.contains("…"), "\(name)")
      let plain = words.split(separator: " ").joined(separator: " ")
      let isSaid =
        name == "costs"
        ? plain.contains("near the random floor") || plain.contains("wins the rest back")
        : plain.contains("remarks: press 5") || plain.contains("measure later")
      #expect(isSaid, "\(name): \(plain)")
    }
  }
}
