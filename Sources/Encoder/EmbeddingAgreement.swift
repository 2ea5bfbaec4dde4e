import Kernels
public import Tensors

/// How well embeddings of a changed model agree with those of the original: proxies, without labels.
public struct EmbeddingAgreement: Hashable, Sendable {
  /// Mean cosine of the two embeddings of a text, -1...1.
  public var cosine: Double
  /// Spearman correlation of the two similarity matrices, over pairs of different texts; nil for
  /// fewer than three texts or where all similarities are equal.
  public var rankCorrelation: Double?
  /// Share of texts whose nearest neighbour is the same text in both; nil for fewer than two texts.
  public var neighbourAgreement: Double?

  /// Compares `[texts, features]` with `[texts, features]`.
  ///
  /// Similarity is the cosine. Ties share the mean of their ranks; of equally near neighbours the
  /// first counts. A NaN anywhere makes what depends on it NaN, and neighbours of NaN never agree.
  /// - Precondition: equal shapes.
  /// - Complexity: O(texts² · (features + log texts)).
  public init(_ changed: Matrix, original: Matrix, threads: Int = 1) {
    precondition(
      changed.rows == original.rows && changed.columns == original.columns,
      "\(changed.rows)x\(changed.columns) against \(original.rows)x\(original.columns)")
    let a = Self.normalized(changed)
    let b = Self.normalized(original)
    var sum = 0.0
    for index in a.values.indices { sum += Double(a.values[index]) * Double(b.values[index]) }
    cosine = a.rows == 0 ? 1 : sum / Double(a.rows)
    let left = Product.multiply(a, a, transposeB: true, threads: threads)
    let right = Product.multiply(b, b, transposeB: true, threads: threads)
    rankCorrelation = Self.spearman(Self.upperTriangle(left), Self.upperTriangle(right))
    if a.rows < 2 {
      neighbourAgreement = nil
    } else {
      let same = (0..<a.rows).count {
        let (mine, theirs) = (Self.nearest(left, $0), Self.nearest(right, $0))
        return mine != nil && mine == theirs
      }
      neighbourAgreement = Double(same) / Double(a.rows)
    }
  }

  private static func normalized(_ matrix: Matrix) -> Matrix {
    var result = matrix
    for row in 0..<matrix.rows {
      let range = row * matrix.columns..<(row + 1) * matrix.columns
      let squares = matrix.values[range].reduce(0.0) { $0 + Double($1) * Double($1) }
      let scale = 1 / max(squares.squareRoot(), 1e-30)
      for index in range { result.values[index] = Float(Double(matrix.values[index]) * scale) }
    }
    return result
  }

  private static func upperTriangle(_ matrix: Matrix) -> [Float] {
    (0..<matrix.rows).flatMap { row in (row + 1..<max(row + 1, matrix.rows)).map { matrix[row, $0] }
    }
  }

  private static func nearest(_ similarity: Matrix, _ row: Int) -> Int? {
    var best: Int?
    for column in 0..<similarity.columns where column != row {
      let value = similarity[row, column]
      if value.isNaN { return nil }
      if best.map({ value > similarity[row, $0] }) ?? true { best = column }
    }
    return best
  }

  /// Spearman's rank correlation; ties share the mean of their ranks.
  static func spearman(_ a: [Float], _ b: [Float]) -> Double? {
    if a.count < 3 { return nil }
    if a.contains(where: \.isNaN) || b.contains(where: \.isNaN) { return .nan }
    let (x, y) = (ranks(a), ranks(b))
    let mean = Double(a.count - 1) / 2
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for index in x.indices {
      xy += (x[index] - mean) * (y[index] - mean)
      xx += (x[index] - mean) * (x[index] - mean)
      yy += (y[index] - mean) * (y[index] - mean)
    }
    return xx == 0 || yy == 0 ? nil : xy / (xx * yy).squareRoot()
  }

  private static func ranks(_ values: [Float]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var end = first + 1
      while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
      for place in first..<end { ranks[order[place]] = Double(first + end - 1) / 2 }
      first = end
    }
    return ranks
  }
}
