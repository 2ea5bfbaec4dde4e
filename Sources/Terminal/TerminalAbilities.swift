internal import CTerminal
public import CellUI
internal import Glibc

/// What the terminal's own description promises, read without taking the screen.
///
/// Only what can be known without asking the terminal itself: whether it hears OSC 52 (the clipboard)
/// cannot.
public struct TerminalAbilities: Sendable {
  /// `$TERM`.
  public let type: String
  /// Why the screen cannot be opened on it; nil when it can.
  public let problem: String?
  /// -1 when it names none.
  public let colorCount: Int
  public let depth: ColorDepth
  public let isUnicode: Bool
  public let hasMouse: Bool
  public let hasOtherScreen: Bool
  public let isInput: Bool
  public let isOutput: Bool
  /// Columns and rows; nil when standard output is no terminal.
  public let size: (width: Int, height: Int)?
  /// What stands between the program and the person: `tmux`, `screen`, `ssh`.
  public let between: [String]

  /// Reads the description that `$TERM` names. Sets this process's LC_CTYPE, as the screen does.
  public init() {
    let type = Terminal.environment("TERM")
    self.type = type ?? "unset"
    isInput = isatty(STDIN_FILENO) == 1
    isOutput = isatty(STDOUT_FILENO) == 1
    var problem: String?
    var result: Int32 = 0
    if let type {
      if setupterm(type, STDOUT_FILENO, &result) != OK {
        problem = "no description of TERM=\(type) is installed; set TERM=xterm-256color"
      } else if Terminal.capability("cup").isEmpty {
        problem = "TERM=\(type) cannot place its cursor; set TERM to what the terminal is"
      }
    } else {
      problem = "TERM is not set"
    }
    self.problem = problem
    let isKnown = type != nil && result == 1
    colorCount = isKnown ? Int(tigetnum("colors")) : -1
    depth = Terminal.depth(colorCount: colorCount)
    isUnicode = Terminal.chooseLocale(ascii: false)
    hasMouse = isKnown && !Terminal.capability("kmous").isEmpty
    hasOtherScreen = isKnown && !Terminal.capability("smcup").isEmpty
    var window = winsize()
    size =
      ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0
      ? (Int(window.ws_col), Int(window.ws_row)) : nil
    between = [("TMUX", "tmux"), ("STY", "screen"), ("SSH_CONNECTION", "ssh")]
      .filter { Terminal.environment($0.0) != nil }.map(\.1)
  }
}
