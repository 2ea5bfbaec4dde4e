/// How alike two orders are.
public enum RankCorrelation {
  /// Spearman's ρ: the correlation of ranks, equal values sharing the mean of theirs.
  ///
  /// - Returns: nil for fewer than three pairs, for a NaN, and where all values of one side are equal.
  /// - Precondition: as many values on both sides.
  /// - Complexity: O(n·log n).
  public static func spearman(_ a: [Double], _ b: [Double]) -> Double? {
    precondition(a.count == b.count, "\(a.count) against \(b.count) values")
    guard a.count >= 3, !a.contains(where: \.isNaN), !b.contains(where: \.isNaN) else { return nil }
    let (left, right) = (ranks(a), ranks(b))
    let mean = Double(a.count + 1) / 2
    var (cross, squaresLeft, squaresRight) = (0.0, 0.0, 0.0)
    for index in left.indices {
      let (x, y) = (left[index] - mean, right[index] - mean)
      cross += x * y
      squaresLeft += x * x
      squaresRight += y * y
    }
    guard squaresLeft > 0, squaresRight > 0 else { return nil }
    return cross / (squaresLeft * squaresRight).squareRoot()
  }

  /// From 1; equal values share the mean of their ranks.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }
}

extension ProxyAgreement {
  /// How the cheap proxies rank the judged settings of each tensor compared with its held-out output
  /// error, averaged over tensors: among all settings, at each sparsity that was asked for, and within one
  /// criterion.
  ///
  /// Only within one tensor: errors of different tensors are on different scales.
  public static func againstOutputError(_ cells: [JudgedCell]) -> [ProxyAgreement] {
    let judged = cells.filter { $0.judgement?.headlineError != nil }
    let target = Proxy.outputError.rawValue
    var result: [ProxyAgreement] = []
    func add(_ among: String, _ part: [JudgedCell], _ group: (JudgedCell) -> String) {
      let groups = Dictionary(grouping: part, by: group)
      for proxy in Proxy.allCases where proxy != .outputError {
        var found: [Double] = []
        var settings = 0
        for key in groups.keys.sorted() {
          let pairs = groups[key]!.compactMap { cell -> (Double, Double)? in
            guard let judgement = cell.judgement, let value = proxy.value(judgement),
              let error = judgement.headlineError
            else { return nil }
            return (proxy.risesWithQuality ? value : -value, -error)
          }
          if let rho = RankCorrelation.spearman(pairs.map(\.0), pairs.map(\.1)) {
            found.append(rho)
            settings += pairs.count
          }
        }
        result.append(
          ProxyAgreement(
            proxy: proxy, target: target, among: among,
            correlation: found.isEmpty ? nil : found.reduce(0, +) / Double(found.count),
            settings: found.isEmpty ? 0 : settings / found.count, rankings: found.count))
      }
    }
    add("all settings", judged) { $0.cell.tensor }
    let sparsities = Set(judged.compactMap { $0.cell.knobs.requestedSparsity }).sorted()
    for sparsity in sparsities where sparsities.count > 1 {
      add(
        "sparsity \(NumberText.shortest(sparsity))",
        judged.filter { $0.cell.knobs.requestedSparsity == sparsity }
      ) { $0.cell.tensor }
    }
    if Set(judged.compactMap { $0.judgement?.criterion }).count > 1 {
      add("one criterion", judged) {
        $0.cell.tensor + "\n" + ($0.judgement?.criterion.rawValue ?? "")
      }
    }
    return result
  }

  /// How the proxies, averaged over tensors, rank whole-model settings compared with the end-to-end
  /// cosine: among all of them and at each sparsity.
  ///
  /// - Parameter settings: what each setting's judged tensors are, and its cosine.
  public static func againstCosine(
    _ settings: [(cells: [JudgedCell], cosine: Double)]
  ) -> [ProxyAgreement] {
    func mean(_ proxy: Proxy, _ cells: [JudgedCell]) -> Double? {
      let values = cells.compactMap { $0.judgement.flatMap(proxy.value) }
      guard values.count == cells.count, !values.isEmpty else { return nil }
      return values.reduce(0, +) / Double(values.count)
    }
    var result: [ProxyAgreement] = []
    func add(_ among: String, _ part: [(cells: [JudgedCell], cosine: Double)]) {
      for proxy in Proxy.allCases {
        let pairs = part.compactMap { setting -> (Double, Double)? in
          mean(proxy, setting.cells).map {
            (proxy.risesWithQuality ? $0 : -$0, setting.cosine)
          }
        }
        let rho = RankCorrelation.spearman(pairs.map(\.0), pairs.map(\.1))
        result.append(
          ProxyAgreement(
            proxy: proxy, target: "end-to-end cosine", among: among, correlation: rho,
            settings: pairs.count, rankings: rho == nil ? 0 : 1))
      }
    }
    add("all settings", settings)
    let sparsities = Set(settings.compactMap { $0.cells.first?.cell.knobs.requestedSparsity })
    for sparsity in sparsities.sorted() where sparsities.count > 1 {
      add(
        "sparsity \(NumberText.shortest(sparsity))",
        settings.filter { $0.cells.first?.cell.knobs.requestedSparsity == sparsity })
    }
    return result
  }
}
