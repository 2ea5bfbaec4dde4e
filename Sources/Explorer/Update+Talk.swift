internal import CellUI
internal import Experiments

extension State {
  /// The prompt, the help and the question before leaving.
  mutating func talk(_ command: Command) -> [Effect] {
    switch command {
    case .help: mode = .help(HelpState())
    case .prompt(let text): mode = .prompt(PromptState(text))
    case .explain(let text): return say(text, .warning)
    case .quit:
      if case .quitting = mode { return leave() }
      guard isDirty || !runs.long.filter({ $0 != .measure }).isEmpty, !isReplay else {
        return leave()
      }
      mode = .quitting
    case .paste(let text):
      if case .prompt(var prompt) = mode {
        prompt.field.insert(text)
        prompt.error = nil
        mode = .prompt(prompt)
      } else if case .help(var help) = mode {
        help.field.insert(text)
        help.selected = 0
        mode = .help(help)
      }
    case .edit(let key):
      switch mode {
      case .prompt(let prompt): return edit(prompt, key)
      case .help(let help): return edit(help, key)
      case .normal, .quitting: break
      }
    default: break
    }
    return []
  }

  private mutating func leave() -> [Effect] {
    flushRecord() + runs.long.compactMap { runs.current($0) }.map(Effect.cancel) + [.quit]
  }

  private mutating func edit(_ old: PromptState, _ key: Key) -> [Effect] {
    var prompt = old
    switch key {
    case .escape, .control("c"), .control("g"):
      mode = .normal
      return []
    case .backspace where prompt.field.text.isEmpty:
      mode = .normal
      return []
    case .enter: return run(prompt)
    case .up, .control("p"): recallLine(&prompt, by: 1)
    case .down, .control("n"): recallLine(&prompt, by: -1)
    case .tab: Completion.complete(&prompt, by: 1, self)
    case .backTab: Completion.complete(&prompt, by: -1, self)
    default:
      guard prompt.field.handle(key) else { return [] }
      prompt.error = nil
      prompt.completionIndex = nil
    }
    mode = .prompt(prompt)
    return []
  }

  private mutating func run(_ prompt: PromptState) -> [Effect] {
    let line = prompt.field.text
    let command: Command
    do { command = try Command(parsing: line) } catch {
      if line.allSatisfy(\.isWhitespace) {
        mode = .normal
        return []
      }
      var prompt = prompt
      prompt.error = error.description
      mode = .prompt(prompt)
      return []
    }
    if promptHistory.last != line { promptHistory.append(line) }
    if promptHistory.count > 200 { promptHistory.removeFirst() }
    // The prompt stays open while the command runs: what it refuses appears beside the text.
    let effects = perform(command)
    if case .prompt(let after) = mode, after.error == nil { mode = .normal }
    return effects
  }

  private func recallLine(_ prompt: inout PromptState, by step: Int) {
    let next = (prompt.historyIndex ?? -1) + step
    guard next >= -1, next < promptHistory.count else { return }
    if prompt.historyIndex == nil { prompt.draft = prompt.field.text }
    prompt.historyIndex = next < 0 ? nil : next
    prompt.field.set(next < 0 ? prompt.draft : promptHistory[promptHistory.count - 1 - next])
    prompt.error = nil
  }

  private mutating func edit(_ old: HelpState, _ key: Key) -> [Effect] {
    var help = old
    let entries = HelpEntry.list(self, matching: help.field.text)
    switch key {
    case .escape, .control("c"):
      mode = .normal
      return []
    case .enter:
      guard entries.indices.contains(help.selected) else { return [] }
      mode = .normal
      let entry = entries[help.selected]
      return perform(entry.needsMore ? .prompt(entry.command.name + " ") : entry.command.command)
    case .up: help.selected = max(0, help.selected - 1)
    case .down: help.selected = min(max(0, entries.count - 1), help.selected + 1)
    case .pageUp: help.selected = max(0, help.selected - 10)
    case .pageDown: help.selected = min(max(0, entries.count - 1), help.selected + 10)
    default:
      guard help.field.handle(key) else { return [] }
      help.selected = 0
    }
    mode = .help(help)
    return []
  }
}

/// What Tab puts into the prompt.
enum Completion {
  /// The candidates for the last word of `text`, and the text before it.
  static func candidates(_ text: String, _ state: State) -> (stem: String, words: [String]) {
    let cut = text.lastIndex(of: " ").map { text.index(after: $0) } ?? text.startIndex
    let stem = String(text[..<cut])
    let word = text[cut...]
    let first = text.split(separator: " ").first.map(String.init) ?? ""
    let all: [String]
    if stem.isEmpty {
      all = CommandEntry.all.map(\.name)
    } else if first == "sweep", let equals = word.firstIndex(of: "=") {
      // The values before the last comma stay as they are.
      let head = word[...(word.lastIndex(of: ",") ?? equals)]
      let used = word[word.index(after: equals)...].split(separator: ",").map(String.init)
      all = SweepPlan.candidates(String(word[..<equals]), state)
        .filter { !used.dropLast(word.hasSuffix(",") ? 0 : 1).contains($0) }.map { head + $0 }
    } else {
      all = CommandEntry.named(first)?.candidates(state).map(CommandText.quoted) ?? []
    }
    let starting = all.filter { $0.hasPrefix(word) }
    if !starting.isEmpty { return (stem, starting) }
    let lower = word.lowercased()
    return (stem, all.filter { $0.lowercased().contains(lower) })
  }

  /// What is shown dim after the text: the rest of the first candidate.
  static func ghost(_ prompt: PromptState, _ state: State) -> String {
    let text = prompt.field.text
    guard prompt.field.cursor == text.count, !text.isEmpty else { return "" }
    let (stem, words) = candidates(text, state)
    let word = text.dropFirst(stem.count)
    guard let first = words.first(where: { $0.hasPrefix(word) }), first.count > word.count else {
      let name = text.hasSuffix(" ") ? String(text.dropLast()) : text
      return CommandEntry.named(name).map { (text.hasSuffix(" ") ? "" : " ") + $0.arguments } ?? ""
    }
    return String(first.dropFirst(word.count))
  }

  static func complete(_ prompt: inout PromptState, by step: Int, _ state: State) {
    if prompt.completionIndex == nil { prompt.completionStem = prompt.field.text }
    let (stem, words) = candidates(prompt.completionStem, state)
    guard !words.isEmpty else { return }
    let next = prompt.completionIndex.map { $0 + step } ?? (step > 0 ? 0 : -1)
    let index = (next % words.count + words.count) % words.count
    prompt.completionIndex = index
    prompt.field.set(stem + words[index])
    prompt.error = nil
    if words.count == 1 {
      let isName = stem.isEmpty && CommandEntry.named(words[0])?.arguments.isEmpty == false
      if isName { prompt.field.insert(" ") }
      prompt.completionIndex = nil
    }
  }
}
