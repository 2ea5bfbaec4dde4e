/// The part of a matrix that a picture shows, in weights.
public struct Viewport: Codable, Hashable, Sendable {
  public var row: Int
  public var column: Int
  public var rows: Int
  public var columns: Int

  public init(row: Int, column: Int, rows: Int, columns: Int) {
    self.row = row
    self.column = column
    self.rows = rows
    self.columns = columns
  }
}

/// A mask scaled to a few thousand pixels: all that the face ever sees of a matrix.
///
/// Pixel `[y, x]` of the row-major planes covers the weights of `viewport` whose row lies in
/// `viewport.row + y·rows/pixelRows ..< viewport.row + (y+1)·rows/pixelRows` (rounded down), and
/// columns likewise. With fewer weights than pixels asked for, there is one pixel a weight.
public struct MaskPicture: Codable, Hashable, Sendable {
  public var viewport: Viewport
  public var pixelRows: Int
  public var pixelColumns: Int
  /// Kept share of the pixel's weights, 0 (all pruned) to 255 (all kept).
  public var density: [UInt8]
  /// Root mean square of the pixel's *original* weights on a scale where 255 is the tensor's
  /// 99.5th percentile.
  public var magnitude: [UInt8]
  /// The weights themselves, `viewport.rows` x `viewport.columns`, when there are at most 4096.
  public var values: [Float]?
  /// Kept share of each pixel row and pixel column over the *whole* width and height of the tensor.
  public var rowDensity: [UInt8]
  public var columnDensity: [UInt8]

  public init(
    viewport: Viewport, pixelRows: Int, pixelColumns: Int, density: [UInt8], magnitude: [UInt8],
    values: [Float]? = nil, rowDensity: [UInt8], columnDensity: [UInt8]
  ) {
    self.viewport = viewport
    self.pixelRows = pixelRows
    self.pixelColumns = pixelColumns
    self.density = density
    self.magnitude = magnitude
    self.values = values
    self.rowDensity = rowDensity
    self.columnDensity = columnDensity
  }
}

/// A mask that a solver is still at work on.
public struct FormingMask: Codable, Hashable, Sendable {
  public var summary: PruningSummary
  /// Of the viewports that were asked for last; nil where a search has decided no mask yet.
  public var picture: MaskPicture?
  public var reordered: MaskPicture?

  public init(
    summary: PruningSummary, picture: MaskPicture? = nil, reordered: MaskPicture? = nil
  ) {
    self.summary = summary
    self.picture = picture
    self.reordered = reordered
  }
}

/// What lies under the mask view's cursor.
public struct WeightReport: Codable, Hashable, Sendable {
  public var row: Int
  public var column: Int
  public var value: Float
  public var kept: Bool
  /// The unit it belongs to, for a person: `block (3, 17): rows 96-127, column 17`.
  public var unit: String
  public var score: Double
  /// 1 is the best unit.
  public var rank: Int
  public var units: Int
  /// Score of the last unit that is kept.
  public var threshold: Double
  /// Why it is kept or pruned, one sentence.
  public var reason: String

  public init(
    row: Int, column: Int, value: Float, kept: Bool, unit: String, score: Double, rank: Int,
    units: Int, threshold: Double, reason: String
  ) {
    self.row = row
    self.column = column
    self.value = value
    self.kept = kept
    self.unit = unit
    self.score = score
    self.rank = rank
    self.units = units
    self.threshold = threshold
    self.reason = reason
  }
}
