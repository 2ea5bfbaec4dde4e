/// Where text that does not fit is cut; the cut shows as `…`.
public enum Truncation: Sendable, Hashable {
  /// `encoder.layer…`
  case tail
  /// `…query.weight`: for names whose end tells them apart.
  case head
  /// `encoder…weight`
  case middle
}

public enum Alignment: Sendable, Hashable {
  case left, center, right
}

/// How text fills cells: widths, cutting, padding, wrapping.
public enum CellText {
  /// Columns that `text` takes when it is put on a frame. O(length).
  public static func width(_ text: some StringProtocol) -> Int {
    var columns = 0
    for scalar in text.unicodeScalars { columns += shown(scalar).width }
    return columns
  }

  /// What a cell shows for `scalar`, and the columns it takes: 0 for what only changes its
  /// neighbour (combining marks, joiners, direction controls), 2 for East Asian wide characters.
  /// Control characters become their pictures, unassigned ones U+FFFD, so that no name that comes
  /// from a file can move the cursor or the layout.
  public static func shown(_ scalar: Unicode.Scalar) -> (scalar: Unicode.Scalar, width: Int) {
    let value = scalar.value
    if value < 0x7f {
      return value >= 0x20 ? (scalar, 1) : (Unicode.Scalar(0x2400 + value)!, 1)
    }
    if value < 0x300 {
      if value == 0x7f { return ("\u{2421}", 1) }
      if value < 0xa0 { return ("\u{fffd}", 1) }
      return value == 0xad ? (scalar, 0) : (scalar, 1)
    }
    if 0x2500...0x25fc ~= value || 0x2800...0x28ff ~= value { return (scalar, 1) }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return (scalar, 0)
    case .unassigned, .surrogate, .control, .lineSeparator, .paragraphSeparator:
      return ("\u{fffd}", 1)
    default: return (scalar, isWide(scalar) ? 2 : 1)
    }
  }

  /// Whether terminals give `scalar` two columns (East Asian Width W and F of Unicode).
  public static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    if value < 0x1100 || 0x2500...0x25fc ~= value || 0x2800...0x28ff ~= value { return false }
    var low = 0
    var high = wide.count
    while low < high {
      let middle = (low + high) / 2
      if wide[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < wide.count && wide[low].contains(value)
  }

  /// The longest start of `text` that fits `width` columns.
  public static func prefix(_ text: some StringProtocol, columns width: Int) -> String {
    var kept = String.UnicodeScalarView()
    var columns = 0
    for scalar in text.unicodeScalars {
      let (_, step) = shown(scalar)
      if columns + step > width { break }
      columns += step
      kept.append(scalar)
    }
    return String(kept)
  }

  /// The longest end of `text` that fits `width` columns.
  public static func suffix(_ text: some StringProtocol, columns width: Int) -> String {
    let scalars = text.unicodeScalars
    var start = scalars.endIndex
    var columns = 0
    while start > scalars.startIndex {
      let before = scalars.index(before: start)
      let step = shown(scalars[before]).width
      if columns + step > width { break }
      columns += step
      start = before
    }
    return String(String.UnicodeScalarView(scalars[start...]))
  }

  /// `text` itself if it fits `width` columns, else cut with an ellipsis.
  public static func truncated(
    _ text: String, to width: Int, _ truncation: Truncation = .tail
  ) -> String {
    guard width > 0 else { return "" }
    guard Self.width(text) > width else { return text }
    guard width > 1 else { return "…" }
    switch truncation {
    case .tail: return prefix(text, columns: width - 1) + "…"
    case .head: return "…" + suffix(text, columns: width - 1)
    case .middle:
      let left = width / 2
      return prefix(text, columns: left) + "…" + suffix(text, columns: width - 1 - left)
    }
  }

  /// `text` cut or filled with blanks to exactly `width` columns.
  public static func padded(
    _ text: String, to width: Int, _ alignment: Alignment = .left,
    _ truncation: Truncation = .tail
  ) -> String {
    let text = truncated(text, to: width, truncation)
    let space = max(0, width - Self.width(text))
    let before =
      switch alignment {
      case .left: 0
      case .center: space / 2
      case .right: space
      }
    return String(repeating: " ", count: before) + text
      + String(repeating: " ", count: space - before)
  }

  /// `text` in lines of at most `width` columns, broken at blanks; longer words are cut.
  public static func wrapped(_ text: String, to width: Int) -> [String] {
    guard width > 0 else { return [] }
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let before = lines.count
      var line = ""
      var columns = 0
      for word in paragraph.split(separator: " ") {
        var word = String(word)
        var length = Self.width(word)
        if columns > 0, columns + 1 + length > width {
          lines.append(line)
          line = ""
          columns = 0
        }
        while length > width {
          var start = prefix(word, columns: width)
          if start.isEmpty { start = String(word.unicodeScalars.first!) }
          lines.append(start)
          word = String(word.unicodeScalars.dropFirst(start.unicodeScalars.count))
          length = Self.width(word)
        }
        if length == 0 { continue }
        line += columns > 0 ? " " + word : word
        columns += columns > 0 ? 1 + length : length
      }
      if columns > 0 || lines.count == before { lines.append(line) }
    }
    return lines
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x231a...0x231b, 0x2329...0x232a, 0x23e9...0x23ec, 0x23f0...0x23f0,
    0x23f3...0x23f3, 0x25fd...0x25fe, 0x2614...0x2615, 0x2648...0x2653, 0x267f...0x267f,
    0x2693...0x2693, 0x26a1...0x26a1, 0x26aa...0x26ab, 0x26bd...0x26be, 0x26c4...0x26c5,
    0x26ce...0x26ce, 0x26d4...0x26d4, 0x26ea...0x26ea, 0x26f2...0x26f3, 0x26f5...0x26f5,
    0x26fa...0x26fa, 0x26fd...0x26fd, 0x2705...0x2705, 0x270a...0x270b, 0x2728...0x2728,
    0x274c...0x274c, 0x274e...0x274e, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
    0x27b0...0x27b0, 0x27bf...0x27bf, 0x2b1b...0x2b1c, 0x2b50...0x2b50, 0x2b55...0x2b55,
    0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97c,
    0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6b, 0xff01...0xff60,
    0xffe0...0xffe6, 0x16fe0...0x18cff, 0x1aff0...0x1b2ff, 0x1f004...0x1f004,
    0x1f0cf...0x1f0cf, 0x1f18e...0x1f18e, 0x1f191...0x1f19a, 0x1f200...0x1f320,
    0x1f32d...0x1f335, 0x1f337...0x1f37c, 0x1f37e...0x1f393, 0x1f3a0...0x1f3ca,
    0x1f3cf...0x1f3d3, 0x1f3e0...0x1f3f0, 0x1f3f4...0x1f3f4, 0x1f3f8...0x1f43e,
    0x1f440...0x1f440, 0x1f442...0x1f4fc, 0x1f4ff...0x1f53d, 0x1f54b...0x1f54e,
    0x1f550...0x1f567, 0x1f57a...0x1f57a, 0x1f595...0x1f596, 0x1f5a4...0x1f5a4,
    0x1f5fb...0x1f64f, 0x1f680...0x1f6c5, 0x1f6cc...0x1f6cc, 0x1f6d0...0x1f6d2,
    0x1f6d5...0x1f6d7, 0x1f6dc...0x1f6df, 0x1f6eb...0x1f6ec, 0x1f6f4...0x1f6fc,
    0x1f7e0...0x1f7eb, 0x1f7f0...0x1f7f0, 0x1f90c...0x1f93a, 0x1f93c...0x1f945,
    0x1f947...0x1f9ff, 0x1fa70...0x1faff, 0x20000...0x3fffd,
  ]
}
