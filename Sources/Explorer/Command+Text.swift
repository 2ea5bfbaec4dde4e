internal import CellUI
internal import Experiments

extension Command: CustomStringConvertible {
  public var description: String { text }

  /// The command as a line of a session or of the prompt; `init(parsing:)` reads it back.
  public var text: String {
    func line(_ name: String, _ words: String...) -> String {
      ([name] + words.map(CommandText.quoted)).joined(separator: " ")
    }
    switch self {
    case .open(let path, let identity):
      return line("open", path ?? "demo")
        + (identity.map { " " + CommandText.quoted("id:\($0)") } ?? "")
    case .tensor(let name): return line("tensor", name)
    case .calibration(let path): return line("calibration", path)
    case .set(let knob, let value): return line(knob.rawValue, value)
    case .measure: return "measure"
    case .sweep(let terms):
      let words = terms.map { "\($0.name)=\($0.values.joined(separator: ","))" }
      return (["sweep"] + words.map(CommandText.quoted)).joined(separator: " ")
    case .solvePath: return "solve-path"
    case .sensitivity(let glob): return line("sensitivity", glob)
    case .crossover(let axis): return "crossover \(axis.rawValue)"
    case .train(let terms):
      return (["train"] + terms.map { CommandText.quoted("\($0.knob.rawValue)=\($0.value)") })
        .joined(separator: " ")
    case .plan(let knob, let value): return line("plan", knob.rawValue, value)
    case .steer(let steer): return steer.description
    case .resume: return "resume"
    case .encode(let models): return "encode" + (models.map { " \($0)" } ?? "")
    case .cancel: return "cancel"
    case .apply(.all): return "apply all"
    case .apply(.kind): return "apply kind"
    case .apply(.tensor(let name)): return line("apply", name)
    case .budget(let kind, let value):
      return "budget \(kind.rawValue) \(NumberText.shortest(value))"
    case .hold(let slot): return "hold \(slot.rawValue)"
    case .compare: return "compare"
    case .undo: return "undo"
    case .redo: return "redo"
    case .note(let note): return line("note", note)
    case .overlay(let path): return line("overlay", path)
    case .view(let page): return "view \(page.rawValue)"
    case .zoom(let zoom): return "zoom \(zoom.word)"
    case .pan(.step(let direction)): return "pan \(direction.rawValue)"
    case .pan(.to(let row, let column)): return "pan \(row) \(column)"
    case .colour(let name): return line("colour", name)
    case .axes(let x, let y): return line("axes", x, y)
    case .sort(let name): return line("sort", name)
    case .filter(let text): return text.isEmpty ? "filter" : line("filter", text)
    case .find(let text): return line("find", text)
    case .show(let form): return "show \(form.rawValue)"
    case .axis(let knob): return "axis \(knob?.rawValue ?? "auto")"
    case .grid(let grid): return "grid \(grid.word)"
    case .scale(let scale): return "scale \(scale.rawValue)"
    case .copy: return "copy"
    case .export(let path): return line("export", path)
    case .save(let path): return line("save", path)
    case .theme(let name): return line("theme", name)
    case .help: return "help"
    case .tutorial: return "tutorial"
    case .quit: return "quit"
    case .move(let move, let count):
      return "move \(move.rawValue)" + (count == 1 ? "" : " \(count)")
    case .point(let row, let column): return "point \(row) \(column)"
    case .turn(let steps): return "turn \(steps)"
    case .knob(let selection): return "knob " + selection.word(\.rawValue)
    case .focus(let selection): return "focus " + selection.word(\.rawValue)
    case .layer(let selection): return "layer " + selection.word { String($0) }
    case .findNext(let step): return step < 0 ? "find-previous" : "find-next"
    case .select: return "select"
    case .back: return "back"
    case .prompt(let text): return text.isEmpty ? "prompt" : line("prompt", text)
    case .edit(let key): return line("edit", KeyName.text(key))
    case .paste(let text): return line("paste", text)
    case .explain(let text): return line("explain", text)
    }
  }

  /// Reads one command line.
  /// - Throws: `CommandError` that says what is expected.
  public init(parsing line: some StringProtocol) throws(CommandError) {
    var words = CommandWords(try CommandText.words(line))
    guard let name = words.next() else {
      throw CommandError("type a command, or press Tab to see them")
    }
    words.command = name
    self = try Command.read(name, &words)
    try words.end()
  }

  private static func read(
    _ name: String, _ words: inout CommandWords
  ) throws(CommandError) -> Command {
    if let knob = Knob(rawValue: name) {
      return .set(knob, try words.word(knob.help))
    }
    switch name {
    case "open":
      let path = try words.word("a model file or directory, or demo")
      let identity = words.next().map { $0.hasPrefix("id:") ? String($0.dropFirst(3)) : $0 }
      return .open(path: path == "demo" ? nil : path, identity: identity)
    case "tensor": return .tensor(try words.word("the name of a tensor"))
    case "calibration": return .calibration(path: try words.word("a file of activations"))
    case "measure": return .measure
    case "sweep": return .sweep(try words.terms())
    case "solve-path": return .solvePath
    case "sensitivity": return .sensitivity(words.next() ?? "*")
    case "crossover": return .crossover(try words.choice("axis"))
    case "train": return .train(try words.trainingTerms())
    case "plan":
      let knob: TrainingKnob = try words.choice("knob")
      return .plan(knob, try words.word(knob.help))
    case "steer": return .steer(try words.steer())
    case "pause": return .steer(.pause)
    case "resume": return .resume
    case "encode":
      guard !words.isEmpty else { return .encode(models: nil) }
      let models = try words.integer("a number of models")
      guard (1...64).contains(models) else {
        throw CommandError("encode \(models): expected 1 to 64 models along the front")
      }
      return .encode(models: models)
    case "cancel": return .cancel
    case "apply":
      switch try words.word("all, kind or the name of a tensor") {
      case "all": return .apply(.all)
      case "kind": return .apply(.kind)
      case let name: return .apply(.tensor(name))
      }
    case "budget":
      let kind: BudgetKind = try words.choice("budget")
      return .budget(kind, try words.number("a number such as 0.5"))
    case "hold": return .hold(try words.choice("slot"))
    case "compare": return .compare
    case "undo": return .undo
    case "redo": return .redo
    case "note": return .note(try words.rest("a text"))
    case "overlay": return .overlay(path: try words.word("a results file"))
    case "view": return .view(try words.choice("view"))
    case "zoom": return .zoom(try words.zoom())
    case "pan": return .pan(try words.pan())
    case "colour", "color":
      return .colour(try words.word("a result column, or magnitude, density, plain"))
    case "axes": return .axes(x: try words.word("a column"), y: try words.word("a second column"))
    case "sort": return .sort(try words.word("what to sort by"))
    case "filter": return .filter(words.remaining)
    case "find": return .find(try words.rest("a part of a name"))
    case "show": return .show(try words.choice("form"))
    case "axis": return .axis(try words.axis())
    case "grid": return .grid(try words.grid())
    case "scale": return .scale(try words.choice("scale"))
    case "copy": return .copy
    case "export":
      return .export(
        path: try words.word("a file; its ending chooses .csv .json .npz .npy .safetensors .svg"))
    case "save": return .save(path: try words.word("a file, such as tour.sparsity"))
    case "theme":
      return .theme(try words.word("a theme: " + Theme.all.map(\.name).joined(separator: ", ")))
    case "help": return .help
    case "tutorial": return .tutorial
    case "quit": return .quit
    default: return try readStep(name, &words)
    }
  }

  private static func readStep(
    _ name: String, _ words: inout CommandWords
  ) throws(CommandError) -> Command {
    switch name {
    case "move":
      let move: CursorMove = try words.choice("direction")
      guard !words.isEmpty else { return .move(move) }
      let count = try words.integer("how far")
      guard (1...10_000).contains(count) else {
        throw CommandError("move \(move.rawValue) \(count): expected 1 to 10 000 steps")
      }
      return .move(move, count)
    case "point":
      return .point(row: try words.integer("a row"), column: try words.integer("a column"))
    case "turn": return .turn(try words.integer("how many steps"))
    case "knob":
      return .knob(try words.selection("a knob") { Knob(rawValue: $0) })
    case "focus":
      return .focus(try words.selection("a panel") { Panel(rawValue: $0) })
    case "layer":
      return .layer(try words.selection("a number") { Int($0) })
    case "find-next": return .findNext(1)
    case "find-previous": return .findNext(-1)
    case "select": return .select
    case "back": return .back
    case "prompt": return .prompt(words.remaining)
    case "edit":
      let text = try words.word("a key")
      guard let key = KeyName.key(text) else { throw CommandError("edit \(text): no such key") }
      return .edit(key)
    case "paste": return .paste(words.remaining)
    case "explain": return .explain(words.remaining)
    default:
      let near = CommandEntry.nearest(to: name).map { ": did you mean \($0)?" } ?? ""
      throw CommandError(
        "unknown command '\(name)'\(near)" + (near.isEmpty ? "; ? lists them" : ""))
    }
  }
}

extension Zoom {
  var word: String {
    switch self {
    case .closer: "in"
    case .wider: "out"
    case .fit: "fit"
    case .values: "values"
    case .scale(let scale): String(scale)
    }
  }
}

extension MaskGrid {
  var word: String {
    switch self {
    case .blocks: "blocks"
    case .off: "off"
    case .heads(let size): String(size)
    }
  }
}

extension Selection {
  func word(_ name: (Value) -> String) -> String {
    switch self {
    case .next: "next"
    case .previous: "previous"
    case .one(let value): CommandText.quoted(name(value))
    }
  }
}
