public import CellUI

/// A key and what it does where: the one table that behaviour, the help, the hint line and the
/// README are made from.
public struct Binding: Sendable {
  /// Where a binding holds.
  public enum Place: Hashable, Sendable {
    case everywhere
    case page(Page)
  }
  public var keys: [Key]
  public var place: Place
  /// What it does, in a few words.
  public var title: String
  /// The word in the hint line; nil keeps it out of there.
  public var hint: String?
  /// Which hints go first when space runs out; the smallest stay longest.
  public var priority: Int
  public var command: @Sendable (State) -> Command

  init(
    _ keys: [Key], on place: Place = .everywhere, _ title: String, hint: String? = nil,
    priority: Int = 5, _ command: @escaping @Sendable (State) -> Command
  ) {
    self.keys = keys
    self.place = place
    self.title = title
    self.hint = hint
    self.priority = priority
    self.command = command
  }

  init(
    _ key: Character, on place: Place = .everywhere, _ title: String, hint: String? = nil,
    priority: Int = 5, _ command: Command
  ) {
    self.init([.character(key)], on: place, title, hint: hint, priority: priority) { _ in command }
  }

  /// `↑ k`.
  public var keyLabel: String { keys.map(KeyName.label).joined(separator: " ") }

  func holds(on page: Page) -> Bool {
    switch place {
    case .everywhere: true
    case .page(let own): own == page
    }
  }
}
