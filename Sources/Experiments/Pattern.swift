/// The permitted shape of a mask, and the reordering that precedes it: one short word everywhere.
///
/// The word is the same on the command line, in the CSV, on the screen and in a session:
///
///     pattern = base [ "/" reorder ]
///     base    = "1x1" | R "x" C | N ":" M | "row" | "column" | "tw" G | "tew" G "+" D "%" | "tvw" G
///     reorder = "tetris" | "permute"
///
/// A block is written outputs x inputs: `32x1` is 32 output rows that share one input column.
public struct Pattern: Hashable, Sendable {
  /// What is kept or pruned together.
  public enum Base: Hashable, Sendable {
    /// Blocks of `rows` outputs by `columns` inputs; 1x1 is unstructured. Border blocks are smaller.
    case block(rows: Int, columns: Int)
    /// The best `kept` of each `group` consecutive inputs of a row.
    case nm(kept: Int, group: Int)
    /// Whole output rows.
    case row
    /// Whole input columns.
    case column
    /// Tile-wise: tiles of `width` output rows, each with its own list of input columns.
    case tile(width: Int)
    /// Tile-wise with `overlay` (a fraction of all weights) restored element by element.
    case tileElement(width: Int, overlay: Double)
    /// 2:4 along the kept columns of each tile of `width` output rows.
    case tileVector(width: Int)
  }

  /// How rows and columns are reordered before the base is applied.
  public enum Reorder: String, Hashable, Sendable, CaseIterable {
    /// Rows and columns so that small weights gather into blocks (TETRIS).
    case tetris
    /// Input channels so that more survives an N:M choice.
    case permute
  }

  public let base: Base
  public let reorder: Reorder?

  /// - Throws: `PatternError` when a size is out of range or the reordering does not go with the base.
  public init(_ base: Base, reorder: Reorder? = nil) throws(PatternError) {
    self.base = base
    self.reorder = reorder
    try validate()
  }

  public static let unstructured = Pattern(uncheckedBlock: 1, 1)

  private init(uncheckedBlock rows: Int, _ columns: Int) {
    base = .block(rows: rows, columns: columns)
    reorder = nil
  }

  /// R x C blocks without reordering. Precondition: both sizes are at least 1.
  public static func block(_ rows: Int, _ columns: Int) -> Pattern {
    precondition(rows >= 1 && columns >= 1, "block \(rows)x\(columns): sizes start at 1")
    return Pattern(uncheckedBlock: rows, columns)
  }

  /// The sparsities this pattern can reach, as fractions of zeros.
  public var sparsityRange: ClosedRange<Double> {
    switch base {
    case .nm(let kept, let group):
      let fixed = 1 - Double(kept) / Double(group)
      return fixed...fixed
    case .tileVector: return 0.5...1
    case .tileElement(_, let overlay): return 0...(1 - overlay)
    default: return 0...1
    }
  }

  /// The one sparsity that an N:M pattern has; nil where the sparsity is free.
  public var fixedSparsity: Double? {
    if case .nm = base { sparsityRange.lowerBound } else { nil }
  }

  /// The same pattern without its reordering.
  public var withoutReorder: Pattern { (try? Pattern(base)) ?? self }

  /// Which group of the chart legend it belongs to.
  public var family: String {
    switch base {
    case .block(1, 1): "unstructured"
    case .block(let rows, let columns) where columns == 1 && rows > 1: "column strips"
    case .block(let rows, let columns) where rows == 1 && columns > 1: "row strips"
    case .block: "blocks"
    case .nm: "N:M"
    case .row, .column: "whole rows or columns"
    case .tile, .tileElement, .tileVector: "tile-wise"
    }
  }

  private func validate() throws(PatternError) {
    switch base {
    case .block(let rows, let columns):
      guard rows >= 1, columns >= 1 else { throw .sizes(String(describing: self)) }
    case .nm(let kept, let group):
      guard kept >= 1, kept < group else { throw .nm(kept: kept, group: group) }
    case .tile(let width), .tileVector(let width):
      guard width >= 1 else { throw .sizes(String(describing: self)) }
    case .tileElement(let width, let overlay):
      guard width >= 1, overlay > 0, overlay < 1 else { throw .sizes(String(describing: self)) }
    case .row, .column: break
    }
    switch (reorder, base) {
    case (nil, _): break
    case (.tetris, .block(let rows, let columns)) where rows > 1 || columns > 1: break
    case (.tetris, .tile), (.tetris, .tileElement), (.tetris, .tileVector): break
    case (.permute, .nm), (.permute, .tileVector): break
    case (.some(let reorder), _):
      throw .reorder(reorder, base: Pattern.text(of: base))
    }
  }
}

/// Why a text is no pattern; each message says what is allowed.
public enum PatternError: Error, Hashable, Sendable, CustomStringConvertible {
  case unknown(String)
  case sizes(String)
  case nm(kept: Int, group: Int)
  case reorder(Pattern.Reorder, base: String)
  case unknownReorder(String)

  static let allowed =
    "1x1 (or unstructured), RxC such as 32x1 or 16x16, N:M such as 2:4, row, column, twG, tewG+D%, "
    + "tvwG such as tw64, tew64+5%, tvw64; then optionally /tetris or /permute"

  public var description: String {
    switch self {
    case .unknown(let text): "unknown pattern '\(text)': use \(Self.allowed)"
    case .sizes(let text):
      "pattern '\(text)': sizes start at 1, and the D of tewG+D% lies between 0 and 100"
    case .nm(let kept, let group):
      "pattern '\(kept):\(group)': N:M keeps N of every M, so 1 <= N < M; try 2:4"
    case .reorder(.tetris, let base):
      "pattern '\(base)/tetris': /tetris goes with RxC blocks other than 1x1, twG, tewG+D% and tvwG"
    case .reorder(.permute, let base):
      "pattern '\(base)/permute': /permute goes with N:M and tvwG; for blocks use /tetris"
    case .unknownReorder(let text): "unknown reordering '/\(text)': use /tetris or /permute"
    }
  }
}
