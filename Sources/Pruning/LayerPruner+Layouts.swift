import Experiments
import Tensors

extension LayerPruner {
  /// Widest input whose channels `/permute` searches together; wider ones are searched in windows.
  static let widestPermutation = 2048

  /// The layout that a pattern's reordering gives at a sparsity, found once.
  func layout(
    _ knobs: Knobs, progress: (PruningSummary) -> Bool
  ) throws(PruningError) -> Layout? {
    guard let reorder = knobs.pattern.reorder else { return nil }
    // Under a penalty the search ranks by the criterion that predicts outputs best.
    let criterion = try source.criterion(knobs)
    // Random scores have no structure to gather, and the floor should not look for one.
    guard criterion != .random else { return nil }
    var plain = knobs
    plain.pattern = knobs.pattern.withoutReorder
    // A layout is searched for the one-shot choice; greedy solvers then work within it.
    if knobs.solve.isGreedy { plain.solve = .prox }
    let unordered = try prune(plain, progress: progress)
    let sparsity = knobs.requestedSparsity ?? unordered.summary.achievedSparsity
    let key = LayoutKey(
      pattern: knobs.pattern, criterion: criterion, axes: knobs.reorderAxes, polish: knobs.polish,
      sparsity: sparsity, seed: knobs.seed)
    if let known = cachedLayout(key) { return known }
    let scores = ElementScores(
      weights: weights, rule: try source.rule(criterion, order: .identity, seed: knobs.seed),
      largest: source.largest
    ).table()
    func report(_ report: ReorderReport) -> Bool {
      var summary = unordered.summary
      summary.reordering = report
      return progress(summary)
    }
    let found: Layout
    switch reorder {
    case .tetris: found = try tetris(scores, knobs, sparsity: sparsity, progress: report)
    case .permute:
      found = try permute(
        scores, knobs, mask: unordered.mask, sparsity: sparsity, progress: report)
    }
    rememberLayout(found, under: key)
    return found
  }

  private func tetris(
    _ scores: [Float], _ knobs: Knobs, sparsity: Double, progress: (ReorderReport) -> Bool
  ) throws(PruningError) -> Layout {
    let grid = knobs.pattern.grid(rows: weights.rows, columns: weights.columns)!
    let folding = foldingAdvice(
      tensor: tensor, axes: knobs.reorderAxes,
      movesRows: knobs.reorderAxes != .columns && grid.blockRows > 1 && grid.unitRows > 1,
      movesColumns: knobs.reorderAxes != .rows && grid.blockColumns > 1 && grid.unitColumns > 1)
    var search = Tetris(
      scores: scores, grid: grid,
      kept: unitsKept(of: grid.count, sparsity: knobs.pattern.unitSparsity(for: sparsity)),
      axes: knobs.reorderAxes, polish: knobs.polish)
    let result = search.search(folding: folding, progress: progress)
    guard result.finished else { throw .cancelled(tensor: tensor) }
    return result.layout
  }

  /// For N:M all channels compete. For tile-vector-wise the 2:4 groups lie along each tile's kept
  /// columns: the search runs on the scores that the tile columns leave, and its order is taken only if
  /// the pattern then really keeps more.
  private func permute(
    _ scores: [Float], _ knobs: Knobs, mask: Mask, sparsity: Double,
    progress: (ReorderReport) -> Bool
  ) throws(PruningError) -> Layout {
    let start = nanoseconds()
    var (kept, group) = (2, 4)
    var masked = scores
    if case .nm(let n, let m) = knobs.pattern.base {
      (kept, group) = (n, m)
    } else if case .tileVector(let width) = knobs.pattern.base {
      var tiles = knobs
      tiles.pattern = (try? Pattern(.tile(width: width))) ?? knobs.pattern
      tiles.amount = .sparsity(knobs.pattern.unitSparsity(for: sparsity))
      let whole = try prune(tiles).mask
      for index in masked.indices
      where !whole[index / weights.columns, index % weights.columns] { masked[index] = 0 }
    }
    let total = scores.reduce(0.0) { $0 + Double($1) }
    let before = share(of: scores, in: mask, total: total)
    var report = ReorderReport(
      keptBefore: before, keptAfter: before, swaps: 0, rounds: 0, elapsedNs: 0,
      folding: foldingAdvice(
        tensor: tensor, axes: .columns, movesRows: false, movesColumns: true))
    var order: [Int] = []
    let window = Self.widestPermutation / group * group
    for left in stride(from: 0, to: weights.columns, by: window) {
      let columns = Array(left..<min(left + window, weights.columns))
      var search = ChannelPermutation(
        scores: Self.columns(of: masked, width: weights.columns, columns), rows: weights.rows,
        columns: columns.count, kept: kept, group: group)
      let finished = search.search(
        escapes: Self.escapes(rows: weights.rows, columns: columns.count), seed: knobs.seed
      ) { share in
        report.keptAfter = max(before, share * (masked == scores ? 1 : before))
        report.elapsedNs = nanoseconds() - start
        return progress(report)
      }
      report.swaps += search.swaps
      report.rounds += search.rounds
      order += search.order.map { $0 + left }
      guard finished else { throw .cancelled(tensor: tensor) }
    }
    var layout = Layout(order: MatrixOrder(columns: order), report: report)
    let reached = try scoredShare(scores, knobs, layout.order, total: total)
    if reached <= before { layout.order = MatrixOrder() }
    layout.report.keptAfter = max(before, reached)
    layout.report.elapsedNs = nanoseconds() - start
    return layout
  }

  /// Escapes are worth a few percent of the gain; they stop where one costs tens of milliseconds.
  private static func escapes(rows: Int, columns: Int) -> Int {
    let cost = Double(columns) * Double(columns) * Double(rows)
    return cost > 1e8 ? 0 : min(200, Int(2e8 / max(cost, 1e6)))
  }

  private static func columns(of scores: [Float], width: Int, _ columns: [Int]) -> [Float] {
    if columns.count == width { return scores }
    var result: [Float] = []
    result.reserveCapacity(scores.count / width * columns.count)
    for row in 0..<scores.count / width {
      for column in columns { result.append(scores[row * width + column]) }
    }
    return result
  }

  /// What the pattern keeps of the score in a layout.
  private func scoredShare(
    _ scores: [Float], _ knobs: Knobs, _ order: MatrixOrder, total: Double
  ) throws(PruningError) -> Double {
    let layer = try ScoredLayer(
      source: source, pattern: knobs.pattern, criterion: try source.criterion(knobs),
      regularizer: .none, order: order, rowsShare: knobs.rowsShare, seed: knobs.seed)
    return share(of: scores, in: try decide(layer, knobs).mask, total: total)
  }

  private func share(of scores: [Float], in mask: Mask, total: Double) -> Double {
    guard total > 0 else { return 1 }
    var sum = 0.0
    for row in 0..<mask.rows {
      for column in 0..<mask.columns where mask[row, column] {
        sum += Double(scores[row * mask.columns + column])
      }
    }
    return sum / total
  }
}

/// What a layout depends on.
struct LayoutKey: Hashable {
  var pattern: Pattern
  var criterion: Criterion
  var axes: ReorderAxes
  var polish: Bool
  var sparsity: Double
  var seed: UInt64
}
