public import CellUI
public import Experiments

/// The seven pages, all of the same state.
public enum Page: String, CaseIterable, Hashable, Sendable {
  case mask, sweep, tradeoff, layers, why, log, training

  /// As the hint line and titles write it.
  public var title: String { self == .tradeoff ? "trade-off" : rawValue }
}

/// One of the two places a state can be held in for comparison.
public enum Slot: String, CaseIterable, Hashable, Sendable { case a, b }

/// Over which tensors a choice is spread.
public enum ApplyTarget: Hashable, Sendable {
  case all
  /// Tensors of the same role in other layers: equal names but for the numbers in them.
  case kind
  case tensor(String)
}

/// What a budget limits.
public enum BudgetKind: String, CaseIterable, Hashable, Sendable {
  /// Share of the dense time that the whole model may take.
  case time
  /// Largest error that any one layer may have.
  case quality
}

/// How large the mask is drawn.
public enum Zoom: Hashable, Sendable {
  case closer, wider
  /// The whole matrix fills the panel.
  case fit
  /// This many weights a pixel along both axes; at least 1.
  case scale(Int)
  /// Single weights with their values.
  case values
}

public enum Direction: String, CaseIterable, Hashable, Sendable { case up, down, left, right }

/// Where the mask's window is moved.
public enum Pan: Hashable, Sendable {
  case step(Direction)
  /// The weight in the upper left corner.
  case to(row: Int, column: Int)
}

/// Which form of a page is shown.
public enum Form: String, CaseIterable, Hashable, Sendable {
  /// The mask in the stored order, in the reordered one, or both side by side.
  case original, reordered, both
  /// The sweep as a heat map or as a table.
  case chart, table
}

/// How the cursor of whatever has the focus moves.
public enum CursorMove: String, CaseIterable, Hashable, Sendable {
  case up, down, left, right, first, last
  case pageUp = "page-up"
  case pageDown = "page-down"
}

/// The part of a page that has the arrow keys.
public enum Panel: String, CaseIterable, Hashable, Sendable { case layers, picture, knobs }

/// The next of something, the one before, or one by name.
public enum Selection<Value: Hashable & Sendable>: Hashable, Sendable {
  case next, previous
  case one(Value)
}

/// One `name=value,…` of a sweep.
public struct SweepTerm: Hashable, Sendable {
  public var name: String
  public var values: [String]

  public init(_ name: String, _ values: [String]) {
    self.name = name
    self.values = values
  }
}

/// Everything a person can do. Keys and mouse events become these; the prompt, session files and
/// tests write them as text (`text`, `init(parsing:)`).
public enum Command: Hashable, Sendable {
  /// Opens a model, nil the built-in one; `identity` is what a recorded session expects to find.
  case open(path: String?, identity: String? = nil)
  case tensor(String)
  case calibration(path: String)
  case set(Knob, String)

  case measure
  case sweep([SweepTerm])
  case solvePath
  /// Tensors by name, `*` matching any characters.
  case sensitivity(String)
  case crossover(CrossoverAxis)
  /// Trains the whole encoder; what is not named comes from the knobs.
  case train([TrainingTerm])
  /// One knob of the next training.
  case plan(TrainingKnob, String)
  /// Changes the training that runs.
  case steer(TrainingSteer)
  /// Measures what is left of a sweep that was ended.
  case resume
  case cancel

  /// Runs the whole encoder: with the layers' choices, or so many models along the front.
  case encode(models: Int?)

  case apply(ApplyTarget)
  case budget(BudgetKind, Double)

  case hold(Slot)
  case compare
  case undo
  case redo
  case note(String)
  case overlay(path: String)

  case view(Page)
  case zoom(Zoom)
  case pan(Pan)
  case colour(String)
  case axes(x: String, y: String)
  case sort(String)
  case filter(String)
  case find(String)
  case show(Form)
  /// The knob along a sweep's columns; nil for the first that varies.
  case axis(Knob?)
  case grid(MaskGrid)
  case scale(ScaleChoice)

  case copy
  case export(path: String)
  case save(path: String)
  case theme(String)
  case help
  case tutorial
  case quit

  // Steps of a hand: never recorded themselves; what they lead to is.
  case move(CursorMove, Int = 1)
  /// Puts the cursor at a place of the page under it: a weight, a cell of the sweep, a line.
  case point(row: Int, column: Int)
  /// Turns the chosen knob by so many steps.
  case turn(Int)
  case knob(Selection<Knob>)
  case focus(Selection<Panel>)
  /// The neighbour in the list of tensors.
  case layer(Selection<Int>)
  case findNext(Int)
  case select
  case back
  /// Opens the prompt with this text in it.
  case prompt(String)
  /// A key for the text that is being edited.
  case edit(Key)
  case paste(String)
  /// Says why a key does nothing here.
  case explain(String)
}

extension Command {
  /// Whether a session keeps it.
  public var isRecorded: Bool {
    switch self {
    case .move, .point, .turn, .knob, .focus, .layer, .findNext, .select, .back, .prompt, .edit,
      .paste, .explain, .help, .quit, .tutorial, .zoom(.closer), .zoom(.wider), .pan(.step):
      false
    default: true
    }
  }

  /// Whether a run of these is kept as its last one only.
  var isCoalesced: Bool {
    switch self {
    case .zoom, .pan: true
    default: false
    }
  }
}
