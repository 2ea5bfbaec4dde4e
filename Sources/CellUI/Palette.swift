/// The 256-colour palette: what its numbers look like, and what stands for them where there are
/// fewer. The first sixteen belong to the user; for them xterm's defaults are assumed.
public enum Palette {
  /// 0xRRGGBB.
  public static func rgb(_ index: UInt8) -> UInt32 { table[Int(index)] }

  /// The nearest of the first `count` colours (8 or 16).
  public static func nearest(_ index: UInt8, of count: Int) -> UInt8 {
    guard Int(index) >= count else { return index }
    return count >= 16 ? nearest16[Int(index)] : nearest8[Int(index)]
  }

  /// Black or white, whichever is read more easily on `index`.
  public static func ink(on index: UInt8) -> Color {
    luminance(index) > 0.25 ? .indexed(16) : .indexed(231)
  }

  /// Relative luminance, 0 to 1, by the weights of sRGB with a gamma of 2.
  public static func luminance(_ index: UInt8) -> Double {
    let (r, g, b) = channels(rgb(index))
    func linear(_ c: Int) -> Double { Double(c * c) / 65025 }
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  }

  private static let base: [UInt32] = [
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
    0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
  ]

  private static let table: [UInt32] = (0..<256).map { index in
    if index < 16 { return base[index] }
    if index >= 232 { return UInt32(8 + 10 * (index - 232)) * 0x010101 }
    let levels: [UInt32] = [0, 95, 135, 175, 215, 255]
    let n = index - 16
    return levels[n / 36] << 16 | levels[n / 6 % 6] << 8 | levels[n % 6]
  }

  private static let nearest16 = (0..<256).map { closest(table[$0], among: 16) }
  private static let nearest8 = (0..<256).map { closest(table[$0], among: 8) }

  private static func channels(_ rgb: UInt32) -> (Int, Int, Int) {
    (Int(rgb >> 16 & 255), Int(rgb >> 8 & 255), Int(rgb & 255))
  }

  /// By squared distance weighted roughly as the eye weighs the channels.
  private static func closest(_ rgb: UInt32, among count: Int) -> UInt8 {
    let (r, g, b) = channels(rgb)
    var best = 0
    var bestDistance = Int.max
    for candidate in 0..<count {
      let (cr, cg, cb) = channels(base[candidate])
      let distance =
        3 * (r - cr) * (r - cr) + 6 * (g - cg) * (g - cg) + 2 * (b - cb) * (b - cb)
      if distance < bestDistance { (best, bestDistance) = (candidate, distance) }
    }
    return UInt8(best)
  }
}
