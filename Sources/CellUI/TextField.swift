/// One line of text with a cursor: what a prompt edits. History and completion live elsewhere.
public struct TextField: Hashable, Sendable {
  public private(set) var text: String
  /// Characters before the cursor, 0 to `text.count`.
  public private(set) var cursor: Int

  public init(_ text: String = "") {
    self.text = text
    cursor = text.count
  }

  /// Sets the text and puts the cursor at its end.
  public mutating func set(_ text: String) { self = TextField(text) }

  public mutating func insert(_ addition: String) {
    // A pasted line break would be a second line.
    let clean = addition.filter { !$0.isNewline }
    text.insert(contentsOf: clean, at: index)
    // A combining mark joins the character before it, so the difference counts, not the addition.
    let after = text.count
    cursor = min(after, cursor + clean.count)
  }

  /// Applies an editing key; false if the key means nothing here.
  ///
  /// Arrows, Home, End, Backspace and Delete, and readline's ^A ^E ^B ^F ^D ^K ^U ^W.
  public mutating func handle(_ key: Key) -> Bool {
    switch key {
    case .character(let character): insert(String(character))
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(text.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = text.count
    case .backspace:
      if cursor > 0 {
        cursor -= 1
        text.remove(at: index)
      }
    case .delete, .control("d"):
      if cursor < text.count { text.remove(at: index) }
    case .control("k"): text.removeSubrange(index...)
    case .control("u"):
      text.removeSubrange(..<index)
      cursor = 0
    case .control("w"):
      let before = text[..<index]
      let word = before.reversed().drop { $0 == " " }.drop { $0 != " " }
      text.removeSubrange(text.index(text.startIndex, offsetBy: word.count)..<index)
      cursor = word.count
    default: return false
    }
    return true
  }

  private var index: String.Index { text.index(text.startIndex, offsetBy: cursor) }

  fileprivate var beforeCursor: Substring { text[..<index] }
}

extension Frame {
  /// Draws a prompt and the field after it; the field scrolls so that its cursor is in sight.
  /// `ghost` is shown dim after the text: the completion that Tab would take.
  public mutating func textField(
    _ field: TextField, prompt: String = "", ghost: String = "", x: Int, y: Int, width: Int,
    theme: Theme
  ) {
    fill(Rect(x: x, y: y, width: width, height: 1), Cell(" ", theme.text))
    let left = put(prompt, x: x, y: y, style: theme.accent.with(.bold), maxWidth: width)
    let room = x + width - left
    guard room > 0 else { return }
    let before = CellText.width(field.beforeCursor)
    var hidden = max(0, before - room + 1)
    var column = left
    var cursorColumn = left + min(before, room - 1)
    if hidden > 0 {
      // Cut whole characters, so that a wide one is never halved at the left edge.
      let visible = CellText.suffix(field.beforeCursor, columns: room - 1)
      hidden = before - CellText.width(visible)
      cursorColumn = left + CellText.width(visible)
      let rest = field.text.dropFirst(field.cursor)
      column = put(
        CellText.prefix(visible + rest, columns: room), x: column, y: y, style: theme.text)
    } else {
      column = put(
        CellText.prefix(field.text, columns: room), x: column, y: y, style: theme.text)
    }
    if column < x + width {
      put(
        CellText.prefix(ghost, columns: x + width - column), x: column, y: y, style: theme.muted)
    }
    restyle(Rect(x: cursorColumn, y: y, width: 1, height: 1)) {
      $0.attributes.remove(.dim)
      $0.attributes.insert(.reverse)
    }
  }
}
