/// Words of a command line: separated by blanks, `"…"` around what holds blanks, with `\"`, `\\`,
/// `\n` and `\r` inside. A word that starts with `#` starts a comment.
enum CommandText {
  /// - Throws: `CommandError` for a quotation mark without its partner.
  static func words(_ line: some StringProtocol) throws(CommandError) -> [String] {
    var words: [String] = []
    var word = ""
    var isWord = false
    var isQuoted = false
    var isEscaped = false
    for character in line {
      if isEscaped {
        word.append(character == "n" ? "\n" : character == "r" ? "\r" : character)
        isEscaped = false
      } else if isQuoted {
        switch character {
        case "\\": isEscaped = true
        case "\"": isQuoted = false
        default: word.append(character)
        }
      } else if character == "\"" {
        isQuoted = true
        isWord = true
      } else if character == "#", !isWord {
        break
      } else if character == " " || character == "\t" {
        if isWord { words.append(word) }
        word = ""
        isWord = false
      } else {
        word.append(character)
        isWord = true
      }
    }
    guard !isQuoted else {
      throw CommandError("a quotation mark has no partner: add \" at the end")
    }
    if isWord { words.append(word) }
    return words
  }

  /// `word` so that `words` reads it back as one.
  static func quoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty
      && word.allSatisfy { !$0.isWhitespace && $0 != "\"" && $0 != "\\" && $0 != "#" }
    guard !isPlain else { return word }
    var text = "\""
    for character in word {
      switch character {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r\n": text += "\\r\\n"
      case "\r": text += "\\r"
      default: text.append(character)
      }
    }
    return text + "\""
  }
}

/// Why a text is no command; the message says what is expected.
public struct CommandError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
