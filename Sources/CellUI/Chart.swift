/// Points, lines and regions over two axes.
///
/// Lines and whiskers are braille dots; a point is a marker in a cell of its own, so that it can be
/// told from others without colour and be picked.
public struct Chart: Hashable, Sendable {
  public struct Axis: Hashable, Sendable {
    public var label: String
    public var scale: Scale
    public var format: NumberFormat
    public init(_ label: String, _ scale: Scale, _ format: NumberFormat = .plain) {
      self.label = label
      self.scale = scale
      self.format = format
    }
  }

  public struct Point: Hashable, Sendable {
    public var x: Double
    public var y: Double
    public var xInterval: ClosedRange<Double>?
    public var yInterval: ClosedRange<Double>?
    public var marker: Unicode.Scalar
    public var style: Style
    /// Beside the marker, where there is room.
    public var label: String
    public init(
      x: Double, y: Double, xInterval: ClosedRange<Double>? = nil,
      yInterval: ClosedRange<Double>? = nil, marker: Unicode.Scalar = "●", style: Style = Style(),
      label: String = ""
    ) {
      self.x = x
      self.y = y
      self.xInterval = xInterval
      self.yInterval = yInterval
      self.marker = marker
      self.style = style
      self.label = label
    }
  }

  public struct Vertex: Hashable, Sendable {
    public var x: Double
    public var y: Double
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  public struct Line: Hashable, Sendable {
    public enum Form: Hashable, Sendable {
      case straight
      /// Across first and then up or down: a Pareto front, a step function.
      case steps
    }
    public var vertices: [Vertex]
    public var form: Form
    public var style: Style
    public var dashed: Bool
    public init(_ vertices: [Vertex], _ form: Form = .straight, style: Style, dashed: Bool = false)
    {
      self.vertices = vertices
      self.form = form
      self.style = style
      self.dashed = dashed
    }
  }

  /// A line right across at one value of an axis, with its name.
  public struct Reference: Hashable, Sendable {
    public var value: Double
    public var label: String
    public var style: Style
    public init(_ value: Double, _ label: String = "", style: Style) {
      self.value = value
      self.label = label
      self.style = style
    }
  }

  /// Part of the x axis that is marked by a pattern of dots, such as slower than dense.
  public struct Region: Hashable, Sendable {
    public var x: ClosedRange<Double>
    public var label: String
    public var style: Style
    public init(x: ClosedRange<Double>, label: String = "", style: Style) {
      self.x = x
      self.label = label
      self.style = style
    }
  }

  public var x: Axis
  public var y: Axis
  public var points: [Point] = []
  public var lines: [Line] = []
  public var verticals: [Reference] = []
  public var horizontals: [Reference] = []
  public var regions: [Region] = []
  /// Index of the point that is marked.
  public var selected: Int?

  public init(x: Axis, y: Axis) {
    self.x = x
    self.y = y
  }

  /// Where the data lies when the chart is drawn in `rect`: right of the tick labels, below the y
  /// axis' name, above the x axis' labels and name.
  public func plot(in rect: Rect) -> Rect {
    let labels = y.scale.ticks(about: max(2, rect.height / 3), y.format)
    let margin = min(rect.width / 3, (labels.map { CellText.width($0.label) }.max() ?? 0) + 1)
    return Rect(
      x: rect.x + margin + 1, y: rect.y + 1, width: rect.width - margin - 1,
      height: rect.height - 4)
  }

  /// The cell of a value; nil outside the plot.
  public func cell(x: Double, y: Double, in rect: Rect) -> (x: Int, y: Int)? {
    let area = plot(in: rect)
    guard let position = position(x, y, area), area.width > 0, area.height > 0 else { return nil }
    let column = Int((position.x / 2).rounded(.down))
    let row = Int((position.y / 4).rounded(.down))
    guard column >= 0, row >= 0, column < area.width, row < area.height else { return nil }
    return (area.x + column, area.y + row)
  }

  /// The point nearest to a cell, for picking by mouse; nil if none is within `reach` cells.
  public func nearestPoint(toX column: Int, y row: Int, in rect: Rect, reach: Int = 3) -> Int? {
    var best: (index: Int, distance: Int)?
    for (index, point) in points.enumerated() {
      guard let place = cell(x: point.x, y: point.y, in: rect) else { continue }
      // A cell is twice as high as wide.
      let (dx, dy) = (place.x - column, 2 * (place.y - row))
      let distance = dx * dx + dy * dy
      if distance <= reach * reach, distance < best?.distance ?? .max { best = (index, distance) }
    }
    return best?.index
  }

  /// In dots from the plot's upper left corner, possibly outside; nil for what has no place.
  func position(_ x: Double, _ y: Double, _ area: Rect) -> (x: Double, y: Double)? {
    guard let fx = self.x.scale.fraction(x), let fy = self.y.scale.fraction(y) else { return nil }
    return (fx * Double(area.width * 2 - 1), (1 - fy) * Double(area.height * 4 - 1))
  }
}
