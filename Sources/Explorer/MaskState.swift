public import Experiments

/// What the mask page looks at.
public struct MaskState: Hashable, Sendable {
  /// Never `closer` or `wider`: those are steps.
  public var zoom: Zoom = .fit
  /// The weight in the upper left corner.
  public var row = 0
  public var column = 0
  /// The weight under the cursor.
  public var cursorRow = 0
  public var cursorColumn = 0
  public var picture: MaskPicture?
  public var reordered: MaskPicture?
  /// Whether `picture` is of an older mask or window.
  public var isDrawing = false
  public var weight: Awaited<WeightReport> = .unknown
  /// The mask on its way, while a solver or a path over λ is at work.
  public var forming: FormingState?

  public init() {}
}

/// The final measurements so far, by tensor and knobs.
public struct MeasuredMasks: Hashable, Sendable {
  private var measurements: [SweepCell: Measurement] = [:]

  public init() {}

  public subscript(cell: SweepCell) -> Measurement? {
    get { measurements[cell] }
    set { measurements[cell] = newValue }
  }
}

/// The sweep page: a plan and what was measured of it.
public struct SweepState: Hashable, Sendable {
  public enum Status: Hashable, Sendable {
    case none, running, finished, cancelled
    case failed(String)
  }
  public var plan: SweepPlan?
  public var cells: [SweepCell] = []
  /// By index of the plan's cells.
  public var rows: [ResultRow?] = []
  public var progress: SweepProgress?
  public var status: Status = .none
  public var cursorRow = 0
  public var cursorColumn = 0

  public init() {}

  public var finishedCount: Int { rows.count { $0 != nil } }

  /// Whether a cell has its figures: one that failed may be tried again.
  func isMeasured(_ index: Int) -> Bool {
    guard let row = rows[index] else { return false }
    return row[.status] != .text(ResultStatus.failed.rawValue)
      && row[.status] != .text(ResultStatus.skipped.rawValue)
  }
}

/// The trade-off page: rows of this session and of files laid over it.
public struct TradeOffState: Hashable, Sendable {
  public struct Overlay: Hashable, Sendable {
    public var path: String
    public var rows: [ResultRow]
  }
  /// Rows measured one by one in this session.
  public var rows: [ResultRow] = []
  public var overlays: [Overlay] = []
  /// The chosen point, in the order of `State.tradeOffPoints`.
  public var selected = 0

  public init() {}
}

/// The layers page.
public struct LayersState: Hashable, Sendable {
  public var selected = 0
  public var curves: [SensitivityCurve] = []
  /// The knobs that the curves were drawn for.
  var curveKnobs: Knobs?
  /// The last whole model that was run.
  public var report: ModelReport?

  public init() {}

  public func curve(_ tensor: String) -> SensitivityCurve? {
    curves.first { $0.tensor == tensor }
  }

  /// The curve where it is of masks as these knobs choose them, whatever their sparsity.
  func curve(_ tensor: String, for knobs: Knobs) -> SensitivityCurve? {
    guard var drawn = curveKnobs?.pruningPart else { return nil }
    drawn.amount = knobs.amount
    return drawn == knobs.pruningPart ? curve(tensor) : nil
  }
}
