import CellUI
import Testing

@testable import Explorer

extension TrainingTests {
  static let sizes = [(80, 24), (120, 36), (140, 42), (200, 60)]

  @Test(arguments: sizes) func runningLooksAsKept(_ size: (Int, Int)) throws {
    let bench = Self.running("train method=prox pattern=8x1 sparsity=0.8", size.0, size.1)
    try FrameTests.expect(render(bench.state), "training-running-\(size.0)x\(size.1)")
  }

  @Test(arguments: sizes) func finishedLooksAsKept(_ size: (Int, Int)) throws {
    var bench = Bench.opened(width: size.0, height: size.1)
    bench.run("pattern 8x1")
    bench.run("train steps=300")
    bench.run("train method=gradual minutes=1")
    bench.send(.elapsed(.message(number: bench.state.messages)))
    try FrameTests.expect(render(bench.state), "training-finished-\(size.0)x\(size.1)")
  }

  @Test func preparingLooksAsKept() throws {
    var bench = Bench.opened(width: 120, height: 36)
    bench.answersAtOnce = false
    bench.run("train")
    try FrameTests.expect(render(bench.state), "training-preparing-120x36")
  }

  @Test func withoutColourNothingIsLost() throws {
    for glyphs in [GlyphSet.full, .ascii] {
      var bench = Self.running("train method=gradual pattern=8x1", 80, 24)
      bench.state.depth = .none
      bench.state.glyphs = glyphs
      try FrameTests.expect(
        render(bench.state), "training-running-mono\(glyphs == .ascii ? "-ascii" : "")-80x24")
    }
  }

  @Test func everyPartStaysInsideItsFrameAtEverySize() {
    var bench = Self.running("train method=prox")
    for (width, height) in [
      (80, 24), (81, 25), (99, 30), (100, 24), (133, 29), (250, 70), (90, 60),
    ] {
      bench.send(.resized(width: width, height: height))
      let frame = render(bench.state)
      #expect(frame.width == width && frame.height == height)
      let layout = ScreenLayout(bench.state)
      let areas = TrainingPage.Areas(bench.state, layout)
      let parts = [
        areas.figures, areas.knobs, areas.agreement, areas.masks, areas.loss, areas.sparsity,
      ]
      .compactMap { $0 }
      let cells = parts.reduce(0) { $0 + $1.width * $1.height }
      #expect(cells == layout.body.width * layout.body.height, "\(width)x\(height)")
    }
  }
}
