internal import CTerminal
internal import CellUI
internal import Glibc

extension Terminal {
  /// How the screen is taken.
  public struct Options: Sendable {
    public var mouse = true
    /// False for no colours at all; NO_COLOR in the environment says the same.
    public var colors = true
    /// True to show ASCII characters only.
    public var ascii = false
    /// Milliseconds after which an escape byte is the Escape key and not the start of a sequence.
    public var escapeDelay: Int32 = 25

    public init(mouse: Bool = true, colors: Bool = true, ascii: Bool = false) {
      self.mouse = mouse
      self.colors = colors
      self.ascii = ascii
    }
  }

  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  /// What the terminal's description says for a string capability; empty if it has none.
  static func capability(_ name: String) -> String {
    guard let text = tigetstr(name), Int(bitPattern: text) != -1 else { return "" }
    return String(cString: text)
  }

  /// True if characters beyond ASCII reach the terminal.
  ///
  /// In the C locale ncurses prints every such character as a blank, silently; the terminal behind
  /// it nearly always knows UTF-8, so C.UTF-8 is taken where the locale has no say. Only LC_CTYPE
  /// is set: LC_NUMERIC would change how numbers are written.
  static func chooseLocale(ascii: Bool) -> Bool {
    setlocale(LC_CTYPE, "")
    func isUTF8() -> Bool {
      nl_langinfo(nl_item(CODESET)).map { String(cString: $0) } == "UTF-8"
    }
    if !isUTF8() { setlocale(LC_CTYPE, "C.UTF-8") }
    return !ascii && isUTF8()
  }

  /// Starts colours as far as the terminal has them; returns how many.
  static func startColors(_ wanted: Bool) -> Int {
    guard wanted, environment("NO_COLOR") == nil, has_colors() else { return 0 }
    start_color()
    use_default_colors()
    return Int(nc_colors())
  }

  static func depth(colorCount: Int) -> ColorDepth {
    switch colorCount {
    case 256...: .full
    case 16...: .sixteen
    case 8...: .eight
    default: .none
    }
  }
}
