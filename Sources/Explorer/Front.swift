internal import CellUI
internal import Experiments

/// The points that no other beats on both axes, in order of the horizontal one, and their knee.
struct Front {
  /// Indices of the points, ascending along the horizontal axis.
  var members: [Int] = []
  /// Member furthest beyond the line between the two ends on its better side, both axes scaled to
  /// 0...1 and quantities that are compared by ratios (times, bytes, speedups) by their logarithm;
  /// nil below three members and for a front that nowhere bulges to that side.
  var knee: Int?

  /// - Complexity: O(n log n).
  init(_ points: [TradeOffPoint], _ x: ResultColumn, _ y: ResultColumn) {
    let xSign = Self.isBetterLarge(x) ? 1.0 : -1
    let ySign = Self.isBetterLarge(y) ? 1.0 : -1
    func value(_ index: Int) -> (Double, Double) {
      ((points[index].row[x].number ?? .nan) * xSign, (points[index].row[y].number ?? .nan) * ySign)
    }
    // From the best on x downwards, a point is on the front if it is better on y than all before.
    let order = points.indices.filter { !value($0).0.isNaN && !value($0).1.isNaN }.sorted { a, b in
      let (p, q) = (value(a), value(b))
      return p.0 != q.0 ? p.0 > q.0 : p.1 != q.1 ? p.1 > q.1 : a < b
    }
    var best = -Double.infinity
    for index in order where value(index).1 > best {
      best = value(index).1
      members.append(index)
    }
    if xSign > 0 { members.reverse() }
    guard members.count >= 3, let first = members.first, let last = members.last else { return }
    func place(_ index: Int) -> (Double, Double) {
      let row = points[index].row
      return (
        Self.scaled(x, row[x].number ?? .nan) * xSign, Self.scaled(y, row[y].number ?? .nan) * ySign
      )
    }
    let (from, to) = (place(first), place(last))
    let (width, height) = (to.0 - from.0, to.1 - from.1)
    guard width != 0, height != 0, width.isFinite, height.isFinite else { return }
    var furthest = 0.0
    for index in members.dropFirst().dropLast() {
      let point = place(index)
      // Along the front one figure gets better as the other gets worse: a good point has much of
      // the first for little of the second.
      let (across, down) = ((point.0 - from.0) / width, (point.1 - from.1) / height)
      let distance = width > 0 ? across - down : down - across
      if distance > furthest {
        furthest = distance
        knee = index
      }
    }
  }

  private static func scaled(_ column: ResultColumn, _ value: Double) -> Double {
    switch column {
    case .speedup, .sparseNs, .denseNs, .packNs, .bytesSparse, .bytesDense, .flopsExecuted,
      .flopsUseful, .nnz:
      Scale(.logarithmic, from: 1, to: 2).fraction(value) ?? .nan
    default: value
    }
  }

  static func isBetterLarge(_ column: ResultColumn) -> Bool {
    switch column {
    case .speedup, .keptEnergy, .keptL1, .cosine, .sparsityAchieved, .rankCorrelation,
      .neighbourAgreement:
      true
    default: false
    }
  }

  /// What the front says about a point, and where its knee is.
  func sentence(_ index: Int, _ points: [TradeOffPoint], _ state: State) -> String {
    var text: String
    if members.contains(index) {
      text = "On the front: nothing measured is better on both axes."
    } else {
      let (x, y) = (state.choices.tradeOffX, state.choices.tradeOffY)
      let xSign = Self.isBetterLarge(x) ? 1.0 : -1
      let ySign = Self.isBetterLarge(y) ? 1.0 : -1
      func value(_ index: Int, _ column: ResultColumn) -> Double {
        points[index].row[column].number ?? .nan
      }
      let better = members.first {
        value($0, x) * xSign >= value(index, x) * xSign
          && value($0, y) * ySign >= value(index, y) * ySign
      }
      if let better, Self.label(points[better].row) == Self.label(points[index].row) {
        text = "The same choice was measured twice; the other time is on the front."
      } else {
        text =
          better.map { "Beaten on both axes by \(Self.name(points[$0].row))." }
          ?? "Behind the front."
      }
    }
    if let knee, knee != index { text += " The knee is \(Self.name(points[knee].row))." }
    if knee == index { text += " It is the knee." }
    // A whole model is a choice for each layer, which its row only names.
    return points[index].row[.tensor] == .text("*") ? text : text + " Enter restores it."
  }

  private static func label(_ row: ResultRow) -> String {
    "\(row[.pattern].text) at \(Figures.percent(row[.sparsityAchieved].number, places: 0))"
  }

  private static func name(_ row: ResultRow) -> String {
    "\(label(row)) (\(Figures.ratio(row[.speedup].number)))"
  }
}
