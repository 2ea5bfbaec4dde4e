/// Colours for a quantity from low to high, as numbers of the 256 palette.
///
/// The steps were chosen by dynamic programming in OKLab for strictly rising lightness and the
/// most even spacing that the palette's cube allows; its naive nearest colours repeat themselves
/// (16 steps of viridis give 11 distinct ones).
public struct ColorMap: Hashable, Sendable {
  public let name: String
  /// At least one, low to high.
  public let steps: [UInt8]

  public init(name: String, steps: [UInt8]) {
    precondition(!steps.isEmpty, "a colour map has at least one step")
    self.name = name
    self.steps = steps
  }

  public static let inferno = ColorMap(
    name: "inferno", steps: [16, 17, 53, 54, 89, 125, 160, 166, 208, 214, 220, 229])
  public static let viridis = ColorMap(
    name: "viridis", steps: [53, 54, 24, 30, 36, 71, 148, 220])
  public static let grey = ColorMap(name: "grey", steps: Array(232...255))

  /// The step of `fraction`, 0 to 1; beyond is clamped, NaN is the lowest.
  public func color(_ fraction: Double) -> Color {
    .indexed(steps[step(fraction, count: steps.count)])
  }

  /// The step of a byte, 0 to 255.
  public func color(byte: UInt8) -> Color {
    .indexed(steps[Int(byte) * steps.count / 256])
  }
}

/// Colours around a middle: losses one way, gains the other, little in between.
public struct DivergingMap: Hashable, Sendable {
  public let name: String
  /// From weak to strong.
  public let negative: [UInt8]
  public let middle: UInt8
  public let positive: [UInt8]

  /// Told apart by people who see no red or no green, and by lightness against the middle.
  public static let orangeBlue = DivergingMap(
    name: "orange-blue", negative: [216, 208, 166, 94, 52], middle: 250,
    positive: [117, 75, 33, 26, 20])

  /// `value` from -1 to 1; beyond is clamped, NaN is the middle.
  public func color(_ value: Double) -> Color {
    guard abs(value) > 1e-12 else { return .indexed(middle) }
    let side = value < 0 ? negative : positive
    return .indexed(side[step(abs(value), count: side.count)])
  }
}

/// The index among `count` equal intervals of 0 to 1.
func step(_ fraction: Double, count: Int) -> Int {
  guard fraction > 0 else { return 0 }
  return min(count - 1, Int(min(fraction, 1) * Double(count)))
}

/// Characters whose ink grows: what stands for colour where there is none.
public enum Shade {
  public static let blocks: [Unicode.Scalar] = [" ", "░", "▒", "▓", "█"]
  public static let ascii: [Unicode.Scalar] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"]

  /// The character for `fraction`, 0 to 1. More than nothing never looks like nothing.
  public static func character(_ fraction: Double, _ glyphs: GlyphSet = .full) -> Unicode.Scalar {
    let ramp = glyphs == .ascii ? ascii : blocks
    guard fraction > 0 else { return ramp[0] }
    return ramp[1 + step(fraction, count: ramp.count - 1)]
  }
}
