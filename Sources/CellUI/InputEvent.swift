/// A key as the terminal reports it.
public enum Key: Hashable, Sendable {
  case character(Character)
  /// Ctrl with a letter, lower case.
  case control(Character)
  case up, down, left, right, home, end, pageUp, pageDown, insert, delete
  case tab, backTab, enter, escape, backspace
  case function(Int)
  case unknown(Int)
}

/// A mouse action at a cell.
public struct MouseEvent: Hashable, Sendable {
  public enum Action: Hashable, Sendable { case press, release, drag, wheelUp, wheelDown }
  public var x: Int
  public var y: Int
  public var action: Action
  public init(x: Int, y: Int, action: Action) {
    self.x = x
    self.y = y
    self.action = action
  }
}

/// What the terminal tells the program.
public enum InputEvent: Hashable, Sendable {
  case key(Key)
  case mouse(MouseEvent)
  case paste(String)
  case resize(width: Int, height: Int)
  /// Back from Ctrl-Z; the screen has to be drawn whole.
  case resumed
  /// A signal asks the program to end.
  case terminate(signal: Int32)
}
