/// The order people expect of names with numbers in them: `layer.2` before `layer.10`.
public enum NaturalOrder {
  /// Whether `first` stands before `second`: runs of digits compare as numbers, all else by byte.
  /// Names that differ only in leading zeros compare by byte, so the order is total.
  public static func precedes(_ first: String, _ second: String) -> Bool {
    let (a, b) = (Array(first.utf8), Array(second.utf8))
    return precedes(a, b)
  }

  static func sorted<Element>(_ elements: [Element], by name: (Element) -> String) -> [Element] {
    let keyed = elements.map { (key: Array(name($0).utf8), element: $0) }
    return keyed.sorted { precedes($0.key, $1.key) }.map(\.element)
  }

  private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
      if isDigit(a[i]), isDigit(b[j]) {
        let (first, second) = (digits(a, from: &i), digits(b, from: &j))
        if first.count != second.count { return first.count < second.count }
        for (x, y) in zip(first, second) where x != y { return x < y }
      } else {
        if a[i] != b[j] { return a[i] < b[j] }
        i += 1
        j += 1
      }
    }
    if (i < a.count) != (j < b.count) { return i == a.count }
    return a.lexicographicallyPrecedes(b)
  }

  /// The run of digits at `position` without its leading zeros.
  private static func digits(_ bytes: [UInt8], from position: inout Int) -> ArraySlice<UInt8> {
    var start = position
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    while start < position, bytes[start] == 0x30 { start += 1 }
    return bytes[start..<position]
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
