import CellUI
import Experiments
import Foundation
import Testing

@testable import Explorer

@Suite struct FrameTests {
  static let sizes = [(80, 24), (120, 36), (200, 60)]

  /// Every page with something on it.
  static func full(_ width: Int, _ height: Int) -> Bench {
    var bench = Bench.opened(width: width, height: height)
    bench.sweepCells = 40
    bench.run("sweep")
    bench.run("cancel")
    bench.run("sensitivity *")
    bench.run("apply kind")
    bench.run("view mask")
    bench.send(.elapsed(.message(number: bench.state.messages)))
    return bench
  }

  /// Compares with the frame kept in `Frames`; writes it when SPARSITY_RECORD is set,
  /// and its colours into the folder SPARSITY_ANSI, to be looked at.
  static func expect(_ frame: Frame, _ name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Frames/\(name).txt")
    let text = frame.text + "\n"
    if ProcessInfo.processInfo.environment["SPARSITY_RECORD"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    if let folder = ProcessInfo.processInfo.environment["SPARSITY_ANSI"] {
      let path = URL(fileURLWithPath: folder).appendingPathComponent("\(name).ansi")
      try frame.ansi().write(to: path, atomically: true, encoding: .utf8)
    }
    let kept = try String(contentsOf: file, encoding: .utf8)
    #expect(text == kept, "\(name) has changed")
  }

  @Test(arguments: sizes, Page.allCases) func pageLooksAsKept(_ size: (Int, Int), _ page: Page)
    throws
  {
    var bench = Self.full(size.0, size.1)
    bench.run("view \(page.rawValue)")
    try Self.expect(render(bench.state), "\(page.rawValue)-\(size.0)x\(size.1)")
  }

  @Test func zoomedMaskLooksAsKept() throws {
    var bench = Self.full(120, 36)
    bench.run("point 100 200")
    bench.run("zoom values")
    try Self.expect(render(bench.state), "mask-values-120x36")
    bench.run("zoom 2")
    try Self.expect(render(bench.state), "mask-scale2-120x36")
    bench.run("pattern 32x1/tetris")
    bench.run("show both")
    try Self.expect(render(bench.state), "mask-both-120x36")
  }

  @Test func popupsLookAsKept() throws {
    var bench = Self.full(80, 24)
    bench.press(.character("?"))
    try Self.expect(render(bench.state), "help-80x24")
    bench.press(.escape)
    bench.type(":sweep tok")
    try Self.expect(render(bench.state), "prompt-80x24")
    bench.press(.escape, .character("q"))
    try Self.expect(render(bench.state), "quit-80x24")
  }

  @Test func pendingAndSlowerAreSaidInWords() throws {
    var bench = Self.full(80, 24)
    bench.answersAtOnce = false
    bench.run("pattern 1x1")
    bench.run("sparsity 0.5")
    try Self.expect(render(bench.state), "mask-pending-80x24")
    bench.answersAtOnce = true
    bench.answerAll()
    bench.settle()
    let text = render(bench.state).text
    #expect(text.contains("▼ 0.50x slower"))
  }

  @Test(arguments: Page.allCases) func withoutColourNothingIsLost(_ page: Page) throws {
    var bench = Self.full(80, 24)
    bench.state.depth = .none
    bench.state.glyphs = .ascii
    bench.run("view \(page.rawValue)")
    let frame = render(bench.state)
    for cell in frame.cells {
      #expect(cell.style.background == .standard || page != .mask)
    }
    try Self.expect(frame, "\(page.rawValue)-mono-80x24")
  }

  @Test func tooSmallTerminalSaysWhatItHasAndNeeds() {
    var bench = Self.full(80, 24)
    bench.send(.resized(width: 60, height: 20))
    let text = render(bench.state).text
    #expect(text.contains("it has 60 x 20,"))
    #expect(text.contains("this needs 80 x 24."))
    #expect(commands(for: .key(.character("q")), in: bench.state) == [.quit])
    #expect(commands(for: .key(.character("s")), in: bench.state).isEmpty)
  }

  @Test func tensorNamesFromAFileCannotBreakTheFrame() {
    var bench = Self.full(100, 30)
    var model = FakeLaboratory.model
    model.tensors[1].name = "層\u{1b}[2J名\u{7}.weight"
    bench.state.model = .known(model)
    bench.state.choices.tensor = model.tensors[1].name
    for page in Page.allCases {
      bench.state.page = page
      let frame = render(bench.state)
      #expect(frame.cells.allSatisfy { $0.scalar.value >= 32 || $0.scalar == Cell.continuation })
    }
  }

  @Test func monkeyNeitherTrapsNorLosesTheScreen() {
    let keys: [Key] =
      "123456hjklgG[]+-0zZHJKLvVoSA.=fFPimsxRpuUabcnNyeTq?:/&"
      .map(Key.character) + [
        .up, .down, .left, .right, .pageUp, .pageDown, .home, .end, .tab, .backTab, .enter, .escape,
        .backspace, .control("r"), .control("c"), .function(2), .delete,
      ]
    var random = SeededRandom(17)
    var bench = Bench.opened(width: 100, height: 30)
    bench.sweepCells = 3
    for step in 0..<2000 {
      switch random.next() % 12 {
      case 0:
        let event = MouseEvent(
          x: Int(random.next() % 210), y: Int(random.next() % 62),
          action: [.press, .release, .drag, .wheelUp, .wheelDown][Int(random.next() % 5)])
        for command in commands(for: .mouse(event), in: bench.state) {
          bench.send(.command(command))
        }
      case 1 where step % 20 == 0:
        bench.send(.resized(width: Int(random.next() % 200), height: Int(random.next() % 60)))
      case 2: bench.settle()
      default: bench.press(keys[Int(random.next() % UInt64(keys.count))])
      }
      let frame = render(bench.state)
      #expect(frame.width == bench.state.width && frame.height == bench.state.height)
      if bench.state.log.entries.count > 400 { bench = Bench.opened(width: 120, height: 40) }
    }
  }
}
