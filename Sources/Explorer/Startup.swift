/// The commands that every session starts with, as the file of a person's tastes has them: one command
/// a line as at the `:` prompt, `#` for remarks.
///
/// A line that cannot be carried out is named with its number, and the others stand.
public struct Startup: Hashable, Sendable {
  public private(set) var commands: [Command] = []
  /// A sentence for each line that is left out.
  public private(set) var problems: [String] = []

  /// Reads a file's text; `name` stands in the problems.
  /// - Complexity: O(length of `text`).
  public init(parsing text: String, name: String) {
    let lines = text.utf8.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == UInt8(ascii: "\n") })
    for (index, bytes) in lines.enumerated() {
      // By bytes: Swift takes a line break of two as one character.
      let trimmed = bytes.last == 13 ? bytes.dropLast() : bytes
      let line = String(Substring(trimmed)).drop { $0 == " " || $0 == "\t" }
      if line.isEmpty || line.hasPrefix("#") { continue }
      do throws(CommandError) {
        let command = try Command(parsing: line)
        switch command {
        case .open, .quit, .save, .export:
          throw CommandError(
            "\(command.text): not at the start; it opens, writes or ends something")
        default: commands.append(command)
        }
      } catch {
        problems.append("\(name), line \(index + 1): \(error.description)")
      }
    }
  }
}
