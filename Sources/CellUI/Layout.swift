/// The size of one part of a divided rectangle.
public enum Track: Hashable, Sendable {
  /// This many cells, or what is left.
  case fixed(Int)
  /// A share of what the fixed parts leave, in proportion to `weight`.
  case share(Int)
}

extension Rect {
  public var maxX: Int { x + width }
  public var maxY: Int { y + height }

  /// Smaller by this much on every side.
  public func inset(_ columns: Int, _ rows: Int) -> Rect {
    Rect(x: x + columns, y: y + rows, width: width - 2 * columns, height: height - 2 * rows)
  }

  /// Side by side from the left, `gap` columns apart. Shares are exact: they add up to the width.
  public func columns(_ tracks: [Track], gap: Int = 0) -> [Rect] {
    var left = x
    return Self.divide(width, tracks, gap).map { size in
      defer { left += size + gap }
      return Rect(x: left, y: y, width: size, height: height)
    }
  }

  /// One under the other from the top, `gap` rows apart.
  public func rows(_ tracks: [Track], gap: Int = 0) -> [Rect] {
    var top = y
    return Self.divide(height, tracks, gap).map { size in
      defer { top += size + gap }
      return Rect(x: x, y: top, width: width, height: size)
    }
  }

  /// A rectangle of this size in the middle, no larger than this one.
  public func centered(width: Int, height: Int) -> Rect {
    let width = min(width, self.width)
    let height = min(height, self.height)
    return Rect(
      x: x + (self.width - width) / 2, y: y + (self.height - height) / 2, width: width,
      height: height)
  }

  private static func divide(_ total: Int, _ tracks: [Track], _ gap: Int) -> [Int] {
    var left = max(0, total - gap * max(0, tracks.count - 1))
    var sizes = [Int](repeating: 0, count: tracks.count)
    var weights = 0
    for (index, track) in tracks.enumerated() {
      switch track {
      case .fixed(let size):
        sizes[index] = min(max(0, size), left)
        left -= sizes[index]
      case .share(let weight): weights += max(0, weight)
      }
    }
    for (index, track) in tracks.enumerated() {
      guard case .share(let weight) = track, weights > 0 else { continue }
      sizes[index] = left * max(0, weight) / weights
      left -= sizes[index]
      weights -= max(0, weight)
    }
    return sizes
  }
}
