extension Terminal {
  /// The most that terminals commonly take by OSC 52, in bytes before encoding.
  public static let copyLimit = 74_994

  /// Puts `text` on the clipboard of the machine that the terminal runs on, also over ssh (OSC 52).
  ///
  /// False, with nothing sent, for more than `copyLimit` bytes. True means sent: a terminal does not
  /// say whether it allows this, so callers should offer a file as well.
  public func copy(_ text: String) -> Bool {
    guard text.utf8.count <= Self.copyLimit else { return false }
    let isTmux = Self.environment("TMUX") != nil
    let isScreen = !isTmux && Self.environment("STY") != nil
    Self.send(Self.clipboardSequence(text, tmux: isTmux, screen: isScreen))
    return true
  }

  /// The bytes that copy `text`. Inside tmux twice: plain for `set-clipboard on`, where tmux itself
  /// takes it, and wrapped for `allow-passthrough on`. GNU screen takes pieces of at most 768 bytes.
  static func clipboardSequence(_ text: String, tmux: Bool, screen: Bool) -> String {
    let plain = "\u{1b}]52;c;" + base64(Array(text.utf8)) + "\u{7}"
    if tmux {
      return plain + "\u{1b}Ptmux;\u{1b}" + plain + "\u{1b}\\"
    }
    guard screen else { return plain }
    var wrapped = ""
    var rest = Substring(plain)
    while !rest.isEmpty {
      wrapped += "\u{1b}P" + rest.prefix(700) + "\u{1b}\\"
      rest = rest.dropFirst(700)
    }
    return wrapped
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var encoded: [UInt8] = []
    encoded.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var word = 0
      for offset in 0..<3 {
        word = word << 8 | (offset < count ? Int(bytes[start + offset]) : 0)
      }
      for place in 0..<4 {
        encoded.append(
          place <= count ? alphabet[word >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }
}
