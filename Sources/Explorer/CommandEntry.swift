internal import CellUI
internal import Experiments

/// A command as the prompt and the help list it.
struct CommandEntry: Sendable {
  var name: String
  /// What follows the name, for a person; empty if nothing.
  var arguments: String
  var help: String
  /// What Tab offers for the last word.
  var candidates: @Sendable (State) -> [String] = { _ in [] }

  static let all: [CommandEntry] =
    [
      CommandEntry(name: "open", arguments: "PATH|demo", help: "open a model") { _ in ["demo"] },
      CommandEntry(name: "tensor", arguments: "NAME", help: "look at one weight matrix") {
        $0.model.value?.prunable.map(\.name) ?? []
      },
      CommandEntry(name: "calibration", arguments: "FILE", help: "read calibration activations"),
    ]
    + Knob.allCases.map { knob in
      CommandEntry(name: knob.rawValue, arguments: "VALUE", help: knob.help) {
        KnobSteps.candidates(knob, $0)
      }
    } + [
      CommandEntry(
        name: "measure", arguments: "", help: "time this mask against the best dense kernel"),
      CommandEntry(
        name: "sweep", arguments: "NAME=VALUES…",
        help: "measure patterns x sparsities, or what is named"
      ) { _ in
        [
          "pattern=", "sparsity=", "lambda=", "tokens=", "threads=", "tensor=", "criterion=",
          "regularizer=", "dtype=", "budget=",
        ]
      },
      CommandEntry(name: "solve-path", arguments: "", help: "what every λ leaves of this matrix"),
      CommandEntry(
        name: "sensitivity", arguments: "[GLOB]", help: "prune one layer at a time over a grid"),
      CommandEntry(
        name: "crossover", arguments: "sparsity|tokens", help: "search from where this pattern wins"
      ) { _ in CrossoverAxis.allCases.map(\.rawValue) },
      CommandEntry(
        name: "resume", arguments: "", help: "go on with a paused training, or an ended sweep"),
      CommandEntry(
        name: "train", arguments: "[NAME=VALUE…]",
        help: "train the encoder under its masks; what is not named comes from the knobs"
      ) { _ in TrainingKnob.allCases.map { $0.rawValue + "=" } },
      CommandEntry(
        name: "plan", arguments: "NAME VALUE", help: "one knob of the next training"
      ) { _ in TrainingKnob.allCases.map(\.rawValue) },
      CommandEntry(
        name: "steer", arguments: "lambda|rate|sparsity VALUE", help: "change the running training"
      ) { _ in ["lambda", "rate", "sparsity", "pause", "resume", "stop"] },
      CommandEntry(name: "pause", arguments: "", help: "let the training rest"),
      CommandEntry(
        name: "encode", arguments: "[MODELS]",
        help: "run the whole encoder with the layers' choices, or along the front"),
      CommandEntry(
        name: "cancel", arguments: "", help: "end what is running; what is finished stays"),
      CommandEntry(
        name: "apply", arguments: "all|kind|TENSOR", help: "give these knobs to other layers"
      ) { ["all", "kind"] + ($0.model.value?.prunable.map(\.name) ?? []) },
      CommandEntry(
        name: "budget", arguments: "time|quality VALUE",
        help: "choose per layer within a share of the dense time, or a largest error"
      ) { _ in BudgetKind.allCases.map(\.rawValue) },
      CommandEntry(name: "hold", arguments: "a|b", help: "put this state aside for comparison") {
        _ in
        Slot.allCases.map(\.rawValue)
      },
      CommandEntry(name: "compare", arguments: "", help: "the held states side by side"),
      CommandEntry(name: "undo", arguments: "", help: "take the last choice back"),
      CommandEntry(name: "redo", arguments: "", help: "make it again"),
      CommandEntry(name: "note", arguments: "TEXT", help: "write a note into the session"),
      CommandEntry(
        name: "overlay", arguments: "FILE.csv", help: "lay saved results over the trade-off"),
      CommandEntry(
        name: "view", arguments: "PAGE", help: "mask, sweep, tradeoff, layers, why, log, training"
      ) {
        _ in Page.allCases.map(\.rawValue)
      },
      CommandEntry(
        name: "zoom", arguments: "in|out|fit|values|N", help: "weights a pixel of the mask"
      ) {
        _ in ["in", "out", "fit", "values"]
      },
      CommandEntry(
        name: "pan", arguments: "up|down|left|right|ROW COLUMN", help: "move the mask's window"
      ) {
        _ in Direction.allCases.map(\.rawValue)
      },
      CommandEntry(name: "colour", arguments: "COLUMN", help: "what colours the mask or the sweep")
      {
        $0.page == .mask
          ? MaskColoring.allCases.map(\.rawValue) : ResultColumn.figures.map(\.rawValue)
      },
      CommandEntry(name: "axes", arguments: "X Y", help: "columns of the trade-off") { _ in
        ResultColumn.figures.map(\.rawValue)
      },
      CommandEntry(
        name: "sort", arguments: "BY",
        help: "order of the layers; on the sweep page best, family or model"
      ) {
        $0.page == .sweep
          ? SweepSort.allCases.map(\.rawValue) : LayerSort.allCases.map(\.rawValue)
      },
      CommandEntry(
        name: "axis", arguments: "auto|sparsity|lambda|tokens|threads",
        help: "what the columns of the sweep are"
      ) { _ in ["auto"] + SweepGrid.axes.map(\.rawValue) },
      CommandEntry(
        name: "grid", arguments: "blocks|off|N", help: "shades behind the mask; N rows are a head"
      ) { _ in ["blocks", "off", "32", "64", "128"] },
      CommandEntry(
        name: "scale", arguments: "auto|log|linear",
        help: "how the axes of the trade-off are divided"
      ) { _ in ScaleChoice.allCases.map(\.rawValue) },
      CommandEntry(
        name: "filter", arguments: "[TEXT]", help: "show layers whose name holds the text"),
      CommandEntry(
        name: "find", arguments: "TEXT", help: "go to the next layer whose name holds the text"),
      CommandEntry(
        name: "show", arguments: "FORM", help: "original, reordered or both; chart or table"
      ) {
        _ in Form.allCases.map(\.rawValue)
      },
      CommandEntry(
        name: "copy", arguments: "", help: "the figure under the cursor to the clipboard"),
      CommandEntry(
        name: "export", arguments: "FILE",
        help: "by its ending: .csv .json .npz .npy .safetensors .svg"),
      CommandEntry(name: "save", arguments: "FILE", help: "save the session"),
      CommandEntry(name: "theme", arguments: "NAME", help: "colours") { _ in Theme.all.map(\.name)
      },
      CommandEntry(name: "tutorial", arguments: "", help: "play a recorded tour"),
      CommandEntry(name: "help", arguments: "", help: "what works here"),
      CommandEntry(name: "quit", arguments: "", help: "leave; asks if something is unsaved"),
    ]

  static func named(_ name: String) -> CommandEntry? { all.first { $0.name == name } }

  /// A command whose name starts alike, or is one or two letters away.
  static func nearest(to name: String) -> String? {
    if let start = all.first(where: { !name.isEmpty && $0.name.hasPrefix(name) }) {
      return start.name
    }
    let near = all.map {
      ($0.name, distance(Array($0.name.unicodeScalars), Array(name.unicodeScalars)))
    }
    .min { $0.1 < $1.1 }
    return near.flatMap { $0.1 <= 2 ? $0.0 : nil }
  }

  /// Levenshtein's distance; names longer than 32 are never near.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    guard a.count <= 32, b.count <= 32 else { return .max }
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = next
      }
    }
    return row[b.count]
  }
}

extension ResultColumn {
  /// The columns that can be drawn.
  static let figures: [ResultColumn] = [
    .speedup, .sparseNs, .denseNs, .outputError, .keptEnergy, .keptL1, .weightError, .cosine,
    .bytesSparse, .sparsityAchieved, .packNs, .flopsExecuted, .flopsUseful, .bytesDense, .nnz,
    .maxAbsError, .samples, .outliers, .rankCorrelation, .neighbourAgreement,
  ]

  /// The next of them that some row has a figure for; itself when there is no other.
  func next(among rows: [ResultRow]) -> ResultColumn {
    let all = Self.figures
    let at = all.firstIndex(of: self) ?? 0
    return (1..<all.count).map { all[(at + $0) % all.count] }
      .first { column in rows.contains { $0[column].number != nil } } ?? self
  }
}
