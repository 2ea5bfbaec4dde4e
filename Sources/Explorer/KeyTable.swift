internal import CellUI
internal import Experiments

/// All keys. A binding of a page goes before one that holds everywhere.
public enum KeyTable {
  public static let bindings: [Binding] =
    pages + moving + mask + sweep + tradeOff + layers + why + log + training + general

  /// What a key does on a page; nil if nothing.
  static func binding(_ key: Key, on page: Page) -> Binding? {
    let holding = bindings.filter { $0.keys.contains(key) && $0.holds(on: page) }
    return holding.first { $0.place != .everywhere } ?? holding.first
  }

  /// The bindings that hold on a page, own ones first, without those that they hide.
  static func bindings(on page: Page) -> [Binding] {
    let own = bindings.filter { $0.place == .page(page) }
    let hidden = Set(own.flatMap(\.keys))
    return own
      + bindings.filter { $0.place == .everywhere && !$0.keys.allSatisfy(hidden.contains) }
  }

  /// Where a key would do something, for a person who pressed it elsewhere.
  static func elsewhere(_ key: Key) -> String? {
    let found = bindings.filter { $0.keys.contains(key) }
    let places = found.compactMap { binding -> String? in
      guard case .page(let page) = binding.place else { return nil }
      let number = (Page.allCases.firstIndex(of: page) ?? 0) + 1
      return "\(binding.title) on the \(page.title) page (\(number))"
    }
    guard let first = places.first else { return nil }
    return "\(KeyName.label(key)): \(first)"
  }

  private static let pages: [Binding] = Page.allCases.enumerated().map { index, page in
    Binding(
      Character(String(index + 1)), "the \(page.title) page", hint: page.title, priority: 2,
      .view(page))
  }

  private static let moving: [Binding] = [
    Binding([.left, .character("h")], "left; a knob one step down") { _ in .move(.left) },
    Binding([.right, .character("l")], "right; a knob one step up") { _ in .move(.right) },
    Binding([.up, .character("k")], "up") { _ in .move(.up) },
    Binding([.down, .character("j")], "down") { _ in .move(.down) },
    Binding([.pageUp, .control("b")], "a page up; a knob five steps up") { _ in .move(.pageUp) },
    Binding([.pageDown, .control("f")], "a page down; a knob five steps down") { _ in
      .move(.pageDown)
    },
    Binding([.home, .character("g")], "to the first") { _ in .move(.first) },
    Binding([.end, .character("G")], "to the last") { _ in .move(.last) },
    Binding([.enter], "open what is chosen; type the chosen knob's value") { _ in .select },
    Binding([.escape], "back") { _ in .back },
    Binding("[", "the matrix before", .layer(.previous)),
    Binding("]", "the next matrix", .layer(.next)),
  ]

  private static let mask: [Binding] = [
    Binding([.tab], on: .page(.mask), "the next panel", hint: "panel", priority: 4) { _ in
      .focus(.next)
    },
    Binding([.backTab], on: .page(.mask), "the panel before") { _ in .focus(.previous) },
    Binding(
      [.character("+"), .character("=")], on: .page(.mask), "zoom in", hint: "zoom", priority: 3
    ) {
      _ in .zoom(.closer)
    },
    Binding([.character("-")], on: .page(.mask), "zoom out") { _ in .zoom(.wider) },
    Binding([.character("0"), .character("z")], on: .page(.mask), "show the whole matrix") { _ in
      .zoom(.fit)
    },
    Binding("Z", on: .page(.mask), "single weights with their values", .zoom(.values)),
    Binding("H", on: .page(.mask), "pan left", .pan(.step(.left))),
    Binding("J", on: .page(.mask), "pan down", .pan(.step(.down))),
    Binding("K", on: .page(.mask), "pan up", .pan(.step(.up))),
    Binding("L", on: .page(.mask), "pan right", .pan(.step(.right))),
    Binding("r", on: .page(.mask), "go on with a solver that was stopped", .resume),
    Binding([.character("v")], on: .page(.mask), "colour by magnitude, density or plain") {
      .colour(next($0.choices.coloring).rawValue)
    },
    Binding([.character("B")], on: .page(.mask), "shade blocks, attention heads, nothing") {
      state in
      // Where the model does not say how large its heads are, both common sizes come by.
      let known = state.model.value?.headSize
      switch state.choices.maskGrid {
      case .blocks: return .grid(.heads(known ?? 32))
      case .heads(32) where known == nil: return .grid(.heads(64))
      case .heads: return .grid(.off)
      case .off: return .grid(.blocks)
      }
    },
    Binding([.character("o")], on: .page(.mask), "original, reordered, both") {
      let forms: [Form] = [.original, .reordered, .both]
      let at = forms.firstIndex(of: $0.choices.form) ?? 0
      return .show(forms[(at + 1) % forms.count])
    },
  ]

  private static let sweep: [Binding] = [
    Binding([.character("v")], on: .page(.sweep), "another column as the colour", hint: "column") {
      .colour($0.choices.sweepColumn.next(among: $0.sweep.rows.compactMap(\.self)).rawValue)
    },
    Binding(
      [.character("O")], on: .page(.sweep), "rows as planned, best first, by family", hint: "order"
    ) {
      .sort(next($0.choices.sweepSort).rawValue)
    },
    Binding([.character("t")], on: .page(.sweep), "another axis along the columns", hint: "axis") {
      state in
      let axes = SweepGrid.varying(state.sweep.plan)
      guard let at = axes.firstIndex(of: SweepGrid.axis(state)) else { return .axis(.tokens) }
      return .axis(axes.count > 1 ? axes[(at + 1) % axes.count] : .tokens)
    },
    Binding("r", on: .page(.sweep), "measure what is left of the sweep", hint: "resume", .resume),
    Binding([.character("o")], on: .page(.sweep), "heat map or table", hint: "table") {
      .show($0.choices.sweepForm == .table ? .chart : .table)
    },
  ]

  private static let tradeOff: [Binding] = [
    Binding([.character("v")], on: .page(.tradeoff), "another vertical axis", hint: "y axis") {
      .axes(
        x: $0.choices.tradeOffX.rawValue,
        y: $0.choices.tradeOffY.next(among: $0.comparableRows).rawValue)
    },
    Binding([.character("V")], on: .page(.tradeoff), "another horizontal axis", hint: "x axis") {
      .axes(
        x: $0.choices.tradeOffX.next(among: $0.comparableRows).rawValue,
        y: $0.choices.tradeOffY.rawValue)
    },
    Binding([.character("L")], on: .page(.tradeoff), "logarithmic axes", hint: "log axes") {
      .scale(next($0.choices.tradeOffScale))
    },
  ]

  private static let layers: [Binding] = [
    Binding(
      "S", on: .page(.layers), "sensitivity of every layer", hint: "sensitivity", priority: 3,
      .sensitivity("*")),
    Binding(
      "A", on: .page(.layers), "these knobs for all layers", hint: "apply to all", priority: 3,
      .apply(.all)),
    Binding(
      "E", on: .page(.layers), "run the whole encoder with these choices", hint: "whole model",
      priority: 3, .encode(models: nil)),
    Binding(".", on: .page(.layers), "these knobs for layers of the same kind", .apply(.kind)),
    Binding([.character("o")], on: .page(.layers), "another order", hint: "order") {
      .sort(next($0.choices.layerSort).rawValue)
    },
    Binding([.character("=")], on: .page(.layers), "these knobs for the chosen layer") { state in
      let list = state.listedTensors
      return list.indices.contains(state.layers.selected)
        ? .apply(.tensor(list[state.layers.selected].name)) : .apply(.all)
    },
  ]

  private static let why: [Binding] = [
    Binding(
      "f", on: .page(.why), "from which sparsity it wins", hint: "crossover", priority: 3,
      .crossover(.sparsity)),
    Binding(
      "F", on: .page(.why), "from how many tokens it wins", hint: "over tokens", priority: 3,
      .crossover(.tokens)),
    Binding("P", on: .page(.why), "what every λ leaves", hint: "λ path", .solvePath),
  ]

  private static let log: [Binding] = [
    Binding("i", on: .page(.log), "write a note", hint: "note", priority: 3, .prompt("note "))
  ]

  private static let training: [Binding] = [
    Binding(
      "t", on: .page(.training), "train by this plan", hint: "train", priority: 3, .train([])),
    Binding(
      [.character(" ")], on: .page(.training), "pause the training, or go on", hint: "pause",
      priority: 4
    ) { .steer($0.training.status == .paused ? .resume : .pause) },
    Binding([.character("v")], on: .page(.training), "trained points in the trade-off") { _ in
      .axes(x: ResultColumn.speedup.rawValue, y: ResultColumn.cosine.rawValue)
    },
    Binding("i", on: .page(.training), "write a note", .prompt("note ")),
  ]

  private static let general: [Binding] = [
    Binding("m", "measure again", hint: "measure", priority: 3, .measure),
    Binding("s", "sweep patterns x sparsities", hint: "sweep all", priority: 3, .sweep([])),
    Binding([.character("x"), .control("c")], "cancel what is running") { _ in .cancel },
    Binding([.character("R")], "reorder first, or not") { state in
      let pattern = state.knobs.pattern
      if pattern.reorder != nil { return .set(.pattern, pattern.withoutReorder.description) }
      let word = Pattern("\(pattern)/tetris") != nil ? "tetris" : "permute"
      return .set(.pattern, "\(pattern)/\(word)")
    },
    Binding("p", "the pattern knob", .knob(.one(.pattern))),
    Binding("u", "undo", hint: "undo", priority: 5, .undo),
    Binding([.control("r"), .character("U")], "redo") { _ in .redo },
    Binding("a", "hold this state as A", .hold(.a)),
    Binding("b", "hold this state as B", .hold(.b)),
    Binding("c", "compare A and B", .compare),
    Binding("/", "find a layer", hint: "find", priority: 6, .prompt("find ")),
    Binding("n", "the next one found", .findNext(1)),
    Binding("N", "the one found before", .findNext(-1)),
    Binding("&", "filter the layers", .prompt("filter ")),
    Binding("y", "copy the figure under the cursor", .copy),
    Binding(
      "e", "export; the ending chooses the form", hint: "export", priority: 6, .prompt("export ")),
    Binding("w", "save the session", .prompt("save ")),
    Binding([.character("T")], "another theme") { state in
      let names = Theme.all.map(\.name)
      let at = names.firstIndex(of: state.choices.theme) ?? 0
      return .theme(names[(at + 1) % names.count])
    },
    Binding([.function(2)], "play the tour") { _ in .tutorial },
    Binding(":", "type a command", hint: "command", priority: 1, .prompt("")),
    Binding([.character("?"), .function(1)], "help: what works here", hint: "help", priority: 0) {
      _ in .help
    },
    Binding("q", "quit", hint: "quit", priority: 3, .quit),
  ]

  private static func next<Value: CaseIterable & Equatable>(_ value: Value) -> Value {
    let all = Array(Value.allCases)
    let at = all.firstIndex(of: value) ?? 0
    return all[(at + 1) % all.count]
  }

  /// The table for the README, in Markdown.
  public static var markdown: String {
    var lines = ["| key | where | what it does |", "| --- | --- | --- |"]
    for binding in bindings {
      let place: String
      switch binding.place {
      case .everywhere: place = "everywhere"
      case .page(let page): place = page.title
      }
      let keys = binding.keys.map { "`\(KeyName.label($0))`" }.joined(separator: " ")
      lines.append("| \(keys) | \(place) | \(binding.title) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
