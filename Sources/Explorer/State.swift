public import CellUI
public import Experiments

/// Everything the screen is made of: values of kilobytes, no matrices, no clock.
public struct State: Hashable, Sendable {
  public var width: Int
  public var height: Int
  public var depth: ColorDepth
  public var glyphs: GlyphSet
  /// Whether a session is being shown: measured results come from the record.
  public var isReplay: Bool

  public var model: Awaited<ModelInfo> = .unknown
  public var machine: MachineInfo?
  public var choices = Choices()
  public var page: Page = .mask
  public var panel: Panel = .knobs
  public var knob: Knob = .sparsity

  public var mask = MaskState()
  public var summary: Awaited<PruningSummary> = .unknown
  public var quality: Awaited<QualityReport> = .unknown
  public var measurement: Awaited<Measurement> = .unknown
  /// Final measurements of this session: the same mask is not timed twice without being asked to.
  public var measured = MeasuredMasks()
  public var crossover: Awaited<Crossover> = .unknown
  public var path: Awaited<RegularizationPath> = .unknown

  public var sweep = SweepState()
  public var tradeOff = TradeOffState()
  public var layers = LayersState()
  public var log = LogState()
  public var training = TrainingState()
  public var history = History()
  public var runs = Runs()

  public var mode: Mode = .normal
  public var promptHistory: [String] = []
  public var search = ""
  public var message: Message?
  /// Whether something was done since the session was last saved.
  public var isDirty = false
  /// Whether the first-run hint has been answered by any command.
  public var isFirstRun: Bool

  /// Recorded once the model is open, so that a session starts with what it is about.
  var heldRecords: [SessionContent]?
  var pendingRecord: Command?
  /// The model that a recorded session was about.
  var expectedIdentity: String?
  /// Counts turns of knobs, steps of the view and messages: what timers are told apart by.
  var turns = 0
  /// Whether the knobs are still and a measurement waits for its mask.
  var awaitsMask = false
  var viewSteps = 0
  var messages = 0

  public init(
    width: Int, height: Int, depth: ColorDepth = .full, glyphs: GlyphSet = .full,
    isFirstRun: Bool = true, isReplay: Bool = false
  ) {
    self.width = width
    self.height = height
    self.depth = depth
    self.glyphs = glyphs
    self.isFirstRun = isFirstRun
    self.isReplay = isReplay
  }
}

extension State {
  public var theme: Theme {
    (Theme.named(choices.theme) ?? .terminal).adapted(to: depth, glyphs)
  }

  public var knobs: Knobs { choices.knobs }

  /// The tensor that is looked at.
  public var tensor: TensorInfo? {
    guard let model = model.value, let name = choices.tensor else { return nil }
    return model.tensors.first { $0.name == name }
  }

  /// What is looked at as a cell of a sweep; nil before a model is open.
  public var cell: SweepCell? {
    tensor.map { SweepCell(tensor: $0.name, knobs: choices.knobs) }
  }

  /// Below this the screen says so instead of drawing half of itself.
  public static let smallest = (width: 80, height: 24)

  public var isTooSmall: Bool { width < Self.smallest.width || height < Self.smallest.height }
}

/// A line for the person at the screen.
public struct Message: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case information, warning, error }
  public var text: String
  public var kind: Kind
  public var number: Int
}

/// What the keys mean at the moment.
public enum Mode: Hashable, Sendable {
  case normal
  case prompt(PromptState)
  case help(HelpState)
  /// Asks before work is lost.
  case quitting
}

/// The `:` line.
public struct PromptState: Hashable, Sendable {
  public var field: TextField
  public var error: String?
  /// Position in the history, from the newest; nil while the line is new.
  var historyIndex: Int?
  var draft = ""
  /// The candidate that Tab took last, to take the next one.
  var completionIndex: Int?
  var completionStem = ""

  public init(_ text: String = "") { field = TextField(text) }
}

/// The `?` list.
public struct HelpState: Hashable, Sendable {
  public var field = TextField()
  public var selected = 0

  public init() {}
}

/// Undo and redo of choices.
public struct History: Hashable, Sendable {
  struct Step: Hashable, Sendable {
    var choices: Choices
    var command: String
  }
  var undo: [Step] = []
  var redo: [Step] = []

  public init() {}

  public var undoable: String? { undo.last?.command }
  public var redoable: String? { redo.last?.command }
}

public struct LogState: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public enum Kind: Hashable, Sendable { case command, result, note, problem }
    public var text: String
    public var kind: Kind
  }
  public var entries: [Entry] = []
  /// The line under the cursor; nil follows the end.
  public var selected: Int?
  public var showsComparison = false

  public init() {}
}
