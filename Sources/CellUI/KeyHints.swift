/// A key and what it does, for the bottom line.
public struct KeyHint: Hashable, Sendable {
  public var key: String
  public var label: String
  /// What is shown first when space runs out; the smallest number wins.
  public var priority: Int

  public init(_ key: String, _ label: String, priority: Int = 1) {
    self.key = key
    self.label = label
    self.priority = priority
  }
}

extension Frame {
  /// As many hints as fit, most important first, in the order given, two blanks apart.
  public mutating func keyHints(
    _ hints: [KeyHint], x: Int, y: Int, width: Int, theme: Theme
  ) {
    func columns(_ hint: KeyHint) -> Int {
      CellText.width(hint.key) + (hint.label.isEmpty ? 0 : 1 + CellText.width(hint.label))
    }
    var room = width
    var shown: Set<Int> = []
    let order = hints.indices.sorted {
      (hints[$0].priority, $0) < (hints[$1].priority, $1)
    }
    for index in order {
      let needed = columns(hints[index]) + (shown.isEmpty ? 0 : 2)
      guard needed <= room else { break }
      room -= needed
      shown.insert(index)
    }
    var column = x
    for index in hints.indices where shown.contains(index) {
      column = put(hints[index].key, x: column, y: y, style: theme.key)
      if !hints[index].label.isEmpty {
        column = put(hints[index].label, x: column + 1, y: y, style: theme.keyLabel)
      }
      column += 2
    }
  }
}
