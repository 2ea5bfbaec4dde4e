import CellUI
import Testing

@Suite struct ColorTests {
  @Test(arguments: [ColorMap.inferno, .viridis, .grey])
  func mapsRiseInLightness(_ map: ColorMap) {
    let light = map.steps.map(Palette.luminance)
    for (darker, lighter) in zip(light, light.dropFirst()) { #expect(darker < lighter) }
    #expect(Set(map.steps).count == map.steps.count)
  }

  @Test func mapsReachBothEndsAndClamp() {
    let map = ColorMap.inferno
    #expect(map.color(0) == .indexed(16) && map.color(1) == .indexed(229))
    #expect(map.color(-3) == map.color(0) && map.color(9) == map.color(1))
    #expect(map.color(.nan) == map.color(0))
    #expect(map.color(byte: 0) == map.color(0) && map.color(byte: 255) == map.color(1))
    #expect(Set((0...255).map { map.color(byte: UInt8($0)) }).count == 12)
  }

  @Test func divergingMapIsEquallyStrongBothWays() {
    let map = DivergingMap.orangeBlue
    #expect(map.color(0) == .indexed(250) && map.color(.nan) == .indexed(250))
    for strength in [0.1, 0.3, 0.6, 0.9, 5] {
      guard case .indexed(let low) = map.color(-strength),
        case .indexed(let high) = map.color(strength)
      else { return }
      #expect(abs(Palette.luminance(low) - Palette.luminance(high)) < 0.15)
    }
  }

  @Test func paletteIsXterms() {
    #expect(Palette.rgb(16) == 0x000000 && Palette.rgb(231) == 0xffffff)
    #expect(Palette.rgb(160) == 0xd70000 && Palette.rgb(244) == 0x808080)
    #expect(Palette.nearest(160, of: 8) == 1 && Palette.nearest(46, of: 16) == 10)
    #expect(Palette.nearest(5, of: 8) == 5)
    for index in 0..<256 {
      #expect(Palette.nearest(UInt8(index), of: 8) < 8)
      #expect(Palette.nearest(UInt8(index), of: 16) < 16)
    }
  }

  @Test func inkIsReadableOnEveryColour() {
    for index in 0...255 {
      guard case .indexed(let ink) = Palette.ink(on: UInt8(index)) else { continue }
      let a = Palette.luminance(ink) + 0.05
      let b = Palette.luminance(UInt8(index)) + 0.05
      // WCAG's contrast ratio; 3 is its minimum for large text and graphics.
      #expect(max(a, b) / min(a, b) >= 3, "\(index)")
    }
  }

  @Test func defaultThemeUsesOnlyColoursThatEveryTerminalCanRead() {
    let theme = Theme.terminal
    let styles = [
      theme.text, theme.muted, theme.title, theme.accent, theme.good, theme.bad, theme.warning,
      theme.selection, theme.border, theme.borderFocused, theme.key, theme.keyLabel, theme.gauge,
    ]
    for color in styles.map(\.foreground) + theme.series {
      #expect([.standard, .indexed(1), .indexed(2), .indexed(5), .indexed(6)].contains(color))
    }
  }

  @Test func themesAreFoundByName() {
    #expect(Theme.all.map(\.name) == ["terminal", "high-contrast", "colour-blind"])
    #expect(Theme.named("high-contrast") == .highContrast)
    #expect(Theme.named("neon") == nil)
  }

  @Test func asciiIsAsciiForEveryCharacter() {
    for value in UInt32(0)..<0x3_0000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let plain = Ascii.transliterated(scalar).value
      #expect(plain >= 0x20 && plain < 0x7f)
    }
    #expect(
      "┌─┐│█▁…⣿→".unicodeScalars.map(Ascii.transliterated) == [
        "+", "-", "+", "|", "#", "_", "~", "#", ">",
      ])
  }
}
