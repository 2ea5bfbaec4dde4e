/// Why the screen cannot be taken.
public enum TerminalError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `stream` is "standard input" or "standard output".
  case notATerminal(stream: String)
  /// The environment names no terminal type.
  case noType
  /// No description of this type is installed.
  case unknownType(String)
  /// The type cannot place the cursor, as `dumb` cannot.
  case cannotPlaceCursor(String)

  public var description: String {
    switch self {
    case .notATerminal(let stream):
      "\(stream) is not a terminal, and the explorer needs one: run it in a terminal, or use "
        + "measure, prune, sweep or replay --headless, which need none"
    case .noType:
      "the environment variable TERM is not set: set it to what your terminal is, for instance "
        + "TERM=xterm-256color"
    case .unknownType(let name):
      "no description of the terminal type '\(name)' (TERM) is installed: install ncurses-term, "
        + "or set TERM to a type that is, for instance xterm-256color"
    case .cannotPlaceCursor(let name):
      "the terminal type '\(name)' (TERM) cannot place the cursor: use another terminal, or "
        + "measure, prune, sweep or replay --headless, which need none"
    }
  }
}
