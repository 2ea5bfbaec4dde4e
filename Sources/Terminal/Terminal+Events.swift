internal import CTerminal
public import CellUI
internal import Glibc

extension Terminal {
  /// Sleeps until something happened or `timeout` milliseconds passed (-1: for ever), and returns
  /// what did; empty for the timeout and for a ring of the doorbell.
  ///
  /// Ctrl-C is the key `.control("c")`; the same signal from another process is a request to end.
  /// Ctrl-Z stops the process in here. A terminal that is gone reports `.terminate(SIGHUP)` at every
  /// call, so the program has to end.
  public mutating func events(timeout: Int32 = -1) -> [InputEvent] {
    let readable = Int16(POLLIN)
    var waiting = [
      pollfd(fd: STDIN_FILENO, events: readable, revents: 0),
      pollfd(fd: signals.descriptor, events: readable, revents: 0),
      pollfd(fd: wakeup.descriptor, events: readable, revents: 0),
    ]
    guard poll(&waiting, nfds_t(waiting.count), timeout) > 0 else { return [] }
    var events: [InputEvent] = []
    if waiting[2].revents != 0 { wakeup.quiet() }
    if waiting[1].revents != 0 {
      for (number, isFromKeyboard) in signals.read() {
        if let event = handle(signal: number, isFromKeyboard) { events.append(event) }
      }
    }
    if waiting[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
      events.append(.terminate(signal: SIGHUP))
    } else if waiting[0].revents & readable != 0 {
      readKeys(into: &events)
    }
    return events
  }

  private mutating func handle(signal: Int32, _ isFromKeyboard: Bool) -> InputEvent? {
    switch signal {
    case SIGWINCH: return resize()
    case SIGTSTP:
      stop()
      resume()
      return resizedWhileAway() ?? .resumed
    case SIGCONT:  // after a SIGSTOP, which nobody can catch
      resume()
      // The window may have changed while nobody listened; the size comes with the next event.
      return resizedWhileAway() ?? .resumed
    case SIGINT where isFromKeyboard: return .key(.control("c"))
    default: return .terminate(signal: signal)
    }
  }

  private mutating func resizedWhileAway() -> InputEvent? {
    let before = size
    guard let event = resize(), case .resize(let width, let height) = event,
      (width, height) != before
    else { return nil }
    return event
  }

  /// All keys that have arrived, at most a thousand, so that a flood cannot keep a frame away.
  private func readKeys(into events: inout [InputEvent]) {
    for _ in 0..<1000 {
      var code: wint_t = 0
      switch wget_wch(nc_stdscr(), &code) {
      case KEY_CODE_YES:
        if let event = decode(keyCode: Int32(bitPattern: code)) { events.append(event) }
      case OK:
        if let key = decode(character: code) { events.append(.key(key)) }
      default:
        return
      }
    }
  }

  private func decode(character: wint_t) -> Key? {
    switch character {
    case 9: .tab
    case 10, 13: .enter
    case 27: .escape
    case 8, 127: .backspace
    case 0: .control(" ")
    case 1..<27: .control(Character(Unicode.Scalar(UInt8(character) + 96)))
    case 28..<32: .unknown(Int(character))
    default: Unicode.Scalar(character).map { .character(Character($0)) }
    }
  }

  private func decode(keyCode: Int32) -> InputEvent? {
    switch keyCode {
    case KEY_UP: .key(.up)
    case KEY_DOWN: .key(.down)
    case KEY_LEFT: .key(.left)
    case KEY_RIGHT: .key(.right)
    case KEY_HOME: .key(.home)
    case KEY_END: .key(.end)
    case KEY_PPAGE: .key(.pageUp)
    case KEY_NPAGE: .key(.pageDown)
    case KEY_DC: .key(.delete)
    case KEY_IC: .key(.insert)
    case KEY_BTAB: .key(.backTab)
    case KEY_BACKSPACE: .key(.backspace)
    case KEY_ENTER: .key(.enter)
    case KEY_F0...KEY_F0 + 63: .key(.function(Int(keyCode - KEY_F0)))
    case KEY_RESIZE: nil  // told by the signal already
    case InputSequence.mouseSGR: InputSequence.readMouseSGR().map { .mouse($0) }
    case InputSequence.mouseX10: InputSequence.readMouseX10().map { .mouse($0) }
    case InputSequence.pasteBegin: .paste(InputSequence.readPaste())
    case InputSequence.pasteEnd: nil
    default: .key(.unknown(Int(keyCode)))
    }
  }
}
