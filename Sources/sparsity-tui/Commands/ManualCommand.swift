import ArgumentParser
import Experiments
import FoundationEssentials

/// Writes the manual page from the same descriptions that `--help` prints, so that the two never
/// differ; `make install` puts it in place.
struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual",
    abstract: "Write the manual page, in the man(7) macros, to standard output.",
    discussion: """
      make install does this.

        sparsity-tui manual | man -l -
      """,
    shouldDisplay: false)

  func run() throws {
    let tool: ManualPage.Tool
    do {
      tool = try JSONText.decode(ManualPage.Tool.self, from: SparsityTUI._dumpHelp())
    } catch { throw Failure(.failed, "the commands could not be described: \(error)") }
    try OutputFile.standardOutput(ManualPage.text(tool.command))
  }
}

/// A command and its arguments as roff source.
enum ManualPage {
  /// The part of ArgumentParser's description of a tool that a manual page needs.
  struct Tool: Decodable { let command: Command }

  struct Command: Decodable {
    let commandName: String
    let abstract: String?
    let discussion: String?
    let shouldDisplay: Bool
    let arguments: [Argument]?
    let subcommands: [Command]?
  }

  struct Argument: Decodable {
    let kind: String
    let abstract: String?
    let names: [Name]?
    let valueName: String?
    let defaultValue: String?
    let isOptional: Bool
    let isRepeating: Bool
    let shouldDisplay: Bool
  }

  struct Name: Decodable {
    let kind: String
    let name: String

    var text: String { (kind == "long" ? "--" : "-") + name }
  }

  static func text(_ tool: Command) -> String {
    let name = tool.commandName
    var page = ".TH \(escaped(name.uppercased())) 1 \"\" \"\(escaped(name)) \(toolVersion)\"\n"
    page += ".SH NAME\n\(escaped(name)) \\- \(escaped(tool.abstract ?? ""))\n"
    page += ".SH SYNOPSIS\n"
    let commands = (tool.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
    for command in commands { page += ".B \(escaped(name))\n\(synopsis(command))\n.br\n" }
    page += ".SH DESCRIPTION\n" + paragraphs(tool.discussion)
    page += ".SH COMMANDS\n"
    for command in commands {
      page += ".SS \(escaped(command.commandName))\n" + paragraphs(command.abstract)
      page += paragraphs(command.discussion)
      for argument in command.arguments ?? []
      where argument.shouldDisplay && !["help", "version"].contains(argument.names?.last?.name) {
        page += ".TP\n\(term(argument))\n" + escaped(argument.abstract ?? "")
        if let value = argument.defaultValue { page += " The default is \(escaped(value))." }
        page += "\n"
      }
    }
    page += """
      .SH ENVIRONMENT
      .TP
      .B SPARSITY_TUI_DATA
      The directory with the built\\-in model.
      .TP
      .BR XDG_STATE_HOME ", " XDG_CACHE_HOME
      Directories whose sparsity\\-tui/ holds the recorded sessions, and the caches; when unset,
      \\&.local/state and .cache in the home directory.
      .TP
      .B NO_COLOR
      No colours on the screen, whatever its value, unless it is empty.
      .SH FILES
      Below the cache directory. All of it may be removed at any time: it is worked out, measured or
      fetched again.
      .TP
      .B moments/
      Second moments of activations, by the hash of text and weights; at most 1 GiB.
      .TP
      .BR judgements/ ", " agreements/
      Errors of pruned layers, and agreements of whole pruned models with the unpruned one, so that
      what was stopped goes on; at most 64 MiB each.
      .TP
      .B teacher/
      Embeddings of training texts by the unpruned encoder; at most 512 MiB.
      .TP
      .B ceilings\\-*.json
      Peak and bandwidths measured on a machine.
      .TP
      .B all\\-MiniLM\\-L6\\-v2/
      The model that \\fBmake model\\fR fetches.

      """
    return page
  }

  private static func synopsis(_ command: Command) -> String {
    var words = [".B " + escaped(command.commandName)]
    let arguments = (command.arguments ?? []).filter(\.shouldDisplay)
    if arguments.contains(where: { $0.kind != "positional" }) { words.append("[\\fIoptions\\fR]") }
    for argument in arguments where argument.kind == "positional" {
      let value = "\\fI\(escaped(argument.valueName ?? "value"))\\fR"
      let repeated = argument.isRepeating ? value + " ..." : value
      words.append(argument.isOptional ? "[\(repeated)]" : repeated)
    }
    return words.joined(separator: "\n")
  }

  private static func term(_ argument: Argument) -> String {
    let value = "\\fI\(escaped(argument.valueName ?? "value"))\\fR"
    guard argument.kind != "positional" else { return value }
    let names = (argument.names ?? []).map { "\\fB\(escaped($0.text))\\fR" }
    return names.joined(separator: ", ") + (argument.kind == "option" ? " " + value : "")
  }

  /// Paragraphs of prose are filled; indented lines are examples and stay as they are.
  private static func paragraphs(_ text: String?) -> String {
    guard let text else { return "" }
    var page = ".PP\n"
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let indented = line.hasPrefix("  ")
      if indented != isExample, !line.isEmpty || isExample {
        page += indented ? ".nf\n" : ".fi\n"
        isExample = indented
      }
      page += line.isEmpty ? ".PP\n" : escaped(String(line)) + "\n"
    }
    return page + (isExample ? ".fi\n" : "")
  }

  /// `text` so that roff takes none of it for a request or an escape.
  private static func escaped(_ text: String) -> String {
    var result = text.first == "." || text.first == "'" ? "\\&" : ""
    for character in text {
      switch character {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      default: result.append(character)
      }
    }
    return result
  }
}
