internal import CellUI
internal import Experiments

/// A line of the help: a key of this page or a command, whether it works now and why not.
struct HelpEntry {
  struct Named {
    var name: String
    var command: Command
  }
  var keys: String
  var title: String
  var command: Named
  /// Enter opens the prompt with it: it takes a value.
  var needsMore: Bool
  var reason: String?

  /// Keys of this page, then commands, whose key, name or title holds every word of `text`.
  static func list(_ state: State, matching text: String) -> [HelpEntry] {
    let words = text.lowercased().split(separator: " ")
    let keys = KeyTable.bindings(on: state.page).map { binding in
      let command = binding.command(state)
      return HelpEntry(
        keys: binding.keyLabel, title: binding.title,
        command: Named(name: command.text, command: command),
        needsMore: false, reason: state.refusal(of: command))
    }
    let named = CommandEntry.all.map { entry in
      let command = (try? Command(parsing: entry.name)) ?? .prompt(entry.name + " ")
      let takesMore = !entry.arguments.isEmpty
      return HelpEntry(
        keys: "", title: entry.help,
        command: Named(name: entry.name, command: takesMore ? .prompt(entry.name + " ") : command),
        needsMore: takesMore, reason: takesMore ? nil : state.refusal(of: command))
    }
    return (keys + named).filter { entry in
      let all = "\(entry.keys) \(entry.title) \(entry.command.name)".lowercased()
      return words.allSatisfy { all.contains($0) }
    }
  }
}
