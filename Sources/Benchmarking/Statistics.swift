public import Experiments
internal import Glibc

/// Statistics of small samples from an unknown, skewed distribution: ranks, no normality.
public enum Statistics {
  /// The middle value, or the mean of the two middle ones; NaN for no values.
  public static func median(_ values: [Double]) -> Double { quantile(values, 0.5) }

  /// The `fraction` quantile, linear between ranks (type 7 of Hyndman & Fan 1996).
  public static func quantile(_ values: [Double], _ fraction: Double) -> Double {
    quantile(sorted: values.sorted(), fraction)
  }

  /// The same of values that are already ascending.
  public static func quantile(sorted values: [Double], _ fraction: Double) -> Double {
    guard let last = values.indices.last else { return .nan }
    let position = Double(last) * min(max(fraction, 0), 1)
    let lower = Int(position)
    guard lower < last else { return values[last] }
    let part = position - Double(lower)
    return part == 0 ? values[lower] : values[lower] + part * (values[lower + 1] - values[lower])
  }

  /// The median with its interval from order statistics: distribution-free, asymmetric where the
  /// samples are (Hoefler & Belli 2015, rule 6).
  ///
  /// The interval runs from the k-th smallest to the k-th largest value, `k` the largest for which
  /// `P(Binomial(n, 1/2) < k)` is at most half of `1 - confidence`: it covers the median at least that
  /// often for independent samples. Fewer values than that rule needs (6 at 95 %) have no such
  /// interval: nil.
  public static func medianInterval(_ values: [Double], confidence: Double = 0.95) -> Interval? {
    medianInterval(sorted: values.sorted(), confidence: confidence)
  }

  /// The same of values that are already ascending.
  public static func medianInterval(
    sorted values: [Double], confidence: Double = 0.95
  ) -> Interval? {
    let rank = medianRank(count: values.count, confidence: confidence)
    guard rank >= 1 else { return nil }
    return Interval(
      estimate: quantile(sorted: values, 0.5), low: values[rank - 1],
      high: values[values.count - rank])
  }

  /// The `k` of `medianInterval`; 0 where there is none. Complexity: O(count).
  static func medianRank(count: Int, confidence: Double) -> Int {
    let tail = (1 - confidence) / 2
    var logarithm = -Double(count) * 0.693_147_180_559_945_3
    var cumulative = 0.0
    var rank = 0
    while rank < count {
      cumulative += exp(logarithm)
      if cumulative > tail { break }
      logarithm += log(Double(count - rank) / Double(rank + 1))
      rank += 1
    }
    return min(rank, (count + 1) / 2)
  }

  /// An interval for the centre of two to five positive values, where order statistics give none:
  /// Student's t of the logarithms. Wide, as it should be. Nil outside two to five values.
  static func fewValuesInterval(_ values: [Double]) -> Interval? {
    let critical = [12.706, 4.303, 3.182, 2.776]
    guard (2...5).contains(values.count), values.allSatisfy({ $0 > 0 }) else { return nil }
    let logarithms = values.map { log($0) }
    let count = Double(values.count)
    let mean = logarithms.reduce(0, +) / count
    let variance = logarithms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let half = critical[values.count - 2] * (variance / count).squareRoot()
    let centre = median(values)
    return Interval(
      estimate: centre, low: min(centre, exp(mean - half)), high: max(centre, exp(mean + half)))
  }

  /// How many values lie far out: modified z-score above 3.5 (Iglewicz & Hoaglin 1993), which rests on
  /// the median absolute deviation, or on the mean one where more than half of the values are equal.
  public static func outliers(_ values: [Double]) -> Int {
    guard values.count >= 3 else { return 0 }
    let centre = median(values)
    let deviations = values.map { abs($0 - centre) }
    var scale = median(deviations) * 1.4826
    if scale == 0 { scale = deviations.reduce(0, +) / Double(values.count) * 1.2533 }
    guard scale > 0 else { return 0 }
    return deviations.count { $0 > 3.5 * scale }
  }
}
