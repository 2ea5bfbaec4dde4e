internal import CTerminal
public import CellUI
internal import Glibc

/// The screen while the program owns it: one value, one owner, given back by `deinit` and, when the
/// process dies by a signal, by a crash guard.
///
/// ncurses keeps its state in C globals, so the value stays on the thread that made it; not being
/// `Sendable` makes the compiler see to that. Make it before any other thread starts: it blocks the
/// signals that it reads as events, and threads inherit that. `exit()` skips `deinit`: return or
/// throw instead.
public struct Terminal: ~Copyable {
  /// Colours that the terminal shows: what `Theme.adapted` wants to know.
  public let depth: ColorDepth
  /// Characters that it shows.
  public let glyphs: GlyphSet
  /// Frames that differed from the one before them.
  public private(set) var framesSent = 0
  /// What frames took on the wire.
  public private(set) var bytesSent = 0

  private let screen: OpaquePointer
  private var wire: Wire
  let wakeup: Wakeup
  let signals: SignalSource
  private let errors: ErrorCapture
  private let modes: String
  private let colorCount: Int
  private var pairs: [UInt64: Int32] = [:]
  private var row: [cchar_t] = []
  private var shown: Frame?

  /// Takes the screen.
  ///
  /// Throws when standard input or output is no terminal, or TERM names none that is known or that
  /// can place its cursor; nothing has changed then.
  public init(options: Options = Options(), wakeup: Wakeup) throws(TerminalError) {
    guard isatty(STDIN_FILENO) == 1 else { throw .notATerminal(stream: "standard input") }
    guard isatty(STDOUT_FILENO) == 1 else { throw .notATerminal(stream: "standard output") }
    guard let type = Self.environment("TERM") else { throw .noType }
    let isUnicode = Self.chooseLocale(ascii: options.ascii)
    nc_guard_save(STDIN_FILENO, STDOUT_FILENO)
    use_tioctl(true)  // the real size, not what LINES and COLUMNS say
    let wire = Wire()
    guard let screen = newterm(nil, wire.stream, nc_stdin()) else {
      wire.close()
      throw .unknownType(type)
    }
    guard tigetstr("cup") != nil else {  // newterm accepts `dumb`
      endwin()
      delscreen(screen)
      wire.close()
      throw .cannotPlaceCursor(type)
    }
    // Nothing throws from here on: a half-made noncopyable value cannot be thrown away.
    self.screen = screen
    self.wire = wire
    self.wakeup = wakeup
    signals = SignalSource([SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT])
    errors = ErrorCapture()
    cbreak()
    noecho()
    nonl()
    intrflush(nil, false)
    keypad(nc_stdscr(), true)
    nodelay(nc_stdscr(), true)
    // Otherwise a key that waits ends a refresh half-way, and the rest waits for the next frame.
    typeahead(-1)
    set_escdelay(options.escapeDelay)
    curs_set(0)
    colorCount = Self.startColors(options.colors)
    depth = Self.depth(colorCount: colorCount)
    glyphs = !isUnicode ? .ascii : type.hasPrefix("linux") ? .blocks : .full
    InputSequence.define()
    // A terminal that reports no mouse may show these as text, so they go only to those that do.
    let isModern = !Self.capability("kmous").isEmpty
    modes =
      (isModern && options.mouse ? "\u{1b}[?1000h\u{1b}[?1002h\u{1b}[?1006h" : "")
      + (isModern ? "\u{1b}[?2004h" : "")
    let reset =
      Self.off(modes) + ["sgr0", "rmkx", "cnorm", "rmcup"].map(Self.capability).joined() + "\r"
    reset.utf8CString.withUnsafeBufferPointer {
      nc_guard_arm($0.baseAddress, $0.count - 1, errors.captured, errors.original)
    }
    // The first refresh switches to the alternate screen; modes set before it would be the shell's.
    wrefresh(nc_stdscr())
    Self.send(modes)
  }

  deinit {
    Self.send(Self.off(modes))
    endwin()
    delscreen(screen)
    wire.close()
    nc_guard_disarm()
    errors.finish()
    signals.finish()
  }

  public var size: (width: Int, height: Int) {
    (Int(getmaxx(nc_stdscr())), Int(getmaxy(nc_stdscr())))
  }

  /// Shows `frame`; only what differs from what the terminal shows is sent, and nothing at all for
  /// the same frame again. What the frame does not cover is blank.
  ///
  /// Measured at 160x45 in a release build (median of 300): 1.5 ms and 14 kB for a frame whose
  /// coloured mask moves everywhere, less than 1 µs and no byte for the same frame again.
  public mutating func present(_ frame: Frame) {
    if frame == shown { return }
    shown = frame
    framesSent += 1
    let window = nc_stdscr()
    let (width, height) = size
    let columns = min(width, frame.width)
    if columns < width || frame.height < height { werase(window) }
    if row.count <= columns { row = Array(repeating: cchar_t(), count: columns + 1) }
    var style = Style()
    var (attributes, pair) = rendition(style)
    for y in 0..<min(height, frame.height) {
      var count: Int32 = 0
      for x in 0..<columns {
        // A wide character brings its second column along.
        guard let scalar = frame.glyph(x, y) else { continue }
        let cell = frame[x, y]
        if cell.style != style {
          style = cell.style
          (attributes, pair) = rendition(style)
        }
        let value = printable(scalar)
        nc_set_cell(&row[Int(count)], value, attributes, pair)
        count += 1
        if value < 0x7f, scalar.value > 0x7f, CellText.isWide(scalar) {
          nc_set_cell(&row[Int(count)], value, attributes, pair)  // two narrow for one wide
          count += 1
        }
      }
      mvwadd_wchnstr(window, Int32(y), 0, row, count)
    }
    wnoutrefresh(window)
    bytesSent += wire.send { doupdate() }
  }

  /// Repaints everything at the next `present`, whatever the terminal is believed to show (^L).
  public mutating func invalidate() {
    clearok(nc_stdscr(), true)
    shown = nil
  }

  /// What libc and this terminal can print for a scalar, of the same width.
  private func printable(_ scalar: Unicode.Scalar) -> UInt32 {
    let value = scalar.value
    if value >= 0x20 && value < 0x7f { return value }
    if glyphs == .ascii { return Ascii.transliterated(scalar).value }
    if 0x2500...0x25ff ~= value || 0x2800...0x28ff ~= value { return value }
    let width: Int32 = CellText.isWide(scalar) ? 2 : 1
    return nc_character_width(value) == width ? value : 0x3f
  }

  private mutating func rendition(_ style: Style) -> (attr_t, Int32) {
    var attributes: attr_t = 0
    if style.attributes.contains(.bold) { attributes |= nc_attr_bold }
    if style.attributes.contains(.dim) { attributes |= nc_attr_dim }
    if style.attributes.contains(.underline) { attributes |= nc_attr_underline }
    if style.attributes.contains(.reverse) { attributes |= nc_attr_reverse }
    guard colorCount > 0 else { return (attributes, 0) }
    var foreground = terminalColor(style.foreground)
    let background = terminalColor(style.background)
    if foreground < 0, background < 0 { return (attributes, 0) }
    if foreground == background, style.foreground != style.background,
      case .indexed(let index) = style.background
    {
      // Two colours that fewer colours make one would hide the text.
      foreground = Palette.luminance(index) > 0.25 ? 0 : 7
    }
    let key = UInt64(UInt32(bitPattern: foreground)) << 32 | UInt64(UInt32(bitPattern: background))
    if let pair = pairs[key] { return (attributes, pair) }
    // Own numbering: ncurses' alloc_pair crashes where colours were never started.
    let pair = Int32(pairs.count + 1)
    guard pair < nc_color_pairs(), init_extended_pair(pair, foreground, background) == OK else {
      return (attributes, 0)
    }
    pairs[key] = pair
    return (attributes, pair)
  }

  /// -1 is the terminal's own; direct-colour terminals take 0xRRGGBB, but 0 to 7 as the palette's.
  private func terminalColor(_ color: Color) -> Int32 {
    guard case .indexed(let index) = color else { return -1 }
    if colorCount > 256 { return index < 8 ? Int32(index) : Int32(Palette.rgb(index)) }
    if colorCount == 256 { return Int32(index) }
    return Int32(Palette.nearest(index, of: colorCount >= 16 ? 16 : 8))
  }

  // MARK: Leaving and coming back

  /// Adopts the size that the terminal has now.
  mutating func resize() -> InputEvent? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0
    else { return nil }
    resizeterm(Int32(size.ws_row), Int32(size.ws_col))
    shown = nil
    return .resize(width: Int(size.ws_col), height: Int(size.ws_row))
  }

  /// Gives the screen to the shell and stops; returns when the process is continued.
  mutating func stop() {
    Self.send(Self.off(modes))
    endwin()
    signals.stopProcess()
  }

  /// Takes the screen again; the shell may have changed the terminal's modes meanwhile.
  mutating func resume() {
    reset_prog_mode()
    Self.send(Self.capability("smcup") + Self.capability("smkx") + Self.capability("civis"))
    clearok(nc_stdscr(), true)
    wire.forget()
    bytesSent += wire.send { wrefresh(nc_stdscr()) }
    Self.send(modes)
    shown = nil
  }

  /// The sequences that undo these.
  private static func off(_ modes: String) -> String {
    String(modes.map { $0 == "h" ? "l" : $0 })
  }

  static func send(_ text: String) { writeAll(Array(text.utf8)[...], to: STDOUT_FILENO) }

  static func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR && errno != EAGAIN {
        return
      }
    }
  }
}
