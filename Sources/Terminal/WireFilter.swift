/// Makes what ncurses writes shorter without changing what it shows.
///
/// ncurses sends both colours whenever one of them changes, and attributes for what has none: of a mask
/// of 140x42 cells three quarters of the bytes were that (39.8 kB, and 30.4 kB of them colours). Here
/// colours and attributes wait until something is printed that shows them, then only what differs from
/// the terminal's is sent, in one sequence. A full block shows no background, a blank no foreground.
/// Everything else passes as it is.
///
/// A page of 200x60 cells with a mask still takes 33 kB: 1 600 changes of colour and 2 200 blocks of three
/// bytes. Three ways to less were tried and left: repeating a character (`CSI b`) saves 2.4 kB, but tmux up
/// to 3.4 and terminals of JetBrains and Apple get it wrong with other characters than ASCII; drawing
/// neighbouring steps of the map in one colour saves 12 kB and hides what the picture is for; choosing
/// between blank and block by what comes after saves 5 kB, and costs a search over every line.
struct WireFilter {
  /// What the terminal prints with; colours are places in `colors`.
  private struct Rendition: Equatable {
    var foreground = 0
    var background = 1
    /// Bit n: SGR parameter n is on.
    var attributes: UInt16 = 0
  }

  private struct Need: OptionSet {
    let rawValue: Int
    static let foreground = Need(rawValue: 1)
    static let background = Need(rawValue: 2)
    /// Bold, dim and italic.
    static let weight = Need(rawValue: 4)
    static let all: Need = [.foreground, .background, .weight]
  }

  private static let weights: UInt16 = 1 << 1 | 1 << 2 | 1 << 3
  /// Attributes that a blank shows.
  private static let lines: UInt16 = ~weights

  /// What the terminal has; nil when somebody else may have changed it.
  private var shown: Rendition?
  /// What ncurses has asked for.
  private var wanted = Rendition()
  /// The character set that was chosen last, `ESC ( B` and the like.
  private var characterSet: UInt8?
  private var output: [UInt8] = []
  /// The colours that were asked for so far, as they were written, so that every form passes: `36`,
  /// `38;5;160`, `38:2::1:2:3`. A few dozen; the terminal's own stand first.
  private var colors: [[UInt8]] = [Array("39".utf8), Array("49".utf8)]

  /// Somebody else had the terminal: nothing is known of it. ncurses starts from plain text again.
  mutating func forget() {
    shown = nil
    wanted = Rendition()
    characterSet = nil
  }

  /// What shows the same as `bytes`. At its end the terminal has what ncurses believes it has, so that
  /// what is written past the filter fits.
  mutating func filtered(_ bytes: [UInt8]) -> [UInt8] {
    output.removeAll(keepingCapacity: true)
    output.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x1b {
        index = escape(bytes, index)
      } else if byte == 0x20 {
        bring(wanted.attributes & Self.lines == 0 ? .background : .all)
        output.append(byte)
        index += 1
      } else if byte < 0x20 {
        // A line feed in the last line scrolls, and fills with the background.
        if byte == 0x0a { bring(.background) }
        output.append(byte)
        index += 1
      } else {
        let end = min(bytes.count, index + Self.length(byte))
        let isFull = Self.isFullBlock(bytes, index, end)
        bring(isFull && wanted.attributes & Self.lines == 0 ? [.foreground, .weight] : .all)
        output.append(contentsOf: bytes[index..<end])
        index = end
      }
    }
    bring(.all)
    return output
  }

  /// Bytes of the character that starts with `byte`.
  private static func length(_ byte: UInt8) -> Int {
    byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
  }

  private static func isFullBlock(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Bool {
    end - start == 3 && bytes[start] == 0xe2 && bytes[start + 1] == 0x96
      && bytes[start + 2] == 0x88
  }

  // MARK: Sequences

  /// Takes one escape sequence; the index behind it.
  private mutating func escape(_ bytes: [UInt8], _ start: Int) -> Int {
    guard start + 1 < bytes.count else {
      output.append(bytes[start])
      return start + 1
    }
    switch bytes[start + 1] {
    case UInt8(ascii: "["): return control(bytes, start)
    case UInt8(ascii: "("):
      guard start + 2 < bytes.count else { break }
      if characterSet != bytes[start + 2] {
        characterSet = bytes[start + 2]
        output.append(contentsOf: bytes[start..<start + 3])
      }
      return start + 3
    default: break
    }
    bring(.all)
    output.append(contentsOf: bytes[start..<min(bytes.count, start + 2)])
    return min(bytes.count, start + 2)
  }

  private mutating func control(_ bytes: [UInt8], _ start: Int) -> Int {
    var end = start + 2
    while end < bytes.count, !(0x40...0x7e ~= bytes[end]) { end += 1 }
    guard end < bytes.count else {
      output.append(contentsOf: bytes[start...])
      return end
    }
    switch bytes[end] {
    case UInt8(ascii: "m") where take(bytes, start + 2..<end, start): return end + 1
    case UInt8(ascii: "m"):  // not understood: nothing is known afterwards
      output.append(contentsOf: bytes[start...end])
      shown = nil
      return end + 1
    // The cursor moves, modes change, the last character is repeated: nothing is shown anew.
    case UInt8(ascii: "A")...UInt8(ascii: "H"), UInt8(ascii: "d"), UInt8(ascii: "f"),
      UInt8(ascii: "h"), UInt8(ascii: "l"), UInt8(ascii: "b"):
      break
    // Erased, inserted and scrolled cells have the background.
    default: bring(.background)
    }
    output.append(contentsOf: bytes[start...end])
    return end + 1
  }

  /// Takes what `CSI … m` asks for; false when it cannot be read. One that sets something besides what
  /// is followed here passes whole: what is followed is known afterwards all the same.
  private mutating func take(_ bytes: [UInt8], _ range: Range<Int>, _ sequence: Int) -> Bool {
    var next = wanted
    var isFollowed = true
    var index = range.lowerBound
    repeat {
      let start = index
      // Without a number it is 0, as terminals read it.
      guard let number = Self.number(bytes, &index, range.upperBound) else { return false }
      switch number {
      case 0: next = Rendition()
      case 1...5, 7, 8: next.attributes |= 1 << UInt16(number)
      case 30...37, 39, 90...97: next.foreground = color(bytes, start..<index)
      case 40...47, 49, 100...107: next.background = color(bytes, start..<index)
      // The font that is in use anyway: the Linux console's description asks for it with every change.
      case 10: break
      case 38, 48, 58:
        if index < range.upperBound, bytes[index] == UInt8(ascii: ":") {
          while index < range.upperBound, bytes[index] != UInt8(ascii: ";") { index += 1 }
        } else {
          index += 1
          guard let form = Self.number(bytes, &index, range.upperBound) else { return false }
          // `5;n` or `2;r;g;b`
          for _ in 0..<(form == 5 ? 1 : 3) {
            index += 1
            guard index < range.upperBound,
              Self.number(bytes, &index, range.upperBound) != nil
            else { return false }
          }
        }
        switch number {
        case 38: next.foreground = color(bytes, start..<index)
        case 48: next.background = color(bytes, start..<index)
        default: isFollowed = false
        }
      default: isFollowed = false
      }
      guard index == range.upperBound || bytes[index] == UInt8(ascii: ";") else { return false }
      index += 1
    } while index <= range.upperBound
    if isFollowed {
      wanted = next
    } else {
      bring(.all)
      output.append(contentsOf: bytes[sequence...range.upperBound])
      (wanted, shown) = (next, next)
    }
    return true
  }

  /// The digits from `index` on, which moves behind them.
  private static func number(_ bytes: [UInt8], _ index: inout Int, _ end: Int) -> Int? {
    var value = 0
    while index < end, 0x30...0x39 ~= bytes[index] {
      guard value < 1000 else { return nil }
      value = value * 10 + Int(bytes[index]) - 0x30
      index += 1
    }
    return value
  }

  private mutating func color(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
    search: for place in colors.indices where colors[place].count == range.count {
      for (offset, byte) in colors[place].enumerated()
      where byte != bytes[range.lowerBound + offset] { continue search }
      return place
    }
    colors.append(Array(bytes[range]))
    return colors.count - 1
  }

  // MARK: Colours

  /// Sends what the terminal lacks of what is wanted, as far as it is needed now.
  private mutating func bring(_ need: Need) {
    guard var now = shown else {
      output.append(contentsOf: [0x1b, 0x5b, 0x30])  // ESC [ 0
      var plain = Rendition()
      add(&plain, wanted, .all)
      shown = plain
      output.append(UInt8(ascii: "m"))
      return
    }
    let different = now.attributes ^ wanted.attributes
    let attributes =
      different & (need.contains(.weight) ? ~0 : Self.lines) != 0
    let foreground = need.contains(.foreground) && now.foreground != wanted.foreground
    let background = need.contains(.background) && now.background != wanted.background
    guard attributes || foreground || background else { return }
    output.append(contentsOf: [0x1b, 0x5b])  // ESC [
    let start = output.count
    if attributes, now.attributes & ~wanted.attributes != 0 {
      // Nothing but a reset takes one away on every terminal.
      output.append(UInt8(ascii: "0"))
      now = Rendition()
    }
    add(&now, wanted, attributes ? need.union(.weight) : need)
    if output[start] == UInt8(ascii: ";") { output.remove(at: start) }
    output.append(UInt8(ascii: "m"))
    shown = now
  }

  /// Appends the parameters that lead from `now` to `wanted`, each behind a semicolon.
  private mutating func add(_ now: inout Rendition, _ wanted: Rendition, _ need: Need) {
    if need.contains(.weight) {
      for bit in UInt16(1)...8 where (wanted.attributes & ~now.attributes) >> bit & 1 != 0 {
        output.append(contentsOf: [UInt8(ascii: ";"), UInt8(ascii: "0") + UInt8(bit)])
      }
      now.attributes = wanted.attributes
    }
    if need.contains(.foreground), now.foreground != wanted.foreground {
      output.append(UInt8(ascii: ";"))
      output.append(contentsOf: colors[wanted.foreground])
      now.foreground = wanted.foreground
    }
    if need.contains(.background), now.background != wanted.background {
      output.append(UInt8(ascii: ";"))
      output.append(contentsOf: colors[wanted.background])
      now.background = wanted.background
    }
  }
}
