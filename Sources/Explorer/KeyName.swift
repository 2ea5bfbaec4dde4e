public import CellUI

/// Keys as people and files write them.
public enum KeyName {
  private static let named: [(Key, String, String)] = [
    (.up, "up", "↑"), (.down, "down", "↓"), (.left, "left", "←"), (.right, "right", "→"),
    (.home, "home", "Home"), (.end, "end", "End"), (.pageUp, "page-up", "PgUp"),
    (.pageDown, "page-down", "PgDn"), (.insert, "insert", "Ins"), (.delete, "delete", "Del"),
    (.tab, "tab", "Tab"), (.backTab, "back-tab", "S-Tab"), (.enter, "enter", "Enter"),
    (.escape, "escape", "Esc"), (.backspace, "backspace", "Bksp"),
    (.character(" "), "space", "Space"),
  ]

  /// As a command writes it: `page-up`, `^r`, `f1`, `x`.
  public static func text(_ key: Key) -> String {
    if let entry = named.first(where: { $0.0 == key }) { return entry.1 }
    switch key {
    case .character(let character): return String(character)
    case .control(let character): return "^\(character)"
    case .function(let number): return "f\(number)"
    case .unknown(let code): return "unknown-\(code)"
    default: return "unknown"
    }
  }

  /// As the screen shows it: `PgUp`, `^R`, `F1`, `x`.
  public static func label(_ key: Key) -> String {
    if let entry = named.first(where: { $0.0 == key }) { return entry.2 }
    switch key {
    case .control(let character): return "^\(character.uppercased())"
    case .function(let number): return "F\(number)"
    default: return text(key)
    }
  }

  public static func key(_ text: String) -> Key? {
    if let entry = named.first(where: { $0.1 == text }) { return entry.0 }
    if text.count == 1 { return .character(Character(text)) }
    if text.count == 2, text.hasPrefix("^") {
      return .control(Character(text.dropFirst().lowercased()))
    }
    if text.hasPrefix("f"), let number = Int(text.dropFirst()) { return .function(number) }
    return nil
  }
}
