internal import CTerminal
internal import CellUI
internal import Glibc

/// Sequences that ncurses is taught to recognise, and what follows them.
///
/// The mouse is read here and not by ncurses: its SGR reports (mode 1006) tell press, drag and
/// release apart without a click timer and know columns beyond 223 also under tmux, whose
/// description names only the old form.
enum InputSequence {
  static let pasteBegin: Int32 = 2000
  static let pasteEnd: Int32 = 2001
  static let mouseSGR: Int32 = 2002
  static let mouseX10: Int32 = 2003

  /// Once, after `newterm`.
  static func define() {
    define_key("\u{1b}[200~", pasteBegin)
    define_key("\u{1b}[201~", pasteEnd)
    define_key("\u{1b}[<", mouseSGR)
    define_key("\u{1b}[M", mouseX10)
    // Both forms of the cursor keys, whichever mode the terminal is in.
    let cursorKeys: [(String, Int32)] = [
      ("A", KEY_UP), ("B", KEY_DOWN), ("C", KEY_RIGHT), ("D", KEY_LEFT), ("H", KEY_HOME),
      ("F", KEY_END),
    ]
    for (letter, code) in cursorKeys {
      for start in ["\u{1b}[", "\u{1b}O"] where key_defined(start + letter) == 0 {
        define_key(start + letter, code)
      }
    }
    let tildeKeys: [(String, Int32)] = [
      ("1", KEY_HOME), ("2", KEY_IC), ("3", KEY_DC), ("4", KEY_END), ("5", KEY_PPAGE),
      ("6", KEY_NPAGE),
    ]
    for (number, code) in tildeKeys where key_defined("\u{1b}[\(number)~") == 0 {
      define_key("\u{1b}[\(number)~", code)
    }
    if key_defined("\u{1b}[Z") == 0 { define_key("\u{1b}[Z", KEY_BTAB) }
  }

  /// The rest of `ESC [ < button ; column ; row M`, or `m` for a release. Nil if it is not that or
  /// names nothing that is used here.
  static func readMouseSGR() -> MouseEvent? {
    var numbers = [0]
    for _ in 0..<24 {
      guard let code = nextCode() else { return nil }
      switch code {
      case 0x30...0x39: numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + code - 0x30
      case 0x3b: numbers.append(0)
      case 0x4d, 0x6d:
        guard numbers.count == 3 else { return nil }
        return event(
          button: numbers[0], column: numbers[1], row: numbers[2], isRelease: code == 0x6d)
      default: return nil
      }
      if numbers.last! > 100_000 { return nil }
    }
    return nil
  }

  /// The three bytes of the old form, for terminals that ignore mode 1006.
  static func readMouseX10() -> MouseEvent? {
    wtimeout(nc_stdscr(), 50)
    defer { nodelay(nc_stdscr(), true) }
    var bytes: [Int] = []
    for _ in 0..<3 {
      let byte = Int(wgetch(nc_stdscr()))
      guard 32...255 ~= byte else { return nil }
      bytes.append(byte - 32)
    }
    return event(
      button: bytes[0], column: bytes[1], row: bytes[2], isRelease: bytes[0] & 0x43 == 3)
  }

  private static func event(
    button: Int, column: Int, row: Int, isRelease: Bool
  ) -> MouseEvent? {
    let action: MouseEvent.Action
    switch (button & 0x40 != 0, button & 3, button & 0x20 != 0) {
    case (true, 0, _): action = .wheelUp
    case (true, 1, _): action = .wheelDown
    case (true, _, _): return nil  // sideways
    case (_, 3, true): return nil  // moved with no button held
    case (_, _, true): action = .drag
    default: action = isRelease ? .release : .press
    }
    return MouseEvent(x: column - 1, y: row - 1, action: action)
  }

  /// Everything up to the end marker, as text and not as keys; at most a megabyte of it.
  static func readPaste() -> String {
    var scalars = String.UnicodeScalarView()
    var count = 0
    wtimeout(nc_stdscr(), 200)
    defer { nodelay(nc_stdscr(), true) }
    while true {
      var code: wint_t = 0
      let kind = wget_wch(nc_stdscr(), &code)
      if kind == ERR || kind == KEY_CODE_YES && Int32(bitPattern: code) == pasteEnd { break }
      guard kind == OK, count < 1 << 20 else { continue }
      if let scalar = Unicode.Scalar(code == 13 ? 10 : code) {
        scalars.append(scalar)
        count += 1
      }
    }
    return String(scalars)
  }

  private static func nextCode() -> Int? {
    var code: wint_t = 0
    wtimeout(nc_stdscr(), 50)
    defer { nodelay(nc_stdscr(), true) }
    return wget_wch(nc_stdscr(), &code) == OK ? Int(code) : nil
  }
}
