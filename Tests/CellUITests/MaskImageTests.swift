import CellUI
import Testing

@Suite struct MaskImageTests {
  /// Kept where `x + y` is even, magnitudes rising along the row.
  func image(_ coloring: MaskImage.Coloring = .magnitude, grid: MaskImage.Grid? = nil) -> MaskImage
  {
    var density: [UInt8] = []
    var magnitude: [UInt8] = []
    for y in 0..<4 {
      for x in 0..<6 {
        density.append((x / 2 + y / 2) % 2 == 0 ? 255 : 0)
        magnitude.append(UInt8(x * 51))
      }
    }
    return MaskImage(
      width: 6, height: 4, density: density, magnitude: magnitude, coloring: coloring, grid: grid)
  }

  func drawn(_ image: MaskImage, _ depth: ColorDepth, _ glyphs: GlyphSet) -> Frame {
    var frame = Frame(width: 8, height: 3)
    frame.mask(image, in: frame.bounds, theme: Theme.terminal.adapted(to: depth, glyphs))
    return frame
  }

  @Test func charactersSayWhatIsKept() {
    #expect(drawn(image(.plain), .full, .full).text == "██  ██\n  ██\n")
    #expect(drawn(image(.plain), .none, .full).text == "██  ██\n  ██\n")
    #expect(drawn(image(.plain), .none, .ascii).text == "@@  @@\n  @@\n")
    let single = MaskImage(
      width: 2, height: 3, density: [255, 0, 0, 255, 255, 0], coloring: .plain)
    #expect(drawn(single, .full, .full).text == "▀▄\n▀\n")
    #expect(drawn(single, .none, .full).text == "▀▄\n▀\n")
  }

  @Test func magnitudeBecomesInkWithoutColours() {
    #expect(drawn(image(), .none, .full).text == "░▒  ██\n  ▓█\n")
  }

  @Test func coloursFollowMagnitudeAndKeptIsNeverDark() {
    let frame = drawn(image(), .full, .full)
    let map = ColorMap.inferno.steps
    #expect(frame[0, 0].style.foreground == .indexed(map[3]))
    #expect(frame[5, 0].style.foreground == .indexed(map[11]))
    #expect(frame[2, 0].style == Style(Theme.terminal.pruned, on: Theme.terminal.pruned))
    let density = MaskImage(width: 2, height: 2, density: [0, 128, 0, 255], coloring: .density)
    #expect(
      drawn(density, .full, .full)[1, 0].style == Style(.indexed(map[6]), on: .indexed(map[11])))
  }

  @Test func gridAlternatesFromBlockToBlock() {
    let empty = MaskImage(
      width: 6, height: 4, density: Array(repeating: 0, count: 24),
      grid: MaskImage.Grid(x: 0, y: 0, width: 2, height: 2))
    let frame = drawn(empty, .full, .full)
    let (a, b) = (Theme.terminal.pruned, Theme.terminal.prunedAlternate)
    #expect((0..<6).map { frame[$0, 0].style.background } == [a, a, b, b, a, a])
    #expect((0..<6).map { frame[$0, 1].style.background } == [b, b, a, a, b, b])
  }

  @Test func imageIsClippedToTheRectangle() {
    var frame = Frame(width: 8, height: 3)
    frame.mask(image(.plain), in: Rect(x: 2, y: 1, width: 3, height: 1), theme: .terminal)
    #expect(frame.text == "\n  ██\n")
    #expect(frame[5, 1] == Cell())
  }

  @Test func marginsAverageWhatSharesACell() {
    var frame = Frame(width: 8, height: 4)
    let theme = Theme.terminal.adapted(to: .none, .full)
    frame.margin([0, 64, 128, 255], x: 0, y: 0, vertical: false, length: 4, theme: theme)
    frame.margin([0, 255, 255, 255], x: 4, y: 0, vertical: false, length: 2, theme: theme)
    frame.margin([0, 128, 255], x: 7, y: 0, vertical: true, length: 3, theme: theme)
    #expect(frame.text == " ▃▅█▄█\n       ▓\n       █\n")
  }
}
